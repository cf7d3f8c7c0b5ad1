package worker

import (
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
)

// Whatever comes at whatever time, what was received is accounted for, and the packets and
// octets of all records are those that were metered.
func FuzzStep(f *testing.F) {
	f.Add([]byte("any old frames will do, if there are some of them"), uint64(0), uint8(0))
	f.Add([]byte{0, 1, 2, 3, 255, 16, 8, 4, 99, 200, 77, 8, 13, 31, 2, 9}, epoch, uint8(0xff))
	f.Fuzz(func(t *testing.T, script []byte, start uint64, kind uint8) {
		conf := usual()
		conf.Flows, conf.Fragments, conf.Wait = 1+int(kind&15), int(kind>>4)*3, kind&1 != 0
		conf.Ignore = flow.KeyPart(kind >> 5)
		src := &turn{}
		b := newBench(t, src, conf)
		now := start
		for len(script) >= 4 {
			frame, at := scripted(script[:4], now)
			now = at
			src.next = append(src.next, frame)
			if script = script[4:]; script == nil || at%3 == 0 || len(src.next) == nic.Max {
				b.Step(now * uint64(kind>>1&1)) // by the clock or by the frames
				b.drain()
				b.balance(b.Report())
			}
		}
		b.Step(0)
		b.drain()
		b.Flush(now)
		b.drain()
		b.balance(b.report)
		checkSums(t, b)
	})
}

// scripted makes a frame of four octets and moves the time on, or back.
func scripted(o []byte, now uint64) (nic.Frame, uint64) {
	switch o[3] >> 5 {
	case 0:
		now += uint64(o[3]) * uint64(ms)
	case 1:
		now += uint64(o[3]&31) * uint64(time.Second)
	case 2:
		now -= uint64(o[3]&31) * uint64(time.Second)
	case 3:
		now = ^now
	}
	p := pkt{
		src: string(rune('a' + o[0]&3)), dst: string(rune('a' + o[0]>>2&3)), sport: uint16(o[0] >> 4), dport: 80,
		payload: int(o[1]), seq: uint32(o[2]), ack: uint32(o[1]), id: uint16(o[2] & 3),
	}
	for i, c := range "FSRA" {
		if o[2]>>i&1 != 0 {
			p.flags += string(c)
		}
	}
	if o[1]&1 != 0 {
		p.offset, p.more = uint16(o[1]&6)*8, true
	}
	octets := p.bytes()
	return framed(octets[:len(octets)-int(o[1]>>5)], now), now
}

func checkSums(t *testing.T, b *bench) {
	var packets, octets uint64
	for i := range b.records {
		r := &b.records[i]
		packets += r.Packets[0] + r.Packets[1]
		octets += r.Octets[0] + r.Octets[1]
		if r.Packets == [2]uint64{} || r.First > r.Last || r.End == 0 {
			t.Errorf("%+v", r.Hot)
		}
	}
	c := b.report.Counters
	if packets != c[Metered] || octets != c[MeteredOctets] || c[RingFull] != 0 {
		t.Errorf("%d packets and %d octets in records: %v", packets, octets, c)
	}
	if b.report.Active != 0 || b.report.Waiting != 0 {
		t.Errorf("left: %+v", b.report)
	}
}
