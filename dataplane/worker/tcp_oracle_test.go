package worker

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// tcpKind is what one packet was called.
type tcpKind uint8

const (
	kindNew tcpKind = iota
	kindRetransmitted
	kindLate
	kindDuplicate
)

var kindNames = [...]string{"new", "retransmission", "out of order", "duplicate"}

// tcpVerdict is what was said about one packet.
type tcpVerdict struct {
	kind       tcpKind
	hole, zero bool
}

// tcpFrame is one packet as tshark sees it, with its verdict.
type tcpFrame struct {
	number int
	stream int
	p      dissect.Packet
	want   tcpVerdict
	rtt    float64 // seconds, NaN if not given
}

// tcpFields are the fields asked of tshark, in order.
var tcpFields = []string{
	"frame.number", "tcp.stream", "frame.time_epoch", "tcp.seq_raw", "tcp.ack_raw", "tcp.len",
	"tcp.flags", "tcp.window_size_value", "ip.id", "tcp.srcport", "ipv6.src", "ip.src",
	"tcp.analysis.retransmission", "tcp.analysis.fast_retransmission",
	"tcp.analysis.spurious_retransmission", "tcp.analysis.out_of_order",
	"tcp.analysis.lost_segment", "tcp.analysis.zero_window", "tcp.analysis.initial_rtt", "ip.flags.df",
}

// tsharkTCP reads the TCP packets of a capture with tshark's opinion of each.
func tsharkTCP(t *testing.T, file string) []tcpFrame {
	args := []string{"-n", "-r", file, "-o", "tcp.analyze_sequence_numbers:TRUE",
		"-Y", "tcp && !icmp && !icmpv6", "-T", "fields"}
	for _, f := range tcpFields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var frames []tcpFrame
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if strings.Contains(f[1], ",") || f[3] == "" || f[5] == "" || f[6] == "" || f[7] == "" {
			continue // TCP inside TCP, or a cut header: two opinions, or none
		}
		frames = append(frames, frameOf(t, f))
	}
	if err := cmd.Wait(); err != nil {
		t.Logf("%s: tshark: %v", file, err) // it reports a cut file this way after reading it
	}
	return frames
}

func frameOf(t *testing.T, f []string) (r tcpFrame) {
	num := func(s string) uint64 {
		u, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			t.Fatalf("frame %s: tshark's number %q: %v", f[0], s, err)
		}
		return u
	}
	r.number, r.stream = int(num(f[0])), int(num(f[1]))
	sec, frac, _ := strings.Cut(f[2], ".")
	r.p.Time = num(sec)*1e9 + num("1"+(frac + "000000000")[:9]) - 1e9
	r.p.Seq, r.p.Ack, r.p.PayloadLen = uint32(num(f[3])), uint32(num(f[4])), uint32(num(f[5]))
	r.p.TCPFlags, r.p.Window = uint16(num(f[6])), uint16(num(f[7]))
	r.p.SrcPort, r.p.Version, r.p.Proto = uint16(num(f[9])), 6, 6
	if f[11] != "" {
		r.p.Version = 4
		r.p.FragmentID = uint32(num(innermost(f[8])))
	}
	copy(r.p.Src[:], innermost(f[10])+innermost(f[11]))
	r.want.hole, r.want.zero = f[16] != "", f[17] != ""
	switch {
	case f[15] != "":
		r.want.kind = kindLate
	case f[12]+f[13]+f[14] != "":
		r.want.kind = kindRetransmitted
	}
	r.rtt = math.NaN()
	if f[18] != "" {
		r.rtt, _ = strconv.ParseFloat(f[18], 64)
	}
	return r
}

// innermost returns the last of several values.
func innermost(s string) string { return s[strings.LastIndexByte(s, ',')+1:] }

// connection is one of tshark's streams.
type connection struct {
	first  *dissect.Packet
	blocks [2]flow.TCP
	l      flow.Latency
	rtt    float64
}

