package app

import (
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// shower shows datagrams to a dissector of media, cut out of octets: each begins with its length and
// whose it is. It must survive them, and what is counted must add up.
func shower(t *testing.T, d *Dissector, b []byte) {
	state := make([]byte, d.State)
	var m Message
	var a flow.Attrs
	at, accepted := noon, false
	for len(b) > 2 {
		n, how := min(int(b[0]), len(b)-2), b[1]
		m.Show(b[2:2+n], flow.Dir(how&1))
		at += uint64(how>>1) * msec
		m.State, m.Time, m.Cut, b = state, at, how == 0xff, b[2+n:]
		accepted = d.Ask(&m) == Accept || accepted
	}
	if !accepted {
		return
	}
	schema()
	d.Report(state, &a, false)
	if a.Dropped > 0 {
		t.Fatalf("%d attributes did not fit", a.Dropped)
	}
	x := &metered{fields: attributes(a.All())}
	for _, side := range [2]string{"RTP_IN_", "RTP_OUT_"} {
		packets, again := x.value(side+"PKTS"), x.value(side+"DUPLICATE_PKTS")
		lost, gaps := x.value(side+"LOST_PKTS"), x.value(side+"LOSS_RUNS")
		if again > packets || lost > 0 && gaps == 0 || x.value(side+"MAX_LOSS_RUN") > 1<<24 ||
			x.value(side+"R_VALUE") > 100 || x.value(side+"MOS_VALUE") > 4.5 || x.value(side+"PKT_LOST") > 100 {
			t.Fatalf("%v", x.fields)
		}
	}
}

// seeds adds what is said in the samples of d, as shower reads it.
func seeds(f *testing.F, d *Dissector) {
	for _, c := range of(f, d) {
		var all []byte
		for _, t := range c.turns {
			if len(t.octets) < 256 {
				all = append(append(all, byte(len(t.octets)), byte(t.dir)|20<<1), t.octets...)
			}
		}
		f.Add(all[:min(len(all), 8<<10)])
	}
}

// FuzzRTP lets two sides say anything.
func FuzzRTP(f *testing.F) {
	seeds(f, &RTP)
	f.Fuzz(func(t *testing.T, b []byte) { shower(t, &RTP, b) })
}

// FuzzSTUN does so behind STUN, and in a stream.
func FuzzSTUN(f *testing.F) {
	seeds(f, &STUN)
	f.Fuzz(func(t *testing.T, b []byte) {
		shower(t, &STUN, b)
		m := Message{State: make([]byte, STUN.State)}
		m.Show(b[:min(len(b), MaxMessage)], flow.Forward)
		m.Stream, m.Closed = true, true
		STUN.Ask(&m)
	})
}

// FuzzRTCP shows a compound in a flow that is known for RTP.
func FuzzRTCP(f *testing.F) {
	for _, c := range rtpSamples() {
		for _, t := range c.turns {
			if len(t.octets) > 1 && t.octets[1] >= 200 && t.octets[1] < 208 {
				f.Add(t.octets)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := rtpState{proven: true}
		var m Message
		var a flow.Attrs
		for n := range flow.Dir(2) {
			m.Show(b, n)
			m.Time = noon
			s.takeRTCP(&m, b)
		}
		s.sides[0].tellRTCP(&a, 0, &s)
	})
}
