//go:build cgo && !nodpdk

package dpdk

// #cgo noescape burst
// #cgo nocallback burst
// #cgo noescape count_losses
// #cgo nocallback count_losses
// #include "shim.h"
import "C"

import (
	"sync/atomic"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Queue is a receive queue of a port. One goroutine uses it; it should be locked to a
// thread that was registered.
type Queue struct {
	q    *C.struct_queue
	port *Port
}

var (
	_ nic.Source  = (*Queue)(nil)
	_ nic.Counter = (*Queue)(nil)
)

// The two languages must agree on a frame. Each of these fails to compile if they do not.
var (
	_ = [1]struct{}{}[C.BURST-nic.Max]
	_ = [1]struct{}{}[unsafe.Sizeof(nic.Frame{})-unsafe.Sizeof(C.struct_frame{})]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Data)-unsafe.Offsetof(C.struct_frame{}.data)]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Len)-unsafe.Offsetof(C.struct_frame{}.len)]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Wire)-unsafe.Offsetof(C.struct_frame{}.wire)]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Time)-unsafe.Offsetof(C.struct_frame{}.time)]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Hash)-unsafe.Offsetof(C.struct_frame{}.hash)]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Port)-unsafe.Offsetof(C.struct_frame{}.port)]
	_ = [1]struct{}{}[unsafe.Offsetof(nic.Frame{}.Link)-unsafe.Offsetof(C.struct_frame{}.link)]
)

// Burst implements nic.Source with one call into C.
func (q *Queue) Burst() []nic.Frame {
	n := C.burst(q.q)
	return unsafe.Slice((*nic.Frame)(unsafe.Pointer(&q.q.frames[0])), int(n))
}

// Stats implements nic.Counter. A NIC counts its losses per port: the first queue tells
// them, so that the sum over the queues of a port is right. Another thread than the
// worker's may ask, but not two at once.
func (q *Queue) Stats() nic.Stats {
	s := nic.Stats{Received: q.received()}
	if q.q.id != 0 {
		return s
	}
	l := &q.q.losses
	if C.count_losses(q.q.port, l) == 0 {
		s.Missed = uint64(l.missed - q.port.base.missed)
		s.NoBuffer = uint64(l.nobuffer - q.port.base.nobuffer)
		s.Errors = uint64(l.errors - q.port.base.errors)
	}
	return s
}

// Cut returns how many frames were longer than PortConfig.Longest and lost their tail.
func (q *Queue) Cut() uint64 { return atomic.LoadUint64((*uint64)(unsafe.Pointer(&q.q.cut))) }

func (q *Queue) received() uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&q.q.received)))
}

// free gives back the last burst and the queue's memory.
func (q *Queue) free() {
	C.rte_pktmbuf_free_bulk(&q.q.mbufs[0], C.uint(q.q.n))
	C.rte_free(unsafe.Pointer(q.q.linear))
	C.rte_free(unsafe.Pointer(q.q))
	q.q = nil
}
