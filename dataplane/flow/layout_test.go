package flow

import (
	"testing"
	"unsafe"
)

// The layout is a contract with the ring, the exporters and the cache lines.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, want uintptr
	}{
		{"Key", unsafe.Sizeof(Key{}), 48},
		{"Hot", unsafe.Sizeof(Hot{}), 128},
		{"Link", unsafe.Sizeof(Link{}), 64},
		{"Sizes", unsafe.Sizeof(Sizes{}), 128},
		{"Timing", unsafe.Sizeof(Timing{}), 128},
		{"Rate", unsafe.Sizeof(Rate{}), 64},
		{"TCP", unsafe.Sizeof(TCP{}), 128},
		{"Latency", unsafe.Sizeof(Latency{}), 64},
		{"Outer", unsafe.Sizeof(Outer{}), 64},
	} {
		if c.size != c.want {
			t.Errorf("%s is %d bytes, want %d", c.name, c.size, c.want)
		}
	}
}
