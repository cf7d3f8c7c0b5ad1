package app

import (
	"math/rand/v2"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// TestVoIPNumbers holds the fields of calls that nProbe has to its names, numbers and units: what is measured, in
// nanoseconds or counted, and what is said of it.
func TestVoIPNumbers(t *testing.T) {
	const at, ms = 1_700_000_000_987_654_321, 1_000_000
	type row struct {
		label    string
		measured uint64
		said     string
	}
	number := func(label string) row { return row{label, 7, "7"} }
	time := func(label string) row { return row{label, at, "1700000000"} }
	text := func(label string) row { return row{label: label} }
	all := map[uint16]row{
		130: text("SIP_CALL_ID"), 131: text("SIP_CALLING_PARTY"), 132: text("SIP_CALLED_PARTY"), 133: text("SIP_RTP_CODECS"),
		134: time("SIP_INVITE_TIME"), 135: time("SIP_TRYING_TIME"), 136: time("SIP_RINGING_TIME"),
		137: time("SIP_INVITE_OK_TIME"), 138: time("SIP_INVITE_FAILURE_TIME"), 139: time("SIP_BYE_TIME"),
		140: time("SIP_BYE_OK_TIME"), 141: time("SIP_CANCEL_TIME"), 142: time("SIP_CANCEL_OK_TIME"),
		143: text("SIP_RTP_IPV4_SRC_ADDR"), 144: number("SIP_RTP_L4_SRC_PORT"), 145: text("SIP_RTP_IPV4_DST_ADDR"),
		146: number("SIP_RTP_L4_DST_PORT"), 147: number("SIP_RESPONSE_CODE"), 148: number("SIP_REASON_CAUSE"),
		150: number("RTP_FIRST_SEQ"), 151: number("RTP_FIRST_TS"), 152: number("RTP_LAST_SEQ"), 153: number("RTP_LAST_TS"),
		154: {"RTP_IN_JITTER", 2 * ms, "2000"}, 155: {"RTP_OUT_JITTER", 2 * ms, "2000"}, // milliseconds × 1000
		156: {"RTP_IN_PKT_LOST", 5_000, "5"}, 157: {"RTP_OUT_PKT_LOST", 5_000, "5"}, // per cent
		158: number("RTP_OUT_PAYLOAD_TYPE"), 161: number("RTP_IN_PAYLOAD_TYPE"),
		159: {"RTP_IN_MAX_DELTA", 20 * ms, "2000"}, 160: {"RTP_OUT_MAX_DELTA", 20 * ms, "2000"}, // milliseconds × 100
		316: text("SIP_UAC"), 317: text("SIP_UAS"), 348: text("RTP_SIP_CALL_ID"), 362: text("SIP_C_IP"),
		363: text("SIP_CALL_STATE"), 370: {"RTP_IN_MOS", 441, "441"}, 371: {"RTP_IN_R_FACTOR", 9320, "9320"}, // × 100
		380: {"RTP_RTT", 30 * ms, "30"}, 381: {"RTP_IN_TRANSIT", 61 * ms, "6100"}, 382: {"RTP_OUT_TRANSIT", 61 * ms, "6100"},
		395: text("RTP_DTMF_TONES"), 430: number("RTP_IN_PKT_DROP"), 431: number("RTP_OUT_PKT_DROP"),
		432: {"RTP_OUT_MOS", 441, "441"}, 433: {"RTP_OUT_R_FACTOR", 9320, "9320"}, 434: {"RTP_MOS", 441, "441"},
		436: {"RTP_R_FACTOR", 9320, "9320"}, 437: number("RTP_SSRC"), 528: {"SIP_REGISTER_MAX_RRD", 30 * ms, "30"},
		529: number("SIP_REGISTER_NUM_OK"), 530: number("SIP_REGISTER_NUM_OTHER"),
	}
	schema()
	seen := map[uint16]bool{}
	for _, f := range Fields() {
		x, ok := all[f.ID]
		if f.PEN != flow.Ntop || !ok {
			continue
		}
		seen[f.ID] = true
		if f.Label != x.label {
			t.Errorf("%d is %s, want %s", f.ID, f.Label, x.label)
		}
		if x.said == "" {
			continue
		}
		if got := string(f.JSON(nil, flow.Value{U: x.measured})); got != x.said {
			t.Errorf("%s says %s of %d, want %s", f.Label, got, x.measured, x.said)
		}
	}
	for id, x := range all {
		if !seen[id] {
			t.Errorf("there is no %s, %d", x.label, id)
		}
	}
}

// TestRTPTalkspurts counts the marks of each direction, in every record of a flow.
func TestRTPTalkspurts(t *testing.T) {
	s := &spoken{ssrc: 1, seq: 7, payload: 8, step: 160, octets: 160}
	x := &metered{state: make([]byte, RTP.State)}
	for record, want := range []string{"4", "0", "2"} {
		c := says("", 17, flow.Forward, nil)
		c.turns = nil
		for n := range 100 {
			b := s.packet(record*100 + n)
			if marks := map[int]int{0: 25, 2: 50}[record]; marks > 0 && n%marks == 0 {
				b[1] |= 0x80
			}
			c.turns = append(c.turns, turn{octets: b, time: noon + uint64(record*100+n)*20*msec})
		}
		x.show(&c)
		if x.fields = x.report(&RTP, true); x.fields["RTP_IN_TALKSPURTS"] != want {
			t.Errorf("record %d: %s talkspurts, want %s", record, x.fields["RTP_IN_TALKSPURTS"], want)
		}
	}
}

// TestRTPCut holds that what is lost of a flow is the same in one record and in many: the sum over those that it
// was cut into, wherever that was, with packets in disorder across the cuts.
func TestRTPCut(t *testing.T) {
	var h harm
	rnd := rand.New(rand.NewPCG(11, 0))
	for _, behind := range []int{1, 10, 60} {
		come := disorder(rnd, behind)
		var all []arrived
		for i, n := range come {
			all = append(all, arrived{n, 20 * float64(i)})
		}
		c := h.conversation(all)
		lost, again := lostOf(come)
		for _, size := range []int{len(all), len(all)/2 + 1, 700, 64, 33} {
			x := &metered{state: make([]byte, RTP.State)}
			sums := map[string]float64{}
			for at := 0; at < len(all); at += size {
				part := c
				part.turns = c.turns[at:min(at+size, len(all))]
				x.show(&part)
				x.fields = x.report(&RTP, at+size < len(all))
				for _, label := range []string{"RTP_IN_PKTS", "RTP_IN_LOST_PKTS", "RTP_IN_DUPLICATE_PKTS"} {
					sums[label] += max(x.value(label), 0)
				}
			}
			if sums["RTP_IN_LOST_PKTS"] != float64(lost) || sums["RTP_IN_DUPLICATE_PKTS"] != float64(again) ||
				sums["RTP_IN_PKTS"] != float64(len(all)) {
				t.Errorf("%d behind, records of %d: %v, want %d, %d lost, %d again", behind, size, sums, len(all), lost, again)
			}
		}
	}
}

// TestRTPDisorderFirst holds that streams prove themselves that begin in heavy disorder and with losses.
func TestRTPDisorderFirst(t *testing.T) {
	var h harm
	rnd := rand.New(rand.NewPCG(12, 0))
	for trial := range 1000 {
		order := rnd.Perm(8)
		var all []arrived
		for i := range 200 {
			n := i
			if i < 8 {
				n = order[i]
			}
			if i < 8 && rnd.IntN(5) == 0 {
				continue
			}
			all = append(all, arrived{n, 20 * float64(i)})
		}
		c := h.conversation(all)
		if x := meter(t, &c, &RTP); x.fields["RTP_IN_PKTS"] == "" {
			t.Fatalf("trial %d: not found: %v", trial, order)
		}
	}
}

// TestRTPPreamble has what a client sends to make a way be before the media.
func TestRTPPreamble(t *testing.T) {
	s := &spoken{ssrc: 0xb80974d8, seq: 7, payload: 111, step: 960, octets: 20}
	for preamble, found := range map[string]bool{
		"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1c": true,
		"\x00\x00\x00\x00": true,
		"\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x00\x00\x01\x1c": false,
	} {
		c := says("", 17, flow.Forward, []byte(preamble))
		c.turns[0].time = noon
		for n := range 20 {
			c.turns = append(c.turns, turn{octets: s.packet(n), time: noon + uint64(n+1)*20*msec})
		}
		if x := meter(t, &c, &RTP); (x.fields["RTP_IN_PKTS"] == "20") != found {
			t.Errorf("behind %x: %v", preamble, x.fields)
		}
	}
}

// TestRTPClock finds the clock of a payload type that nobody has described although packets come irregularly at
// first, and measures jitter with the right one in the end.
func TestRTPClock(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 0))
	right, never := 0, 0
	for range 200 {
		s := &spoken{ssrc: 1, seq: 7, payload: 111, step: 960, octets: 60}
		c := says("", 17, flow.Forward, nil)
		c.turns = nil
		at := uint64(noon)
		for n := range 300 {
			at = max(at+1, noon+uint64(n)*20*msec+uint64(rnd.IntN(40))*msec)
			c.turns = append(c.turns, turn{octets: s.packet(n), time: at})
		}
		switch x := meter(t, &c, &RTP); x.fields["RTP_IN_CLOCK_HZ"] {
		case "48000":
			right++
		case "":
			never++
		}
	}
	if t.Logf("%d of 200 right, %d not known", right, never); right+never < 200 || right < 190 {
		t.Errorf("of 200 clocks %d are right, %d not known", right, never)
	}
}
