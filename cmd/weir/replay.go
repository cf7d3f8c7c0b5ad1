package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/formats"
)

// replay is what the command line of weir replay says.
type replay struct {
	cfg      *config.Config
	files    []string
	template string
	biflow   string
	filter   string
	sampling uint32
	workers  int
	dpdk     bool
	quiet    bool
	summary  string
	records  []string
	noApps   bool
	collect  bool
	logs     string
	to       map[string]*string // format: target, empty for none
	schema   *flow.Schema
	tried    *policing  // in place of the policy of the configuration, if there is one
	needed   flow.Block // which that needs
}

const (
	stdout = "-"      // a target that several outputs cannot share
	events = "events" // an output that is not a format
)

func replayCommand(schema *flow.Schema) *cobra.Command {
	r := &replay{cfg: config.Default(), schema: schema, to: map[string]*string{}}
	c := &cobra.Command{
		Use:   "replay FILE…",
		Short: "Meter capture files: the same worker as live, in one process",
		Long: "Meter captures in pcap or pcapng, plain, gzip or zstd; - is standard input. Several files are read one\n" +
			"after the other as one stream of packets. Without an output option the flows are printed as a table.\n" +
			"A target is a file, - for standard output, udp://host:port or tcp://host:port.",
		Example: `  weir replay capture.pcap
  tcpdump -w - -i eth0 -c 1000 | weir replay -
  weir replay --json capture.pcapng.zst | jq .L7_PROTO_NAME
  weir replay --template '%IPV4_SRC_ADDR %IPV4_DST_ADDR %IN_BYTES %OUT_BYTES' capture.pcap
  weir replay --ipfix udp://127.0.0.1:4739 --table --workers 4 big.pcap
  weir replay --events capture.pcap | jq .DNS_QUERY
  weir replay --events --records dns,http --logs out --malformed out/malformed capture.pcap
  weir replay --policy policy.lua --json capture.pcap
  weir replay --collect --json export.pcap      the flows that routers exported
  weir replay --dpdk --table capture.pcap       through DPDK's net_pcap driver`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r.files = args
			return r.run(c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	r.flags(c)
	return c
}

// outputs are the formats that have a flag, in the order of the help.
var outputs = [...]struct{ format, doc string }{
	{"table", "print a table; =TARGET writes it elsewhere"},
	{"json", "write a JSON object a line, to standard output or =TARGET"},
	{"json-numeric", "write the same with numbers of elements as keys, to standard output or =TARGET"},
	{"ecs", "write documents of the Elastic Common Schema, to standard output or =TARGET"},
	{"eve", "write events of Suricata's EVE, to standard output or =TARGET"},
	{"zeek", "write Zeek's conn.log, to standard output or =TARGET"},
	{"zeek-json", "write Zeek's conn.log as JSON, to standard output or =TARGET"},
	{"csv", "write comma-separated values, to standard output or =TARGET"},
	{"text", "write columns separated by |, to standard output or =TARGET"},
	{"protobuf", "write Protocol Buffers to TARGET"},
	{"ipfix", "write IPFIX to TARGET"},
	{"netflow9", "write NetFlow v9 to TARGET"},
	{"netflow5", "write NetFlow v5 to TARGET"},
}

func (r *replay) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	for _, o := range outputs {
		r.to[o.format] = f.String(o.format, "", o.doc)
		if strings.Contains(o.doc, "=TARGET") {
			f.Lookup(o.format).NoOptDefVal = stdout
		}
	}
	r.to[events] = f.String(events, "", "write transactions of applications as JSON, to standard output or =TARGET")
	f.Lookup(events).NoOptDefVal = stdout
	f.StringSliceVar(&r.records, "records", nil, "what the other outputs write: flow, event, call, or protocols as dns,http")
	f.StringVar(&r.cfg.Policy.File, "policy", "", "have this policy decide about records; it knows exporters as json, table, …")
	f.StringVar(&r.logs, "logs", "", "write nProbe's logs of DNS, HTTP and others, and one of calls, below this directory")
	f.StringVar(&r.cfg.Apps.Malformed, "malformed", "", "keep malformed packets as pcapng files in this directory")
	f.BoolVar(&r.noApps, "no-applications", false, "do not look into what flows say")
	f.StringVarP(&r.template, "template", "T", "", "fields to write, by label or IANA name; see weir fields")
	f.StringVar(&r.biflow, "biflow", "rfc5103", "elements of the opposite direction: rfc5103 or nprobe")
	f.BoolVar(&r.collect, "collect", false, "collect: the files are captures of NetFlow, IPFIX or sFlow, or IPFIX files")
	f.IntVar(&r.workers, "workers", 1, "workers that share the flows; the flows are the same for any number")
	f.BoolVar(&r.dpdk, "dpdk", false, "read through DPDK's net_pcap driver, as live (one worker, pcap files)")
	f.StringVarP(&r.filter, "filter", "f", "", "meter only what this capture filter lets pass (pcap-filter(7))")
	f.Uint32Var(&r.sampling, "sampling", 1, "meter one packet in so many")
	fl := &r.cfg.Flow
	f.DurationVar(&fl.Idle, "idle", fl.Idle, "end a flow when no packet came for so long")
	f.DurationVar(&fl.Active, "active", fl.Active, "report a longer flow in parts of so long")
	f.IntVar(&fl.Capacity, "flows", fl.Capacity, "capacity of a worker's flow table")
	f.StringSliceVar(&fl.Ignore, "ignore", nil, "parts of the key not to look at: vlan,protocol,addresses,ports,tunnel")
	f.StringVar(&fl.Tunnels, "tunnels", fl.Tunnels, "which packet of a tunnel to meter: inner or outer")
	f.StringVar(&fl.Direction, "direction", fl.Direction, "who is the client: heuristic or first-packet")
	f.StringVar(&r.cfg.GeoIP.City, "geoip-city", "", "MaxMind DB file of cities or countries")
	f.StringVar(&r.cfg.GeoIP.ASN, "geoip-asn", "", "MaxMind DB file of autonomous systems")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "no progress and no summary")
	f.StringVar(&r.summary, "summary", "", "write the summary as JSON to this file")
}

