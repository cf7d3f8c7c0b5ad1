package aggregate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// TestSeries lets hours pass, with records that come late: every minute and hour has all of its own.
func TestSeries(t *testing.T) {
	s := NewSeries(Octets, 50)
	r := rand.New(rand.NewPCG(3, 4))
	hour := uint64(time.Hour)
	begin := start / hour * hour
	minutes, hours := map[uint64]uint64{}, map[uint64]uint64{}
	now, end := begin, begin+3*hour+40*60e9
	var total uint64
	for ; now < end; now += 5e9 {
		s.Advance(now)
		for range 3 {
			at := now - r.Uint64N(90e9)
			if at < begin {
				at = begin
			}
			if r.Uint64N(50) == 0 {
				at = max(begin, now-20*60e9) // many minutes late
			}
			n := r.Uint64N(1000)
			s.Add(at, fmt.Append(nil, r.Uint64N(80)), &Sums{Octets: [2]uint64{n, 0}, Records: 1})
			minutes[at/60e9*60e9] += n
			hours[at/hour*hour] += n
			total += n
		}
	}
	for at := begin; at < end; at += hour {
		if got := s.Sum(time.Hour, at, at+hour).Total().Octets[0]; got != hours[at] {
			t.Errorf("hour %d has %d octets, want %d", (at-begin)/hour, got, hours[at])
		}
	}
	for at := (end - 60*60e9) / 60e9 * 60e9; at < end; at += 60e9 {
		if got := s.Sum(time.Minute, at, at+60e9).Total().Octets[0]; got != minutes[at] {
			t.Errorf("the minute %d before the end has %d octets, want %d", (end-at)/60e9, got, minutes[at])
		}
	}
	all := s.Sum(time.Hour, begin, end+hour)
	rows, others := all.Top(1000)
	for i := range rows {
		others.Add(&rows[i].Sums)
	}
	if all.Total().Octets[0] != total || others != all.Total() || all.Bound() > total/50 {
		t.Errorf("all have %d octets, want %d; at most %d may be missing", all.Total().Octets[0], total, all.Bound())
	}
	if s.Late() == 0 {
		t.Error("nothing was late")
	}
	s.Add(begin-1000*hour, []byte("older than everything"), &Sums{Records: 7})
	if got := s.Sum(time.Hour, 0, end+hour).Total(); got.Records != all.Total().Records+7 {
		t.Errorf("%d records, of %d and 7", got.Records, all.Total().Records)
	}
	s.Advance(now + 100*hour)
	for _, step := range Steps() {
		if left := s.Sum(step, 0, now+200*hour).Total(); left != (Sums{}) {
			t.Errorf("after days %+v is left", left)
		}
	}
	if n := len(s.free); n > 128+64+48 {
		t.Errorf("there are %d tables", n)
	}
}

// board is a Board with a clock of the test.
func board(t *testing.T) (b *Board, now *uint64) {
	b = NewBoard(compiled(t))
	now = new(uint64)
	*now = start
	b.now = func() time.Time { return moment(*now) }
	return b, now
}

// TestBoard asks for hosts by the minute and by the second, first when nothing is known of them.
func TestBoard(t *testing.T) {
	b, now := board(t)
	q := Question{Options: DefaultOptions(), Step: time.Minute, Steps: 3, Limit: 2}
	q.By = []string{"IPV4_SRC_ADDR"}
	if a, err := b.Ask(q, false); err != nil || a.Total != (Sums{}) || !a.Since.Equal(moment(start)) {
		t.Fatalf("%+v, %v", a, err)
	}
	for host := 1; host <= 5; host++ {
		b.Show(egress.Flows, some(host, 80, uint64(100*host), *now))
	}
	*now += 60e9
	b.Tick()
	b.Show(egress.Flows, some(1, 80, 1000, *now))
	a, err := b.Ask(q, true)
	if err != nil || len(a.Rows) != 2 || a.Rows[0].Octets[0] != 1100 || a.Rows[1].Octets[0] != 500 || a.Others.Octets[0] != 900 {
		t.Fatalf("%+v, %v", a, err)
	}
	if fmt.Sprint(a.Points[0][1].Octets, a.Points[0][2].Octets, a.Rest[1].Octets, a.Rest[2].Octets) !=
		"[100 50] [1000 500] [900 450] [0 0]" || len(a.Times) != 3 || a.Total.Octets[0] != 2500 {
		t.Errorf("got %+v", a)
	}
	q.Step, q.Steps = time.Second, 1
	if a, err := b.Ask(q, false); err != nil || a.Total.Records != 1 {
		t.Errorf("the last second is %+v, %v", a, err)
	}
	q.Step = 5 * time.Second
	if _, err := b.Ask(q, false); err == nil || !strings.Contains(err.Error(), "write 1s, 1m, 1h") {
		t.Errorf("got %v", err)
	}
}

// TestBoardLimits asks for too many things, and for nothing for a long time.
func TestBoardLimits(t *testing.T) {
	b, now := board(t)
	own := DefaultOptions()
	own.Name, own.By = "own", []string{"PROTOCOL"}
	if err := b.Configure([]Options{own}); err != nil {
		t.Fatal(err)
	}
	ask := func(i int) error {
		q := Question{Options: DefaultOptions(), Step: time.Hour}
		q.By, q.Filter = []string{"PROTOCOL"}, fmt.Sprintf("L4_DST_PORT == %d", i)
		_, err := b.Ask(q, false)
		return err
	}
	for i := range views {
		if err := ask(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := ask(views); !errors.Is(err, ErrBusy) {
		t.Errorf("one more than may: %v", err)
	}
	*now += uint64(stale)
	if err := ask(0); err != nil {
		t.Error(err)
	}
	*now += uint64(time.Minute)
	b.Tick()
	if all := b.Looked(); len(all) != 2 || all[0].Name != "own" || !all[0].Configured {
		t.Errorf("%d are left", len(all))
	}
	if o, ok := b.Options("own"); !ok || o.By[0] != "PROTOCOL" {
		t.Errorf("got %+v", o)
	}
	if err := b.Configure(nil); err != nil {
		t.Fatal(err)
	}
	*now += uint64(stale)
	b.Tick()
	*now += 1
	b.Tick()
	if all := b.Looked(); len(all) != 0 {
		t.Errorf("%d are left", len(all))
	}
}

func BenchmarkBoard(b *testing.B) {
	board := NewBoard(compiled(b))
	q := Question{Options: DefaultOptions(), Step: time.Minute, Steps: 1, Limit: 20}
	q.By = []string{"IPV4_SRC_ADDR"}
	if _, err := board.Ask(q, false); err != nil {
		b.Fatal(err)
	}
	v := some(1, 80, 100, uint64(time.Now().UnixNano()))
	b.Run("Show", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			v.Src[15], v.Src[14] = byte(i), byte(i>>8)
			v.Last = uint64(time.Now().UnixNano()) - uint64(i%100)*1e9
			board.Show(egress.Flows, v)
		}
	})
	b.Run("Ask", func(b *testing.B) {
		for range b.N {
			if _, err := board.Ask(q, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}
