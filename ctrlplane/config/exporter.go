package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/formats"
)

func (k *checker) exporters(c *Config) {
	if len(c.Exporters) == 0 {
		k.report("exporter", "the flows go nowhere",
			`add an [[exporter]] with a format and a place, for example to = "udp://127.0.0.1:4739"`)
	}
	names, files := map[string]bool{}, map[string]bool{}
	for i := range c.Exporters {
		e, key := &c.Exporters[i], fmt.Sprintf("exporter[%d]", i)
		k.unique(key+".name", e.Name, names)
		if len(e.Name) > longestName {
			k.report(key+".name", fmt.Sprintf("the name has %d octets", len(e.Name)),
				fmt.Sprintf("write %d at most", longestName))
		}
		k.format(key, e)
		k.targets(key, e, files)
		k.template(key, e)
		k.withheld(key, c, e)
		k.condition(key, e)
		if e.Pseudonyms != "" {
			k.exists(key+".pseudonym_key", e.Pseudonyms)
		}
		k.spread(key, e)
		k.records(key, c, e)
		k.command(key, c, e)
	}
}

// longestName leaves room for the number of a place where counters are kept by name.
const longestName = 56

// condition compiles the filter of an exporter.
func (k *checker) condition(key string, e *Exporter) {
	if e.Filter == "" || k.checks.Schema == nil {
		return
	}
	if _, err := condition.Compile(e.Filter, k.checks.Schema); err != nil {
		k.fault(key+".filter", err)
	}
}

// spread checks what only several places can have.
func (k *checker) spread(key string, e *Exporter) {
	none := DefaultExporter()
	if len(e.To) == 1 {
		k.idle(key, "spread", e, &none, "has no effect: there is one place")
		k.idle(key, "failover", e, &none, "has no effect: there is one place")
	}
	if e.Spread == "replicate" {
		k.idle(key, "failover", e, &none, `has no effect with spread = "replicate": every place gets everything`)
	}
}

// format reports settings that do nothing in the format.
func (k *checker) format(key string, e *Exporter) {
	none := DefaultExporter()
	wrong := fmt.Sprintf("has no effect with format %q", e.Format)
	if e.Format != "ipfix" {
		k.idle(key, "biflow", e, &none, wrong+", where nProbe's convention is the only one")
	}
	if e.Format != "ipfix" && e.Format != "netflow9" {
		for _, name := range strings.Fields("domain template_refresh template_refresh_messages options_interval") {
			k.idle(key, name, e, &none, wrong)
		}
	}
	f := formats.Named(e.Format)
	if f == nil || !f.Lines {
		k.idle(key, "rotate_lines", e, &none, wrong+", which has no lines")
	}
	if f != nil && f.Fixed != nil {
		k.idle(key, "template", e, &none, wrong+", whose columns are fixed")
	}
	if e.Format != "netflow5" {
		k.idle(key, "engine_type", e, &none, wrong)
		k.idle(key, "engine_id", e, &none, wrong)
		return
	}
	k.idle(key, "template", e, &none, wrong+", whose record is fixed")
}

// template asks the schema about the fields of a record, and the format whether it can carry them.
func (k *checker) template(key string, e *Exporter) {
	if e.Template == "" || k.checks.Schema == nil || e.Format == "netflow5" {
		return
	}
	t, err := k.checks.Schema.Template(e.Template)
	if err == nil && k.checks.Format != nil && !k.bad[key+".format"] {
		err = k.checks.Format(e.Format, t)
	}
	if err == nil && slices.Contains(e.Records, "statistics") {
		k.stated(key, t)
	}
	if err != nil {
		wrong := slices.Compact(strings.Split(err.Error(), "\n")) // a format may say so for IPv4 and IPv6
		k.report(key+".template", strings.Join(wrong, ", "), `"weir fields" lists all fields`)
	}
}

// stated reports fields that are about flows in a template for statistics.
func (k *checker) stated(key string, t *flow.Template) {
	for _, f := range t.Fields {
		own := slices.Contains(flow.OfStatistics(), f)
		if name := f.Key(); !own && !strings.HasPrefix(name, "RECORD_") && name != "SCHEMA_VERSION" {
			k.report(key+".template", name+" says nothing of statistics",
				"leave it out; without a template there are all fields of statistics")
		}
	}
}

// directory checks that a file can be made where it shall be.
func (k *checker) directory(key, path string) {
	dir := filepath.Dir(path)
	s, err := os.Stat(dir)
	switch {
	case err != nil:
		k.report(key, fmt.Sprintf("directory %s cannot be used: %s", dir, cause(err)),
			"make it first: mkdir -p "+dir)
	case !s.IsDir():
		k.report(key, dir+" is not a directory", "name a file in a directory")
	}
	if s, err := os.Stat(path); err == nil && s.IsDir() {
		k.report(key, path+" is a directory", "name the file in it")
	}
}