// configure turns the command line into a configuration and has all of it checked.
func (r *replay) configure() error {
	shared := 0
	for _, format := range slices.Sorted(maps.Keys(r.to)) {
		target := *r.to[format]
		if target == "" {
			continue
		}
		if target == stdout {
			shared++
		}
		r.add(format, target)
	}
	if r.cfg.Apps.MalformedRate = 0; r.noApps {
		r.cfg.Apps.Streams = 0
	}
	if err := r.addLogs(); err != nil {
		return err
	}
	if len(r.cfg.Exporters) == 0 {
		r.add("table", stdout)
	}
	if shared > 1 {
		return usagef("several outputs to standard output: give all but one a file, as in --json=flows.json")
	}
	if r.workers < 1 || r.workers > 64 {
		return usagef("--workers %d: give 1 to 64", r.workers)
	}
	in := config.DefaultInput()
	in.Name, in.Filter, in.Sampling = "replay", r.filter, r.sampling
	for _, f := range r.files {
		if f != stdout {
			in.Capture = append(in.Capture, f)
		}
	}
	if len(in.Capture) == 0 {
		in.Capture = []string{"/dev/stdin"}
	}
	r.cfg.Inputs = []config.Input{in}
	if problems := r.cfg.Validate(checks(r.schema)); len(problems) > 0 {
		return usageError{problems.Err()}
	}
	return nil
}

