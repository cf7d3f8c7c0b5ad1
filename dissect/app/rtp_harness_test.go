package app

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// metered is what a dissector of media made of the datagrams of a flow, asked as a worker asks it.
type metered struct {
	verdicts []Verdict
	accepted int
	number   uint16            // application
	said     map[string]string // attributes of messages
	fields   map[string]string // attributes of the report
	state    []byte
}

// meter shows the datagrams of a conversation to d until it rejects one, before it has accepted any.
func meter(t testing.TB, c *conversation, d *Dissector) *metered {
	t.Helper()
	return meterWith(t, c, d, nil)
}

// meterWith is meter with the clocks of payload types of RTP.
func meterWith(t testing.TB, c *conversation, d *Dissector, clocks map[uint8]uint32) *metered {
	t.Helper()
	schema()
	x := &metered{state: make([]byte, d.State), said: map[string]string{}}
	var m Message
	for _, turn := range c.turns {
		m.Show(turn.octets, turn.dir)
		m.State, m.Begun, m.Time, m.Cut = x.state, turn.time, turn.time, turn.cut
		m.SrcPort, m.DstPort = c.srcPort, c.dstPort
		if clocks != nil {
			(*rtpState)(unsafe.Pointer(unsafe.SliceData(x.state))).know(clocks)
		}
		v := d.Ask(&m)
		x.verdicts = append(x.verdicts, v)
		if v == Reject && x.accepted == 0 {
			break
		}
		if v == Accept {
			if x.accepted++; x.accepted == 1 {
				x.number = d.Number
			}
			if m.Said.Number != 0 {
				x.number = m.Said.Number
			}
			for k, v := range attributes(m.Attrs.All()) {
				x.said[k] = v
			}
		}
	}
	x.fields = x.report(d, false)
	return x
}

// report returns what the dissector says for a record.
func (x *metered) report(d *Dissector, more bool) map[string]string {
	var a flow.Attrs
	d.Report(x.state, &a, more)
	return attributes(a.All())
}

// number reads a number among fields; -1 is none.
func (x *metered) value(label string) float64 {
	v := -1.0
	_, _ = fmt.Sscan(x.fields[label], &v)
	return v
}

// know sets the clocks of streams that have none.
func (s *rtpState) know(clocks map[uint8]uint32) {
	for i := range s.streams {
		if r := &s.streams[i]; r.clock == 0 && clocks[r.payload] != 0 {
			r.runAt(clocks[r.payload])
		}
	}
}
