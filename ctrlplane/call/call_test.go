package call

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// TestOrder makes the same record of a call in whatever order its parts come.
func TestOrder(t *testing.T) {
	parts := []func(d *desk){
		func(d *desk) { d.invited("order", 0) },
		func(d *desk) { d.bye("order", 63) },
		func(d *desk) {
			d.media(rtp{src: "192.0.2.2:6000", dst: "192.0.2.1:4000", first: 3, last: 62, sent: 3000, back: 2900, lost: 30,
				rating: 80})
		},
		func(d *desk) {
			d.media(rtp{src: "192.0.2.1:4001", dst: "192.0.2.2:6001", first: 5, last: 61, control: 12, trip: 4e7})
		},
	}
	var first map[string]any
	for _, order := range [][]int{{0, 1, 2, 3}, {2, 0, 1, 3}, {3, 2, 0, 1}, {0, 2, 3, 1}, {2, 3, 0, 1}, {0, 3, 1, 2}} {
		d := newDesk(t, nil)
		for _, i := range order {
			parts[i](d)
		}
		for s := 63.0; s < 200; s += 0.5 {
			d.tick(s)
		}
		o := d.one("order")
		delete(o, "made")
		if first == nil {
			first = o
			d.wants(o, map[string]any{
				"CALL_OUTCOME": "completed", "SIP_CALL_STATE": "CALL_COMPLETED", "SIP_RESPONSE_CODE": 200,
				"CALL_HANGUP": "caller", "CALL_POST_DIAL_DELAY_USEC": 250_000, "CALL_RING_TIME_USEC": 2_750_000,
				"CALL_DURATION_USEC": 60_000_000, "CALL_RECORD_REASON": "ended", "CALL_MEDIA_FLOWS": 2,
				"CALL_DIALOGS": 1, "CALL_ATTEMPTS": 1, "CALL_MEDIA_TRANSLATED": 0, "IPV4_SRC_ADDR": "192.0.2.1",
				"CALL_CALLER_MEDIA": "192.0.2.1:4000", "CALL_CALLEE_MEDIA": "192.0.2.2:6000",
				"RTP_OUT_PKTS": 3000, "RTP_IN_PKTS": 2900, "RTP_OUT_LOST_PKTS": 30, "RTP_IN_LOST_PKTS": 0,
				"RTP_OUT_R_VALUE": 80, "RTP_OUT_R_WORST": 79, "RTP_OUT_R_FACTOR": 8000, "RTP_MOS": 320,
				"RTP_RTT": 40, "RTP_RTT_USEC": 40_000, "OUT_PKTS": 3000, "SIP_BYE_TIME": 1_700_000_063,
				"RTP_IN_CODEC": nil, "CALL_LINKED_CALL_ID": nil, "SIP_CANCEL_TIME": nil,
			})
		}
		if !reflect.DeepEqual(o, first) || len(d.made) != 1 {
			t.Errorf("order %v: %d records, %v", order, len(d.made), o)
		}
		d.balanced()
	}
}

// balanced compares what was opened with what was made, and finds nothing left behind.
func (d *desk) balanced() {
	d.t.Helper()
	n, c := &d.c.counts, d.c
	if made := n[Ended] + n[TimedOut] + n[Evicted] + n[Stopped]; n[Opened] != made+uint64(c.calls.inUse()) ||
		made+n[MediaCalls] != uint64(len(d.made)) {
		d.t.Errorf("%d opened, %d made, %d records: %v", n[Opened], made, len(d.made), d.counts())
	}
	if c.calls.inUse() > 0 {
		return
	}
	if len(c.ids)+len(c.links)+len(c.ends)+c.seen.inUse() > 0 || c.flows.inUse() != len(c.media) {
		d.t.Errorf("left behind: %d calls, %d links, %d endpoints, %d flows",
			len(c.ids), len(c.links), len(c.ends), len(c.media))
	}
}

// outcome is what is said of a call, and what its record says then.
type outcome struct {
	say  []sip
	want map[string]any
}

