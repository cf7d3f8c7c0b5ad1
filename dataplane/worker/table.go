package worker

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/slab"
)

var ne = binary.NativeEndian

const (
	nobody = ^uint32(0)
	never  = ^uint64(0)
)

// table finds records by key: one array of slots, hash and record number, probed linearly,
// and arrays indexed by record number. None of them grows.
type table struct {
	slots []slot
	mask  uint32
	hot   []flow.Hot
	cold  []flow.Cold // nil if no block is maintained
	// due is when a record has to be looked at next: not after it ended, often sooner. It
	// is exact for a connection that was closed, and never for an unused record.
	due  []uint64
	free []uint32 // numbers of unused records, the next last
	top  uint32   // records from here on were never used
	seed seed
}

type slot struct{ hash, rec uint32 } // rec is 1 + record number, 0 if empty

// array says how prefetch finds the elements of an array.
type array struct{ stride, lines uintptr }

// newTable returns a table for so many records.
func newTable(records int, cold bool, s seed) (t table, err error) {
	t.seed, t.mask = s, 2<<bits.Len(uint(records-1))-1
	if t.slots, err = slab.Map[slot](int(t.mask) + 1); err != nil {
		return t, err
	}
	if t.hot, err = slab.Map[flow.Hot](records); err != nil {
		return t, err
	}
	if cold {
		if t.cold, err = slab.Map[flow.Cold](records); err != nil {
			return t, err
		}
	}
	if t.due, err = slab.Map[uint64](records); err != nil {
		return t, err
	}
	if t.free, err = slab.Map[uint32](records); err != nil {
		return t, err
	}
	for i := range t.free {
		t.free[i], t.due[i] = uint32(records-1-i), never
	}
	return t, nil
}

// unmap gives the memory back.
func (t *table) unmap() error {
	errs := [...]error{slab.Unmap(t.slots), slab.Unmap(t.hot), slab.Unmap(t.due), slab.Unmap(t.free), nil}
	if t.cold != nil {
		errs[4] = slab.Unmap(t.cold)
	}
	*t = table{}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// active returns how many records are in use.
func (t *table) active() int { return len(t.hot) - len(t.free) }

// find returns the record of k and the direction of k within it, or nobody.
func (t *table) find(k *flow.Key, hash uint32) (uint32, flow.Dir) {
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		s := t.slots[i]
		if s.rec == 0 {
			return nobody, flow.Forward
		}
		if s.hash != hash {
			continue
		}
		if d, ok := match(&t.hot[s.rec-1].Key, k); ok {
			return s.rec - 1, d
		}
	}
}

// words is a flow.Key by members that can be compared at once.
type words struct {
	src, dst [2]uint64
	ports    uint32 // both
	rest     uint32 // VLAN, protocol, version
	tail     uint64 // tunnel, ingress
}

var _ = [1]byte{}[unsafe.Sizeof(words{})-unsafe.Sizeof(flow.Key{})] // they are equal in size

// match reports whether k is the key r or its reverse.
func match(r, k *flow.Key) (flow.Dir, bool) {
	a, b := (*words)(unsafe.Pointer(r)), (*words)(unsafe.Pointer(k))
	same := uint64(a.rest^b.rest) | (a.tail ^ b.tail) // | and ^ bind equally in Go
	ports := uint64(a.ports ^ b.ports)
	if same|(a.src[0]^b.src[0])|(a.src[1]^b.src[1])|(a.dst[0]^b.dst[0])|(a.dst[1]^b.dst[1])|ports == 0 {
		return flow.Forward, true
	}
	ports = uint64(a.ports ^ bits.RotateLeft32(b.ports, 16))
	if same|(a.src[0]^b.dst[0])|(a.src[1]^b.dst[1])|(a.dst[0]^b.src[0])|(a.dst[1]^b.src[1])|ports == 0 {
		return flow.Reverse, true
	}
	return flow.Forward, false
}

// guess returns the record find will look at first, or 0 for any: enough to prefetch.
func (t *table) guess(hash uint32) uint32 {
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		s := t.slots[i]
		if s.hash == hash || s.rec == 0 {
			return max(s.rec, 1) - 1
		}
	}
}

// add returns an unused record for a key with that hash. There must be one.
func (t *table) add(hash uint32) uint32 {
	n := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	i := hash & t.mask
	for t.slots[i].rec != 0 {
		i = (i + 1) & t.mask
	}
	t.slots[i] = slot{hash, n + 1}
	t.top = max(t.top, n+1)
	return n
}

// expect says when record n, which is in use, has to be looked at next.
func (t *table) expect(n uint32, at uint64) { t.due[n] = min(at, never-1) }

