package worker

import (
	"math/bits"

	"github.com/weir-probe/weir/dataplane/slab"
	"github.com/weir-probe/weir/dissect"
)

// Only the first fragment of a datagram has ports. Its ports are remembered for the later
// ones. A later fragment that comes first is held until the first one does; it is then
// metered as if it came right behind. If that takes too long, or too many wait, it is
// metered without ports.

const (
	holding = 192 // fragments that can be held
	ways    = 4   // datagrams that share a place in the cache
)

// datagram is a fragmented datagram whose first fragment was seen.
type datagram struct {
	packetID
	Time             uint64 // of the first fragment
	SrcPort, DstPort uint16
	Used             bool
}

// packetID is what the fragments of a datagram have in common (RFC 791, RFC 8200).
type packetID struct {
	Src, Dst [16]byte
	ID       uint32
	Tunnel   uint32
	VLAN     uint16
	Proto    uint8
	Version  uint8
}

func idOf(p *dissect.Packet) packetID {
	return packetID{p.Src, p.Dst, p.FragmentID, p.Tunnel, p.VLAN, p.Proto, p.Version}
}

// fragments remembers ports and holds fragments that came too early.
type fragments struct {
	cache   []datagram // sets of ways, nil if nothing is to be remembered
	timeout int64      // nanoseconds
	seed    seed

	n     int            // held
	order [holding]uint8 // places in held: n used ones, the oldest first, then the unused
	ids   [holding]uint32
	held  [holding]dissect.Packet
}

// open makes room for so many datagrams.
func (f *fragments) open(datagrams int, timeout int64, s seed) (err error) {
	for i := range f.order {
		f.order[i] = uint8(i)
	}
	f.timeout, f.seed = timeout, s
	if datagrams > 0 {
		f.cache, err = slab.Map[datagram](ways << bits.Len(uint(datagrams-1)/ways))
	}
	return err
}

func (f *fragments) unmap() error {
	if f.cache == nil {
		return nil
	}
	return slab.Unmap(f.cache)
}

// set returns where a datagram is remembered if it is.
func (f *fragments) set(id *packetID) []datagram {
	h := f.seed.end(&id.Src, uint64(id.ID)) ^ f.seed.end(&id.Dst, uint64(id.Proto)<<32|uint64(id.Tunnel))
	i := int(h>>32) * ways & (len(f.cache) - 1)
	return f.cache[i : i+ways]
}

// remember keeps the ports of p, a first fragment, in place of the oldest of its set.
func (f *fragments) remember(p *dissect.Packet) {
	id := idOf(p)
	set := f.set(&id)
	oldest := &set[0]
	for i := range set {
		d := &set[i]
		if d.packetID == id || !d.Used {
			oldest = d
			break
		}
		if d.Time < oldest.Time {
			oldest = d
		}
	}
	*oldest = datagram{id, p.Time, p.SrcPort, p.DstPort, true}
}

// join gives p, a later fragment, the ports of the first one, if that is remembered.
func (f *fragments) join(p *dissect.Packet) bool {
	id := idOf(p)
	for i, set := 0, f.set(&id); i < ways; i++ {
		d := &set[i]
		if d.Used && d.packetID == id && int64(p.Time-d.Time) < f.timeout {
			p.SrcPort, p.DstPort = d.SrcPort, d.DstPort
			return true
		}
	}
	return false
}

// hold keeps a copy of p, without its payload. There must be room.
func (f *fragments) hold(p *dissect.Packet) {
	at := f.order[f.n]
	f.n++
	f.ids[at], f.held[at] = p.FragmentID, *p
	f.held[at].Payload = nil
}

// take removes the fragment that is k-th in age and returns it.
func (f *fragments) take(k int) *dissect.Packet {
	at := f.order[k]
	copy(f.order[k:], f.order[k+1:f.n])
	f.n--
	f.order[f.n] = at
	return &f.held[at]
}

// late returns the oldest fragment held if it has waited long enough, else nil.
func (f *fragments) late(now uint64) *dissect.Packet {
	if f.n == 0 || int64(now-f.held[f.order[0]].Time) < f.timeout {
		return nil
	}
	return f.take(0)
}

// defragment puts the packet in hand, and those that waited for it, into the burst.
func (w *Worker) defragment() {
	f, p := &w.fragments, &w.packets[w.n]
	if f.cache == nil {
		if p.Fragment == dissect.LaterFragment {
			w.counts[FragmentsNoRoom]++
		}
		w.admit()
		return
	}
	if p.Fragment == dissect.LaterFragment {
		if f.join(p) {
			w.counts[FragmentsJoined]++
			w.admit()
			return
		}
		w.hold()
		return
	}
	f.remember(p)
	id, sport, dport, now := idOf(p), p.SrcPort, p.DstPort, p.Time
	w.admit()
	for k := 0; k < f.n; k++ {
		at := f.order[k]
		if f.ids[at] != id.ID || idOf(&f.held[at]) != id || int64(now-f.held[at].Time) >= f.timeout {
			continue
		}
		p = &w.packets[w.n]
		*p = *f.take(k)
		k--
		p.SrcPort, p.DstPort = sport, dport
		w.counts[FragmentsJoined]++
		w.admit()
	}
}

// hold lets the packet in hand wait, and meters the one that has waited longest if there is
// no room for another.
func (w *Worker) hold() {
	f := &w.fragments
	w.counts[FragmentsHeld]++
	if f.n < holding {
		f.hold(&w.packets[w.n])
		return
	}
	p := f.take(0)
	w.packets[w.n], *p = *p, w.packets[w.n]
	f.ids[f.order[f.n]], p.Payload = p.FragmentID, nil
	f.n++
	w.counts[FragmentsNoRoom]++
	w.admit()
}

// release puts fragments that have waited too long into the burst.
func (w *Worker) release(now uint64) {
	for w.n < len(w.packets) {
		p := w.fragments.late(now)
		if p == nil {
			return
		}
		w.packets[w.n] = *p
		w.counts[FragmentsLate]++
		w.admit()
	}
}
