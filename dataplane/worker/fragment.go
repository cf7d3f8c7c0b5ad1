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
	Upper            uint8 // protocol, which behind IPv6 extension headers only the first fragment tells
	Used             bool
	Seen             [1 << 13 / 64]uint64 // units of 8 octets, a bit each
}

// cover marks the octets of fragment p as seen and reports whether some were before.
func (d *datagram) cover(p *dissect.Packet) (again bool) {
	from := int(p.FragmentAt)
	to := min(from+(int(p.FragmentOf)+7)/8, 1<<13)
	for from < to {
		word, bit := from/64, from%64
		n := min(64-bit, to-from)
		mask := (^uint64(0) >> (64 - n)) << bit
		again = again || d.Seen[word]&mask != 0
		d.Seen[word] |= mask
		from += n
	}
	return again
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

// idOf returns what p's fragments have in common. In IPv6 that is not the protocol: in a
// later fragment it is that of the header behind the fragment header (RFC 8200, section 4.5).
func idOf(p *dissect.Packet) packetID {
	id := packetID{p.Src, p.Dst, p.FragmentID, p.Tunnel, p.VLAN, p.Proto, p.Version}
	if p.Version == 6 {
		id.Proto = 0
	}
	return id
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
func (f *fragments) remember(p *dissect.Packet) *datagram {
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
	if !oldest.Used || oldest.packetID != id || int64(p.Time-oldest.Time) >= f.timeout {
		*oldest = datagram{packetID: id, Used: true}
	}
	oldest.Time, oldest.SrcPort, oldest.DstPort, oldest.Upper = p.Time, p.SrcPort, p.DstPort, p.Proto
	return oldest
}

// find returns the datagram of p, a later fragment, nil if its first one is not remembered.
func (f *fragments) find(p *dissect.Packet) *datagram {
	id := idOf(p)
	for i, set := 0, f.set(&id); i < ways; i++ {
		d := &set[i]
		if d.Used && d.packetID == id && int64(p.Time-d.Time) < f.timeout {
			return d
		}
	}
	return nil
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
		if d := f.find(p); d != nil {
			w.join(d)
			return
		}
		w.hold()
		return
	}
	d := f.remember(p)
	if d.cover(p) {
		w.counts[FragmentsOverlapping]++
	}
	id, now := d.packetID, p.Time
	w.admit()
	for k := 0; k < f.n; k++ {
		at := f.order[k]
		if f.ids[at] != id.ID || idOf(&f.held[at]) != id || int64(now-f.held[at].Time) >= f.timeout {
			continue
		}
		w.packets[w.n] = *f.take(k)
		k--
		w.join(d)
	}
}

// join meters the packet in hand, a later fragment, as part of a datagram.
func (w *Worker) join(d *datagram) {
	p := &w.packets[w.n]
	if d.cover(p) {
		w.counts[FragmentsOverlapping]++
	}
	p.SrcPort, p.DstPort, p.Proto = d.SrcPort, d.DstPort, d.Upper
	w.counts[FragmentsJoined]++
	w.admit()
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
