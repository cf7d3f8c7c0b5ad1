package flow

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Dates are those of package time, on every day there is and at any time of it.
func TestRFC3339(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const day = 86400 * 1e9
	for ns := uint64(0); ns < 1<<64-2*day; ns += day {
		at := ns + r.Uint64N(day)
		want := time.Unix(int64(at/1e9), int64(at%1e9)).UTC().Format("2006-01-02T15:04:05.000000")
		if got := string(RFC3339(nil, at)); got != want {
			t.Fatalf("%d is %s, want %s", at, got, want)
		}
	}
}

func BenchmarkRFC3339(b *testing.B) {
	dst := make([]byte, 0, 64)
	for b.Loop() {
		dst = RFC3339(dst[:0], 1_700_000_000_123_456_789)
	}
}
