//go:build !amd64

package worker

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// prefetch does nothing: the misses of a burst then overlap only as far as the processor
// looks ahead by itself.
func prefetch(unsafe.Pointer, *uint32, int, array) {}

// prefetchFrames does nothing, likewise.
func prefetchFrames(*nic.Frame, int) {}
