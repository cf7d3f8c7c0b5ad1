package worker

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
)

// piece is a fragment of a datagram of 8 × 1000 octets and its UDP header.
func piece(at time.Duration, id uint16, n int) pkt {
	p := pkt{at: at, sport: 4000, dport: 2049, id: id, offset: uint16(n * 1000), more: n < 7, payload: 1000}
	if n == 0 {
		p.payload -= 8
	}
	return p
}

const pieceOctets = 20 + 1000

// Fragments are metered with the ports of their datagram, in whatever order they come.
func TestFragments(t *testing.T) {
	order := func(id uint16, ns ...int) (out []pkt) {
		for i, n := range ns {
			out = append(out, piece(time.Duration(i)*ms, id, n))
		}
		return out
	}
	for _, c := range []struct {
		name                     string
		packets                  []pkt
		with, without            uint64 // packets metered with and without ports
		joined, held, late, full uint64
	}{
		{"in order", order(1, 0, 1, 2, 3, 4, 5, 6, 7), 8, 0, 7, 0, 0, 0},
		{"backwards", order(1, 7, 6, 5, 4, 3, 2, 1, 0), 8, 0, 7, 7, 0, 0},
		{"mixed", order(1, 3, 1, 0, 2, 7, 4), 6, 0, 5, 2, 0, 0},
		{"two datagrams", append(order(1, 1, 0, 2), order(2, 2, 0, 1)...), 6, 0, 4, 2, 0, 0},
		{"the same identification again", append(order(1, 0, 1), order(1, 0, 1)...), 4, 0, 2, 0, 0, 0},
		{"the first is lost", order(1, 1, 2, 3), 0, 3, 0, 3, 3, 0},
		{"the first is too late", append(order(1, 1), piece(11*s, 1, 0)), 1, 1, 0, 1, 1, 0},
		{"a later one is too late", []pkt{piece(0, 1, 0), piece(11*s, 1, 1)}, 1, 1, 0, 1, 1, 0},
		{"a first one alone", order(1, 0), 1, 0, 0, 0, 0, 0},
	} {
		for _, most := range []int{1, 0} {
			b := newBench(t, &feed{frames: frames(c.packets), most: most}, usual())
			b.run(0)
			var with, without, fragments uint64
			for i := range b.records {
				r := &b.records[i]
				if fragments += uint64(r.Fragments[0]); r.DstPort == 2049 {
					with += r.Packets[0]
				} else {
					without += r.Packets[0]
				}
				if r.Octets[0] != r.Packets[0]*pieceOctets {
					t.Errorf("%s: %d octets in %d packets", c.name, r.Octets[0], r.Packets[0])
				}
			}
			if with != c.with || without != c.without || fragments != c.with+c.without {
				t.Errorf("%s: %d with ports, %d without, %d fragments; want %d and %d",
					c.name, with, without, fragments, c.with, c.without)
			}
			n := b.report.Counters
			got := [4]uint64{n[FragmentsJoined], n[FragmentsHeld], n[FragmentsLate], n[FragmentsNoRoom]}
			if got != [4]uint64{c.joined, c.held, c.late, c.full} {
				t.Errorf("%s: joined, held, late, no room: %d", c.name, got)
			}
		}
	}
}

// The times of fragments that waited are their own.
func TestHeldFragmentsKeepTheirTime(t *testing.T) {
	b := meter(t, usual(), piece(1*s, 1, 2), piece(3*s, 1, 0))
	if got := told(b.records); got != "2+0 1s-3s forced" {
		t.Error(got)
	}
	if l := b.records[0].L2Octets[0]; l != 2*(14+pieceOctets) {
		t.Errorf("%d octets on the wire", l)
	}
}

// A flood of fragments without a first one is metered as it comes and forgets nobody.
func TestFragmentFlood(t *testing.T) {
	var packets []pkt
	for i := range 5000 {
		packets = append(packets, piece(time.Duration(i)*ms/10, uint16(i), 1))
	}
	b := meter(t, usual(), packets...)
	c := b.report.Counters
	if c[Metered] != 5000 || c[FragmentsHeld] != 5000 ||
		c[FragmentsNoRoom] != 5000-holding || c[FragmentsLate] != holding {
		t.Errorf("%v", c)
	}
}

// Many first fragments at once, each of which releases others, fit in a Step.
func TestFragmentsFitInAStep(t *testing.T) {
	var packets []pkt
	for i := range holding {
		packets = append(packets, piece(0, uint16(i), 1))
	}
	for i := range holding {
		packets = append(packets, piece(ms, uint16(i), 0))
	}
	conf := usual()
	conf.Fragments = 1000
	b := meter(t, conf, packets...)
	n := b.report.Counters[FragmentsJoined]
	if len(b.records) != 1 || b.records[0].Packets[0] != 2*holding || n != holding {
		t.Errorf("%v: %v", told(b.records), b.report.Counters)
	}
	packets = packets[:0]
	for i := range 2 * holding {
		packets = append(packets, piece(0, uint16(i), 1), piece(20*s, uint16(i), 2))
	}
	b = meter(t, usual(), packets...) // time runs to and fro
	if c := b.report.Counters; c[Metered] != 4*holding {
		t.Errorf("%v", c)
	}
}