// outcomes are calls with the Call-ID x.
func outcomes() map[string]outcome {
	invite := func(id string, code uint64, change func(s *sip)) sip {
		s := sip{method: "INVITE", id: id, code: code, begin: 0, answer: 2, offer: aliceAt, to: "bob"}
		if change != nil {
			change(&s)
		}
		return s
	}
	return map[string]outcome{
		"busy": {[]sip{invite("x", 486, nil)}, map[string]any{"CALL_OUTCOME": "busy", "SIP_CALL_STATE": "CALL_ERROR",
			"SIP_RESPONSE_CODE": 486, "SIP_INVITE_FAILURE_TIME": 1_700_000_002, "CALL_DURATION_USEC": nil,
			"CALL_POST_DIAL_DELAY_USEC": 2_000_000}},
		"unanswered": {[]sip{invite("x", 0, func(s *sip) { s.to = "" })}, map[string]any{"CALL_OUTCOME": "unanswered",
			"SIP_RESPONSE_CODE": nil, "CALL_RECORD_REASON": "timeout", "SIP_CALL_STATE": "CALL_STARTED"}},
		"ringing": {[]sip{invite("x", 0, func(s *sip) { s.ring = 1 })}, map[string]any{"CALL_OUTCOME": "ringing"}},
		"cancelled": {[]sip{
			{method: "CANCEL", id: "x"}, // of a call that is not known: it is outside
			invite("x", 0, func(s *sip) { s.ring = 1 }),
			{method: "CANCEL", id: "x", code: 200, begin: 11, answer: 11.1},
			invite("x", 487, func(s *sip) { s.answer, s.ring = 11.2, 1 })},
			map[string]any{"CALL_OUTCOME": "cancelled", "SIP_CALL_STATE": "CALL_CANCELED", "CALL_HANGUP": "caller",
				"CALL_RING_TIME_USEC": 10_000_000, "SIP_CANCEL_OK_TIME": 1_700_000_011, "CALL_DIALOGS": 1}},
		"slow to answer": {[]sip{invite("x", 0, func(s *sip) { s.ring = 1 }),
			invite("x", 200, func(s *sip) { s.ring, s.answer = 1, 31 })},
			map[string]any{"CALL_OUTCOME": "answered", "SIP_CALL_STATE": "CALL_IN_PROGRESS", "CALL_ATTEMPTS": 1,
				"CALL_RING_TIME_USEC": 30_000_000}},
		"challenged": {[]sip{invite("x", 407, nil), invite("x", 200, func(s *sip) { s.cseq, s.begin, s.answer = 2, 3, 5 }),
			{method: "BYE", id: "x", from: "bob", to: "alice", code: 200, begin: 9, answer: 9.5, reverse: true}},
			map[string]any{"CALL_OUTCOME": "completed", "CALL_ATTEMPTS": 2, "CALL_HANGUP": "callee",
				"CALL_DURATION_USEC": 4_000_000, "SIP_INVITE_FAILURE_TIME": nil, "SIP_RESPONSE_CODE": 200}},
		"challenged in vain": {[]sip{invite("x", 401, nil)}, map[string]any{"CALL_OUTCOME": "challenged"}},
		"redirected":         {[]sip{invite("x", 302, nil)}, map[string]any{"CALL_OUTCOME": "redirected"}},
		"forked": {[]sip{invite("x", 200, nil), invite("x", 200, func(s *sip) { s.to, s.answer = "carol", 2.2 }),
			{method: "BYE", id: "x", cseq: 2, to: "carol", code: 200, begin: 2.5, answer: 2.6},
			{method: "BYE", id: "x", cseq: 3, to: "bob", code: 200, begin: 20, answer: 20.1}},
			map[string]any{"CALL_OUTCOME": "completed", "CALL_DIALOGS": 2, "SIP_TO_TAG": "bob",
				"CALL_RECORD_REASON": "ended"}},
		"forked, one ended": {[]sip{invite("x", 200, nil), invite("x", 200, func(s *sip) { s.to = "carol" }),
			{method: "BYE", id: "x", cseq: 2, to: "carol", code: 200, begin: 2.5, answer: 2.6}},
			map[string]any{"CALL_RECORD_REASON": "timeout"}},
		"forked by a proxy": {[]sip{
			invite("x", 486, func(s *sip) { s.src, s.dst, s.to = "192.0.2.9:5060", "192.0.2.3:5060", "carol" }),
			invite("x", 200, func(s *sip) { s.src, s.dst = "192.0.2.9:5060", "192.0.2.2:5060" }), invite("x", 200, nil)},
			map[string]any{"CALL_OUTCOME": "answered", "CALL_HOPS": 3, "CALL_DIALOGS": 2, "SIP_RESPONSE_CODE": 200}},
		"begun before": {[]sip{{method: "BYE", id: "x", code: 200, begin: 4, answer: 5}}, map[string]any{
			"CALL_OUTCOME": "completed", "CALL_HANGUP": nil, "SIP_CALLING_PARTY": nil, "CALL_DURATION_USEC": nil,
			"SIP_INVITE_TIME": nil}},
		"told": {[]sip{invite("x", 200, nil),
			{method: "INFO", id: "x", begin: 3, code: 200, answer: 3, texts: map[*flow.Field]string{app.SIPInfoDTMF: "4"}},
			{method: "INFO", id: "x", begin: 4, code: 200, answer: 4, texts: map[*flow.Field]string{app.SIPInfoDTMF: "#"}},
			{method: "REFER", id: "x", begin: 5, code: 202, answer: 5,
				texts: map[*flow.Field]string{app.SIPReferTo: "sip:carol@example.com"}},
			{method: "UPDATE", id: "x", cseq: 9, begin: 6, code: 200, answer: 6},
			{method: "BYE", id: "x", begin: 7, code: 200, answer: 7, numbers: map[*flow.Field]uint64{app.SIPReasonCause: 16,
				app.TransactionRepeats: 3}}},
			map[string]any{"CALL_INFO_DTMF": "4#", "CALL_REFERRALS": 1, "SIP_REFER_TO": "sip:carol@example.com",
				"CALL_UPDATES": 1, "SIP_REASON_CAUSE": 16, "CALL_RETRANSMISSIONS": 3}},
	}
}

