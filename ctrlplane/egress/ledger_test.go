package egress

import (
	"slices"
	"testing"
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