func TestFragmentsForgotten(t *testing.T) {
	conf := usual()
	conf.Fragments, conf.FragmentTimeout = 0, 0
	b := meter(t, conf, piece(0, 1, 1), piece(0, 1, 0), piece(0, 1, 2))
	if c := b.report.Counters; len(b.records) != 2 || c[FragmentsNoRoom] != 2 || c[FragmentsHeld] != 0 {
		t.Errorf("%s: %v", told(b.records), c)
	}
}

// Fragments go where their addresses go, so that shards need not talk about them.
func TestFragmentsStayTogether(t *testing.T) {
	var packets []pkt
	for i := range 200 {
		p := piece(0, uint16(i), i%8)
		p.src, p.dst = string(rune('a'+i%26)), string(rune('a'+i%7))
		packets = append(packets, p)
	}
	whole := meter(t, usual(), packets...).records
	var parts []flow.Record
	for i := range uint32(3) {
		conf := usual()
		conf.Shard = Shard{i, 3}
		parts = append(parts, meter(t, conf, packets...).records...)
	}
	same(t, whole, parts)
}

// Octets of a datagram that come twice are counted, whichever fragment brings them.
func TestOverlap(t *testing.T) {
	shifted := piece(3*ms, 1, 1)
	shifted.offset += 8
	early := piece(0, 1, 2)
	for name, c := range map[string]struct {
		packets []pkt
		want    uint64
	}{
		"none":             {[]pkt{piece(0, 1, 0), piece(ms, 1, 1), piece(2*ms, 1, 2)}, 0},
		"a copy":           {[]pkt{piece(0, 1, 0), piece(ms, 1, 1), piece(2*ms, 1, 1)}, 1},
		"eight octets off": {[]pkt{piece(0, 1, 0), piece(ms, 1, 1), shifted, piece(4*ms, 1, 2)}, 2},
		"the first again":  {[]pkt{piece(0, 1, 0), piece(ms, 1, 0)}, 1},
		"one that waited":  {[]pkt{early, piece(ms, 1, 0), piece(2*ms, 1, 2)}, 1},
		"another datagram": {[]pkt{piece(0, 1, 0), piece(ms, 2, 0)}, 0},
		"much later":       {[]pkt{piece(0, 1, 0), piece(11*s, 1, 0)}, 0},
	} {
		b := newBench(t, &feed{frames: frames(c.packets), most: 1}, usual())
		b.run(0)
		if n := b.report.Counters[FragmentsOverlapping]; n != c.want {
			t.Errorf("%s: %d fragments overlap, want %d", name, n, c.want)
		}
	}
}

// sixth is a fragment of an IPv6 datagram with destination options before UDP, so that the
// header behind the fragment header is not the protocol of the flow.
func sixth(at time.Duration, offset uint16, more bool, payload []byte) nic.Frame {
	b := make([]byte, 14+40+8, 14+40+8+len(payload))
	b[12], b[13] = 0x86, 0xdd
	ip, frag := b[14:], b[14+40:]
	ip[0], ip[6], ip[7] = 0x60, 44, 64
	binary.BigEndian.PutUint16(ip[4:], uint16(8+len(payload)))
	ip[8+15], ip[24+15] = 1, 2
	frag[0], frag[7] = 60, 9
	binary.BigEndian.PutUint16(frag[2:], offset)
	if more {
		frag[3] |= 1
	}
	b = append(b, payload...)
	return nic.Frame{Data: unsafe.Pointer(&b[0]), Len: uint32(len(b)), Wire: uint32(len(b)),
		Time: epoch + uint64(at), Link: nic.Ethernet}
}

// A later fragment of IPv6 does not tell the protocol; the first one does.
func TestFragmentsBehindOptions(t *testing.T) {
	options := []byte{17, 0, 1, 4, 0, 0, 0, 0}
	udp := []byte{0x10, 0, 0x20, 0, 0, 24, 0, 0}
	first := append(append(options, udp...), make([]byte, 8)...)
	b := newBench(t, &feed{frames: []nic.Frame{
		sixth(0, 0, true, first), sixth(ms, 24, false, make([]byte, 8)),
	}}, usual())
	b.run(0)
	if len(b.records) != 1 || b.records[0].Proto != 17 || b.records[0].Packets[0] != 2 || b.records[0].SrcPort != 0x1000 {
		t.Errorf("%d flows; the first %+v", len(b.records), b.records[0].Hot)
	}
}