// TestOutcomes tells what became of calls.
func TestOutcomes(t *testing.T) {
	for name, c := range outcomes() {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, nil)
			for _, s := range c.say {
				d.say(s)
			}
			d.say(c.say[len(c.say)-1]) // once more, as on another hop that is seen too
			d.tick(40)
			if c.want["CALL_OUTCOME"] == "answered" {
				d.flush()
			}
			d.tick(4 * 3600)
			if want := c.want["CALL_RETRANSMISSIONS"]; want != nil {
				c.want["CALL_RETRANSMISSIONS"] = 2 * want.(int)
			}
			d.wants(d.one("x"), c.want)
			d.balanced()
		})
	}
}

// TestInside follows a call that moves its media, and puts it on hold.
func TestInside(t *testing.T) {
	d := newDesk(t, nil)
	d.invited("moves", 0)
	again := sip{method: "INVITE", id: "moves", cseq: 2, to: "bob", code: 200, begin: 10, answer: 10,
		offer: "audio 192.0.2.1:4444", reply: "audio 192.0.2.2:6666"}
	d.say(again)
	hold := sip{method: "INVITE", id: "moves", cseq: 7, from: "bob", to: "alice", code: 200, begin: 20, answer: 20,
		reverse: true, offer: "audio 192.0.2.2:6666 sendonly"}
	d.say(hold)
	d.say(hold)
	hold.cseq, hold.begin, hold.offer = 8, 50, "audio 192.0.2.2:6666"
	d.say(hold)
	d.say(sip{method: "UPDATE", id: "moves", cseq: 3, to: "bob", code: 200, begin: 55, answer: 55,
		offer: "audio 0.0.0.0:4444"})
	if id := d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 3, last: 10, sent: 300}); id != "moves" {
		t.Errorf("media before it moves is of %q", id)
	}
	d.bye("moves", 60)
	d.media(rtp{src: "192.0.2.2:6666", dst: "192.0.2.1:4444", first: 10, last: 60, sent: 100, back: 200, rating: 90})
	d.tick(200)
	d.wants(d.one("moves"), map[string]any{"CALL_REINVITES": 3, "CALL_HOLDS": 2, "CALL_HOLD_TIME_USEC": 35_000_000,
		"CALL_MEDIA_FLOWS": 2, "RTP_IN_PKTS": 500, "RTP_OUT_PKTS": 100, "CALL_UPDATES": 1,
		"CALL_CALLER_MEDIA": "192.0.2.1:4000 192.0.2.1:4444", "CALL_CALLEE_MEDIA": "192.0.2.2:6000 192.0.2.2:6666"})
	d.balanced()
}

