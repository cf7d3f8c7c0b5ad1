package app

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/voice"
)

// TestRTPFields holds what is said of a call with everything in it, worked out by hand.
func TestRTPFields(t *testing.T) {
	c := mediaConversation("call")
	x := meter(t, &c, &RTP)
	for label, want := range map[string]string{
		"RTP_IN_PKTS": "106", "RTP_OUT_PKTS": "104", "RTP_IN_LOST_PKTS": "3", "RTP_OUT_LOST_PKTS": "1",
		"RTP_IN_LOSS_RUNS": "2", "RTP_IN_MAX_LOSS_RUN": "2", "RTP_OUT_LOSS_RUNS": "1", "RTP_IN_DUPLICATE_PKTS": "2",
		"RTP_IN_CODEC": "PCMU", "RTP_OUT_CODEC": "PCMA", "RTP_DTMF_TONES": "7", "RTP_IN_COMFORT_NOISE_PKTS": "1",
		"RTP_IN_SSRC": "4097", "RTP_OUT_SSRC": "8194", "RTP_IN_SSRC_CHANGES": "1", "RTP_IN_PAYLOAD_TYPE": "0",
		"RTP_FIRST_SEQ": "65530", "RTP_LAST_SEQ": "98", "RTP_FIRST_TS": "1000", "RTP_IN_OCTETS": "16177",
		"RTP_RTT": "30.018", "RTP_RTT_USEC": "30018.312", "RTCP_IN_LOST_PKTS": "3", "RTCP_IN_JITTER_USEC": "2000",
		"RTCP_OUT_LOST_PKTS": "1", "RTCP_OUT_JITTER_USEC": "10000", "RTCP_OUT_R_FACTOR": "92", "RTCP_OUT_MOS": "41",
		"RTCP_IN_R_FACTOR": "88", "RTCP_IN_MOS": "40", "RTCP_IN_PKTS": "4", "RTCP_OUT_PKTS": "2",
	} {
		if got := x.fields[label]; got != want {
			t.Errorf("%s is %q, want %q", label, got, want)
		}
	}
	for label, want := range map[string]string{"RTCP_IN_CNAME": "a@example.org", "RTCP_OUT_CNAME": "b@example.org",
		"RTP_KEYING": "zrtp", "RTCP_BYE_TIME": "1700000003400000"} {
		if got := x.said[label]; got != want {
			t.Errorf("%s is %q, want %q", label, got, want)
		}
	}
	loss := 3.0 / 105
	line := voice.Line{Impairment: voice.Impairment{Bpl: 25.1}, Loss: loss, Burst: 1.5 * (1 - loss), Delay: 75}
	if r := x.value("RTP_IN_R_VALUE"); math.Abs(r-line.Rating()) > 0.01 {
		t.Errorf("R %v, worked out again %v", r, line.Rating())
	}
}

// TestRTPRecords holds that a record of a flow says what is of its time only, and that the sequence goes on. What
// of the last few packets has not come by its end may still come, and counts as lost in the next.
func TestRTPRecords(t *testing.T) {
	s := &spoken{ssrc: 1, seq: 65000, payload: 0, step: 160, octets: 160}
	c := says("", 17, flow.Forward, nil)
	x := &metered{state: make([]byte, RTP.State)}
	lost := map[int]bool{150: true, 199: true, 200: true, 350: true}
	for cut := range 4 {
		c.turns = nil
		for n := cut * 100; n < cut*100+100; n++ {
			if !lost[n] {
				c.turns = append(c.turns, turn{octets: s.packet(n), time: noon + uint64(n)*20*msec})
			}
		}
		x.show(&c)
		x.fields = x.report(&RTP, cut < 3)
		want := [4][4]string{{"100", "0", "0", "20000"}, {"98", "0", "0", "40000"}, {"99", "3", "2", "60000"},
			{"99", "1", "1", "40000"}}[cut]
		got := [4]string{x.fields["RTP_IN_PKTS"], x.fields["RTP_IN_LOST_PKTS"], x.fields["RTP_IN_LOSS_RUNS"],
			x.fields["RTP_IN_MAX_DELTA_USEC"]}
		if got != want {
			t.Errorf("record %d: packets, lost, gaps, delta %v, want %v", cut, got, want)
		}
	}
	if again := x.report(&RTP, false); len(again) > 0 {
		t.Errorf("a record without packets says %v", again)
	}
}

// show shows the datagrams of a conversation to RTP.
func (x *metered) show(c *conversation) {
	var m Message
	for _, turn := range c.turns {
		m.Show(turn.octets, turn.dir)
		m.State, m.Time = x.state, turn.time
		RTP.Ask(&m)
	}
}

// TestRTPIntervals holds that ten bad seconds show in the worst interval and not in the others.
func TestRTPIntervals(t *testing.T) {
	s := &spoken{ssrc: 1, payload: 8, step: 160, octets: 160}
	c := says("", 17, flow.Forward, nil)
	c.turns = nil
	for n := range 3000 { // a minute
		if bad := n >= 1000 && n < 1500; !bad || n%5 != 0 {
			c.turns = append(c.turns, turn{octets: s.packet(n), time: noon + uint64(n)*20*msec})
		}
	}
	x := meter(t, &c, &RTP)
	whole, mean, worst := x.value("RTP_IN_R_VALUE"), x.value("RTP_IN_R_MEAN"), x.value("RTP_IN_R_WORST")
	fifth := voice.Line{Impairment: voice.Impairment{Bpl: 25.1}, Loss: 0.2}.Rating()
	if !(worst < whole && whole < mean && mean < 93.3) || math.Abs(worst-fifth) > 5 {
		t.Errorf("R %v, mean %v, worst %v; a fifth lost is %v", whole, mean, worst, fifth)
	}
}