// remove forgets record n, moving later slots of its run back (Knuth, The Art of Computer
// Programming, volume 3, section 6.4, algorithm R).
func (t *table) remove(n uint32) {
	i := t.hash(&t.hot[n].Key) & t.mask
	for t.slots[i].rec != n+1 {
		i = (i + 1) & t.mask
	}
	for j := (i + 1) & t.mask; t.slots[j].rec != 0; j = (j + 1) & t.mask {
		if home := t.slots[j].hash & t.mask; (j-home)&t.mask >= (j-i)&t.mask {
			t.slots[i], i = t.slots[j], j
		}
	}
	t.slots[i] = slot{}
	t.due[n] = never
	t.free = append(t.free, n)
}

// hash is the same for a key and its reverse. Who does not know the seed cannot choose
// keys that share it.
func (t *table) hash(k *flow.Key) uint32 {
	in := uint64(k.Ingress) << 16
	ends := t.seed.end(&k.Src, uint64(k.SrcPort)|in) + t.seed.end(&k.Dst, uint64(k.DstPort)|in)
	rest := uint64(k.Version)<<56 | uint64(k.Proto)<<48 | uint64(k.VLAN)<<32 | uint64(k.Tunnel)
	return uint32(mix(ends^t.seed[3], rest^t.seed[4]) >> 32)
}

// seed keys the hash.
type seed [5]uint64

// spread makes the words of a seed from one number (splitmix64).
func spread(n uint64) (s seed) {
	for i := range s {
		n += 0x9e3779b97f4a7c15
		z := (n ^ n>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		s[i] = z ^ z>>31
	}
	return s
}

// end hashes one end of a flow. Address and port go through different multiplications, so
// that a change of one cannot undo a change of the other.
func (s *seed) end(addr *[16]byte, port uint64) uint64 {
	a := mix(ne.Uint64(addr[:8])^s[0], ne.Uint64(addr[8:])^s[1])
	return mix(a^s[2], port^s[3])
}

// mix multiplies to 128 bits and folds them.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// group is how many packets are asked for at once: while they are read, the slots of those before them arrive.
const group = 8

// ahead is how many frames before they are read their headers are asked for.
const ahead = 2 * group

// touch starts loading the records of the packets whose slots were asked for, and the slots where the flows of
// those admitted since should be.
func (w *Worker) touch() {
	t, from, to := &w.table, w.touched, w.slotted
	for i := from; i < to; i++ {
		w.flows[i] = t.guess(w.hashes[i])
	}
	if from < to {
		prefetch(unsafe.Pointer(unsafe.SliceData(t.hot)), &w.flows[from], to-from,
			array{unsafe.Sizeof(flow.Hot{}), 2})
	}
	if to < w.n {
		prefetch(unsafe.Pointer(unsafe.SliceData(t.slots)), &w.flows[to], w.n-to, array{unsafe.Sizeof(slot{}), 1})
	}
	w.touched, w.slotted = to, w.n
}

// touchTalks starts loading what dissectors know of the flows of some packets.
func (w *Worker) touchTalks(from, to int) {
	t := &w.touching
	first := t.n
	for i := from; i < to; i++ {
		if r := &w.table.hot[w.flows[i]]; r.Pending != 0 && r.Attrs != 0 {
			t.talks[t.n], t.dirs[t.n] = r.Attrs, uint32(w.dirs[i]&1)
			t.n++
		}
	}
	if first < t.n {
		prefetch(unsafe.Pointer(unsafe.SliceData(w.talks)), &t.talks[first], t.n-first, array{unsafe.Sizeof(talk{}), 3})
	}
}

// touchStates starts loading the states of those that are measured on every packet.
func (w *Worker) touchStates() {
	const line = 64
	t := &w.touching
	m := 0
	for i, k := range t.talks[:t.n] {
		x := &w.talks[k]
		if x.state == 0 || x.decided == 0 {
			continue
		}
		if o := &w.dissectors[x.decided-1].Often; o.Head != 0 {
			t.heads[m] = uint32(x.state>>orderBits-1) * (unit / line)
			t.sides[m] = t.heads[m] + uint32(o.Head+uintptr(t.dirs[i])*o.Apart)/line
			m++
		}
	}
	t.n = 0
	mem := unsafe.Pointer(unsafe.SliceData(w.arena.mem))
	prefetch(mem, &t.heads[0], m, array{line, 1})
	prefetch(mem, &t.sides[0], m, array{line, 3})
}

// touching is of the flows of a burst that have a talk.
type touching struct {
	n            int
	talks, dirs  [burst]uint32
	heads, sides [burst]uint32 // cache lines of the arena
}

// touchCold starts loading the cold blocks of the flows of some packets.
func (w *Worker) touchCold(from, to int) {
	if to = min(to, w.n); w.coldLines > 0 && from < to {
		prefetch(unsafe.Pointer(unsafe.SliceData(w.table.cold)), &w.flows[from], to-from,
			array{unsafe.Sizeof(flow.Cold{}), w.coldLines})
	}
}
