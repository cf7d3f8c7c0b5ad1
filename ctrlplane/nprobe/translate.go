package nprobe

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/export/sink"
)

// number reads a whole number from 0 to most.
func (t *translation) number(v, what string, most uint64) (uint64, bool) {
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n > most {
		t.fail("%q is not %s: write a number from 0 to %d", v, what, most)
		return 0, false
	}
	return n, true
}

// seconds reads a time and stores it, as long as the configuration takes it.
func (t *translation) seconds(to *time.Duration, v string, least, most time.Duration) {
	n, err := strconv.ParseUint(v, 10, 32)
	d := time.Duration(n) * time.Second
	if err != nil || d < least || d > most {
		t.fail("%q is not a time: write seconds from %d to %d", v, least/time.Second, most/time.Second)
		return
	}
	*to = d
}

func (t *translation) lifetime(v string) { t.seconds(&t.c.Flow.Active, v, time.Second, 24*time.Hour) }
func (t *translation) idle(v string)     { t.seconds(&t.c.Flow.Idle, v, time.Second, 24*time.Hour) }
func (t *translation) queue(v string)    { t.seconds(&t.proto.BatchAge, v, 0, 5*time.Minute) }

// collector reads -n: none, or addresses separated by commas.
func (t *translation) collector(v string) {
	for place := range strings.SplitSeq(v, ",") {
		place = strings.TrimSpace(place)
		if place == "none" {
			t.silent = true
			continue
		}
		network, address, found := strings.Cut(place, "://")
		if !found {
			network, address = "udp", place
		}
		t.place(&t.to, network, address, "2055")
	}
}

// place adds a network address to a list, with a port if it has none.
func (t *translation) place(list *[]string, network, address, port string) {
	if _, _, err := net.SplitHostPort(address); err != nil && address != "" && port != "" {
		address = net.JoinHostPort(strings.Trim(address, "[]"), port)
	}
	to := network + "://" + address
	if _, _, err := sink.Find(to); err != nil {
		t.fail("%v", err)
		return
	}
	*list = append(*list, to)
}

func (t *translation) tcpExport(v string) { t.place(&t.tcp, "tcp", v, "") }

// source reads -i: interfaces separated by commas, a capture, a directory of captures, a DPDK
// port, or none.
func (t *translation) source(v string) {
	if config.IsPort(v) {
		t.sources = append(t.sources, v)
		return
	}
	for s := range strings.SplitSeq(v, ",") {
		switch s = strings.TrimSpace(s); {
		case s == "none":
			t.fail("%s", noCollector)
		case strings.HasPrefix(s, "zc:"):
			t.fail("%q needs PF_RING: bind the port to vfio-pci and write its PCI address, like -i 0000:3b:00.0", s)
		default:
			t.sources = append(t.sources, s)
		}
	}
}

// list reads a file that names captures, one a line.
func (t *translation) list(v string) {
	data, err := os.ReadFile(v)
	if err != nil {
		t.fail("the list of captures cannot be read: %v", err)
		return
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			t.captures = append(t.captures, line)
		}
	}
}

func (t *translation) template(v string) { t.proto.Template = strings.Join(strings.Fields(v), " ") }

func (t *translation) flowVersion(v string) {
	if v != "5" && v != "9" && v != "10" {
		t.fail("%q is not a version: write 5, 9 or 10 (IPFIX)", v)
		return
	}
	t.version, _ = strconv.Atoi(v)
}

func (t *translation) intraTemplate(v string) {
	if n, ok := t.number(v, "a number of messages", 1000000); ok {
		t.proto.TemplateRefreshMessages = int(n)
	}
}

func (t *translation) snaplen(v string) {
	if n, ok := t.number(v, "a number of octets", 262144); ok {
		t.input.Snaplen = int(n)
	}
}

// sampling reads -S packets:collection:export.
func (t *translation) sampling(v string) {
	if strings.HasPrefix(v, "@") {
		t.fail("weir cannot scale packets that were sampled before: write the rate without @ where weir samples")
		return
	}
	rates := strings.Split(v, ":")
	if len(rates) > 3 {
		t.fail("%q has more than three rates: write packets:collection:export", v)
		return
	}
	for i, s := range rates {
		n, ok := t.number(s, "a sampling rate", math.MaxUint32)
		switch {
		case !ok || n <= 1:
		case i == 0:
			t.input.Sampling = uint32(n)
		case i == 1:
			t.note("the rate of collected flows is ignored: weir reads packets")
		default:
			t.fail("weir exports every flow, not one in %d: sample packets with the first rate", n)
		}
	}
}