// TestTranslated finds media whose addresses nobody has described.
func TestTranslated(t *testing.T) {
	d := newDesk(t, nil)
	d.say(sip{method: "INVITE", id: "nat", to: "bob", code: 200, begin: 0, answer: 1, src: "198.51.100.7:1024",
		dst: "192.0.2.2:5060", offer: "audio 10.0.0.5:4000", reply: "audio 192.0.2.2:6000"})
	d.media(rtp{src: "198.51.100.7:33000", dst: "192.0.2.2:6000", first: 1, last: 9, sent: 10, back: 20, payload: 97})
	d.say(sip{method: "INVITE", id: "both", to: "bob", code: 200, begin: 0, answer: 1, src: "198.51.100.8:1024",
		dst: "192.0.2.3:5060", offer: "audio 10.0.0.5:4100", reply: "audio 10.1.1.1:6100"})
	d.media(rtp{src: "192.0.2.99:999", dst: "198.51.100.8:4100", first: 1, last: 9, sent: 40})
	d.media(rtp{src: "192.0.2.2:6000", dst: "203.0.113.1:7", first: 100, last: 101, sent: 1}) // another call's
	d.bye("nat", 10)
	d.bye("both", 10)
	d.tick(300)
	d.wants(d.one("nat"), map[string]any{"CALL_MEDIA_TRANSLATED": 1, "RTP_IN_PKTS": 10, "RTP_OUT_PKTS": 20,
		"RTP_IN_CODEC": "iLBC"})
	d.wants(d.one("both"), map[string]any{"CALL_MEDIA_TRANSLATED": 1, "RTP_OUT_PKTS": 40, "RTP_IN_PKTS": nil})
	if len(d.made) != 3 {
		t.Errorf("%d records", len(d.made))
	}
	d.balanced()
}

// TestReuse tells calls apart that use the same endpoints one after the other, or that of one side at
// the same time.
func TestReuse(t *testing.T) {
	d := newDesk(t, nil)
	d.invited("first", 0)
	d.bye("first", 10)
	d.invited("second", 20)
	d.bye("second", 30)
	d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 23, last: 30, sent: 2})
	d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 3, last: 10, sent: 1})
	d.say(sip{method: "INVITE", id: "third", to: "carol", code: 200, begin: 3, answer: 4, dst: "192.0.2.3:5060",
		src: "192.0.2.1:5060", offer: aliceAt, reply: "audio 192.0.2.3:6000"})
	d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.3:6000", first: 5, last: 6, sent: 3})
	d.bye("third", 9)
	d.tick(500)
	for id, n := range map[string]int{"first": 1, "second": 2, "third": 3} {
		d.wants(d.one(id), map[string]any{"RTP_IN_PKTS": n, "CALL_MEDIA_FLOWS": 1})
	}
	d.balanced()
}

// TestExchange has the calls on both sides of an exchange name each other.
func TestExchange(t *testing.T) {
	const a, b = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	session := func(id, local, remote string) sip {
		return sip{id: id, texts: map[*flow.Field]string{app.SIPSessionID: local + ";remote=" + remote}}
	}
	for name, say := range map[string][2]sip{
		"x-cid":   {{id: "near"}, {id: "far", texts: map[*flow.Field]string{app.SIPXCID: "near"}}},
		"session": {session("near", a, strings.Repeat("0", 32)), session("far", a, b)},
		"turned":  {session("near", a, b), session("far", b, a)},
	} {
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			d := newDesk(t, nil)
			for _, i := range order {
				s := say[i]
				s.method, s.begin, s.code, s.to = "INVITE", float64(i), 200, "bob"
				d.say(s)
			}
			d.flush()
			d.wants(d.one("near"), map[string]any{"CALL_LINKED_CALL_ID": "far"})
			d.wants(d.one("far"), map[string]any{"CALL_LINKED_CALL_ID": "near"})
			if l := d.one("near")["CALL_LINK_ID"]; l == nil || l != d.one("far")["CALL_LINK_ID"] {
				t.Errorf("%s: link is %v and %v", name, l, d.one("far")["CALL_LINK_ID"])
			}
			d.balanced()
		}
	}
	d := newDesk(t, func(o *Options) { o.Link = nil })
	d.say(sip{method: "INVITE", id: "near", code: 200})
	d.say(sip{method: "INVITE", id: "far", code: 200, texts: map[*flow.Field]string{app.SIPXCID: "near"}})
	d.flush()
	d.wants(d.one("far"), map[string]any{"CALL_LINKED_CALL_ID": nil})
}

