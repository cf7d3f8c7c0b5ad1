package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/manage"
)

// list is a command that shows a list of the API as a table.
func list[T any](k *ctl, use, short, path, head string, row func(*T) []any) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var all []T
			if told, err := k.ask("GET", path, nil, &all); !told {
				return err
			}
			w := k.table(head)
			for i := range all {
				fmt.Fprintln(w, strings.TrimSuffix(fmt.Sprintln(row(&all[i])...), "\n"))
			}
			return w.flush()
		},
	}
}

// columns aligns words that are separated by blanks.
type columns struct{ w *tabwriter.Writer }

func (k *ctl) table(head string) columns {
	c := columns{tabwriter.NewWriter(k.out, 0, 0, 2, ' ', 0)}
	fmt.Fprintln(c.w, strings.ReplaceAll(head, " ", "\t"))
	return c
}

// Write implements io.Writer.
func (c columns) Write(b []byte) (int, error) {
	_, err := c.w.Write([]byte(strings.ReplaceAll(string(b), " ", "\t")))
	return len(b), err
}

func (c columns) flush() error { return c.w.Flush() }

// dash stands for what is not there, and keeps words together.
func dash(s string) string { return strings.ReplaceAll(or(s, "-"), " ", "\u00a0") }

func (k *ctl) shows() []*cobra.Command {
	status := &cobra.Command{
		Use: "status", Short: "How things are", Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return k.status() },
	}
	system := &cobra.Command{
		Use: "system", Short: "The machine and the release of weir", Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return k.system() },
	}
	return []*cobra.Command{
		status, system,
		list(k, "workers", "What workers counted", "/v1/workers", "WORKER CORE RECEIVED METERED FLOWS CAPACITY RING", func(w *manage.Worker) []any {
			return []any{w.Name, w.Core, w.Packets["received"], w.Packets["metered"], w.Active, w.Most, percent(w.Used, w.Size)}
		}),
		list(k, "queues", "What came in by receive queues, and what was lost", "/v1/queues", "QUEUE RECEIVED MISSED NO_BUFFER ERRORS",
			func(q *manage.Queue) []any { return []any{q.Name, q.Received, q.Missed, q.NoBuffer, q.Errors} }),
		list(k, "ports", "Inputs and their links", "/v1/ports", "PORT KIND SOURCE LINK MBIT/S MTU QUEUES RECEIVED MISSED", func(p *manage.Port) []any {
			return []any{p.Name, p.Kind, dash(p.Source), dash(p.Link), p.Speed, p.MTU, p.Queues, p.Received, p.Missed}
		}),
		list(k, "exporters", "What became of the records of exporters", "/v1/exporters",
			"EXPORTER RECORDS EXPORTED DROPPED PENDING SPOOLED FILTERED STATE", exporterRow),
		list(k, "collected", "What came from exporters that are collected from", "/v1/collected",
			"COLLECTOR EXPORTER DOMAIN MESSAGES RECORDS LOST TEMPLATES LAST STATE", collectedRow),
		list(k, "sessions", "What is remembered of addresses", "/v1/sessions", "KIND KEY VALUE LEFT", func(s *manage.Remembered) []any {
			return []any{s.Kind, s.Key, dash(s.Value), time.Duration(s.Left * 1e9).Round(time.Second)}
		}),
		list(k, "audit", "Who changed something or tried to", "/v1/audit?limit=1000", "TIME USER BY FROM ACTION STATUS DETAIL", func(e *manage.Entry) []any {
			return []any{dash(when(e.Time)), dash(e.User), dash(e.By), dash(e.From), dash(e.Action), e.Status, dash(e.Detail)}
		}),
	}
}

func collectedRow(a *collect.Account) []any {
	state := "ok"
	if a.Silent {
		state = "silent"
	}
	return []any{a.Collector, a.Exporter, a.Domain, a.Messages, a.Records, a.Lost, a.Templates, dash(when(a.Last)), state}
}

func percent(n, of uint64) string {
	if of == 0 {
		return "-"
	}
	return strconv.FormatUint(n*100/of, 10) + "%"
}

func exporterRow(x *manage.Exporter) []any {
	return []any{x.Name, x.Records, x.Exported, x.Lost(), x.Pending, x.Spooled, x.Filtered, dash(exporterState(x, time.Now()))}
}

// exporterState says in a word how an exporter does, or with what it failed in the last minute.
func exporterState(x *manage.Exporter, now time.Time) string {
	switch {
	case x.Paused:
		return "paused"
	case x.Error != "" && x.LastFailure != nil && now.Sub(*x.LastFailure) < time.Minute:
		return x.Error
	}
	return "ok"
}

