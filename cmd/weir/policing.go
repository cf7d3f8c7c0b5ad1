package main

import (
	"context"
	"fmt"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/policy"
	"github.com/weir-probe/weir/dataplane/flow"
)

// policing is the policy, and what it has in common with those before it.
type policing struct {
	host   *policy.Host
	policy *policy.Policy // nil if there is none
}

// openPolicing opens it. failed is told what goes wrong, and what the policy prints.
func openPolicing(cfg *config.Config, schema *flow.Schema, failed func(error), offline bool) (j policing, err error) {
	j.host = policy.NewHost()
	j.host.Offline, j.host.Tell = offline, failed
	j.host.Print = func(text string) { failed(fmt.Errorf("policy says: %s", text)) }
	j.policy, err = j.read(cfg, schema)
	return j, err
}

// read reads the policy of a configuration and tries it. It is nil if there is none.
func (j *policing) read(cfg *config.Config, schema *flow.Schema) (*policy.Policy, error) {
	o := cfg.Policy
	if !o.Given() {
		return nil, nil
	}
	p, err := policy.Load(&o, policy.World{Schema: schema, Exporters: cfg.ExporterNames()})
	if err != nil {
		return nil, err
	}
	return policy.New(p, o, j.host)
}

// take has the policy decide from now on about what an egress reads. The goroutine of the egress calls it.
func (j *policing) take(e *egress.Egress) {
	e.Judge = nil
	if j.policy != nil {
		j.policy.Take()
		e.Judge = j.policy
	}
}

func (j *policing) close(ctx context.Context) error {
	if j.host == nil {
		return nil
	}
	return j.host.Close(ctx)
}

// judged returns what workers have to measure for the policy of a configuration.
func (s shape) judged(cfg *config.Config) (flow.Block, error) {
	o := cfg.Policy
	if !o.Given() {
		return 0, nil
	}
	p, err := policy.Load(&o, policy.World{Schema: s.schema, Exporters: cfg.ExporterNames()})
	if err != nil {
		return 0, err
	}
	return policy.Blocks(&o, p)
}
