package flow

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// member is a place in Record that holds one value: a number, an address or an element of an array.
type member struct {
	path      string
	off, size uintptr
}

// members lists those of t, without padding.
func members(t reflect.Type, path string, off uintptr) (all []member) {
	switch {
	case t.Kind() == reflect.Struct:
		for f := range fields(t) {
			if f.Name != "_" {
				all = append(all, members(f.Type, path+"."+f.Name, off+f.Offset)...)
			}
		}
	case t.Kind() == reflect.Array && t.Elem().Size() > 1 || t.Kind() == reflect.Array && t.Len() == 2:
		for i := range t.Len() {
			all = append(all, members(t.Elem(), fmt.Sprintf("%s[%d]", path, i), off+uintptr(i)*t.Elem().Size())...)
		}
	default:
		all = []member{{path, off, t.Size()}}
	}
	return all
}

func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

func (m member) octets(r *Record) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(r), m.off)), m.size)
}

// A slot is a whole member, so slots are equal or apart, and its value fits the type.
func TestSlots(t *testing.T) {
	known := map[[2]uintptr]string{}
	for _, m := range members(reflect.TypeFor[Record](), "Record", 0) {
		known[[2]uintptr{m.off, m.size}] = m.path
	}
	for _, f := range compiled(t).Fields {
		if f.slot.size == 0 {
			continue
		}
		off := uintptr(f.slot.off) + uintptr(f.slot.stride)*uintptr(f.dir)
		path := known[[2]uintptr{off, uintptr(f.slot.size)}]
		if path == "" {
			t.Errorf("%s: %d octets at %d are not a member of Record", f.Key(), f.slot.size, off)
		}
		if f.dir == Reverse && f.slot.stride == 0 && off >= unsafe.Sizeof(Key{}) {
			t.Errorf("%s: %s is not kept per direction", f.Key(), path)
		}
		want := map[Type]int{IPv4Address: 16, IPv6Address: 16, MACAddress: 6, MPLSLabel: 4}[f.Type]
		switch size := int(f.slot.size); {
		case want != 0 && size != want, want == 0 && size > 8:
			t.Errorf("%s: %s has %d octets, which %s cannot be", f.Key(), path, size, f.Type)
		case want == 0 && f.Scale == 0 && size > max(f.Type.Size(), 4) && f.Type != SysUpTimeMilliseconds &&
			f.Type != DateTimeSeconds && f.Key()[:14] != "RETRANSMITTED_":
			t.Errorf("%s: %s has %d octets, %s only %d", f.Key(), path, size, f.Type, f.Type.Size())
		}
	}
}

// bookkeeping lists the members that are the worker's own: no field says them.
var bookkeeping = []string{
	".Hot.Key.Ingress", // the same as Link.Ingress
	".Hot.Pending", ".Hot.Attrs", ".Hot.State", ".Hot.FIN[0]", ".Hot.FIN[1]",
	".Hot.Start[0]", ".Hot.Start[1]", ".Hot.Begun",
	".Cold.Rate.Second", ".Cold.Rate.Octets[0]", ".Cold.Rate.Octets[1]",
	".Cold.Latency.SYN", ".Cold.Latency.SYNACK", ".Cold.Latency.Request", ".Cold.Latency.Opener",
}

// bookkeepingTCP lists those of each element of TCP; the SYN's are what an OS hint is made from.
var bookkeepingTCP = []string{
	"TopTime", "AckTime", "NextSeq", "Ack", "Reported", "Window", "DupAcks", "Open",
	"Gaps[0].From", "Gaps[0].To", "Gaps[1].From", "Gaps[1].To", "Gaps[2].From", "Gaps[2].To",
	"Recent[0]", "Recent[1]", "Recent[2]",
	"Options", "SYNSeq", "SYNWindow", "SYNLength", "SYNTTL", "SYNFlags",
}

// Every member that is not bookkeeping changes what some field says.
func TestEveryMemberHasAField(t *testing.T) {
	internal := map[string]bool{}
	for _, path := range bookkeeping {
		internal["Record"+path] = true
	}
	for d := range 2 {
		for _, name := range bookkeepingTCP {
			internal[fmt.Sprintf("Record.Cold.TCP[%d].%s", d, name)] = true
		}
	}
	s := compiled(t)
	for _, m := range members(reflect.TypeFor[Record](), "Record", 0) {
		said := false
		for _, sample := range samples {
			r := sample()
			if r.Proto == protoSCTP && strings.HasPrefix(m.path, "Record.Cold.TCP") {
				continue // something else is there
			}
			before := s.everything(r)
			for i, o := range m.octets(r) {
				m.octets(r)[i] = o ^ 1
			}
			said = said || s.everything(r) != before
			clear(m.octets(r))
			said = said || s.everything(r) != before
		}
		if said == internal[m.path] {
			t.Errorf("%s: said by a field %v, listed as the worker's %v", m.path, said, internal[m.path])
		}
		delete(internal, m.path)
	}
	for path := range internal {
		t.Errorf("%s is listed but does not exist", path)
	}
}

// everything is what all fields say of r.
func (s *Schema) everything(r *Record) string {
	v := &View{Record: r}
	var b []byte
	for _, f := range s.Fields {
		if val, ok := v.Value(f); ok {
			b = append(f.JSON(append(b, f.Key()...), val), '\n')
		}
	}
	return string(b)
}

// A block that a field does not name has no influence on it: the worker may leave it empty.
func TestBlocks(t *testing.T) {
	blocks := map[Block]any{BlockLink: &rec.Link, BlockSizes: &rec.Sizes, BlockTiming: &rec.Timing,
		BlockRate: &rec.Rate, BlockTCP: &rec.TCP, BlockLatency: &rec.Latency, BlockOuter: &rec.Outer}
	start := uintptr(unsafe.Pointer(&rec))
	used := Block(0)
	for _, f := range compiled(t).Fields {
		used |= f.Blocks()
		for b, p := range blocks {
			at := reflect.ValueOf(p)
			m := member{off: at.Pointer() - start, size: at.Type().Elem().Size()}
			changed := false
			for _, sample := range samples {
				full, empty := &View{Record: sample()}, &View{Record: sample()}
				clear(m.octets(empty.Record))
				changed = changed || !same(f, full, empty)
			}
			if changed && f.Blocks()&b == 0 {
				t.Errorf("%s depends on block %#b but names only %#b", f.Key(), b, f.Blocks())
			}
			if !changed && f.Blocks()&b != 0 && f != OSHint {
				t.Errorf("%s names block %#b but does not depend on it", f.Key(), b)
			}
		}
	}
	if used != AllBlocks {
		t.Errorf("fields use the blocks %#b of %#b", used, AllBlocks)
	}
}

func same(f *Field, a, b *View) bool {
	x, okX := a.Value(f)
	y, okY := b.Value(f)
	return okX == okY && (!okX || string(f.JSON(nil, x)) == string(f.JSON(nil, y)))
}
