package watch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

func ports(kinds egress.Records, wants func(*flow.View) bool) Query {
	return Query{Kinds: kinds, Wants: wants, Encode: func(dst []byte, v *flow.View) []byte {
		return fmt.Appendf(dst, "%d/%d/%v/%x", v.SrcPort, len(v.Attrs), v.Kind, v.ID[:1])
	}}
}

func view(port int, attrs []byte) *flow.View {
	r := &flow.Record{}
	r.Version, r.SrcPort = 4, uint16(port)
	return &flow.View{Record: r, Attrs: attrs, Kind: flow.KindFlow, ID: flow.ID{byte(port)}}
}

// Those that came last are kept as they were, also when what was lent has changed since.
func TestRecent(t *testing.T) {
	h := New()
	attrs := make([]byte, 8)
	for i := range 3000 {
		if i%keptTick == 0 {
			h.Tick()
		}
		v := view(i, attrs[:i%3])
		kind := egress.Flows
		if i%2 == 1 {
			kind = egress.Calls
		}
		h.Show(kind, v)
		v.SrcPort = 0
	}
	got := h.Recent(ports(egress.Only(egress.Flows), func(v *flow.View) bool { return v.SrcPort%4 == 2 }), 2)
	want := []string{"2998/1/flow/b6", "2994/0/flow/b2"}
	if len(got) != 2 || string(got[0]) != want[0] || string(got[1]) != want[1] {
		t.Errorf("got %q", got)
	}
	if n := len(h.Recent(ports(egress.Only(egress.Flows, egress.Calls), nil), 5000)); n != kept {
		t.Errorf("%d are kept", n)
	}
	h = New()
	for i := range 200 {
		h.Show(egress.Flows, view(i, nil)) // no tick: it is a rush
	}
	if n := len(h.Recent(ports(egress.Only(egress.Flows), nil), 5000)); n != keptTick {
		t.Errorf("%d of a rush are kept", n)
	}
	h.Tick()
	h.Show(egress.Flows, view(1, make([]byte, longest+1)))
	if n := len(h.Recent(ports(egress.Only(egress.Flows), nil), 5000)); n != keptTick {
		t.Errorf("%d are kept with one that is too long", n)
	}
}

// Watching from many goroutines while records pass is safe, everything is shown or counted as missed,
// and nobody waits for who does not look.
func TestSubscribe(t *testing.T) {
	h := New()
	lazy, err := h.Subscribe(ports(egress.Only(egress.Flows), nil))
	if err != nil {
		t.Fatal(err)
	}
	const records = 20_000
	var done sync.WaitGroup
	for range 4 {
		done.Go(func() {
			for range 20 {
				s, err := h.Subscribe(ports(egress.Only(egress.Flows), func(v *flow.View) bool { return v.SrcPort%2 == 0 }))
				if err != nil {
					t.Error(err)
					return
				}
				h.Top(3)
				h.Recent(ports(egress.Only(egress.Flows), nil), 1)
				s.Close()
			}
		})
	}
	for i := range records {
		if i%100 == 0 {
			h.Tick()
		}
		h.Show(egress.Flows, view(i, nil))
	}
	done.Wait()
	if shown, missed := len(lazy.C), lazy.Missed(); shown != backlog || missed != records-backlog {
		t.Errorf("%d shown, %d missed", shown, missed)
	}
	for range watchers - 1 {
		if _, err := h.Subscribe(ports(egress.Records{}, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Subscribe(ports(egress.Records{}, nil)); !errors.Is(err, ErrBusy) {
		t.Errorf("one more than may: %v", err)
	}
	lazy.Close()
	if n := len(h.Watching()); n != watchers-1 {
		t.Errorf("%d watch", n)
	}
}

// Counts of hosts are as good as is said, of a stream with many hosts, and old ones are forgotten.
func TestTop(t *testing.T) {
	h, r := New(), rand.New(rand.NewPCG(1, 2))
	truth, total := map[netip.Addr]uint64{}, uint64(0)
	z := rand.NewZipf(r, 1.1, 1, 50_000)
	show := func(host uint32, octets, at uint64) {
		v := view(1, nil)
		v.Src = [16]byte{10: 255, 11: 255, 12: 10, 13: byte(host >> 16), 14: byte(host >> 8), 15: byte(host)}
		v.Dst = [16]byte{10: 255, 11: 255, 12: 192, 14: 2, 15: 1}
		v.Octets[0], v.Packets[1], v.Last = octets, 1, at
		truth[netip.AddrFrom16(v.Src).Unmap()] += octets
		total += 2 * octets
		h.Show(egress.Flows, v)
	}
	for range 200_000 {
		show(uint32(z.Uint64()), r.Uint64N(1500)+40, 1e9)
	}
	top := h.Top(11)
	if len(top) != 11 || top[0].Address.String() != "192.0.2.1" || top[0].Octets != total/2 || top[0].Flows != 200_000 {
		t.Fatalf("got %+v", top)
	}
	for i, got := range top[1:] {
		if want := truth[got.Address]; got.Octets < want || got.Octets-got.Error > want || got.Error > total/hosts {
			t.Errorf("%d: %v has %d octets ± %d, really %d", i, got.Address, got.Octets, got.Error, want)
		}
		for a, n := range truth {
			if n > top[10].Octets && a != got.Address && i == 9 {
				found := false
				for _, x := range top {
					found = found || x.Address == a
				}
				if !found {
					t.Errorf("%v with %d octets is not among the top", a, n)
				}
			}
		}
	}
	if bound := h.talkers.now.Bound(); bound == 0 || bound > total/hosts {
		t.Errorf("%d octets may be missing", bound)
	}
	show(7, 1, 1e9+3*period)
	if top := h.Top(100); len(top) != 2 || top[0].Octets != 1 {
		t.Errorf("after a silence %+v", top)
	}
	v := view(1, nil)
	v.Ignored = flow.KeyAddresses
	h.Show(egress.Flows, v)
	if n := len(h.Top(100)); n != 2 {
		t.Errorf("%d hosts, one of them nobody", n)
	}
}

func BenchmarkShow(b *testing.B) {
	h, v := New(), view(1, make([]byte, 200))
	v.Last = 1
	b.ReportAllocs()
	for i := range b.N {
		if i%256 == 0 {
			h.Tick()
		}
		v.Src[15], v.Src[14], v.Src[13] = byte(i), byte(i>>8), byte(i>>16)
		v.Octets[0] = uint64(i%1000 + 1)
		h.Show(egress.Flows, v)
	}
}
