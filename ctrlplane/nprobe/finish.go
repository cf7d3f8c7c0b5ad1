package nprobe

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/export/sink"
)

// finish makes inputs and exporters of what the options said together.
func (t *translation) finish() {
	if !t.inner {
		t.c.Flow.Tunnels = "outer" // nProbe looks into tunnels only if told to
	}
	t.about("-i")
	t.inputs()
	t.about("-n")
	t.collectors()
	t.about("-P")
	t.dumps()
	if len(t.tcp) > 0 {
		t.export("json", t.tcp)
	}
	t.deliveries()
	t.about("-n")
	if len(t.c.Exporters) == 0 && len(t.errs) == 0 {
		t.fail("the flows go nowhere: name a collector with -n, a directory with -P or a server with --tcp, --kafka, " +
			"--elastic or --zmq")
	}
}

// about makes an option the subject of the notes that follow, where it was last written.
func (t *translation) about(name string) {
	if u, ok := t.seen[name]; ok {
		t.use = u
		return
	}
	t.use = use{name: name}
}

func (t *translation) inputs() {
	t.input.Filter = t.filter()
	for _, s := range t.sources {
		n := t.input
		switch {
		case config.IsPort(s):
			n.Port = s
			t.shorten(&n, s)
		case isCapture(s):
			t.captures = append(t.captures, files(s)...)
			continue
		default:
			n.Interface = s
		}
		t.c.Inputs = append(t.c.Inputs, n)
	}
	if len(t.c.Inputs) > 1 {
		for i := range t.c.Inputs { // nProbe merges interfaces into one stream
			t.c.Inputs[i].Group = "merged"
		}
	}
	if len(t.captures) > 0 {
		n := t.input
		n.Capture, n.Promiscuous = t.captures, true
		t.c.Inputs = append(t.c.Inputs, n)
	}
	if len(t.c.Inputs) == 0 && len(t.errs) == 0 {
		t.fail("there is nothing to meter: name an interface or a capture with -i")
	}
	if t.input.Sampling > 1 && !t.upscaled {
		t.about("-S")
		t.note("counters are those of the sampled packets, as with --disable-upscale; the rate is announced, and " +
			"is in %%SAMPLING_INTERVAL")
	}
}

// shorten drops the snaplen of a DPDK port.
func (t *translation) shorten(n *config.Input, port string) {
	if n.Snaplen > 0 {
		t.about("-s")
		t.note("ignored for %s: frames of a DPDK port are not copied, so a shorter copy saves nothing", port)
		t.about("-i")
	}
	n.Snaplen = 0
}

// filter joins -f with what --black-list and -W exclude, also inside a VLAN. The word vlan
// moves the offsets of all that follows it, so it comes last.
func (t *translation) filter() string {
	if len(t.excluded) == 0 {
		return t.input.Filter
	}
	no := strings.Join(t.excluded, " or ")
	no = "not (" + no + ") and not (vlan and (" + no + "))"
	if t.input.Filter == "" {
		return no
	}
	return "(" + t.input.Filter + ") and " + no
}

// isCapture reports whether a source is a file, a directory or standard input.
func isCapture(s string) bool {
	if s == "-" || strings.Contains(s, "/") {
		return true
	}
	if info, err := os.Stat(s); err == nil && info.IsDir() {
		return true
	}
	name := strings.TrimSuffix(strings.TrimSuffix(s, ".gz"), ".zst")
	return slices.Contains([]string{".pcap", ".pcapng", ".cap"}, filepath.Ext(name))
}

// files returns the files of a directory in the order of their names, or the file itself.
func files(path string) (found []string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return []string{path} // a file, or one that the check of the configuration misses
	}
	for _, e := range entries {
		if e.Type().IsRegular() && isCapture(e.Name()) {
			found = append(found, filepath.Join(path, e.Name()))
		}
	}
	return found
}

// collectors makes the exporter of -n. Without -n nProbe sends to this machine.
func (t *translation) collectors() {
	if len(t.to) == 0 && !t.silent {
		t.to = []string{"udp://127.0.0.1:2055"}
	}
	if len(t.to) == 0 {
		return
	}
	for _, to := range t.to {
		if t.version != 10 && !strings.HasPrefix(to, "udp://") {
			t.fail("NetFlow v%d cannot go to %s, it is for datagrams: write -V 10 for IPFIX", t.version, to)
		}
	}
	if t.version == 5 && t.proto.Template != "" {
		t.about("-T")
		t.note("NetFlow v5 has a fixed record: the template holds for -P and --tcp alone")
	}
	if e := t.export(t.wire(), t.to); len(t.to) > 1 && !t.all {
		e.Spread = "round-robin"
	}
}

// wire is the format of -V.
func (t *translation) wire() string {
	return map[int]string{5: "netflow5", 9: "netflow9", 10: "ipfix"}[t.version]
}

// dumps makes the exporter of -P.
func (t *translation) dumps() {
	if t.dump == "" {
		return
	}
	format, name := "text", "flows.txt"
	switch t.dumpKind {
	case "j":
		format, name = "json", "flows.json"
	case "b":
		if format, name = t.wire(), "flows.ipfix"; format != "ipfix" {
			t.fail("NetFlow v%d cannot be dumped, it is for datagrams: write -V 10 for IPFIX", t.version)
			return
		}
	}
	path := filepath.Join(t.dump, name)
	t.note("flows are written to %s and files that replace it, without directories by date", path)
	e := t.export(format, []string{path})
	t.about("-F")
	t.seconds(&e.RotateInterval, t.dumpEvery, 0, 8760*60*60*1e9)
}

// export adds an exporter with what the options said about all of them, as far as it concerns
// its format and its places.
func (t *translation) export(format string, to []string) *config.Exporter {
	e := config.DefaultExporter()
	e.Format, e.To, e.BatchAge, e.Filter = format, to, t.proto.BatchAge, t.proto.Filter
	if s, _, err := sink.Find(to[0]); err == nil && strings.Contains(s.Uses, "source") {
		e.Source = t.proto.Source
	}
	switch format {
	case "netflow5":
		e.EngineType, e.EngineID = t.proto.EngineType, t.proto.EngineID
	case "ipfix", "netflow9":
		e.TemplateRefreshMessages = t.proto.TemplateRefreshMessages
	}
	if format == "ipfix" {
		e.Biflow = "nprobe"
	}
	if format != "netflow5" {
		if e.Template = t.proto.Template; e.Template == "" {
			e.Template = "@DEFAULT@"
		}
	}
	t.c.Exporters = append(t.c.Exporters, e)
	return &t.c.Exporters[len(t.c.Exporters)-1]
}
