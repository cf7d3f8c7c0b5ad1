package voice

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMOS compares with published numbers: the limits of the formula, and table B.1, which says 4.03
// where its formula gives 4.024.
func TestMOS(t *testing.T) {
	for _, c := range []struct{ r, mos float64 }{
		{-5, 1}, {0, 1}, {3, 1}, {50, 2.58}, {60, 3.10}, {70, 3.60}, {80, 4.03}, {90, 4.34}, {90.95, 4.36},
		{93.2, 4.41}, {100, 4.5}, {120, 4.5},
	} {
		if got := MOS(c.r); math.Abs(got-c.mos) > 0.0065 {
			t.Errorf("R %v is MOS %.3f, want %v", c.r, got, c.mos)
		}
	}
}

// TestRating compares with values that can be worked out by hand: G.107 itself says 93.2 for
// its default values, and Ie,eff is a difference from that.
func TestRating(t *testing.T) {
	known := func(name string) Impairment {
		i, ok := Codec(name)
		if !ok {
			t.Fatalf("%s is not known", name)
		}
		return i
	}
	pcm := known("PCMU")
	for _, c := range []struct {
		name string
		line Line
		r    float64
	}{
		{"all default", Line{Impairment: pcm}, 93.2},
		{"G.729A", Line{Impairment: known("G729")}, 82.2},
		{"G.723.1", Line{Impairment: known("G723")}, 78.2},
		{"GSM-EFR", Line{Impairment: known("GSM-EFR")}, 88.2},
		{"a hundredth lost, concealed", Line{Impairment: pcm, Loss: 0.01}, 93.2 - 95*1/26.1},
		{"a hundredth lost, not concealed", Line{Impairment: Plain(), Loss: 0.01}, 93.2 - 95*1/5.3},
		{"G.729A, two of a hundred", Line{Impairment: known("G729"), Loss: 0.02}, 93.2 - 11 - 84*2/21.0},
		{"in bursts of twice the length", Line{Impairment: pcm, Loss: 0.05, Burst: 2}, 93.2 - 95*5/(2.5+25.1)},
		{"everything lost", Line{Impairment: Plain(), Loss: 1, Burst: 100}, 0},
	} {
		if got := c.line.Rating(); math.Abs(got-c.r) > 0.06 {
			t.Errorf("%s: R %.2f, want %.2f", c.name, got, c.r)
		}
	}
	// The delay impairment of G.107 is 0 up to 100 ms and then grows; at 400 ms Idd is 24.
	near, far := Line{Impairment: pcm, Delay: 100}.Rating(), Line{Impairment: pcm, Delay: 400}.Rating()
	if d := near - far; d < 24 || d > 36 {
		t.Errorf("400 ms cost %.1f more than 100 ms", d)
	}
}

// TestUnknown holds that nothing is said of codecs that nobody has measured.
func TestUnknown(t *testing.T) {
	for _, name := range []string{"", "VP8", "telephone-event", "pcmu?"} {
		if i, ok := Codec(name); ok {
			t.Errorf("%q is %+v", name, i)
		}
	}
	for _, name := range []string{"G722", "opus", "GSM", "iLBC", "G726-32"} {
		if i, ok := Codec(name); !ok || !i.Estimate {
			t.Errorf("%s: %v, estimate %v", name, ok, i.Estimate)
		}
	}
}

// TestMonotone holds that more loss, more delay or longer bursts never sound better, and that R and
// the score stay in their ranges whatever is given.
func TestMonotone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	names := []string{"PCMA", "G729", "G723", "GSM", "iLBC", "opus", "G722", "AMR"}
	for range 20000 {
		i, _ := Codec(names[rnd.IntN(len(names))])
		l := Line{Impairment: i, Loss: rnd.Float64(), Burst: 1 + 8*rnd.Float64(), Delay: 1 + 1000*rnd.Float64()}
		more := l
		switch rnd.IntN(3) {
		case 0:
			more.Loss += (1 - l.Loss) * rnd.Float64()
		case 1:
			more.Delay += 500 * rnd.Float64()
		case 2:
			more.Burst += 5 * rnd.Float64()
		}
		a, b := l.Rating(), more.Rating()
		if b > a+1e-9 || MOS(b) > MOS(a)+1e-9 {
			t.Fatalf("%+v is %v, %+v is %v", l, a, more, b)
		}
		if a < 0 || a > 100 || MOS(a) < 1 || MOS(a) > 4.5 || math.IsNaN(a) {
			t.Fatalf("%+v: R %v, MOS %v", l, a, MOS(a))
		}
	}
}

func TestAllocations(t *testing.T) {
	l := Line{Impairment: Plain(), Loss: 0.1, Burst: 2, Delay: 200}
	if n := testing.AllocsPerRun(10, func() { l.Rating() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRating(b *testing.B) {
	l := Line{Impairment: Plain(), Loss: 0.1, Burst: 2, Delay: 200}
	for b.Loop() {
		l.Rating()
	}
}
