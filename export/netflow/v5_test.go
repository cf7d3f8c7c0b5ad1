package netflow

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

func newFormat(t *testing.T, o export.FormatOptions) *Format {
	t.Helper()
	exporttest.Schema(t) // numbers the fields of attributes
	o.Boot = exporttest.Boot
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// records splits a message and checks its header.
func records(t *testing.T, m []byte, sequence uint32) (all [][]byte) {
	t.Helper()
	if n := int(be.Uint16(m[2:])); be.Uint16(m) != 5 || len(m) != headerLength+n*recordLength {
		t.Fatalf("message of %d octets begins with %x", len(m), m[:headerLength])
	}
	if s := be.Uint32(m[16:]); s != sequence {
		t.Errorf("sequence number is %d, want %d", s, sequence)
	}
	for b := m[headerLength:]; len(b) > 0; b = b[recordLength:] {
		all = append(all, b[:recordLength])
	}
	return all
}

// The sequence counts records, and messages are not longer than they may be.
func TestSequence(t *testing.T) {
	for _, size := range []int{0, 500} {
		f := newFormat(t, export.FormatOptions{Size: size})
		sequence := uint32(0)
		m := f.Begin(nil, exporttest.Epoch)
		for i := 0; i < 50; i++ {
			var ok bool
			if m, ok = f.Append(m, exporttest.Flow(3*i)); ok {
				continue
			}
			i--
			m = f.Seal(m)
			if len(m) > f.o.Size {
				t.Errorf("message has %d octets", len(m))
			}
			sequence += uint32(len(records(t, m, sequence)))
			m = f.Begin(nil, exporttest.Epoch)
		}
	}
}

// Large counters are split so that their sums stay true.
func TestSplit(t *testing.T) {
	const full = 1<<32 - 1
	for _, c := range []struct {
		octets, packets uint64
		records         int
		saturated       bool
	}{
		{full, full, 1, false},
		{full + 1, 10, 2, false},
		{5*full + 3, 1 << 30, 6, false},
		{1000, full + 1, 2, false},
		{1 << 60, 1 << 30, 14, true}, // half a message
	} {
		f := newFormat(t, export.FormatOptions{Counters: new(export.Counters)})
		v := exporttest.Flow(4) // one direction
		v.Octets[0], v.Packets[0] = c.octets, c.packets
		m, ok := f.Append(f.Begin(nil, exporttest.Epoch), v)
		if !ok {
			t.Fatal("the flow does not fit an empty message")
		}
		var octets, packets uint64
		all := records(t, f.Seal(m), 0)
		for _, r := range all {
			packets += uint64(be.Uint32(r[16:]))
			octets += uint64(be.Uint32(r[20:]))
		}
		if len(all) != c.records || !c.saturated && (octets != c.octets || packets != c.packets) {
			t.Errorf("%d octets and %d packets make %d records with %d and %d",
				c.octets, c.packets, len(all), octets, packets)
		}
		if got := f.o.Counters.Saturated.Load() == 1; got != c.saturated {
			t.Errorf("%d octets: saturated is %v", c.octets, got)
		}
	}
}

// What v5 cannot represent is refused or said with the value that stands for it.
func TestLimits(t *testing.T) {
	f := newFormat(t, export.FormatOptions{})
	if f.Takes(exporttest.Flow(2)) || !f.Takes(exporttest.Flow(0)) {
		t.Error("IPv6 is taken or IPv4 is not")
	}
	v := exporttest.Flow(0)
	var a flow.Attrs
	a.Uint(flow.SrcAS, 70000)
	a.Uint(flow.DstAS, 65000)
	a.Uint(flow.SrcMask, 24)
	v.Attrs = a.All()
	m, _ := f.Append(f.Begin(nil, exporttest.Epoch), v)
	all := records(t, f.Seal(m), 0)
	for d, want := range [2][4]uint16{{asTrans, 65000, 24, 0}, {65000, asTrans, 0, 24}} {
		r := all[d]
		if got := [4]uint16{be.Uint16(r[40:]), be.Uint16(r[42:]), uint16(r[44]), uint16(r[45])}; got != want {
			t.Errorf("direction %d has AS numbers and masks %v, want %v", d, got, want)
		}
	}
	for o, want := range map[export.FormatOptions]string{
		{Sampling: 16384}: "at most 1:16383",
		{Size: 100}:       "raise the MTU",
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("options %+v say %v, want %q", o, err, want)
		}
	}
	if m := f.Seal(f.Begin([]byte("x"), 0)); string(m) != "x" {
		t.Errorf("an empty message is %q", m)
	}
}

// The next hop of a flow that a router exported goes on, and one that nobody knows is 0.
func TestNextHop(t *testing.T) {
	f := newFormat(t, export.FormatOptions{})
	known, unknown := exporttest.Flow(1), exporttest.Flow(1)
	var a flow.Attrs
	a.Bytes(flow.NextHop, []byte{192, 0, 2, 9})
	known.Version, unknown.Version = 4, 4
	known.Attrs, unknown.Attrs = a.All(), nil
	m := f.Begin(nil, exporttest.Epoch)
	for _, v := range []*flow.View{known, unknown} {
		var ok bool
		if m, ok = f.Append(m, v); !ok {
			t.Fatal("a flow does not fit")
		}
	}
	all := records(t, f.Seal(m), 0)
	if got := be.Uint32(all[0][8:]); got != 0xc0000209 {
		t.Errorf("the next hop is %#x, want 192.0.2.9", got)
	}
	if got := be.Uint32(all[len(all)-1][8:]); got != 0 {
		t.Errorf("the next hop nobody knows is %#x, want 0", got)
	}
}
