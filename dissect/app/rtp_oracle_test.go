package app

import (
	"fmt"
	"math"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// sharkStream is a line of tshark's table of streams; times in milliseconds.
type sharkStream struct {
	streams               int // that this is of
	src, dst              netip.AddrPort
	ssrc                  uint32
	payload               string
	packets, lost         int
	meanDelta, maxDelta   float64
	meanJitter, maxJitter float64
}

var sharkLine = regexp.MustCompile(`^\s*[\d.]+\s+[\d.]+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+0x([0-9A-F]+)\s+(.+?)` +
	`\s+(\d+)\s+(-?\d+) \(.*?\)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)`)

// sharkStreams asks tshark for the streams in a capture.
func sharkStreams(t *testing.T, file string, more ...string) (all []sharkStream) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("no tshark: install tshark")
	}
	args := append([]string{"-r", file, "--enable-heuristic", "rtp_udp", "-q", "-z", "rtp,streams"}, more...)
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark of %s: %v", file, err)
	}
	for line := range strings.Lines(string(out)) {
		f := sharkLine.FindStringSubmatch(line)
		if f == nil {
			continue
		}
		number := func(i int) float64 {
			v, _ := strconv.ParseFloat(f[i], 64)
			return v
		}
		ssrc, _ := strconv.ParseUint(f[5], 16, 32)
		src, err1 := netip.ParseAddrPort(f[1] + ":" + f[2])
		dst, err2 := netip.ParseAddrPort(f[3] + ":" + f[4])
		if err1 != nil || err2 != nil {
			src, dst = netip.MustParseAddrPort("["+f[1]+"]:"+f[2]), netip.MustParseAddrPort("["+f[3]+"]:"+f[4])
		}
		all = append(all, sharkStream{1, src, dst, uint32(ssrc), f[6], int(number(7)), int(number(8)),
			number(10), number(11), number(13), number(14)})
	}
	return all
}

// ends returns the addresses of a conversation, by who sends.
func (c *conversation) ends(dir flow.Dir) (src, dst netip.AddrPort) {
	var proto int
	var a, b string
	_, _ = fmt.Sscanf(c.name, "%s > %s / %d", &a, &b, &proto)
	src, _ = netip.ParseAddrPort(a)
	dst, _ = netip.ParseAddrPort(b)
	if dir == flow.Reverse {
		return dst, src
	}
	return src, dst
}

// near reports whether two times in milliseconds are the same within a hundredth, or tshark's rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.01*math.Abs(b)+0.0015 }

// TestRTPOracle compares streams with tshark's numbers. Its lost packets are those expected less all that
// came, duplicates too. Of what is not found or not compared each is named here.
func TestRTPOracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "[rs][ti]p", "*.*cap*"))
	found, all := 0, 0
	for _, file := range files {
		switch filepath.Ext(file) {
		case ".pcap", ".pcapng", ".cap":
			n, of := compared(t, file)
			found, all = found+n, all+of
		}
	}
	t.Logf("%d of %d streams of tshark found", found, all)
	if found < 21 || found < all {
		t.Errorf("only %d of %d streams found", found, all)
	}
}

// unlike are streams of which something is not compared, and why.
var unlike = map[string]string{
	// Pictures of several packets, the last of which has a mark: five of 15. tshark keeps a running mean that these
	// do not change, but add to the weight of. By this rule the jitters measured here make its 0.692, too.
	"nDPI__rtp.pcapng 00001646": "mean jitter",
}

// compared compares the streams in a file, those of one direction of a flow together, and returns how many of
// those of tshark there were.
func compared(t *testing.T, file string) (found, all int) {
	t.Helper()
	var flows []*conversation
	for _, c := range conversations(t, file) {
		if c.proto == 17 {
			flows = append(flows, c)
		}
	}
	streams := sharkStreams(t, file)
	if len(streams) == 0 {
		return 0, 0
	}
	name, clocks := filepath.Base(file), sharkClocks(t, file)
	media := sharkStreams(t, file, "-2", "-R", "!rtpevent") // jitter is measured between those
	for _, s := range merged(streams) {
		all += s.streams
		x, dir := s.among(t, flows, clocks)
		if x == nil {
			t.Errorf("%s of %d packets is not found", s.name(name), s.packets)
			continue
		}
		found += s.streams
		for _, o := range media {
			if o.src == s.src && o.dst == s.dst && o.ssrc == s.ssrc {
				s.meanJitter, s.maxJitter = o.meanJitter, o.maxJitter
			}
		}
		s.compare(t, s.name(name), x, [2]string{"RTP_IN_", "RTP_OUT_"}[dir])
	}
	return found, all
}

func (s *sharkStream) name(file string) string { return fmt.Sprintf("%s %08x", file, s.ssrc) }

// merged adds up the streams from an endpoint to another. What only one can have is that of the most packets.
func merged(all []sharkStream) (some []sharkStream) {
	slices.SortStableFunc(all, func(a, b sharkStream) int { return b.packets - a.packets })
	for _, s := range all {
		i := slices.IndexFunc(some, func(o sharkStream) bool { return o.src == s.src && o.dst == s.dst })
		if i < 0 {
			s.streams = 1
			some = append(some, s)
			continue
		}
		o := &some[i]
		o.streams++
		o.packets, o.lost, o.maxDelta = o.packets+s.packets, o.lost+s.lost, max(o.maxDelta, s.maxDelta)
	}
	return some
}

