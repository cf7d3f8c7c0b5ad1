package worker

import (
	"math/bits"

	"github.com/weir-probe/weir/dataplane/slab"
)

// arena lends blocks of memory whose sizes are powers of two, from unit to largest octets,
// by halves (Knuth, The Art of Computer Programming, section 2.5, "buddy system"): what is
// given back is joined with its other half, so no size can use up the memory of another.
type arena struct {
	mem   []byte
	cells []cell         // one per unit
	free  [orders]uint32 // first free block of each size, as 1 + its unit
	lent  int            // octets
}

// cell says of the unit that begins a free block which size it has, and who its neighbours
// in the list of that size are. Of all other units it says nothing.
type cell struct {
	next, prev uint32 // as in arena.free
	order      uint8  // 1 + order, 0 for not free
}

// block is a piece of an arena: its first unit plus 1, and in the lowest bits its order.
// 0 is none.
type block uint32

const (
	unit      = 256
	orders    = 8
	orderBits = 3
	largest   = unit << (orders - 1)
)

// open takes so many octets, rounded down to a multiple of the largest block.
func (a *arena) open(octets int) (err error) {
	octets = max(octets/largest, 1) * largest
	if a.mem, err = slab.Map[byte](octets); err != nil {
		return err
	}
	if a.cells, err = slab.Map[cell](octets / unit); err != nil {
		return err
	}
	for i := len(a.cells) - largest/unit; i >= 0; i -= largest / unit {
		a.push(uint32(i), orders-1)
	}
	return nil
}

func (a *arena) unmap() error {
	if a.mem == nil {
		return nil
	}
	err := slab.Unmap(a.mem)
	if a.cells != nil && err == nil {
		err = slab.Unmap(a.cells)
	}
	*a = arena{}
	return err
}

// take returns a block of at least n octets, 1 to largest, or 0 if there is none. It holds
// what the last one left there.
func (a *arena) take(n int) block {
	want := uint32(bits.Len(uint(n-1) / unit))
	order := want
	for ; a.free[order] == 0; order++ {
		if order == orders-1 {
			return 0
		}
	}
	i := a.free[order] - 1
	a.drop(i, order)
	for order > want {
		order--
		a.push(i+1<<order, order)
	}
	a.lent += unit << want
	return block((i+1)<<orderBits | want)
}

// bytes returns the whole block.
func (a *arena) bytes(b block) []byte {
	i, order := int(b>>orderBits)-1, b&(1<<orderBits-1)
	return a.mem[i*unit : i*unit+unit<<order : i*unit+unit<<order]
}

// give gives a block back; 0 is allowed.
func (a *arena) give(b block) {
	if b == 0 {
		return
	}
	i, order := uint32(b>>orderBits)-1, uint32(b&(1<<orderBits-1))
	a.lent -= unit << order
	for ; order < orders-1; order++ {
		other := i ^ 1<<order
		if a.cells[other].order != uint8(order+1) {
			break
		}
		a.drop(other, order)
		i &^= 1 << order
	}
	a.push(i, order)
}

// push puts a block into the list of its size.
func (a *arena) push(i, order uint32) {
	first := a.free[order]
	a.cells[i] = cell{next: first, order: uint8(order + 1)}
	if first != 0 {
		a.cells[first-1].prev = i + 1
	}
	a.free[order] = i + 1
}

// drop takes a block out of the list of its size.
func (a *arena) drop(i, order uint32) {
	c := a.cells[i]
	a.cells[i].order = 0
	if c.next != 0 {
		a.cells[c.next-1].prev = c.prev
	}
	if c.prev != 0 {
		a.cells[c.prev-1].next = c.next
	} else {
		a.free[order] = c.next
	}
}
