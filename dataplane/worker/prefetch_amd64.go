package worker

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

var _ = [1]byte{}[unsafe.Sizeof(nic.Frame{})-32] // as prefetchFrames has it

// prefetch asks the processor for the first a.lines cache lines of base[index[i]], for
// every i below n, and does not wait for them.
//
//go:noescape
func prefetch(base unsafe.Pointer, index *uint32, n int, a array)

// prefetchFrames asks for the headers of n frames, and does not wait for them.
//
//go:noescape
func prefetchFrames(frames *nic.Frame, n int)
