package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/manage"
	"github.com/weir-probe/weir/ctrlplane/metrics"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/watch"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/json"
)

// probe is what the API operates of a run.
func (r *run) probe() manage.Probe {
	return manage.Probe{
		Version: version, Checks: storeChecks(r.schema), Factory: r.origin(), Log: r.log, Console: os.Stderr, Hub: r.hub, Board: r.board, Level: &r.level,
		Apply: r.apply, State: r.state, Pause: r.pause, Restart: r.restart, Sessions: r.sessions, Collected: r.collected, Query: r.query,
		Needs: r.needs, Lines: r.memoir.lines, Tracks: r.tracker, Metrics: metrics.Handler(version, r.published),
	}
}

// state says how the run does.
func (r *run) state() manage.State {
	s := manage.State{Phase: "starting", Summary: r.published(), Cores: map[string]int{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Error, s.Dataplane = r.failure, r.offer.PID
	if r.offer.Started > 0 {
		s.Since = time.Unix(0, int64(r.offer.Started)).UTC()
	}
	for _, w := range r.offer.Workers {
		s.Cores[w.Name] = w.Core
	}
	cfg := r.fitting(r.want)
	for i := range cfg.Inputs {
		s.Inputs = append(s.Inputs, source(&cfg.Inputs[i]))
	}
	for _, d := range config.Diff(cfg, r.want) {
		if d.Needs != "" {
			s.Waits = append(s.Waits, d.Key)
		}
	}
	switch {
	case r.active.Load() != nil:
		s.Phase, s.Error = "metering", ""
	case len(cfg.Inputs) == 0:
		s.Phase = "waiting"
	}
	return s
}

// source says where an input reads from.
func source(n *config.Input) manage.Input {
	switch {
	case n.Port != "":
		return manage.Input{Name: n.Name, Kind: "port", Source: n.Port}
	case n.Interface != "":
		return manage.Input{Name: n.Name, Kind: "interface", Source: n.Interface}
	}
	return manage.Input{Name: n.Name, Kind: "capture", Source: strings.Join(n.Capture, " ")}
}

// restart restarts a part.
func (r *run) restart(name string) error {
	if r.active.Load() == nil {
		return errors.New("nothing is metered, so there is nothing to restart")
	}
	return r.reopen(part(name))
}

// sessions returns what is remembered, nil if nothing is.
func (r *run) sessions() *session.Store {
	if c := r.active.Load(); c != nil {
		return c.memory.sessions
	}
	return nil
}

// needs returns what a configuration wants the dataplane restarted for besides its own keys.
func (r *run) needs(next *config.Config) []string {
	if c := r.active.Load(); c != nil {
		return c.wants(next)
	}
	return nil
}

// query reads which records somebody wants to see, in the words of [[exporter]].
func (r *run) query(kinds []string, filter, template string) (q watch.Query, err error) {
	if q.Kinds, err = egress.ParseRecords(kinds); err != nil {
		return q, err
	}
	if filter != "" {
		c, err := condition.Compile(filter, r.schema)
		if err != nil {
			return q, err
		}
		q.Wants = c.Holds
	}
	r.mu.Lock()
	want := *r.want
	r.mu.Unlock()
	var t *flow.Template
	if template == "" {
		t, err = shapeOf(r.schema, &want).standard("json", q.Kinds)
	} else {
		t, err = r.schema.Template(template)
	}
	if err != nil {
		return q, err
	}
	f, err := json.New(export.FormatOptions{Template: t, Size: 64 << 10})
	if err != nil {
		return q, err
	}
	q.Encode = func(dst []byte, v *flow.View) []byte {
		dst, _ = f.Append(dst, v)
		return dst
	}
	return q, nil
}
