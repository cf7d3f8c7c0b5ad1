package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
		k.format(key, e)
		k.targets(key, e, files)
		k.template(key, e)
		k.withheld(key, c, e)
		k.records(key, c, e)
		k.command(key, c, e)
	}
}

// lined are the formats with a line for each record.
var lined = []string{"json", "text", "table", "log", "dns-log", "http-log"}

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
	if !slices.Contains(lined, e.Format) {
		k.idle(key, "rotate_lines", e, &none, wrong+", which has no lines")
	}
	if strings.HasSuffix(e.Format, "-log") {
		k.idle(key, "template", e, &none, wrong+", whose columns are fixed")
	}
	if e.Format != "netflow5" {
		k.idle(key, "engine_type", e, &none, wrong)
		k.idle(key, "engine_id", e, &none, wrong)
		return
	}
	k.idle(key, "template", e, &none, wrong+", whose record is fixed")
}

// targets checks the places an exporter delivers to. files are those that have a writer.
func (k *checker) targets(key string, e *Exporter, files map[string]bool) {
	if len(e.To) == 0 {
		k.report(key+".to", "the exporter has no place to deliver to",
			`set to, for example to = "udp://127.0.0.1:4739"`)
	}
	network, file := false, false
	for i, to := range e.To {
		place := at(key+".to", i, len(e.To))
		t, err := ParseTarget(to)
		if err != nil {
			k.fault(place, err)
			network, file = true, true // whatever it was meant to be
			continue
		}
		network, file = network || t.Network != "", file || t.Network == "" && to != "-"
		if strings.HasPrefix(e.Format, "netflow") && t.Network != "udp" {
			k.report(place, fmt.Sprintf("%s cannot go to %s: NetFlow is for datagrams", e.Format, to),
				`use udp://, or format = "ipfix"`)
		}
		to = t.Address
		if files[to] {
			k.report(place, to+" is written to twice", "give each exporter its own place")
		}
		files[to] = t.Network == ""
		if t.Network == "" && to != "-" {
			k.directory(place, to)
		}
	}
	none := DefaultExporter()
	if !network && len(e.To) > 0 {
		k.idle(key, "source", e, &none, "has no effect on a file")
	}
	if !file && len(e.To) > 0 {
		for _, name := range strings.Fields("rotate_size rotate_interval rotate_lines nested command") {
			k.idle(key, name, e, &none, "needs a file to write to")
		}
	}
	if _, err := ParseSource(e.Source); e.Source != "" && err != nil {
		k.fault(key+".source", err)
	}
}

// fault reports an error of ParseTarget or ParseSource.
func (k *checker) fault(key string, err error) {
	f := &fault{}
	errors.As(err, &f)
	k.report(key, f.wrong, f.fix)
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
	if err != nil {
		wrong := slices.Compact(strings.Split(err.Error(), "\n")) // a format may say so for IPv4 and IPv6
		k.report(key+".template", strings.Join(wrong, ", "), `"weir fields" lists all fields`)
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