var sharkMap = regexp.MustCompile(`rtpmap:(\d+) [^/]+/(\d+)`)

// sharkClocks asks tshark for the clocks that are described of dynamic payload types.
func sharkClocks(t *testing.T, file string) map[uint8]uint32 {
	out, err := exec.Command("tshark", "-r", file, "-Y", "sdp", "-T", "fields", "-e", "sdp.media_attr").Output()
	if err != nil {
		t.Fatalf("tshark of %s: %v", file, err)
	}
	clocks := map[uint8]uint32{}
	for _, f := range sharkMap.FindAllStringSubmatch(string(out), -1) {
		kind, _ := strconv.Atoi(f[1])
		clock, _ := strconv.Atoi(f[2])
		clocks[uint8(kind)] = uint32(clock)
	}
	return clocks
}

// among meters the flow of a stream. Clocks that are described are known from the first packet on, as tshark
// knows them; otherwise they would be estimated of the first few.
func (s *sharkStream) among(t *testing.T, flows []*conversation, clocks map[uint8]uint32) (*metered, flow.Dir) {
	for _, c := range flows {
		for d := range flow.Dir(2) {
			if src, dst := c.ends(d); src == s.src && dst == s.dst {
				if x := meterWith(t, c, &RTP, clocks); x.accepted > 0 {
					return x, d
				}
			}
		}
	}
	return nil, 0
}

// compare holds the fields of a direction against a line of tshark's table.
func (s *sharkStream) compare(t *testing.T, name string, x *metered, prefix string) {
	get := func(label string) float64 { return x.value(prefix + label) }
	packets, lost := get("PKTS"), get("LOST_PKTS")-get("DUPLICATE_PKTS")
	delta, mean, peak := get("MAX_DELTA_USEC")/1e3, get("JITTER_USEC")/1e3, get("MAX_JITTER_USEC")/1e3
	t.Logf("%-45.45s %-12.12s packets %v/%d lost %v/%d max delta %.3f/%.3f jitter %.3f/%.3f max %.3f/%.3f",
		name, s.payload, packets, s.packets, lost, s.lost, delta, s.maxDelta, mean, s.meanJitter, peak, s.maxJitter)
	if int(packets) != s.packets || int(lost) != s.lost || !near(delta, s.maxDelta) {
		t.Errorf("%s: counts differ", name)
	}
	if uint32(get("SSRC")) != s.ssrc || int(get("SSRC_CHANGES")) != s.streams-1 {
		t.Errorf("%s: source %08x, %v changes", name, uint32(get("SSRC")), get("SSRC_CHANGES"))
	}
	if mean < 0 && s.maxJitter == 0 { // no clock is known, and absent is what nobody measured
		return
	}
	if !near(peak, s.maxJitter) || !near(mean, s.meanJitter) && unlike[name] != "mean jitter" {
		t.Errorf("%s: jitter differs", name)
	}
}

// TestRTPAlone looks for RTP in all captures: where this finds it, tshark has to.
func TestRTPAlone(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.cap"} {
		more, _ := filepath.Glob(filepath.Join(corpus(t), "*", pattern))
		files = append(files, more...)
	}
	flows, right, wrong := 0, 0, 0
	for _, file := range files {
		if filepath.Base(file) == unreadable {
			continue
		}
		var known []sharkStream
		asked := false
		for _, c := range conversations(t, file) {
			if c.proto != 17 {
				continue
			}
			flows++
			x := meter(t, c, &RTP)
			if x.accepted == 0 || x.number == numberSTUN {
				continue
			}
			if !asked {
				known, asked = sharkStreams(t, file), true
			}
			if among(known, c) || isShark(t, file, c, "rtcp") {
				right++
				continue
			}
			wrong++
			t.Errorf("%s: %s is taken for RTP: %d datagrams, %v", file, c.name, x.accepted, x.fields)
		}
	}
	t.Logf("%d files, %d flows of UDP: %d are RTP or RTCP as tshark says, %d otherwise", len(files), flows, right, wrong)
	if right < 15 {
		t.Errorf("only %d flows found", right)
	}
}

// unreadable is a capture in a format that is not read.
const unreadable = "wireshark-wiki__c07-sip-r2.cap"

// among reports whether a stream is of a conversation.
func among(all []sharkStream, c *conversation) bool {
	a, b := c.ends(flow.Forward)
	return slices.ContainsFunc(all, func(s sharkStream) bool {
		return s.src == a && s.dst == b || s.src == b && s.dst == a
	})
}

// isShark reports whether tshark says that a packet of the conversation is of a protocol.
func isShark(t *testing.T, file string, c *conversation, proto string) bool {
	a, b := c.ends(flow.Forward)
	over := map[uint8]string{6: "tcp", 17: "udp"}[c.proto]
	filter := fmt.Sprintf("%s && %s.port==%d && %s.port==%d", proto, over, a.Port(), over, b.Port())
	out, err := exec.Command("tshark", "-r", file, "--enable-heuristic", "rtp_udp", "--enable-heuristic", "rtcp_udp",
		"-Y", filter).Output()
	if err != nil {
		t.Fatalf("tshark of %s: %v", file, err)
	}
	return len(out) > 0
}