func (k *ctl) status() error {
	var s manage.Status
	if told, err := k.ask("GET", "/v1/status", nil, &s); !told {
		return err
	}
	k.say("weir      %s, %s, configuration %d", s.Version, s.State, s.Config)
	if s.Error != "" {
		k.say("trouble   %s", s.Error)
	}
	if s.Until != nil {
		k.say("confirm   until %s, or the configuration before runs again", when(*s.Until))
	}
	for _, w := range s.Waits {
		k.say("waits     for a restart of the dataplane: %s", w)
	}
	if s.Metering != nil {
		k.say("metering  since %s", when(*s.Metering))
	}
	p := maps.Clone(s.Packets)
	k.say("packets   %d received, %d metered, %d refused, %d filtered; %d missed before", p["received"], p["metered"],
		p["refused"], p["filtered"], s.Missed)
	k.say("flows     %d active; %d records and %d events read", s.Flows, s.Records, s.Events)
	for i := range s.Exporters {
		x := &s.Exporters[i]
		k.say("exporter  %s: %d records, %d exported, %d dropped, %d pending, %d on disk%s", x.Name, x.Records, x.Exported,
			x.Lost(), x.Pending, x.Spooled, trouble(&x.Account))
	}
	return nil
}

func trouble(a *egress.Account) (text string) {
	if a.Paused {
		text = "; paused"
	}
	if a.Error != "" {
		text += "; last error: " + a.Error
	}
	return text
}

func (k *ctl) system() error {
	var s manage.System
	if told, err := k.ask("GET", "/v1/system", nil, &s); !told {
		return err
	}
	k.say("weir      %s, %s", s.Version, s.Go)
	k.say("host      %s, Linux %s, booted %s", s.Host, s.Kernel, when(s.Booted))
	k.say("load      %.2f on %d processors", s.Load, s.CPUs)
	k.say("memory    %d of %d MiB free", s.Free>>20, s.Memory>>20)
	k.say("disk      %d of %d MiB free", s.DiskFree>>20, s.Disk>>20)
	if s.Fingerprint != "" {
		k.say("SHA-256   %s", s.Fingerprint)
	}
	return nil
}

