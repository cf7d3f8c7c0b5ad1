package main

import (
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
)

// Traffic is what a probe is shown: frames of so many flows in random order, both directions of each,
// of which new ones take the place of the oldest. The same numbers make the same frames, so that
// what each flow should have counted can be told afterwards. It implements nic.Source.
//
// Frames are TCP segments over IPv4. A burst is made by changing the addresses of old frames.
type Traffic struct {
	pattern
	sizes []int // lengths of frames without FCS, in turn
	frame [nic.Max]nic.Frame
	lanes [4][nic.Max][longest]byte
	lane  int
	now   uint64 // nanoseconds since the Unix epoch, by a line of 10 Gbit/s
	nows  []uint64
}

const (
	longest = 1518
	epoch   = uint64(1_700_000_000_000_000_000)
	rate    = 10 // Gbit/s
	serving = 80 // port of all servers
)

// pattern says whose packet the next one is.
type pattern struct {
	flows  uint64 // at a time
	made   uint64 // packets
	state  uint64
	fresh  uint64 // new flows a packet, in units of 1/2^32
	oldest uint64 // in the same units
}

// next returns the number of a flow, and whether its responder sends. At first each flow gets a packet.
func (p *pattern) next() (n uint32, reverse bool) {
	i := p.made
	p.made++
	if i < p.flows {
		return uint32(i), false
	}
	p.oldest += p.fresh
	p.state = p.state*6364136223846793005 + 1442695040888963407
	return uint32(p.oldest>>32 + p.state>>32*p.flows>>32), p.state>>20&1 != 0
}

// frameSizes are the names of RFC 2544's sizes, with FCS, and of a mix of them.
var frameSizes = map[string][]int{
	"64": {64}, "128": {128}, "256": {256}, "512": {512}, "1024": {1024}, "1280": {1280}, "1518": {1518},
	// Seven small ones to four of 594 octets to a long one, spread evenly: 362 octets on average.
	"imix": {64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594},
}

const fcs = 4

// newTraffic returns the traffic of a cell of the grid.
func newTraffic(c Cell) *Traffic {
	sizes := frameSizes[c.Size]
	t := &Traffic{now: epoch}
	for _, s := range sizes {
		t.sizes = append(t.sizes, s-fcs)
		t.nows = append(t.nows, uint64(s+20)*8/rate)
	}
	average := 0
	for _, ns := range t.nows {
		average += int(ns)
	}
	t.pattern = c.pattern(float64(average) / float64(len(t.nows)))
	for i := range t.lanes {
		for j := range t.lanes[i] {
			fill(t.lanes[i][j][:])
		}
	}
	for j := range t.frame {
		t.frame[j].Link = nic.Ethernet
	}
	return t
}

// pattern returns the order of the flows of c, whose packets take so many nanoseconds each.
func (c Cell) pattern(ns float64) pattern {
	return pattern{flows: uint64(c.Flows), state: 1, fresh: uint64(float64(c.New) * ns / 1e9 * (1 << 32))}
}

// fill makes b the longest frame, whose payload is nothing that a dissector knows.
func fill(b []byte) {
	copy(b, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00") // Ethernet
	copy(b[14:], "\x45\x00\x00\x00\x00\x00\x40\x00\x40\x06\x00\x00")    // IPv4, TCP
	copy(b[46:], "\x50\x10\x04\x00\x00\x00\x00\x00")                    // ACK
	for i := 54; i < len(b); i++ {
		b[i] = byte(0xe0 | i*7)
	}
}

// Burst implements nic.Source.
func (t *Traffic) Burst() []nic.Frame {
	t.lane = (t.lane + 1) % len(t.lanes)
	for j := range t.frame {
		k := int(t.made % uint64(len(t.sizes)))
		b, size := &t.lanes[t.lane][j], t.sizes[k]
		n, reverse := t.next()
		number(b[:64], n, reverse)
		binary.BigEndian.PutUint16(b[16:], uint16(size-14))
		t.now += t.nows[k]
		f := &t.frame[j]
		f.Data, f.Len, f.Wire, f.Time = unsafe.Pointer(b), uint32(size), uint32(size), t.now
	}
	return t.frame[:]
}

// number makes b a frame of flow n: addresses in 10.0.0.0/8 and 192.168.0.0/16.
func number(b []byte, n uint32, reverse bool) {
	client, server, cport, sport := 26, 30, 34, 36
	if reverse {
		client, server, cport, sport = server, client, sport, cport
	}
	binary.BigEndian.PutUint32(b[client:], 10<<24|n&0xffffff)
	binary.BigEndian.PutUint32(b[server:], 192<<24|168<<16|n>>24<<8|1)
	binary.BigEndian.PutUint16(b[cport:], uint16(10000+n%50000))
	binary.BigEndian.PutUint16(b[sport:], serving)
}

// numbered returns the flow whose record r is, and whether the record says that the server began it.
func numbered(r *flow.Record) (n uint32, reverse, ok bool) {
	client, server, port := r.Src[12:], r.Dst[12:], r.SrcPort
	if r.SrcPort == serving {
		client, server, port, reverse = server, client, r.DstPort, true
	}
	n = binary.BigEndian.Uint32(client)&0xffffff | uint32(server[2])<<24
	return n, reverse, client[0] == 10 && server[0] == 192 && server[1] == 168 && port == uint16(10000+n%50000)
}

// truth is what the flows should have counted.
type truth struct {
	packets [][2]uint32
	octets  [][2]uint64
	strange uint64 // records that are of no flow
}

// tell goes through the packets that t has made once more, and subtracts them: what records have added
// must make everything 0.
func (x *truth) tell(c Cell, t *Traffic) {
	made := t.made
	p := c.pattern(0)
	p.fresh = t.fresh
	for p.made < made {
		size := t.sizes[p.made%uint64(len(t.sizes))]
		n, reverse := p.next()
		d := 0
		if reverse {
			d = 1
		}
		x.packets[n][d]--
		x.octets[n][d] -= uint64(size - 14)
	}
}

// add adds a record.
func (x *truth) add(r *flow.Record) {
	n, reverse, ok := numbered(r)
	if !ok || int(n) >= len(x.packets) {
		x.strange++
		return
	}
	for d := range 2 {
		at := d
		if reverse {
			at = 1 - d
		}
		x.packets[n][at] += uint32(r.Packets[d])
		x.octets[n][at] += r.Octets[d]
	}
}

// wrong returns how many flows have not counted what they should.
func (x *truth) wrong() (n uint64) {
	for i := range x.packets {
		if x.packets[i] != [2]uint32{} || x.octets[i] != [2]uint64{} {
			n++
		}
	}
	return n + x.strange
}
