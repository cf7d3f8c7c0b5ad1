package worker

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// A key is that of a flow if it is equal or the reverse, and in no other case, whatever the octets
// have in common: differences must not cancel out.
func TestMatch(t *testing.T) {
	k := flow.Key{SrcPort: 123, DstPort: 123, Proto: 17, Version: 4}
	k.Src = netip.MustParseAddr("66.59.111.190").As16()
	k.Dst = netip.MustParseAddr("66.59.111.182").As16()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		rev := k.Reversed()
		if d, ok := match(&k, &k); !ok || d != flow.Forward && k != rev {
			t.Fatalf("%+v is not itself: %v %v", k, d, ok)
		}
		if d, ok := match(&k, &rev); !ok || d != flow.Reverse && k != rev {
			t.Fatalf("%+v answers itself: %v %v", k, d, ok)
		}
		other := k
		octets := (*[unsafe.Sizeof(k)]byte)(unsafe.Pointer(&other))
		for range 1 + r.IntN(2) { // octets changed alike, so that their differences are equal
			octets[r.IntN(len(octets))] ^= 1 << (r.IntN(3))
		}
		want := other == k || other == rev
		if _, ok := match(&k, &other); ok != want {
			t.Fatalf("%+v and %+v are the same: %v", k, other, ok)
		}
		k.Src[15], k.Dst[15] = byte(r.Uint32()), byte(r.Uint32())
		k.Src[12], k.Dst[12] = byte(r.Uint32()), byte(r.Uint32())
	}
}
