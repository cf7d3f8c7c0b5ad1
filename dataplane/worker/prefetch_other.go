//go:build !amd64

package worker

import "unsafe"

// prefetch does nothing: the misses of a burst then overlap only as far as the processor
// looks ahead by itself.
func prefetch(unsafe.Pointer, *uint32, int, array) {}
