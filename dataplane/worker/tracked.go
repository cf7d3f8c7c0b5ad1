package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect"
)

// A Trace is something that packets to be tracked are known by: an address or prefix of a user, or where a
// tunnel of his ends.
type Trace struct {
	Request uint16       `json:"r"`           // they are tracked for
	Net     netip.Prefix `json:"n"`           // of a user; or the one address at which the tunnel ends
	TEID    uint32       `json:"t,omitempty"` // of the tunnel (3GPP TS 29.281), 0 if it is none
	Control bool         `json:"c,omitempty"` // it is a tunnel of signalling (TS 29.060, TS 29.274)
	Loose   bool         `json:"l,omitempty"` // an address of a user whose tunnels nobody knows: any counts
}

// MaxTraces and MaxTracked bound what is tracked at a time.
const (
	MaxTraces  = 512
	MaxTracked = 16 // requests
)

// Tracked is whose packets are handed over as they are. It does not change; every worker has its own.
type Tracked struct {
	requests []uint16 // bit i of a set is that of requests[i]
	hosts    sieve
	nets     []trace // shorter than an address
	ends     sieve

	packet dissect.Packet
	parts  [64]parted // the latest
	next   int
}

type trace struct {
	Trace
	addr, mask [2]uint64
	bit        uint16
}

// sieve is traces of which most packets are none, found by their hash.
type sieve struct {
	some [4]uint64
	all  []trace
}

// parted is a datagram whose first fragment was tracked.
type parted struct {
	id  packetID
	set uint16
}

