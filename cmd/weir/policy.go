package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/policy"
	"github.com/weir-probe/weir/dataplane/flow"
)

func policyCommand(schema *flow.Schema) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Try a policy before it decides about records",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(policyTest(schema))
	return c
}

// trial is what the command line of weir policy test says.
type trial struct {
	schema         *flow.Schema
	file, config   string
	captures       []string
	asJSON, all    bool
	out, log       io.Writer
	table          *tabwriter.Writer
	records, fails int
}

func policyTest(schema *flow.Schema) *cobra.Command {
	t := &trial{schema: schema}
	c := &cobra.Command{
		Use:   "test POLICY.lua",
		Short: "Say what a policy would do with each record of a capture",
		Long: "Read a policy, try it as a running weir does before it takes it over, and with --replay say what it would do\n" +
			"with each flow and event of captures. No program runs, nothing is exported. With a configuration the other keys\n" +
			"of [policy] hold, and the policy may only name exporters that there are.\n\n" +
			"Exit status: 0 it did what it shall, 1 a call failed or ran away, or a capture is damaged, 2 the policy cannot be\n" +
			"read, fails when it is tried, or the command line is wrong.",
		Example: `  weir policy test policy.lua
  weir policy test policy.lua --replay capture.pcap
  weir policy test policy.lua --replay capture.pcap --all
  weir policy test policy.lua --replay capture.pcap --json | jq 'select(.verdict == "drop")'
  weir policy test policy.lua -c /etc/weir/weir.toml --replay monday.pcap --replay tuesday.pcap`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			t.file, t.out, t.log = args[0], c.OutOrStdout(), c.ErrOrStderr()
			return t.run()
		},
	}
	f := c.Flags()
	f.StringSliceVar(&t.captures, "replay", nil, "capture to take records from; may be given several times")
	f.StringVarP(&t.config, "config", "c", "", "configuration whose [policy] and exporters to take")
	f.BoolVar(&t.asJSON, "json", false, "write an object a line")
	f.BoolVar(&t.all, "all", false, "show records that pass as they are, too")
	return c
}

func (t *trial) run() error {
	cfg := config.Default()
	w := policy.World{Schema: t.schema}
	if t.config != "" {
		was, err := load(t.config, t.schema)
		if err != nil {
			return err
		}
		cfg.Policy, w.Exporters = was.Policy, was.ExporterNames()
	}
	cfg.Policy.File, cfg.Policy.Script = t.file, ""
	p, err := policy.Load(&cfg.Policy, w)
	if err != nil {
		return usageError{err}
	}
	host := policy.NewHost()
	host.Offline = true
	host.Run = func([]string) {} // decisions say so
	host.Print = func(text string) { fmt.Fprintln(t.log, "policy says:", text) }
	work, err := policy.New(p, cfg.Policy, host)
	if err != nil {
		return usageError{err}
	}
	if len(t.captures) == 0 {
		fmt.Fprintf(t.out, "%s: it can be read, and does not fail when it is tried\n", t.file)
		return nil
	}
	work.Observe = t.show
	if !t.asJSON {
		t.table = tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t.table, "RECORD\tVERDICT\tWHAT ELSE")
	}
	sum, err := t.replay(cfg, p, policing{host, work})
	if t.table != nil {
		err = errors.Join(err, t.table.Flush())
		t.account(sum)
	}
	if err == nil && t.fails > 0 {
		err = fmt.Errorf("%s: %d of %d calls failed", t.file, t.fails, t.records)
	}
	return err
}

// replay meters the captures and has the policy judge, for an exporter that gets next to nothing.
func (t *trial) replay(cfg *config.Config, p *policy.Program, tried policing) (*egress.Summary, error) {
	needed, err := policy.Blocks(&cfg.Policy, p)
	if err != nil {
		return nil, usageError{err}
	}
	target := os.DevNull
	r := &replay{
		cfg: cfg, files: t.captures, schema: t.schema, to: map[string]*string{"json": &target}, workers: 1, sampling: 1,
		quiet: true, records: []string{"statistics"}, tried: &tried, needed: needed,
	}
	cfg.Policy = policy.DefaultOptions() // it is another's
	if err := r.configure(); err != nil {
		return nil, err
	}
	e, err := r.export(t.log)
	if e == nil {
		return nil, err
	}
	sum := e.Summary()
	return &sum, err
}

// shown is a record and what becomes of it.
type shown struct {
	Record   string         `json:"record"`
	ID       string         `json:"id"`
	From     string         `json:"from,omitempty"`
	To       string         `json:"to,omitempty"`
	Verdict  string         `json:"verdict"`
	Reason   string         `json:"reason,omitempty"`
	Route    []string       `json:"route,omitempty"`
	Tags     []string       `json:"tags,omitempty"`
	Set      map[string]any `json:"set,omitempty"`
	Alerts   []policy.Alert `json:"alerts,omitempty"`
	Commands [][]string     `json:"commands,omitempty"`
	Error    string         `json:"error,omitempty"`
}

// show says what becomes of a record.
func (t *trial) show(kind egress.Kind, v *flow.View, d *policy.Decision) {
	t.records++
	s := shown{
		Record: kind.Name(), ID: fmt.Sprintf("%x", v.ID[:]), Verdict: "pass", Reason: d.Reason, Route: d.Route, Tags: d.Tags,
		Alerts: d.Alerts, Commands: d.Commands,
	}
	s.From, s.To = policy.Endpoints(v)
	if d.Drop {
		s.Verdict = "drop"
	}
	for _, set := range d.Sets {
		if s.Set == nil {
			s.Set = map[string]any{}
		}
		s.Set[set.Field.Key()] = set.Value
	}
	if d.Err != nil {
		t.fails++
		s.Error = d.Err.Error()
	}
	if !t.all && s.plain() {
		return
	}
	if t.asJSON {
		_ = json.NewEncoder(t.out).Encode(s)
		return
	}
	verdict := s.Verdict
	if s.Reason != "" {
		verdict += " (" + s.Reason + ")"
	}
	fmt.Fprintf(t.table, "%s %s -> %s\t%s\t%s\n", s.Record, s.From, s.To, verdict, strings.Join(s.rest(), "; "))
}

// plain reports whether the record passes as it is.
func (s *shown) plain() bool { return s.Verdict == "pass" && len(s.rest()) == 0 }

// rest says what else is to be done.
func (s *shown) rest() (parts []string) {
	if s.Error != "" {
		parts = append(parts, "error: "+s.Error)
	}
	if len(s.Tags) > 0 {
		parts = append(parts, "tag "+strings.Join(s.Tags, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Set)) {
		parts = append(parts, fmt.Sprintf("set %s = %v", name, s.Set[name]))
	}
	if s.Route != nil {
		parts = append(parts, "route to "+strings.Join(s.Route, ", "))
	}
	for _, a := range s.Alerts {
		parts = append(parts, fmt.Sprintf("alert %s (severity %d): %s", a.Name, a.Severity, a.Message))
	}
	for _, argv := range s.Commands {
		parts = append(parts, fmt.Sprintf("run %q", argv))
	}
	return parts
}

// account says what became of all records.
func (t *trial) account(s *egress.Summary) {
	if s == nil || s.Policy == nil {
		return
	}
	j := s.Policy
	fmt.Fprintf(t.log, "%d records judged = %d passed", j.Records, j.Passed)
	for _, reason := range slices.Sorted(maps.Keys(j.Dropped)) {
		fmt.Fprintf(t.log, " + %d dropped (%s)", j.Dropped[reason], reason)
	}
	fmt.Fprintf(t.log, "; %d calls failed\n", t.fails)
}
