// Package wheel finds what is due, of things that have numbers.
package wheel

import "time"

// Wheel is a circle of slots for the seconds to come, each with a list of numbers. It holds no
// pointers but to its arrays. The zero value is not usable; see New. One goroutine uses it.
type Wheel struct {
	heads      []uint32 // first number of each slot plus one, 0 for none
	next, prev []uint32 // of each number, plus one
	slot       []uint32 // that a number is in, plus one; 0 for none
	at         uint64   // the second that was dealt with last; 0 before the first
}

// slots is how many seconds ahead a number is filed exactly. What is due later is looked at
// again when the wheel comes round.
const slots = 1024

// New returns a wheel that holds nothing.
func New() *Wheel { return &Wheel{heads: make([]uint32, slots)} }

// Set has number i come up once due, in nanoseconds since the Unix epoch, is over: within the
// second after it, or before if that is many seconds ahead. It is filed once; the last due counts.
func (w *Wheel) Set(i uint32, due uint64) {
	w.Drop(i)
	for int(i) >= len(w.slot) {
		w.next, w.prev, w.slot = append(w.next, 0), append(w.prev, 0), append(w.slot, 0)
	}
	second := min(max(due/uint64(time.Second)+1, w.at+1), w.at+slots-1)
	s := uint32(second % slots)
	w.next[i], w.prev[i], w.slot[i] = w.heads[s], 0, s+1
	if h := w.heads[s]; h != 0 {
		w.prev[h-1] = i + 1
	}
	w.heads[s] = i + 1
}

// Drop takes number i out, if it is there.
func (w *Wheel) Drop(i uint32) {
	if int(i) >= len(w.slot) || w.slot[i] == 0 {
		return
	}
	if p := w.prev[i]; p != 0 {
		w.next[p-1] = w.next[i]
	} else {
		w.heads[w.slot[i]-1] = w.next[i]
	}
	if n := w.next[i]; n != 0 {
		w.prev[n-1] = w.prev[i]
	}
	w.slot[i] = 0
}

// Turn brings up the numbers that are due by now, in nanoseconds since the Unix epoch, and some
// that are not yet: each is taken out, and given to up, which may set it again. Time that goes
// backwards stands still.
func (w *Wheel) Turn(now uint64, up func(i uint32)) {
	second := now / uint64(time.Second)
	if second <= w.at {
		return
	}
	first := max(w.at, second-min(second, slots)) + 1
	for s := first; s <= second; s++ {
		w.at = s // so that what is set again does not come up in the slot in hand
		for h := &w.heads[s%slots]; *h != 0; {
			i := *h - 1
			w.Drop(i)
			up(i)
		}
	}
}