func (c *connection) dir(p *dissect.Packet) flow.Dir {
	same := p.SrcPort == c.first.SrcPort && p.Src == c.first.Src
	if same == (c.first.TCPFlags&(syn|ack) != syn|ack) {
		return flow.Forward
	}
	return flow.Reverse
}

// observe gives p to the code under test and returns its verdict.
func (c *connection) observe(p *dissect.Packet) (v tcpVerdict) {
	d := c.dir(p)
	before := c.blocks[d]
	observeTCP(p, d, &c.blocks, &c.l)
	after := &c.blocks[d]
	switch {
	case after.Duplicates != before.Duplicates:
		v.kind = kindDuplicate
	case after.OutOfOrder != before.OutOfOrder:
		v.kind = kindLate
	case after.RetransmittedPackets != before.RetransmittedPackets:
		v.kind = kindRetransmitted
	}
	v.hole = after.Holes != before.Holes
	v.zero = after.ZeroWindows != before.ZeroWindows
	return v
}

// connections replays frames and returns what happened, calling differ for every
// packet that was judged differently.
func connections(frames []tcpFrame, differ func(f *tcpFrame, got tcpVerdict)) map[int]*connection {
	all := map[int]*connection{}
	for i := range frames {
		f := &frames[i]
		c := all[f.stream]
		if c == nil {
			c = &connection{first: &f.p, rtt: math.NaN()}
			all[f.stream] = c
		}
		if !math.IsNaN(f.rtt) {
			c.rtt = f.rtt
		}
		if got := c.observe(&f.p); got != f.want {
			differ(f, got)
		}
	}
	return all
}

// hasTCP reports whether a list of flows has any of TCP, or of a tunnel that may hold it.
func hasTCP(t *testing.T, flows string) bool {
	f, err := os.Open(flows)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord = '#', -1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			t.Fatalf("%s: %v", flows, err)
		}
		if len(row) > 1 && row[1] != "17" && row[1] != "proto" {
			return true
		}
	}
}

// Why tshark and the definitions in tcp.go differ.
const (
	copied    = "the packet has the identification of one just seen: a copy made by the mirror, not sent again"
	firstCopy = "the mirror copied the SYN; tshark measures from the copy"
	refused   = "tshark measures to the RST, which says nothing about a handshake"
	oneSided  = "the SYN+ACK passed elsewhere; tshark takes SYN to ACK for a round trip of both"
	resent    = "the SYN+ACK was sent again; tshark includes the wait for that"
	instant   = "the handshake has one time stamp; tshark takes 0 for unmeasured and goes on to the next segment"
	contained = "the octets were seen, in a segment 8 octets longer; tshark looks for one as long"
	overtaken = "one microsecond after the FIN come the last octets before it, with the identification before it"
	unseen    = "what was acknowledged before it was seen is called spurious; never seen is not sent again"
)

