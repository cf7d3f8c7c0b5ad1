package config

import (
	"strings"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/policy"
)

// ExporterNames returns the names of the exporters.
func (c *Config) ExporterNames() []string {
	names := []string{}
	for i := range c.Exporters {
		names = append(names, c.Exporters[i].Name)
	}
	return names
}

// policy reads the policy and tries it.
func (k *checker) policy(c *Config) {
	for i, path := range c.Policy.Commands {
		k.program(at("policy.commands", i, len(c.Policy.Commands)), path)
	}
	if k.checks.Schema == nil || !c.Policy.Given() {
		return
	}
	o := c.Policy
	if o.When != "" {
		if _, err := condition.Compile(o.When, k.checks.Schema); err != nil {
			k.fault("policy.when", err)
			o.When = ""
		}
	}
	p, err := policy.Load(&o, policy.World{Schema: k.checks.Schema, Exporters: c.ExporterNames()})
	if err == nil {
		_, err = policy.New(p, o, policy.NewHost())
	}
	if err == nil {
		return
	}
	key := "policy.file"
	if o.Script != "" {
		key = "policy.script"
	}
	wrong, fix, _ := strings.Cut(err.Error(), "; ")
	if fix == "" {
		fix = `configs/examples/policy.lua shows how policies are written, and "weir policy test" tries them`
	}
	k.report(key, wrong, fix)
}