// blackList excludes packets from hosts and networks.
func (t *translation) blackList(v string) {
	for n := range strings.SplitSeq(v, ",") {
		n = strings.TrimSpace(n)
		network, mask, masked := strings.Cut(n, "/")
		if a, err := netip.ParseAddr(n); err == nil {
			t.excluded = append(t.excluded, "src host "+a.String())
		} else if p, err := netip.ParsePrefix(n); err == nil {
			t.excluded = append(t.excluded, "src net "+p.Masked().String())
		} else if m := net.ParseIP(mask).To4(); masked && m != nil && net.ParseIP(network).To4() != nil {
			t.excluded = append(t.excluded, fmt.Sprintf("src net %s mask %s", network, mask))
		} else {
			t.fail("%q is not a host or network: write 192.0.2.1, 192.0.2.0/24 or 192.0.2.0/255.255.255.0", n)
		}
	}
}

// aggregate reads -p VLAN/protocol/IP/port/TOS/SCTP stream/exporter: 0 ignores, 1 cares.
func (t *translation) aggregate(v string) {
	if v == "" {
		return
	}
	parts := [...]string{"vlan", "protocol", "addresses", "ports", "TOS", "SCTP stream", "exporter"}
	given := strings.Split(v, "/")
	if len(given) > len(parts) {
		t.fail("%q has more than %d parts: write VLAN/protocol/IP/port/TOS/SCTP stream/exporter", v, len(parts))
		return
	}
	t.c.Flow.Ignore = nil
	for i, s := range given {
		switch {
		case s != "0" && s != "1":
			t.fail("part %d of %q is not 0 or 1: write 0 to ignore %s, 1 to tell them apart", i+1, v, parts[i])
			return
		case s == "0" && i < 4:
			t.c.Flow.Ignore = append(t.c.Flow.Ignore, parts[i])
		case s == "1" && (i == 4 || i == 5):
			t.note("flows that differ only in %s stay one flow, as in 0", parts[i])
		}
	}
}

func (t *translation) maxFlows(v string) {
	n, ok := t.number(v, "a number of flows", 1<<28)
	if !ok {
		return
	}
	t.c.Flow.Capacity = max(int(n), 1024)
	t.note("capacity = %d holds for each worker, of which there is one per CPU unless queues says otherwise",
		t.c.Flow.Capacity)
}

func (t *translation) dumpFormat(v string) {
	switch v {
	case "t", "b", "j":
	case "T":
		v = "t"
		t.note("the text is not compressed: let logrotate do it")
	default:
		t.fail("%q is not a format of dumps: write t (text), j (JSON) or b (as exported)", v)
	}
	t.dumpKind = v
}

func (t *translation) verbose(v string) {
	switch v {
	case "0", "1":
	case "2":
		t.c.Log.Level = "debug"
	default:
		t.fail("%q is not a level: write 0, 1 or 2", v)
	}
}

func (t *translation) sender(v string) {
	if _, err := config.ParseSource(v); err != nil {
		t.fail("%v", err)
		return
	}
	t.proto.Source = v
}

// engine reads type:id.
func (t *translation) engine(v string) {
	kind, id, found := strings.Cut(v, ":")
	if !found {
		t.fail("%q is not an engine: write type:id, like 0:10", v)
		return
	}
	a, ok := t.number(kind, "an engine type", 255)
	b, ok2 := t.number(id, "an engine ID", 255)
	if ok && ok2 {
		t.proto.EngineType, t.proto.EngineID = uint8(a), uint8(b)
	}
}

func (t *translation) geo(to *string, v string) {
	if !strings.HasSuffix(v, ".mmdb") {
		t.note("ignored: %s is not in MaxMind's format; give a .mmdb file to have addresses located", v)
		return
	}
	*to = v
}

func (t *translation) affinity(v string) {
	for s := range strings.SplitSeq(v, ",") {
		if n, ok := t.number(strings.TrimSpace(s), "a CPU", 1023); ok {
			t.c.Dataplane.Cores = append(t.c.Dataplane.Cores, int(n))
		}
	}
}

// policy accepts options that choose which flows to export, as long as they choose all.
func (t *translation) policy(v string) {
	if strings.Trim(v, "0:") != "" {
		t.fail("weir exports every flow: choose in the collector, or write 0")
	}
}