// TestRTPLate counts packets that a jitter buffer of 60 ms cannot play.
func TestRTPLate(t *testing.T) {
	s := &spoken{ssrc: 1, payload: 8, step: 160, octets: 160}
	c := says("", 17, flow.Forward, nil)
	c.turns = nil
	for n := range 200 {
		late := uint64(0)
		if n%50 == 40 {
			late = 61
		} else if n%50 == 20 {
			late = 59
		}
		c.turns = append(c.turns, turn{octets: s.packet(n), time: noon + (uint64(n)*20+late)*msec})
	}
	slices.SortStableFunc(c.turns, func(a, b turn) int { return int(a.time) - int(b.time) })
	if x := meter(t, &c, &RTP); x.fields["RTP_IN_PKT_DROP"] != "4" || x.fields["RTP_IN_TRANSIT"] != "6100" {
		t.Errorf("%s late, transit %s", x.fields["RTP_IN_PKT_DROP"], x.fields["RTP_IN_TRANSIT"])
	}
}

// TestRTPUnknown holds that nothing is said of what only the signalling could tell.
func TestRTPUnknown(t *testing.T) {
	s := &spoken{ssrc: 1, payload: 111, step: 960, octets: 60}
	c := says("", 17, flow.Forward, nil)
	c.turns = nil
	for n := range 10 {
		c.turns = append(c.turns, turn{octets: s.packet(n), time: noon + uint64(n)*20*msec})
	}
	x := meter(t, &c, &RTP)
	for label := range x.fields {
		for _, absent := range []string{"JITTER", "_R_", "MOS", "CODEC", "TRANSIT", "DROP", "RTT", "DTMF", "BURST"} {
			if strings.Contains(label, absent) {
				t.Errorf("%s is %s", label, x.fields[label])
			}
		}
	}
	if x.fields["RTP_IN_PKTS"] != "10" || x.fields["RTP_IN_MAX_DELTA_USEC"] != "20000" {
		t.Errorf("%v", x.fields)
	}
}

// TestRTPReject holds that what is not RTP is not taken for it, however often it comes.
func TestRTPReject(t *testing.T) {
	good := &spoken{ssrc: 1, payload: 0, step: 160, octets: 160}
	for name, change := range map[string]func(n int, b []byte){
		"another version":           func(_ int, b []byte) { b[0] = 0x40 },
		"a payload type of RTCP":    func(_ int, b []byte) { b[1] = 73 },
		"an unassigned type":        func(_ int, b []byte) { b[1] = 77 },
		"no source":                 func(_ int, b []byte) { clear(b[8:12]) },
		"another source each time":  func(n int, b []byte) { b[8] = byte(n) + 1 },
		"a sequence that stands":    func(_ int, b []byte) { b[2], b[3] = 7, 7 },
		"a sequence that jumps":     func(n int, b []byte) { b[2] = byte(n * 37) },
		"a timestamp that jumps":    func(n int, b []byte) { b[4] = byte(n * 91) },
		"padding beyond the packet": func(_ int, b []byte) { b[0], b[len(b)-1] = 0xa0, 255 },
		"an extension beyond":       func(_ int, b []byte) { b[0], b[14] = 0x90, 255 },
	} {
		c := says(name, 17, flow.Forward, nil)
		c.turns = nil
		for n := range 20 {
			b := good.packet(n)
			change(n, b)
			c.turns = append(c.turns, turn{octets: b, time: noon + uint64(n)*20*msec})
		}
		if x := meter(t, &c, &RTP); x.accepted > 0 {
			t.Errorf("%s: accepted: %v", name, x.verdicts)
		}
	}
}

// TestRTPMany holds that streams are bounded: a new source with each packet takes the place of others, and
// what they counted stays.
func TestRTPMany(t *testing.T) {
	c := says("", 17, flow.Forward, nil)
	c.turns = nil
	for n := range 1000 {
		s := &spoken{ssrc: 1, payload: 0, step: 160, octets: 160}
		if n >= 10 {
			s.ssrc = uint32(n)
		}
		c.turns = append(c.turns, turn{octets: s.packet(n), time: noon + uint64(n)*20*msec})
	}
	x := meter(t, &c, &RTP)
	f := x.fields
	if f["RTP_IN_PKTS"] != "1000" || f["RTP_IN_SSRC_CHANGES"] != "990" || f["RTP_IN_LOST_PKTS"] != "0" {
		t.Errorf("%v", x.fields)
	}
}

// TestRTPKeying takes a message of ZRTP as tshark does: only with its checksum, which both know.
func TestRTPKeying(t *testing.T) {
	whole := mediaConversation("call")
	hello := whole.turns[slices.IndexFunc(whole.turns, func(x turn) bool { return x.octets[0] == 0x10 })]
	for _, bad := range []bool{false, true} {
		c := says("zrtp", 17, flow.Forward, nil)
		c.turns = []turn{{octets: slices.Clone(hello.octets), time: noon}}
		if bad {
			c.turns[0].octets[20] ^= 1
		}
		x := meter(t, &c, &RTP)
		if accepted := x.accepted == 1 && x.said["RTP_KEYING"] == "zrtp"; accepted == bad {
			t.Errorf("changed %v: %v, %v", bad, x.verdicts, x.said)
		}
		file := filepath.Join(t.TempDir(), "zrtp.pcap")
		record(t, file, []conversation{c}, 1)
		if isShark(t, file, conversations(t, file)[0], "zrtp.checksum.status==1") == bad {
			t.Errorf("changed %v: tshark is of another opinion", bad)
		}
	}
}
