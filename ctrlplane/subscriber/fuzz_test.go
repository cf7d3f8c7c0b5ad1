package subscriber

import (
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// FuzzCorrelator has signalling say anything, in any order: nothing panics, nothing grows beyond its limits, and the
// sums of sessions come out even.
func FuzzCorrelator(f *testing.F) {
	f.Add([]byte("\x00\x01\x04\x01\x00\x01\x02\x03ann\x05\x01\x31"))
	f.Add([]byte("\x01\x06\x01\x10\x07\x01\x80\x09\x0f001010000000001\x16\x11data/1/192.0.2.1;"))
	f.Add([]byte("\x03\x00\x01\x32\x01\x01\x01\x04\x0d7/192.0.2.1;x"))
	d := newDesk(f, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		o := DefaultOptions()
		o.Sessions = 4
		o.Store, _ = session.New(session.Limits{Entries: 64, Octets: 1 << 16})
		d.c, d.made = New(o), nil
		d.c.Follow(&stalker{all: &[]Followed{{"001010000000001", 1}}})
		signalling := []struct {
			kind   string
			fields []*flow.Field
		}{{"radius", radiusFields[:]}, {"gtp", gtpFields[:]}, {"diameter", diameterFields[:]}, {"pfcp", pfcpFields[:]}}
		for ms := uint64(1000); len(b) > 2; ms += 500 {
			of := signalling[b[0]%4]
			n := int(b[1] % 16)
			b = b[2:]
			var a flow.Attrs
			a.Uint(app.TransactionRequestBegin, at(ms))
			for ; n > 0 && len(b) > 2; n-- {
				field, size := of.fields[int(b[0])%len(of.fields)], min(int(b[1])%48, len(b)-2)
				value := b[2 : 2+size]
				b = b[2+size:]
				switch field.Type {
				case flow.String:
					a.Bytes(field, value)
				case flow.IPv4Address, flow.IPv6Address:
					var addr [16]byte
					copy(addr[:], value)
					a.Bytes(field, addr[:field.Type.Size()])
				default:
					number := uint64(0)
					for _, c := range value[:min(size, 8)] {
						number = number<<8 | uint64(c)
					}
					a.Uint(field, number)
				}
			}
			r := flow.Record{}
			r.Src, r.Dst, r.First, r.Last, r.Version = addr(nodes[0]), addr(nodes[1]), at(ms), at(ms), 4
			d.c.Take(d.kinds[of.kind], &flow.View{Record: &r, Attrs: a.All()}, &a)
			d.c.Take(egress.Flows, &flow.View{Record: &r}, &a)
			d.c.Tick(at(ms), d.emit)
		}
		n := d.c.book.counts
		if n[Opened] != n[Ended]+n[TimedOut]+n[Evicted]+uint64(d.c.held) || d.c.held > 4 {
			t.Errorf("%d opened, %d ended, %d timed out, %d evicted, %d held", n[Opened], n[Ended], n[TimedOut], n[Evicted], d.c.held)
		}
		ids := 0
		for i := range d.c.all {
			x := &d.c.all[i]
			if ids += len(x.ids); len(x.keys) > mostKeys || len(x.ids) > mostIDs {
				t.Errorf("a session has %d keys and %d names", len(x.keys), len(x.ids))
			}
		}
		if ids != len(d.c.ids) {
			t.Errorf("%d names of sessions, %d are theirs", len(d.c.ids), ids)
		}
	})
}