// TestRegistration makes a record of each cycle, with all its attempts.
func TestRegistration(t *testing.T) {
	for _, tick := range []float64{1, 1000} { // how often time is told makes no difference
		d := newDesk(t, nil)
		for cycle := range 3 {
			begin := float64(100 * cycle)
			d.say(sip{method: "REGISTER", id: "r", cseq: 1, code: 401, begin: begin, answer: begin + 0.1})
			if cycle < 2 {
				d.say(sip{method: "REGISTER", id: "r", cseq: 2, code: 200, begin: begin + 1, answer: begin + 1.5})
			}
			for s := tick; s < 100; s += tick {
				d.tick(begin + s)
			}
		}
		d.flush()
		if len(d.made) != 3 {
			t.Fatalf("%d records: %v", len(d.made), d.made)
		}
		for i, o := range d.made {
			want := map[string]any{"CALL_OUTCOME": "registered", "SIP_CALL_STATE": "REGISTERED", "SIP_REGISTER_NUM_OK": 1,
				"SIP_REGISTER_NUM_OTHER": 1, "SIP_REGISTER_MAX_RRD": 500, "CALL_REGISTER_DELAY_USEC": 500_000}
			if i == 2 {
				want = map[string]any{"CALL_OUTCOME": "unregistered", "SIP_REGISTER_NUM_OK": 0, "SIP_RESPONSE_CODE": 401}
			}
			d.wants(o, want)
		}
		d.balanced()
	}
}

// TestMediaOnly makes a record of media without signalling, its RTCP included, and parts together.
func TestMediaOnly(t *testing.T) {
	d := newDesk(t, nil)
	d.media(rtp{src: "192.0.2.1:4001", dst: "192.0.2.2:6001", first: 0, last: 200, control: 9, trip: 1e6})
	d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 0, last: 120, sent: 100, rating: 90, going: true})
	d.tick(250)
	d.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 120, last: 200, sent: 300, rating: 70})
	d.tick(400)
	if len(d.made) != 1 {
		t.Fatalf("%d records: %v", len(d.made), d.made)
	}
	d.wants(d.made[0], map[string]any{"CALL_OUTCOME": "media", "RTP_IN_PKTS": 400, "RTP_IN_R_VALUE": 75,
		"RTP_IN_R_WORST": 69, "SIP_CALL_ID": nil, "SIP_CALL_STATE": nil, "RTP_RTT": 1})
	if len(d.c.media)+len(d.c.loose) > 0 {
		t.Errorf("left behind: %d flows, %d endpoints", len(d.c.media), len(d.c.loose))
	}
	quiet := newDesk(t, func(o *Options) { o.MediaOnly = false })
	quiet.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", last: 120, sent: 100})
	quiet.flush()
	if len(quiet.made) != 0 {
		t.Errorf("%d records that are not wanted", len(quiet.made))
	}
}

