//go:build cgo && !nodpdk

package dpdk

// #include "shim.h"
import "C"

import (
	"math/bits"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reading is what the clocks of a device and of the host said at the same time.
type reading struct{ ticks, nanoseconds uint64 }

// slope is a conversion of ticks to nanoseconds since 1970; see struct clock.
type slope struct {
	ref, base, mult uint64
	shift           uint32
}

// through returns the line through two readings, valid around the second. ok is false if
// the device's clock did not advance between them, or faster than ticks can be told apart.
func through(a, b reading) (l slope, ok bool) {
	const shift = 32
	ticks, elapsed := b.ticks-a.ticks, b.nanoseconds-a.nanoseconds
	hi, lo := bits.Mul64(elapsed, 1<<shift)
	if ticks == 0 || ticks>>63 != 0 || elapsed>>63 != 0 || hi >= ticks {
		return slope{}, false
	}
	mult, _ := bits.Div64(hi, lo, ticks)
	return slope{ref: b.ticks, base: b.nanoseconds, mult: mult, shift: shift}, mult > 0
}

// at converts a time stamp, as C does for every frame.
func (l slope) at(ticks uint64) uint64 {
	c := C.struct_clock{ref: C.uint64_t(l.ref), base: C.uint64_t(l.base),
		mult: C.uint64_t(l.mult), shift: C.uint32_t(l.shift)}
	return uint64(C.nanoseconds(&c, C.uint64_t(ticks)))
}

// microseconds since 1970 are what net_pcap stamps frames with.
var microseconds = slope{mult: 1000}

// clocks is a port's conversion. Two are kept so that a worker may still use the previous
// one while the next is written; it uses one for the length of a burst.
type clocks struct {
	both *[2]C.struct_clock // in memory of DPDK
	next int
	last reading // zero for a conversion that does not change
	read func() (uint64, bool)
}

func newClocks(socket C.int) *clocks {
	m := C.rte_zmalloc_socket(nil, C.size_t(unsafe.Sizeof([2]C.struct_clock{})), 0, socket)
	if m == nil {
		return nil
	}
	return &clocks{both: (*[2]C.struct_clock)(m)}
}

// set makes l the conversion of the queues.
func (c *clocks) set(l slope, queues []*Queue) {
	s := &c.both[c.next]
	*s = C.struct_clock{ref: C.uint64_t(l.ref), base: C.uint64_t(l.base),
		mult: C.uint64_t(l.mult), shift: C.uint32_t(l.shift)}
	for _, q := range queues {
		atomic.StoreUintptr((*uintptr)(unsafe.Pointer(&q.q.clock)), uintptr(unsafe.Pointer(s)))
	}
	c.next = 1 - c.next
}

// now reads both clocks, several times, and returns the reading that took least.
func (c *clocks) now() (best reading, ok bool) {
	shortest := time.Duration(1 << 62)
	for range 8 {
		before := wall()
		ticks, ok := c.read()
		if !ok {
			return reading{}, false
		}
		if took := time.Duration(wall() - before); took >= 0 && took < shortest {
			shortest, best = took, reading{ticks, before + uint64(took)/2}
		}
	}
	return best, true
}

func wall() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_REALTIME, &t) // it fails only for a clock that does not exist
	return uint64(t.Nano())
}

// calibrate follows the clock of a NIC; the EAL's thread calls it once a second.
func (p *Port) calibrate() {
	c := p.clocks
	if c == nil || c.read == nil {
		return
	}
	now, ok := c.now()
	if !ok {
		return
	}
	if l, ok := through(c.last, now); ok {
		c.set(l, p.queues)
	}
	c.last = now
}

// startClock finds out how to read the port's clock and sets it twice, a little apart.
func (p *Port) startClock() bool {
	id := p.id
	for _, read := range [...]func() (uint64, bool){
		func() (uint64, bool) {
			var t C.uint64_t
			ok := C.rte_eth_read_clock(id, &t) == 0
			return uint64(t), ok
		},
		func() (uint64, bool) { // PTP clocks count nanoseconds
			var t C.struct_timespec
			ok := C.rte_eth_timesync_read_time(id, &t) == 0
			return uint64(t.tv_sec)*1e9 + uint64(t.tv_nsec), ok
		},
	} {
		p.clocks.read = read
		first, ok := p.clocks.now()
		if !ok {
			continue
		}
		time.Sleep(50 * time.Millisecond)
		second, ok := p.clocks.now()
		if l, advances := through(first, second); ok && advances {
			p.clocks.last = second
			p.clocks.set(l, p.queues)
			return true
		}
	}
	p.clocks.read = nil
	return false
}
