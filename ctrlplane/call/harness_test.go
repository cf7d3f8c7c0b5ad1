package call

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

const start = 1_700_000_000 * uint64(time.Second)

// at is so many seconds after the start.
func at(seconds float64) uint64 { return start + uint64(math.Round(seconds*1e9)) }

// desk shows transactions and flows to a Correlator and keeps the records that it makes.
type desk struct {
	t      testing.TB
	c      *Correlator
	schema *flow.Schema
	made   []map[string]any

	jittered bool // the record of media that was shown last says jitter
}

func newDesk(t testing.TB, change func(o *Options)) *desk {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Calls, o.Idle, o.Active = 4096, 60*time.Second, 120*time.Second
	if change != nil {
		change(&o)
	}
	return &desk{t: t, c: New(o), schema: s}
}

// emit keeps a record as JSON would show it.
func (d *desk) emit(kind egress.Kind, v *flow.View) {
	if kind != egress.Calls {
		d.t.Errorf("a record of kind %v", kind)
	}
	var b strings.Builder
	b.WriteString("{")
	for _, f := range append(Fields(), d.schema.Named("IPV4_SRC_ADDR"), d.schema.Named("L4_SRC_PORT"),
		d.schema.Named("IN_PKTS"), d.schema.Named("OUT_PKTS"), d.schema.Named("FLOW_START_MILLISECONDS")) {
		if val, ok := v.Value(f); ok {
			fmt.Fprintf(&b, "%q:%s,", f.Label, f.JSON(nil, val))
		}
	}
	o := map[string]any{}
	if err := json.Unmarshal([]byte(strings.TrimSuffix(b.String(), ",")+"}"), &o); err != nil {
		d.t.Fatal(err)
	}
	o["made"] = float64(d.c.now) / 1e9
	d.made = append(d.made, o)
}

func (d *desk) tick(seconds float64) { d.c.Tick(at(seconds), d.emit) }

// counts returns what is counted, by name.
func (d *desk) counts() map[string]uint64 {
	all := map[string]uint64{}
	for _, t := range d.c.Tally() {
		all[t.Name] = t.N
	}
	return all
}

func (d *desk) flush() { d.c.Flush(d.emit) }

// one returns the only record with a Call-ID.
func (d *desk) one(id string) map[string]any {
	d.t.Helper()
	var found map[string]any
	for _, o := range d.made {
		if o["SIP_CALL_ID"] == id {
			if found != nil {
				d.t.Fatalf("%s has two records", id)
			}
			found = o
		}
	}
	if found == nil {
		d.t.Fatalf("%s has no record: %v", id, d.made)
	}
	return found
}

// wants compares members of a record; nil is absent.
func (d *desk) wants(o map[string]any, want map[string]any) {
	d.t.Helper()
	for label, w := range want {
		if n, ok := w.(int); ok {
			w = float64(n)
		}
		if o[label] != w {
			d.t.Errorf("%s is %v, want %v", label, o[label], w)
		}
	}
}

// sip is a transaction. Its parties are at 192.0.2.1, who calls, and 192.0.2.2 unless said otherwise.
type sip struct {
	method, id    string
	cseq          uint64
	from, to      string // tags
	code          uint64
	begin, answer float64 // seconds
	ring          float64
	offer, reply  string // endpoints, as "audio 10.0.0.1:4000 sendrecv"
	reverse       bool   // the called party asks
	src, dst      string
	texts         map[*flow.Field]string
	numbers       map[*flow.Field]uint64
}

func (d *desk) say(s sip) {
	if s.src == "" {
		s.src, s.dst = "192.0.2.1:5060", "192.0.2.2:5060"
	}
	r := record(s.src, s.dst)
	r.First, r.Last = at(s.begin), at(max(s.begin, s.answer))
	a := new(flow.Attrs)
	a.Text(app.TransactionAsker, map[bool]string{false: "client", true: "server"}[s.reverse])
	a.Uint(app.TransactionRequestBegin, at(s.begin))
	a.Text(app.SIPMethod, s.method)
	a.Text(app.SIPCallID, s.id)
	a.Uint(app.SIPCSeq, max(s.cseq, 1))
	a.Text(app.SIPCallingParty, "sip:alice@example.com")
	a.Text(app.SIPCalledParty, "sip:bob@example.net")
	if s.from == "" {
		s.from = "alice"
	}
	a.Text(app.SIPFromTag, s.from)
	if s.to != "" {
		a.Text(app.SIPToTag, s.to)
	}
	s.times(a)
	for text, f := range map[string]*flow.Field{s.offer: app.SIPUACMedia, s.reply: app.SIPUASMedia} {
		if text != "" {
			a.Bytes(f, described(d.t, text))
		}
	}
	for f, v := range s.texts {
		a.Text(f, v)
	}
	for f, v := range s.numbers {
		a.Uint(f, v)
	}
	d.c.Take(d.c.signals, &flow.View{Record: r, Attrs: a.All()}, a)
}

