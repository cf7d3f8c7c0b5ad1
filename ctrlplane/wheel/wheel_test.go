package wheel

import (
	"math/rand/v2"
	"testing"
	"time"
)

const second = uint64(time.Second)

// TestWheel sets, moves and drops numbers at random, lets time jump, and has each come up once, not
// before it is due if that is less than a round ahead, and never later than a second after.
func TestWheel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w, due := New(), map[uint32]uint64{}
	now := 1_700_000_000 * second
	w.Turn(now, nil)
	for range 20_000 {
		i := uint32(r.IntN(300))
		switch r.IntN(4) {
		case 0:
			w.Drop(i)
			delete(due, i)
		case 1:
			now += uint64(r.IntN(3)) * uint64(r.IntN(700)) * second / 2
			w.Turn(now, func(i uint32) {
				at, ok := due[i]
				switch {
				case !ok:
					t.Fatalf("%d comes up but was not set", i)
				case at > now: // filed as far ahead as there are slots
					w.Set(i, at)
				default:
					delete(due, i)
				}
			})
			for i, at := range due {
				if at+second < now {
					t.Fatalf("%d was due %v ago", i, time.Duration(now-at))
				}
			}
		default:
			due[i] = now + uint64(r.IntN(5000))*second/2
			w.Set(i, due[i])
		}
	}
	if len(due) == 0 {
		t.Error("nothing is left to come up")
	}
}

// TestTurn does not bring up what is set while it turns, and stands still when time goes back.
func TestTurn(t *testing.T) {
	w := New()
	w.Set(7, 5*second)
	n := 0
	up := func(i uint32) { n++; w.Set(i, 0) }
	w.Turn(6*second, up)
	w.Turn(6*second, up)
	w.Turn(3*second, up)
	if n != 1 {
		t.Errorf("it came up %d times", n)
	}
	w.Turn(7*second, up)
	if n != 2 {
		t.Errorf("it came up %d times after a second", n)
	}
}

// BenchmarkSet measures Set with a turn per thousand of them.
func BenchmarkSet(b *testing.B) {
	w := New()
	w.Turn(second, nil)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		w.Set(uint32(i%100_000), uint64(i)*second/1000+60*second)
		if i%1000 == 0 {
			w.Turn(uint64(i)*second/1000, func(uint32) {})
		}
	}
}
