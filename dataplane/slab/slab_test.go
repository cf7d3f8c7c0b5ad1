package slab

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

func TestMap(t *testing.T) {
	for _, n := range []int{1, 100, 5000, 100_000} {
		s, err := Map[flow.Record](n)
		if err != nil {
			t.Fatal(err)
		}
		size := len(s) * int(unsafe.Sizeof(s[0]))
		b := unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), size)
		if len(s) != n || bytes.Count(b, []byte{0}) != size {
			t.Errorf("%d values of %d, or not zeroed", len(s), n)
		}
		if at := uintptr(unsafe.Pointer(&s[0])); size >= huge && at%huge != 0 {
			t.Errorf("%d octets at %#x cannot be in huge pages", size, at)
		}
		s[0].First, s[n-1].Last = 1, 2
		if err := Unmap(s); err != nil {
			t.Error(err)
		}
	}
}

// Mapping and giving back leaves nothing behind.
func TestUnmapGivesAllBack(t *testing.T) {
	maps := func() int {
		b, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip(err)
		}
		return strings.Count(string(b), "\n")
	}
	runtime.GC()
	before := maps()
	for range 200 {
		s, err := Map[[1000]byte](3000)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmap(s); err != nil {
			t.Fatal(err)
		}
	}
	if after := maps(); after > before+50 {
		t.Errorf("%d mappings before, %d after", before, after)
	}
}

func TestMapRefuses(t *testing.T) {
	if _, err := Map[*int](1); err == nil {
		t.Error("mapped pointers")
	}
	if _, err := Map[struct{ a [2]struct{ s []byte } }](1); err == nil {
		t.Error("mapped a slice inside an array inside a struct")
	}
	if _, err := Map[[0]*int](1); err == nil {
		t.Error("mapped values without size")
	}
	for _, n := range []int{0, -1, int(^uint(0) >> 1)} {
		if _, err := Map[uint64](n); err == nil {
			t.Errorf("mapped %d values", n)
		}
	}
	if Unmap[int](nil) == nil {
		t.Error("unmapped nothing")
	}
}
