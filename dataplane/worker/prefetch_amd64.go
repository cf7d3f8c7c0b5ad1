package worker

import "unsafe"

// prefetch asks the processor for the first a.lines cache lines of base[index[i]], for
// every i below n, and does not wait for them.
//
//go:noescape
func prefetch(base unsafe.Pointer, index *uint32, n int, a array)