// tailCommand shows records as they come.
func (k *ctl) tailCommand() *cobra.Command {
	var filter, template string
	var limit int
	var recent bool
	c := &cobra.Command{
		Use:   "tail [KIND...]",
		Short: "Show flows and events as they come, an object of JSON a line",
		Long: "Show records as they come, an object of JSON a line: flows, or the kinds that are named as in records of\n" +
			"[[exporter]], like event, dns or call. What comes too fast to be shown is counted on the standard error.",
		Example: `  weir ctl tail
  weir ctl tail dns http --filter 'TRANSACTION_LATENCY_USEC > 100000' -n 10
  weir ctl tail --recent -n 100 --template '%IPV4_SRC_ADDR %IPV4_DST_ADDR %IN_BYTES'`,
		RunE: func(c *cobra.Command, kinds []string) error {
			q := url.Values{}
			for i := range kinds {
				if kinds[i] == "flows" || kinds[i] == "events" || kinds[i] == "calls" {
					kinds[i] = strings.TrimSuffix(kinds[i], "s")
				}
			}
			set(q, "kind", strings.Join(kinds, ","))
			set(q, "filter", filter)
			set(q, "template", template)
			if limit > 0 {
				q.Set("limit", strconv.Itoa(limit))
			}
			if recent {
				return k.recent(q)
			}
			return k.stream(q, c.ErrOrStderr())
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return egress.Kinds(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := c.Flags()
	f.StringVarP(&filter, "filter", "f", "", "condition that records have to meet, as filter of [[exporter]]")
	f.StringVar(&template, "template", "", "fields to show, as template of [[exporter]]")
	f.IntVarP(&limit, "limit", "n", 0, "end after so many records")
	f.BoolVar(&recent, "recent", false, "show those that came last, the latest first, and end")
	return c
}

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func (k *ctl) recent(q url.Values) error {
	text, err := k.text("GET", "/v1/records?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for _, line := range all {
		fmt.Fprintf(k.out, "%s\n", line)
	}
	return nil
}

// stream prints the data of server-sent events until the probe ends them.
func (k *ctl) stream(q url.Values, aside io.Writer) error {
	a, err := k.open("GET", "/v1/records/stream?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	lines := bufio.NewScanner(a.Body)
	lines.Buffer(nil, 1<<20)
	event := ""
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			event = value
		case name == "data" && event == "missed":
			fmt.Fprintf(aside, "weir: %s records were not shown\n", value)
		case name == "data":
			if _, err := fmt.Fprintln(k.out, value); err != nil {
				return nil // whoever reads has had enough
			}
		}
	}
	return lines.Err()
}

// complete offers names that the API lists.
func complete[T any](k *ctl, path string, name func(*T) string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
		var all []T
		if len(args) == 0 && k.connect(c) == nil {
			k.asJSON = false
			if _, err := k.ask("GET", path, nil, &all); err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
		}
		for i := range all {
			names = append(names, name(&all[i]))
		}
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
}

// doings are what is done to a probe.
func (k *ctl) doings() []*cobra.Command {
	exporter := complete(k, "/v1/exporters", func(x *manage.Exporter) string { return strings.Split(x.Name, "/")[0] })
	one := arguments(cobra.ExactArgs(1))
	var sure bool
	reset := &cobra.Command{
		Use: "reset --sure", Short: "Begin anew: no configuration, history, user and certificate is left", Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := k.ask("POST", "/v1/system/reset", manage.Reset{Sure: sure}, nil)
			return err
		},
	}
	reset.Flags().BoolVar(&sure, "sure", false, "it is meant")
	return []*cobra.Command{
		{Use: "pause EXPORTER", Short: "Have an exporter keep its records", Args: one, ValidArgsFunction: exporter,
			RunE: func(_ *cobra.Command, a []string) error {
				return k.done("POST", "/v1/exporters/"+url.PathEscape(a[0])+"/pause")
			}},
		{Use: "resume EXPORTER", Short: "Have an exporter deliver again", Args: one, ValidArgsFunction: exporter,
			RunE: func(_ *cobra.Command, a []string) error {
				return k.done("POST", "/v1/exporters/"+url.PathEscape(a[0])+"/resume")
			}},
		{Use: "restart dataplane|egress", Short: "Restart a part", Args: one, ValidArgs: []string{"dataplane", "egress"},
			RunE: func(_ *cobra.Command, a []string) error { return k.done("POST", "/v1/restart/"+url.PathEscape(a[0])) }},
		{Use: "log-level [debug|info|warn|error]", Short: "Show or set what the log tells", Args: arguments(cobra.MaximumNArgs(1)),
			ValidArgs: []string{"debug", "info", "warn", "error"}, RunE: func(_ *cobra.Command, a []string) error { return k.level(a) }},
		{Use: "update FILE", Short: "Install an update of the system", Args: one,
			RunE: func(_ *cobra.Command, a []string) error { return k.update(a[0]) }},
		{Use: "support FILE", Short: "Write an archive of what others need to help, without secrets", Args: one,
			RunE: func(_ *cobra.Command, a []string) error { return k.support(a[0]) }},
		{Use: "certificate CERTIFICATE KEY", Short: "Show another certificate, from files in PEM", Args: arguments(cobra.ExactArgs(2)),
			RunE: func(_ *cobra.Command, a []string) error { return k.certificate(a[0], a[1]) }},
		reset,
	}
}

// done asks for something that has no answer.
func (k *ctl) done(method, path string) error {
	_, err := k.text(method, path, nil)
	return err
}

func (k *ctl) level(args []string) error {
	if len(args) == 1 {
		_, err := k.ask("PUT", "/v1/log/level", manage.Level{Level: args[0]}, nil)
		return err
	}
	var l manage.Level
	if told, err := k.ask("GET", "/v1/log/level", nil, &l); !told {
		return err
	}
	k.say("%s", l.Level)
	return nil
}

func (k *ctl) update(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	a, err := k.open("POST", "/v1/system/update", f)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	_, err = io.Copy(k.out, a.Body)
	return err
}

func (k *ctl) support(path string) error {
	text, err := k.text("GET", "/v1/system/support", nil)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func (k *ctl) certificate(cert, key string) error {
	c, err := os.ReadFile(cert)
	if err != nil {
		return usageError{err}
	}
	p, err := os.ReadFile(key)
	if err != nil {
		return usageError{err}
	}
	var s manage.Shown
	in := map[string]string{"certificate": string(c), "key": string(p)}
	if told, err := k.ask("PUT", "/v1/system/certificate", in, &s); !told {
		return err
	}
	k.say("SHA-256   %s", s.Fingerprint)
	return nil
}