// Track makes what Worker.Track takes, nil of no traces.
func Track(traces []Trace) (*Tracked, error) {
	if len(traces) == 0 {
		return nil, nil
	}
	if len(traces) > MaxTraces {
		return nil, fmt.Errorf("tracked: %d addresses and tunnels are too many: give at most %d", len(traces), MaxTraces)
	}
	t := &Tracked{}
	for _, x := range traces {
		if err := t.add(x); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Tracked) add(x Trace) error {
	n := slices.Index(t.requests, x.Request)
	if n < 0 {
		n = len(t.requests)
		t.requests = append(t.requests, x.Request)
	}
	length := x.Net.Bits()
	if x.Net.Addr().Is4() {
		length += 96
	}
	switch {
	case n >= MaxTracked:
		return fmt.Errorf("tracked: more than %d requests", MaxTracked)
	case !x.Net.IsValid() || length == 0:
		return errors.New("tracked: an address is none")
	case x.TEID != 0 && !x.Net.IsSingleIP():
		return fmt.Errorf("tracked: a tunnel cannot end at %v: give an address", x.Net)
	}
	e := trace{Trace: x, bit: 1 << n}
	a := x.Net.Masked().Addr().As16()
	e.addr = halves(&a)
	e.mask = [2]uint64{^uint64(0) << max(64-length, 0), ^uint64(0) << min(max(128-length, 0), 64)}
	switch {
	case x.TEID != 0:
		t.ends.add(e, uint64(x.TEID))
	case length == 128:
		t.hosts.add(e, e.addr[0]^e.addr[1])
	default:
		t.nets = append(t.nets, e)
	}
	return nil
}

func halves(a *[16]byte) [2]uint64 {
	return [2]uint64{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
}

func (s *sieve) add(e trace, key uint64) {
	h := sift(key)
	s.some[h>>6] |= 1 << (h & 63)
	s.all = append(s.all, e)
}

// may reports whether there may be a trace with a key.
func (s *sieve) may(key uint64) bool {
	h := sift(key)
	return s.some[h>>6]>>(h&63)&1 != 0
}

func sift(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 >> 56 }

// user returns for which requests an address is tracked. In a tunnel that is not known to be the user's,
// only if none is known of him: another user may have the same address elsewhere.
func (t *Tracked) user(a *[16]byte, tunnelled bool) (set uint16) {
	w := halves(a)
	if t.hosts.may(w[0] ^ w[1]) {
		for i := range t.hosts.all {
			if e := &t.hosts.all[i]; e.addr == w && (!tunnelled || e.Loose) {
				set |= e.bit
			}
		}
	}
	for i := range t.nets {
		e := &t.nets[i]
		if w[0]&e.mask[0] == e.addr[0] && w[1]&e.mask[1] == e.addr[1] && (!tunnelled || e.Loose) {
			set |= e.bit
		}
	}
	return set
}

// end returns for which requests a tunnel is tracked.
func (t *Tracked) end(addr *[16]byte, teid uint32, control bool) (set uint16) {
	if teid == 0 || !t.ends.may(uint64(teid)) {
		return 0
	}
	w := halves(addr)
	for i := range t.ends.all {
		if e := &t.ends.all[i]; e.TEID == teid && e.addr == w && e.Control == control {
			set |= e.bit
		}
	}
	return set
}

// Ports of GTP.
const (
	portGTPC = 2123
	portGTPU = 2152
)

// wants returns for which requests a frame is tracked. Of several workers that see all frames, the one whose
// share the packet is tracks it, and the other fragments of its datagram with it.
func (t *Tracked) wants(f *nic.Frame, share Shard) (set uint16) {
	p := &t.packet
	p.Dissect(f, false)
	if p.Stop.Refused() {
		return 0
	}
	if p.Outer.Depth == 0 && p.Fragment == dissect.LaterFragment {
		if set = t.partOf(p); set != 0 {
			return set
		}
	}
	if !share.has(p) {
		return 0
	}
	tunnelled := p.Outer.Type == flow.GTPU
	switch {
	case tunnelled:
		set |= t.end(&p.Outer.Dst, p.Outer.ID, false)
	case p.Proto == protoUDP && len(p.Payload) >= 8 && p.Payload[0]>>5 != 0:
		teid := binary.BigEndian.Uint32(p.Payload[4:])
		switch {
		case p.DstPort == portGTPU: // messages of the tunnel itself, and parts of user data
			set |= t.end(&p.Dst, teid, false)
		case (p.DstPort == portGTPC || p.SrcPort == portGTPC) && (p.Payload[0]>>5 == 1 || p.Payload[0]&8 != 0):
			set |= t.end(&p.Dst, teid, true)
		}
	}
	set |= t.user(&p.Src, tunnelled) | t.user(&p.Dst, tunnelled)
	if set != 0 {
		t.remember(f, set)
	}
	return set
}

// remember notes that a frame begins a datagram whose other fragments are tracked, too.
func (t *Tracked) remember(f *nic.Frame, set uint16) {
	p := &t.packet
	if p.Outer.Depth > 0 {
		p.Dissect(f, true)
	}
	if p.Fragment == dissect.FirstFragment {
		t.parts[t.next] = parted{idOf(p), set}
		t.next = (t.next + 1) % len(t.parts)
	}
}

func (t *Tracked) partOf(p *dissect.Packet) uint16 {
	id := idOf(p)
	for i := range t.parts {
		if d := &t.parts[i]; d.set != 0 && d.id == id {
			return d.set
		}
	}
	return 0
}

// tracking is whose packets a worker hands over; other goroutines may change it.
type tracking struct{ tracked atomic.Pointer[Tracked] }

// Track has the packets of others be handed over from the next Step on; nil is nobody's. Any goroutine may
// call it; no other worker may have the same.
func (w *Worker) Track(t *Tracked) { w.tracked.Store(t) }

// track hands over the frames of a burst that are tracked, before anything is done with them: also those that
// filters or sampling leave out of the flows. They may take half of the ring, as records count more.
func (w *Worker) track(t *Tracked, frames []nic.Frame) {
	for i := range frames {
		f := &frames[i]
		set := t.wants(f, w.conf.Shard)
		if set == 0 {
			continue
		}
		now := f.Time
		if now == 0 {
			now = w.now
		}
		for ; set != 0; set &= set - 1 {
			var k *Kept
			if w.conf.Wait || w.out.Used() < w.out.Cap()/2 {
				k = w.picture(ring.Tracked, f, now)
			}
			if k == nil {
				w.counts[TrackedRingFull]++
				continue
			}
			k.Of = t.requests[bits.TrailingZeros16(set)]
			w.counts[TrackedFrames]++
		}
	}
}