// times says when what happened, as the dissector does.
func (s *sip) times(a *flow.Attrs) {
	request := map[string]*flow.Field{
		"INVITE": app.SIPInviteTime, "BYE": app.SIPByeTime, "CANCEL": app.SIPCancelTime,
	}
	response := map[string]*flow.Field{
		"INVITE": app.SIPInviteOKTime, "BYE": app.SIPByeOKTime, "CANCEL": app.SIPCancelOKTime,
	}
	if f := request[s.method]; f != nil {
		a.Uint(f, at(s.begin))
	}
	if s.ring > 0 {
		a.Uint(app.SIPRingingTime, at(s.ring))
	}
	if s.code == 0 {
		return
	}
	a.Uint(app.SIPResponseCode, s.code)
	a.Uint(app.TransactionResponseBegin, at(s.answer))
	a.Uint(app.TransactionLatency, at(s.answer)-at(s.begin))
	f := response[s.method]
	if s.method == "INVITE" && s.code >= 300 {
		f = app.SIPInviteFailureTime
	}
	if f != nil {
		a.Uint(f, at(s.answer))
	}
}

// described encodes media.
func described(t testing.TB, text string) (b []byte) {
	for one := range strings.SplitSeq(text, ", ") {
		words := strings.Fields(one)
		p, err := netip.ParseAddrPort(words[1])
		if err != nil {
			t.Fatal(err)
		}
		m := app.Media{Kind: app.AudioMedia, Transport: app.RTPAVP, Address: p.Addr(), Port: p.Port(), RTCP: p.Port() + 1,
			Payloads: []app.Payload{{Type: 97, Codec: app.CodecILBC, Clock: 8000}}}
		switch words[0] {
		case "video":
			m.Kind = app.VideoMedia
		case "image":
			m.Kind, m.Transport, m.Payloads = app.ImageMedia, app.UDPTL, []app.Payload{{Codec: app.CodecT38}}
		}
		if len(words) > 2 && words[2] == "sendonly" {
			m.Direction = app.SendOnly
		}
		b = app.AppendMedia(b, &m)
	}
	return b
}

func record(src, dst string) *flow.Record {
	s, t := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	r := &flow.Record{}
	r.Src, r.Dst, r.SrcPort, r.DstPort = s.Addr().As16(), t.Addr().As16(), s.Port(), t.Port()
	r.Proto, r.Version = udp, 4
	return r
}

// rtp is a record of a flow of media.
type rtp struct {
	src, dst    string
	first, last float64
	sent, back  uint64 // packets of RTP each way
	lost        uint64 // of those sent
	rating      float64
	control     uint64 // packets of RTCP
	trip        uint64
	going       bool // a part of a flow that goes on
	payload     uint64
	clock       uint64
}

// media shows a record and returns the Call-ID that was added to it.
func (d *desk) media(m rtp) string {
	r := record(m.src, m.dst)
	r.First, r.Last = at(m.first), at(m.last)
	r.Packets, r.Octets = [2]uint64{m.sent, m.back}, [2]uint64{200 * m.sent, 200 * m.back}
	if r.End = flow.EndIdle; m.going {
		r.End = flow.EndActive
	}
	a := new(flow.Attrs)
	for dir, n := range [2]uint64{m.sent, m.back} {
		if n == 0 {
			continue
		}
		a.Uint(app.RTPPackets[dir], n)
		a.Uint(app.RTPOctets[dir], 160*n)
		a.Uint(app.RTPJitter[dir], n*1000)
		a.Uint(app.RTPPayloadType[dir], m.payload)
		if m.clock > 0 {
			a.Uint(app.RTPClock[dir], m.clock)
			a.Uint(app.RTPMaxJitter[dir], n*2000)
			a.Uint(app.RTPDiscarded[dir], n/100)
			a.Uint(app.RTPLossRuns[dir], min(m.lost, 1))
		}
		if m.rating > 0 {
			a.Uint(app.RTPRating[dir], math.Float64bits(m.rating))
			a.Uint(app.RTPRatingWorst[dir], math.Float64bits(m.rating-1))
			a.Uint(app.RTPMOS[dir], math.Float64bits(m.rating/25))
		}
	}
	a.Uint(app.RTPLostPackets[0], m.lost)
	if m.control > 0 {
		a.Uint(app.RTCPPackets[0], m.control)
		a.Uint(app.RTPRoundTrip, m.trip)
	}
	v := &flow.View{Record: r, Attrs: a.All()}
	d.c.Take(egress.Flows, v, a)
	v.Attrs = a.All()
	_, d.jittered = v.Value(app.RTPJitter[0])
	id, _ := v.Value(app.RTPCallID)
	return string(id.B)
}

const (
	aliceAt = "audio 192.0.2.1:4000"
	bobAt   = "audio 192.0.2.2:6000"
)

// invited is an INVITE that is accepted after ringing, and its ACK.
func (d *desk) invited(id string, begin float64) {
	d.say(sip{method: "INVITE", id: id, to: "bob", code: 200, begin: begin, ring: begin + 0.25, answer: begin + 3,
		offer: aliceAt, reply: bobAt})
	d.say(sip{method: "ACK", id: id, to: "bob", begin: begin + 3.1})
}

func (d *desk) bye(id string, begin float64) {
	d.say(sip{method: "BYE", id: id, cseq: 2, to: "bob", code: 200, begin: begin, answer: begin + 0.1})
}
