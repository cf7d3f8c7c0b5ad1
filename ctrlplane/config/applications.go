package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/formats"
)

// Withheld returns the labels of fields that are not exported unless the configuration
// says so, because they may hold secrets, or are what people say to each other.
func (a *Apps) Withheld() (labels []string) {
	if !a.RawCookies {
		labels = append(labels, "HTTP_COOKIE_RAW")
	}
	if !a.PostParams {
		labels = append(labels, "HTTP_POST_PARAMS")
	}
	if !a.MailHeaders {
		labels = append(labels, "MAIL_SUBJECT", "MAIL_MESSAGE_ID", "MAIL_FROM")
	}
	return labels
}

// Dissectors returns those that look into flows: none, or all that are not off.
func (a *Apps) Dissectors() (used []*app.Dissector) {
	for _, d := range app.All {
		if a.Streams > 0 && !slices.Contains(a.Off, d.Name) {
			used = append(used, d)
		}
	}
	return used
}

// Placed returns those that workers have, used or not, in the order of their numbers: none, or all.
func (a *Apps) Placed() []*app.Dissector {
	if a.Streams == 0 {
		return nil
	}
	return app.All
}

func (k *checker) applications(c *Config) {
	a := &c.Apps
	var names []string
	for _, d := range app.All {
		names = append(names, d.Name)
	}
	for _, list := range []struct {
		key   string
		given []string
	}{{"applications.off", a.Off}, {"applications.early_events", a.Early}} {
		for i, name := range list.given {
			if !slices.Contains(names, name) {
				k.report(at(list.key, i, len(list.given)), fmt.Sprintf("dissector %q is not known", name),
					suggest(name, names, "the dissectors are "))
			}
		}
	}
	for i, path := range a.Services {
		k.exists(at("applications.services", i, len(a.Services)), path)
	}
	if a.MalformedTotal < 2*a.MalformedFile {
		k.report("applications.malformed_total_size",
			fmt.Sprintf("%v is not enough for two files of %v", a.MalformedTotal, a.MalformedFile),
			"make it larger, or the files smaller")
	}
	if s, err := os.Stat(a.Malformed); err == nil && !s.IsDir() {
		k.report("applications.malformed_dir", a.Malformed+" is not a directory", "name a directory")
	}
}

// records checks that an exporter can have the records it asks for.
func (k *checker) records(key string, c *Config, e *Exporter) {
	known := egress.Kinds()
	used := slices.DeleteFunc(slices.Clone(known), func(kind string) bool {
		is := func(d *app.Dissector) bool { return d.Name == kind }
		return slices.ContainsFunc(app.All, is) && !slices.ContainsFunc(c.Apps.Dissectors(), is)
	})
	for i, kind := range e.Records {
		place := at(key+".records", i, len(e.Records))
		switch {
		case !slices.Contains(known, kind):
			k.report(place, fmt.Sprintf("records %q are not known", kind), suggest(kind, known, "write some of "))
		case slices.Contains(e.Records[:i], kind):
			k.report(place, fmt.Sprintf("%q stands there twice", kind), "write it once")
		case kind != "flow" && e.Format == "netflow5":
			k.report(place, fmt.Sprintf("netflow5 has no way to say what %q is", kind), `use format = "ipfix"`)
		case kind == "statistics" && len(e.Records) > 1:
			k.report(place, "statistics share no fields with other records", "give them an [[exporter]] of their own")
		case kind == "alert" && !c.Policy.Given():
			k.report(place, "an exporter wants alerts, but there is no policy to raise any", "write [policy] with a file")
		case !slices.Contains(used, kind):
			k.report(place, fmt.Sprintf("there are no events of %s: its dissector is off", kind), turnOn)
		}
	}
	if f := formats.Named(e.Format); f != nil && f.Layout != nil {
		k.fixed(key, e, f.Layout.Records, used)
	}
}

// fixed checks the records of a format that is about the events of some dissectors.
func (k *checker) fixed(key string, e *Exporter, own, used []string) {
	for i, kind := range e.Records {
		if !slices.Contains(own, kind) {
			wrong := fmt.Sprintf("a %s is about %s", e.Format, strings.Join(own, " and "))
			k.report(at(key+".records", i, len(e.Records)), wrong, fmt.Sprintf("remove it, or write some of %q", own))
		}
	}
	if !slices.ContainsFunc(own, func(kind string) bool { return slices.Contains(used, kind) }) {
		k.report(key+".format", fmt.Sprintf("a %s stays empty: the dissector %s is off", e.Format, own[0]), turnOn)
	}
}

const turnOn = "take it out of off, and set streams to more than 0, in [applications]"

// withheld reports fields of a template that the configuration keeps back.
func (k *checker) withheld(key string, c *Config, e *Exporter) {
	if k.checks.Schema == nil || e.Template == "" {
		return
	}
	t, err := k.checks.Schema.Template(e.Template)
	if err != nil {
		return // said elsewhere
	}
	options := map[string]string{"HTTP_COOKIE_RAW": "raw_cookies", "HTTP_POST_PARAMS": "post_parameters",
		"MAIL_SUBJECT": "mail_headers", "MAIL_MESSAGE_ID": "mail_headers", "MAIL_FROM": "mail_headers"}
	for _, label := range c.Apps.Withheld() {
		f := k.checks.Schema.Named(label)
		if f != nil && slices.Contains(t.Fields, f) && !strings.Contains(e.Template, "@FULL@") {
			k.report(key+".template", label+" is kept back, because it may hold secrets",
				fmt.Sprintf("leave it out, or set %s = true in [applications]", options[label]))
		}
	}
}

// commands checks the programs that may run.
func (k *checker) commands(c *Config) {
	for i, path := range c.Logs.Commands {
		k.program(at("logs.commands", i, len(c.Logs.Commands)), path)
	}
}

// program checks that a path is that of a program.
func (k *checker) program(key, path string) {
	s, err := os.Stat(path)
	switch {
	case !filepath.IsAbs(path):
		k.report(key, fmt.Sprintf("%q is not an absolute path", path), "write the path from / on")
	case err != nil:
		k.report(key, fmt.Sprintf("%s cannot be run: %s", path, cause(err)), "name a program that exists")
	case !s.Mode().IsRegular() || s.Mode()&0o111 == 0:
		k.report(key, path+" is not a program", "name a file that may be executed")
	}
}

// command checks that an exporter runs a program that may run.
func (k *checker) command(key string, c *Config, e *Exporter) {
	if len(e.Command) > 0 && !slices.Contains(c.Logs.Commands, e.Command[0]) {
		k.report(key+".command", fmt.Sprintf("%q may not run", e.Command[0]),
			"add it to commands in [logs], by its absolute path")
	}
}
