package egress

import (
	"slices"
	"testing"

	"github.com/weir-probe/weir/export"
)

func TestLedger(t *testing.T) {
	mem := make([]byte, 1024)
	l := OpenLedger(mem)
	for _, name := range []string{"a", "b"} {
		c, err := l.Counters(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Records.Add(uint64(name[0]))
	}
	again := OpenLedger(mem)
	if c, err := again.Counters("b"); err != nil || c.Records.Load() != 'b' {
		t.Errorf("b: %v", err)
	}
	if names := again.Names(); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("names %q", names)
	}
	var err error
	for i := 0; err == nil; i++ {
		if i > 1024 {
			t.Fatal("a ledger without end")
		}
		_, err = again.Counters(string(rune('c' + i)))
	}
}

// An exporter that takes the place of another has counters of its own until the other has ended,
// and what an earlier process left is interrupted unless its exporter is there again.
func TestLedgerPlaces(t *testing.T) {
	mem := make([]byte, 4096)
	l := OpenLedger(mem)
	first, _ := l.Counters("a")
	second, err := l.Counters("a")
	if err != nil || first == second {
		t.Fatal("two exporters count in the same place", err)
	}
	first.Records.Add(3)
	second.Records.Add(4)
	l.Release(first)
	if third, _ := l.Counters("a"); third != first {
		t.Error("what was released is not taken again")
	}
	if n := len(l.Of("a")); n != 2 {
		t.Errorf("%d counters of one name", n)
	}
	again := OpenLedger(mem)
	c, _ := again.Counters("a")
	again.Settle()
	lost := uint64(0)
	for _, x := range again.Of("a") {
		lost += x.Dropped[export.Interrupted].Load()
	}
	if want := uint64(7) - c.Records.Load(); lost != want {
		t.Errorf("%d interrupted, want %d", lost, want)
	}
	a := (&Egress{Ledger: again}).account("a", nil)
	if a.Records != 7 || a.Pending != c.Records.Load() || a.Lost() != lost {
		t.Errorf("together they are %+v", a)
	}
	second.Spool.Store(1)
	l.Release(first)
	l.Release(second)
	if got, _ := l.Counters("a"); got != second {
		t.Error("the one that has a spool is not preferred")
	}
}