// TestShared has a probe that sees media only know whose it is, and later ones too.
func TestShared(t *testing.T) {
	s, err := session.New(session.Limits{Entries: 1024, Octets: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	near := newDesk(t, func(o *Options) { o.Sessions = s })
	far := newDesk(t, func(o *Options) { o.Sessions = s })
	far.tick(0)
	if id := far.media(rtp{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", last: 1, sent: 1, going: true}); id != "" {
		t.Errorf("before the call it is known to be %q", id)
	}
	near.invited("shared", 0)
	for _, m := range []rtp{
		{src: "192.0.2.2:6000", dst: "198.51.100.1:1", first: 3, last: 60, sent: 5},
		{src: "192.0.2.1:4000", dst: "192.0.2.2:6000", first: 3, last: 60, sent: 5},
	} {
		if id := far.media(m); id != "shared" {
			t.Errorf("it is of %q", id)
		}
	}
	near.tick(60)
	near.bye("shared", 60)
	near.tick(90)
	if id := far.media(rtp{src: "192.0.2.2:6000", dst: "198.51.100.2:1", first: 3, last: 90, sent: 5}); id != "shared" {
		t.Errorf("after the end it is of %q", id)
	}
	near.tick(300)
	if id := far.media(rtp{src: "192.0.2.2:6000", dst: "198.51.100.3:1", first: 299, last: 300, sent: 5}); id != "" {
		t.Errorf("long after the end it is of %q", id)
	}
	far.flush()
	far.wants(far.made[0], map[string]any{"RTP_SIP_CALL_ID": "shared"})
}

// TestLate makes no second record of a call.
func TestLate(t *testing.T) {
	d := newDesk(t, nil)
	d.say(sip{method: "INVITE", id: "x", code: 486, begin: 0, answer: 1})
	d.tick(10)
	d.say(sip{method: "INVITE", id: "x", code: 486, begin: 11, answer: 12})
	d.say(sip{method: "BYE", id: "x", code: 481, begin: 20, answer: 21})
	d.flush()
	if d.one("x"); d.c.counts[Late] != 2 {
		t.Errorf("%v", d.counts())
	}
	d.tick(200)
	d.say(sip{method: "INVITE", id: "x", code: 486, begin: 200, answer: 201})
	d.flush()
	if len(d.made) != 2 || len(d.c.past.ids) != 1 {
		t.Errorf("long after that there are %d records, and %d remembered", len(d.made), len(d.c.past.ids))
	}
}

// TestFlood is bounded whatever comes, and keeps calls that were accepted.
func TestFlood(t *testing.T) {
	d := newDesk(t, func(o *Options) { o.Calls = 500 })
	d.invited("real", 0)
	for i := range 20_000 {
		s := sip{method: []string{"INVITE", "REGISTER"}[i%2], id: fmt.Sprint("flood", i), begin: 1 + float64(i)/1000,
			offer: fmt.Sprintf("audio 10.9.%d.%d:4000", i>>8&255, i&255)}
		d.say(s)
		d.media(rtp{src: fmt.Sprintf("203.0.113.1:%d", 1+i), dst: "192.0.2.77:7", first: 1, last: 2, sent: 1})
		if i%300 == 0 {
			d.tick(s.begin)
		}
		if d.c.calls.inUse() > 500+crowd || d.c.flows.inUse() > 4*500 || len(d.c.past.ids) > 500+crowd {
			t.Fatalf("%d calls, %d flows, %d remembered", d.c.calls.inUse(), d.c.flows.inUse(), len(d.c.past.ids))
		}
	}
	for i := range 200 { // endless re-INVITEs, each with other endpoints
		d.say(sip{method: "INVITE", id: "real", cseq: uint64(i + 10), to: "bob", code: 200, begin: 22, answer: 22,
			offer: fmt.Sprintf("audio 192.0.2.1:%d, video 192.0.2.1:%d", 1000+4*i, 1002+4*i)})
	}
	d.bye("real", 30)
	d.flush()
	d.wants(d.one("real"), map[string]any{"CALL_OUTCOME": "completed", "CALL_REINVITES": 200})
	n := d.counts()
	if n["evicted"] == 0 || n["flows_no_room"] == 0 || n["endpoints_no_room"] == 0 || n["no_room"] != 0 {
		t.Errorf("%v", n)
	}
	for range crowd + 1000 { // without a Tick nothing can be made
		d.say(sip{method: "INVITE", id: fmt.Sprint("more", n["opened"]), begin: 40})
		n["opened"]++
	}
	if d.c.counts[NoRoom] == 0 {
		t.Errorf("%v", d.counts())
	}
	d.flush()
	d.balanced()
}

// TestCounters has every counter explained, and each name once; every field of a record has a number.
func TestCounters(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range CounterDocs {
		if c.Name == "" || !strings.HasSuffix(c.Doc, ".") || seen[c.Name] {
			t.Errorf("counter %q: %q", c.Name, c.Doc)
		}
		seen[c.Name] = true
	}
	newDesk(t, nil)
	for _, f := range Fields() {
		if f.Number() == 0 {
			t.Errorf("%s is not in the schema", f.Label)
		}
	}
	if New(Options{}) != nil {
		t.Error("a capacity of 0 makes records")
	}
	if o := DefaultOptions(); o.hold() != slack || (&Options{Hold: time.Minute, Idle: time.Hour}).hold() != time.Minute {
		t.Errorf("hold is %v", o.hold())
	}
}