// add has the flows, or whatever records are asked for, written in a format.
func (r *replay) add(format, target string) {
	x := config.DefaultExporter()
	x.Name, x.Format, x.To, x.OnFull = format, format, []string{target}, "block"
	x.BatchAge = time.Second
	if format == "table" {
		x.BatchAge = 5 * time.Minute // columns are as wide as a message needs them
	}
	x.Records = r.records
	if format == events {
		x.Format = "json"
		if len(r.records) == 0 {
			x.Records = []string{"event"}
		}
	}
	if f := formats.Named(x.Format); f.Fixed == nil && format != "netflow5" {
		x.Template = r.template
	}
	if format == "ipfix" {
		x.Biflow = r.biflow
	}
	r.cfg.Exporters = append(r.cfg.Exporters, x)
}

// addLogs has a log of each protocol that has one written, in directories of its hours.
func (r *replay) addLogs() error {
	if r.logs == "" {
		return nil
	}
	if err := os.MkdirAll(r.logs, 0o755); err != nil {
		return fmt.Errorf("directory of logs: %w", err)
	}
	used := append(names(r.cfg.Apps.Dissectors()), "call")
	for _, f := range formats.All {
		if f.Layout == nil || !slices.Contains(used, f.Layout.Records[0]) {
			continue
		}
		x := config.DefaultExporter()
		x.Name, x.Format, x.OnFull, x.Nested = f.Name, f.Name, "block", true
		x.To = []string{filepath.Join(r.logs, f.Layout.Records[0]+".log")}
		r.cfg.Exporters = append(r.cfg.Exporters, x)
	}
	return nil
}

func (r *replay) run(out, log io.Writer) error {
	if err := r.configure(); err != nil {
		return err
	}
	if r.collect {
		return r.collected(log)
	}
	e, err := r.export(log)
	if e == nil {
		return err
	}
	return r.account(e, log, err)
}

// export meters the captures and exports what they say. The egress is nil if that could not begin.
func (r *replay) export(log io.Writer) (*egress.Egress, error) {
	in, err := r.open()
	if err != nil {
		return nil, err
	}
	defer in.close()
	c, err := openControl(r.cfg, r.schema, func(err error) { fmt.Fprintln(log, "weir:", err) }, true)
	if err != nil {
		return nil, err
	}
	if r.tried != nil {
		c.policing = *r.tried
	}
	e, err := r.meter(in, c, log)
	return e, errors.Join(err, c.close(time.Minute), in.err())
}

// meter runs the captures through a dataplane and everything behind it. The egress is nil if
// that could not begin.
func (r *replay) meter(in *replayInput, c *control, log io.Writer) (*egress.Egress, error) {
	plane, err := dataplane.New(in.queues, int(r.cfg.Dataplane.RingSize))
	if err != nil {
		return nil, err
	}
	if err := plane.Start(); err != nil {
		return nil, err
	}
	defer plane.Wait()
	stop := onSignal(plane.Stop)
	defer stop()
	if err := c.openExporters(setting{boot: in.boot(), sampling: r.sampling}); err != nil {
		plane.Stop()
		discard(plane)
		return nil, err
	}
	e := c.egress(sources(plane.Rings(), probeFacts(r.sampling)))
	e.Offline = true
	watch := r.watch(log, in, e)
	e.Run()
	watch.end()
	return e, nil
}

// account says what became of everything, and is an error if that is not what should have.
func (r *replay) account(e *egress.Egress, log io.Writer, err error) error {
	s := e.Summary()
	if !r.quiet {
		s.Print(log)
	}
	for _, a := range s.Exporters {
		if a.Exported < a.Records && err == nil {
			err = fmt.Errorf("exporter %s: %d of %d records were not exported",
				a.Name, a.Records-a.Exported, a.Records)
		}
	}
	return errors.Join(err, writeSummary(r.summary, &s))
}

// writeSummary writes s as JSON to a file; no path means nowhere.
func writeSummary(path string, s *egress.Summary) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// onSignal calls stop at the first SIGINT or SIGTERM. A second one ends the process.
func onSignal(stop func()) (cancel func()) {
	ctx, done := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	released := context.AfterFunc(ctx, func() {
		done() // the next signal has its default effect
		stop()
	})
	return func() { released(); done() }
}
