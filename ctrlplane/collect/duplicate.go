package collect

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"github.com/weir-probe/weir/dataplane/flow"
)

// seen remembers which flows were reported a short while ago, and by whom. It is bounded and may
// forget: then a duplicate is kept, never the other way round but for one in 2³² or so.
type seen struct {
	seed   maphash.Seed
	within uint64 // seconds
	cells  []atomic.Uint64
}

const seenCells = 1 << 18

func newSeen(within uint64) *seen {
	return &seen{seed: maphash.MakeSeed(), within: max(within, 1), cells: make([]atomic.Uint64, seenCells)}
}

// duplicate reports whether another exporter has reported the same flow: the same key, packets and
// octets.
func (c *Collector) duplicate(a *flow.Arrival, s *session, now uint64) bool {
	if c.seen == nil || a.Ignored&(flow.KeyAddresses|flow.KeyProto) != 0 {
		return false
	}
	var key [2*16 + 2*2 + 1 + 16]byte
	copy(key[:], a.Src[:])
	copy(key[16:], a.Dst[:])
	binary.NativeEndian.PutUint16(key[32:], a.SrcPort)
	binary.NativeEndian.PutUint16(key[34:], a.DstPort)
	key[36] = a.Proto
	binary.NativeEndian.PutUint64(key[37:], a.Octets[flow.Forward])
	binary.NativeEndian.PutUint64(key[45:], a.Packets[flow.Forward])
	return c.seen.take(maphash.Bytes(c.seen.seed, key[:]), s.mark, now/1e9)
}

// take remembers a flow, and reports whether another exporter said it before. A cell is 32 bits of
// the hash, 16 of the exporter and 16 of the time.
func (n *seen) take(hash uint64, by uint16, second uint64) bool {
	cell := &n.cells[hash%seenCells]
	tag := hash >> 32 << 32
	old := cell.Load()
	age := uint64(uint16(second) - uint16(old))
	if old != 0 && old>>32<<32 == tag && age <= n.within && uint16(old>>16) != by {
		return true
	}
	cell.Store(tag | uint64(by)<<16 | uint64(uint16(second)))
	return false
}
