package call

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// play has a call desk take what octets say, two for each part: anything in any order, with time that
// passes now and then.
func (d *desk) play(script []byte) {
	methods := [...]string{"INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "INFO", "REFER", "REGISTER", "PRACK", "OPTIONS"}
	codes := [...]uint64{0, 100, 180, 200, 200, 302, 401, 407, 486, 487, 503, 999}
	tags := [...]string{"alice", "bob", "carol", ""}
	now := 0.0
	for len(script) >= 2 {
		a, b := script[0], script[1]
		script = script[2:]
		now += float64(b>>6) * 0.5
		port := 4000 + 2*int(b>>3&3)
		switch {
		case a < 16:
			now += float64(a) * 10
			d.tick(now)
		case a < 80:
			d.media(rtp{src: fmt.Sprintf("192.0.2.1:%d", port+int(a&1)), dst: fmt.Sprintf("192.0.2.2:%d", port),
				first: now - float64(b&7), last: now, sent: uint64(a & 3), back: uint64(b & 1), going: a&4 != 0,
				control: uint64(a >> 4 & 1)})
		default:
			s := sip{method: methods[int(a)%len(methods)], id: fmt.Sprint("call", b&7), cseq: uint64(a>>5) + 1,
				code: codes[int(a>>2)%len(codes)], from: tags[b>>3&1], to: tags[b>>2&3], begin: now, answer: now + 0.1,
				reverse: a&2 != 0}
			if a&4 != 0 {
				s.offer = fmt.Sprintf("audio 192.0.2.1:%d", port)
			}
			if b&32 != 0 {
				s.reply = fmt.Sprintf("audio 192.0.2.2:%d sendonly", port)
				s.texts = map[*flow.Field]string{app.SIPXCID: fmt.Sprint("call", a&7)}
			}
			d.say(s)
		}
	}
}

// once fails if a Call-ID has two records within the time that calls are remembered.
func (d *desk) once() {
	d.t.Helper()
	last := map[any]float64{}
	for _, o := range d.made {
		id, registers := o["SIP_CALL_ID"], o["SIP_REGISTER_NUM_OK"]
		if id == nil || registers != nil {
			continue
		}
		begin, ok := o["CALL_INVITE_AT"].(float64)
		if !ok {
			begin = o["CALL_BYE_AT"].(float64)
		}
		begin /= 1e6
		if made, ok := last[id]; ok && begin < made {
			d.t.Errorf("%v has another record, of %v, since that of %v", id, begin, made)
		}
		last[id] = o["made"].(float64)
	}
}

func FuzzCorrelator(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		d := newDesk(t, func(o *Options) { o.Calls = 5 })
		d.play(script[:min(len(script), 2000)])
		d.flush()
		d.once()
		d.balanced()
	})
}

// TestGarbage takes attributes of any length and content.
func TestGarbage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	d := newDesk(t, func(o *Options) { o.Calls = 20 })
	for n := range 5000 {
		a := new(flow.Attrs)
		a.Text(app.SIPMethod, [...]string{"INVITE", "bye", "Register", "\xff", "UPDATE"}[r.IntN(5)])
		for range r.IntN(12) {
			f := signalFields[r.IntN(len(signalFields))]
			if r.IntN(4) == 0 {
				f = meterFields[r.IntN(len(meterFields))]
			}
			if r.IntN(3) == 0 {
				a.Uint(f, r.Uint64())
				continue
			}
			b := make([]byte, r.IntN(60))
			for i := range b {
				b[i] = byte(r.Uint32() >> r.IntN(32))
			}
			a.Bytes(f, b)
		}
		rec := record("192.0.2.1:1", "192.0.2.2:2")
		rec.First, rec.Last = r.Uint64()>>r.IntN(64), r.Uint64()>>r.IntN(64)
		d.c.Take([]egress.Kind{d.c.signals, egress.Flows}[n%2], &flow.View{Record: rec, Attrs: a.All()}, a)
		if n%50 == 0 {
			d.tick(float64(n))
		}
	}
	d.flush()
	d.balanced()
}

// BenchmarkCalls holds ten thousand calls, with media both ways and RTCP, and measures what each
// takes of memory and of time from the INVITE to its record.
func BenchmarkCalls(b *testing.B) {
	const calls = 10_000
	d := newDesk(b, func(o *Options) { o.Calls = 2 * calls })
	nothing := func(egress.Kind, *flow.View) {}
	say := func(n int) {
		a, z := fmt.Sprintf("10.0.%d.%d", n>>8&255, n&255), fmt.Sprintf("10.1.%d.%d", n>>8&255, n&255)
		id := fmt.Sprintf("%08d4c76e66710@pc33.atlanta.example.com", n)
		d.say(sip{method: "INVITE", id: id, to: "bob", code: 200, begin: 0, ring: 0.25, answer: 3,
			offer: "audio " + a + ":4000", reply: "audio " + z + ":6000",
			texts: map[*flow.Field]string{app.SIPUAC: "Softphone 1.2.3 on a laptop", app.SIPUAS: "Gateway 4.5.6",
				app.SIPUACContact: "sip:alice@" + a, app.SIPUASContact: "sip:bob@" + z, app.SIPRTPCodecs: "PCMU;PCMA;opus"}})
		d.media(rtp{src: a + ":4000", dst: z + ":6000", first: 3, last: 100, sent: 5000, back: 5000, rating: 90,
			going: true})
		d.media(rtp{src: a + ":4001", dst: z + ":6001", first: 3, last: 100, control: 20, going: true})
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range calls {
		say(n)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if d.c.calls.inUse() != calls || d.c.flows.inUse() != 2*calls || d.c.counts[FlowsJoined] != 2*calls {
		b.Fatalf("%+v", d.counts())
	}
	b.ReportAllocs()
	for n := calls; b.Loop(); n++ { // building what is shown included
		say(n % 65536)
		id := fmt.Appendf(nil, "%08d4c76e66710@pc33.atlanta.example.com", n%65536)
		d.c.make(d.c.ids[d.c.hash(id)], ended, nothing)
		clear(d.c.past.ids)
		d.c.past.order, d.c.past.first = d.c.past.order[:0], 0
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/calls, "octets/call")
}
