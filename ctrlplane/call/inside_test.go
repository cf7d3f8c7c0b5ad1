package call

import (
	"math"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/dissect/voice"
)

// TestFax joins facsimile to the call that turned to it, on ports of its own, where no packet of RTP ever is,
// and where sound was before.
func TestFax(t *testing.T) {
	for name, fax := range map[string][2]string{
		"own ports": {"192.0.2.1:4444", "192.0.2.2:6666"},
		"the same":  {"192.0.2.1:4000", "192.0.2.2:6000"},
	} {
		d := newDesk(t, nil)
		d.invited("fax", 0)
		sound := d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 3, last: 10, sent: 300, going: true})
		d.say(sip{method: "INVITE", id: "fax", cseq: 2, from: "bob", to: "alice", code: 200, begin: 10, answer: 10, reverse: true,
			offer: "image " + fax[1], reply: "image " + fax[0]})
		if id := d.fax(fax[0], fax[1]); id != "fax" || sound != "fax" {
			t.Errorf("%s: the facsimile is of %q, the sound of %q", name, id, sound)
		}
		d.bye("fax", 60)
		d.tick(200)
		o := d.one("fax")
		d.wants(o, map[string]any{"CALL_OUTCOME": "completed", "CALL_REINVITES": 1, "RTP_IN_PKTS": 300, "OUT_PKTS": 299})
		if flows := o["CALL_MEDIA_FLOWS"]; flows != map[string]float64{"own ports": 2, "the same": 1}[name] || len(d.made) != 1 {
			t.Errorf("%s: %v flows of media, %d records", name, flows, len(d.made))
		}
		d.balanced()
	}
}

// fax shows a record of a flow with packets of T.38 only, and returns the Call-ID that was added to it.
func (d *desk) fax(src, dst string) string {
	r := record(src, dst)
	r.First, r.Last, r.End = at(11), at(59), flow.EndIdle
	r.Packets, r.Octets = [2]uint64{300, 299}, [2]uint64{9000, 8000}
	a := new(flow.Attrs)
	for dir, n := range r.Packets {
		a.Uint(app.T38Packets[dir], n)
		a.Uint(app.T38LostPackets[dir], uint64(dir))
	}
	v := &flow.View{Record: r, Attrs: a.All()}
	d.c.Take(egress.Flows, v, a)
	v.Attrs = a.All()
	id, _ := v.Value(app.RTPCallID)
	return string(id.B)
}

// TestEarly joins what is heard before anybody answers: an announcement, of a call that is refused behind it.
func TestEarly(t *testing.T) {
	for _, late := range []bool{false, true} { // the media is over before the signalling tells of it
		d := newDesk(t, nil)
		refused := sip{method: "INVITE", id: "early", to: "bob", code: 486, begin: 0, ring: 0.25, answer: 9, offer: aliceAt, reply: bobAt}
		said := rtp{src: "192.0.2.2:6000", dst: "192.0.2.1:4000", first: 0.5, last: 8.5, sent: 400, rating: 88}
		if late {
			d.media(said)
			d.say(refused)
		} else {
			d.say(refused)
			d.media(said)
		}
		d.tick(300)
		d.wants(d.one("early"), map[string]any{"CALL_OUTCOME": "busy", "CALL_MEDIA_FLOWS": 1, "RTP_OUT_PKTS": 400,
			"RTP_IN_PKTS": nil, "RTP_OUT_R_VALUE": 88, "CALL_DURATION_USEC": nil, "CALL_RING_TIME_USEC": 8_750_000})
		d.balanced()
	}
}

// TestClock has the payload type of the media be named by the signalling only, as signalling and media pass at
// different workers. What was measured with the clock that it says is told, and with the codec that it says R is
// worked out; what was measured with another clock is not told.
func TestClock(t *testing.T) {
	for _, clock := range []uint64{0, 8000, 16000} {
		d := newDesk(t, nil)
		d.invited("one", 0) // iLBC at 8000 Hz
		d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 3, last: 60, sent: 980, back: 1000, lost: 20,
			payload: 97, clock: clock})
		if told := clock != 16000; d.jittered != told {
			t.Errorf("clock %d: the flow's jitter is told: %v", clock, d.jittered)
		}
		d.bye("one", 61)
		d.tick(1000)
		o := d.one("one")
		d.wants(o, map[string]any{"RTP_IN_CODEC": "iLBC", "RTP_IN_PKTS": 980, "RTP_IN_LOST_PKTS": 20})
		if clock == 16000 {
			d.wants(o, map[string]any{"RTP_IN_JITTER": nil, "RTP_IN_JITTER_USEC": nil, "RTP_IN_MAX_JITTER_USEC": nil,
				"RTP_IN_TRANSIT": nil, "RTP_IN_PKT_DROP": nil, "RTP_IN_R_VALUE": nil, "RTP_MOS": nil})
			continue
		}
		if clock == 0 {
			continue
		}
		d.wants(o, map[string]any{"RTP_IN_JITTER_USEC": 980, "RTP_IN_PKT_DROP": 9})
		loss := 29.0 / 1000
		line := voice.Line{Impairment: voice.Impairment{Ie: 11, Bpl: 32}, Loss: loss, Burst: 20 * 0.98}
		if r, _ := o["RTP_IN_R_VALUE"].(float64); math.Abs(r-line.Rating()) > 0.01 {
			t.Errorf("R is %v, worked out again %v", r, line.Rating())
		}
		if mos, _ := o["RTP_IN_MOS"].(float64); math.Abs(mos-100*voice.MOS(line.Rating())) > 1 {
			t.Errorf("MOS × 100 is %v", mos)
		}
	}
}