// differences are all there are, per capture: what tshark says → what is said here, for
// packets, and wrong round-trip times, for connections. tshark reads each capture once.
var differences = []struct {
	file, what string
	times      int
	why        string
}{
	{"bgp/pmacct__300-BGP-IPv6-CISCO-extNH_enc__traffic-00.pcap", "round trip", 1, oneSided},
	{"bgp/tcpdump__bgp-4byte-asn.pcap", "round trip", 2, refused},
	{"bgp/wireshark-wiki__bgp.pcapng", "round trip", 10, refused},
	{"encap/zeek__mixed-vlan-mpls.pcap", "round trip", 1, oneSided},
	{"ftp/nDPI__ftp-start-tls.pcap", "new → duplicate", 2, copied},
	{"ftp/nDPI__ftp-start-tls.pcap", "out of order → duplicate", 3, copied},
	{"ftp/nDPI__ftp-start-tls.pcap", "retransmission → duplicate", 11, copied},
	{"http/beats__http_minitwit.pcap", "round trip", 2, resent},
	{"http/nDPI__http_asymmetric.pcapng", "round trip", 1, oneSided},
	{"imap/wireshark-wiki__imap.cap", "new → duplicate", 3, copied},
	{"imap/wireshark-wiki__imap.cap", "retransmission → duplicate", 3, copied},
	{"mixed/PcapPlusPlus__many-protocols.pcap", "retransmission → out of order", 1, overtaken},
	{"mixed/nDPI__1kxun.pcap", "new → duplicate", 73, copied},
	{"mixed/nDPI__1kxun.pcap", "retransmission → duplicate", 41, copied},
	{"mixed/nDPI__1kxun.pcap", "round trip", 15, firstCopy},
	{"pop3/zeek__pop3__pop3.pcap", "round trip", 2, refused},
	{"robustness/nDPI__fuzz-2006-06-26-2594.pcap", "retransmission → new", 1, unseen},
	{"robustness/nDPI__fuzz-2006-06-26-2594.pcap", "round trip", 1, oneSided},
	{"sip/open5gs__volte.pcapng", "new → duplicate", 7, copied},
	{"sip/open5gs__volte.pcapng", "out of order → duplicate", 3, copied},
	{"sip/open5gs__volte.pcapng", "retransmission → duplicate", 7, copied},
	{"sip/open5gs__volte.pcapng", "round trip", 1, firstCopy},
	{"sip/wireshark-wiki__SIP_CALL_RTP_G711.pcap", "round trip", 1, refused},
	{"smtp/ipfixprobe__smtp.pcap", "out of order → retransmission", 1, contained},
	{"smtp/zeek__smtp-one-side-only.pcap", "round trip", 1, oneSided},
	{"smtp/zeek__smtp.pcap", "out of order → retransmission", 1, contained},
	{"tls/zeek__tls__chrome-1250-tls-x25519-kyber.pcap", "round trip", 1, instant},
}

// Every TCP packet of every capture is judged as tshark's sequence analysis judges it, and
// every handshake takes as long, but for the differences above.
func TestTCPAgainstTshark(t *testing.T) {
	if testing.Short() {
		t.Skip("runs tshark over every capture")
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	packets, conns := 0, 0
	for _, file := range corpus(t) {
		if !hasTCP(t, file+".flows.csv") {
			continue
		}
		name, err := filepath.Rel(captures(t), file)
		if err != nil {
			t.Fatal(err)
		}
		want, got := map[string]int{}, map[string]int{}
		for _, d := range differences {
			if d.file == name {
				want[d.what] = d.times
			}
		}
		frames := tsharkTCP(t, file)
		all := connections(frames, func(f *tcpFrame, v tcpVerdict) {
			got[f.want.differs(v)]++
		})
		for _, c := range all {
			if c.rttDiffers() {
				got["round trip"]++
			}
		}
		packets, conns = packets+len(frames), conns+len(all)
		if !maps.Equal(got, want) {
			t.Errorf("%s: tshark differs in %v, expected %v", name, got, want)
		}
	}
	if packets == 0 {
		t.Error("no TCP packets in any capture")
	}
	t.Logf("%d packets of %d connections", packets, conns)
}

// differs says how v differs from what tshark says.
func (want tcpVerdict) differs(v tcpVerdict) string {
	s := fmt.Sprintf("%s → %s", kindNames[want.kind], kindNames[v.kind])
	if want.hole != v.hole {
		s += fmt.Sprintf(", hole %v → %v", want.hole, v.hole)
	}
	if want.zero != v.zero {
		s += fmt.Sprintf(", zero window %v → %v", want.zero, v.zero)
	}
	return s
}

// rttDiffers compares both latencies together with tshark's initial round-trip time, to the
// microsecond. A connection without handshake has neither.
func (c *connection) rttDiffers() bool {
	if c.l.Client == 0 || c.l.Server == 0 {
		return !math.IsNaN(c.rtt)
	}
	return math.IsNaN(c.rtt) || math.Abs(float64(c.l.Client+c.l.Server)/1e9-c.rtt) >= 1e-6
}
