package config

import (
	"fmt"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Checks is what a build of weir can judge beyond the configuration language. What is
// absent is not judged.
type Checks struct {
	Schema *flow.Schema                                // knows the fields of templates
	Filter func(expr string) error                     // compiles a capture filter
	Format func(format string, t *flow.Template) error // tells what a format cannot carry
	Idle   bool                                        // a probe without inputs and exporters waits to be set up
}

// Validate returns every problem of a configuration that was not read from a file.
func (c *Config) Validate(checks Checks) Problems {
	k := newChecker("", checks)
	k.validate(c)
	return k.problems
}

func (k *checker) validate(c *Config) {
	if c.Schema != Schema {
		k.report("schema", fmt.Sprintf("version %d of the configuration is not known", c.Schema),
			fmt.Sprintf("write schema = %d, or use the release of weir it was written for", Schema))
	}
	k.constraints("", reflect.ValueOf(c).Elem())
	if k.checks.Idle && c.Idle() {
		k.bad["input"], k.bad["exporter"] = true, true
	}
	k.inputs(c)
	k.collectors(c)
	for _, db := range []struct{ key, path string }{{"geoip.city", c.GeoIP.City}, {"geoip.asn", c.GeoIP.ASN}} {
		if db.path != "" {
			k.exists(db.key, db.path)
		}
	}
	k.applications(c)
	k.calls(c)
	k.users(c)
	k.aggregates(c)
	k.commands(c)
	k.exporters(c)
	k.policy(c)
	k.listen("metrics.listen", c.Metrics.Listen)
	k.management(c)
}

// Idle reports whether there is neither anything to meter nor anybody to tell.
func (c *Config) Idle() bool { return len(c.Inputs) == 0 && len(c.Exporters) == 0 }

// listen checks an address and port of this machine.
func (k *checker) listen(key, address string) {
	if address == "" {
		return
	}
	host, port, err := net.SplitHostPort(address)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 || strings.ContainsAny(host, " /") {
		k.report(key, fmt.Sprintf("%q is not an address and a port", address),
			`write it like "127.0.0.1:9469", or ":9469" for all addresses`)
	}
}

// Complete gives inputs and exporters without a name one that says what they are.
func (c *Config) Complete() {
	taken := map[string]bool{}
	for i := range c.Inputs {
		taken[c.Inputs[i].Name] = true
	}
	for i := range c.Inputs {
		n := &c.Inputs[i]
		from := n.Port + n.Interface
		if from == "" && len(n.Capture) > 0 {
			from = filepath.Base(n.Capture[0])
		}
		n.Name = unique(n.Name, from, taken)
	}
	clear(taken)
	for i := range c.Collectors {
		taken[c.Collectors[i].Name] = true
	}
	for i := range c.Collectors {
		c.Collectors[i].Name = unique(c.Collectors[i].Name, "collector", taken)
	}
	clear(taken)
	for i := range c.Aggregates {
		taken[c.Aggregates[i].Name] = true
	}
	for i := range c.Aggregates {
		c.Aggregates[i].Name = unique(c.Aggregates[i].Name, "aggregate", taken)
	}
	clear(taken)
	for i := range c.Exporters {
		taken[c.Exporters[i].Name] = true
	}
	for i := range c.Exporters {
		e := &c.Exporters[i]
		e.Name = unique(e.Name, e.Format, taken)
	}
}

// unique returns name, or if it is empty one made from another word.
func unique(name, from string, taken map[string]bool) string {
	if name != "" {
		return name
	}
	name = from
	for i := 2; taken[name]; i++ {
		name = from + "-" + strconv.Itoa(i)
	}
	taken[name] = true
	return name
}

// constraints checks the words and ranges that the tags of a struct demand, and what tables of
// other packages demand themselves.
func (k *checker) constraints(path string, v reflect.Value) {
	for _, m := range members(v) {
		f, key := m.value, join(path, m.name)
		switch {
		case f.Kind() == reflect.Struct:
			k.constraints(key, f)
			k.own(key, f)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			for j := range f.Len() {
				k.constraints(fmt.Sprintf("%s[%d]", key, j), f.Index(j))
				k.own(fmt.Sprintf("%s[%d]", key, j), f.Index(j))
			}
		case m.tag.Get("one") != "":
			k.oneOf(key, f, strings.Fields(m.tag.Get("one")))
		case m.tag.Get("in") != "":
			k.within(key, f, m.tag.Get("in"))
		}
	}
}

// own asks a table that can check itself. Its error begins with the key it is about, if it is
// about one, and has what to do behind a semicolon.
func (k *checker) own(key string, v reflect.Value) {
	c, ok := v.Addr().Interface().(interface{ Check() error })
	if !ok {
		return
	}
	err := c.Check()
	if err == nil {
		return
	}
	word, _, _ := strings.Cut(err.Error(), " ")
	if find(members(v), strings.TrimSuffix(word, ":")) != nil {
		key = join(key, strings.TrimSuffix(word, ":"))
	}
	k.fault(key, err)
}

// oneOf checks a word or a list of words.
func (k *checker) oneOf(key string, v reflect.Value, words []string) {
	given, ok := v.Interface().([]string)
	if !ok {
		given = []string{v.String()}
	}
	for i, w := range given {
		if !slices.Contains(words, w) {
			k.report(at(key, i, len(given)), fmt.Sprintf("%q is not known", w), suggest(w, words, "write one of "))
		}
		if slices.Contains(given[:i], w) {
			k.report(at(key, i, len(given)), fmt.Sprintf("%q stands there twice", w), "write it once")
		}
	}
}

// within checks a number, size or duration against a range like "1s..24h".
func (k *checker) within(key string, v reflect.Value, limits string) {
	low, high, _ := strings.Cut(limits, "..")
	var n, least, most int64
	switch v.Interface().(type) {
	case time.Duration:
		a, _ := time.ParseDuration(low)
		b, _ := time.ParseDuration(high)
		n, least, most = v.Int(), int64(a), int64(b)
	default:
		a, _ := ParseSize(low)
		b, _ := ParseSize(high)
		least, most = int64(a), int64(b)
		if v.CanUint() {
			n = int64(v.Uint())
		} else {
			n = v.Int()
		}
	}
	if n < least || n > most {
		k.outOfRange(key, v.Interface(), low, high)
	}
}
