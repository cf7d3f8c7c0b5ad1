package policy

import (
	"fmt"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// try runs a policy with records that are made up, on a host of its own: what fails with them fails with others.
func try(p *Program, o Options) error {
	h := NewHost()
	h.Run = func([]string) {}
	h.Offline = true
	o.When = "" // so that all of it is tried
	t := &Policy{program: p, o: o, host: h, told: map[string]bool{}}
	if err := t.boot(); err != nil {
		return err
	}
	t.Take()
	var failure error
	t.Observe = func(kind egress.Kind, v *flow.View, d *Decision) {
		if d.Err != nil && failure == nil {
			failure = fmt.Errorf("%w (when it was tried with a made-up %s)", d.Err, Describe(kind, v))
		}
	}
	for kind, fields := range trials() {
		for _, r := range samples {
			var a flow.Attrs
			for _, f := range fields {
				pretend(&a, f)
			}
			v := &flow.View{Record: &r, Kind: kind.Of(), ID: flow.ID{1}, Attrs: a.All()}
			if t.Judge(kind, v, &a, func(egress.Kind, *flow.View) {}); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// trials are the kinds of records that a policy is tried with, and what they say.
func trials() map[egress.Kind][]*flow.Field {
	all := map[egress.Kind][]*flow.Field{
		egress.Flows: nil, egress.Calls: nil, egress.Subscribers: flow.OfUsage(), egress.Devices: flow.OfCounters(),
	}
	for i, d := range app.All {
		all[egress.EventsOf(i)] = append([]*flow.Field{app.TransactionProtocol}, d.Fields...)
	}
	return all
}

// pretend says something of a field.
func pretend(a *flow.Attrs, f *flow.Field) {
	switch f.Type {
	case flow.String, flow.OctetArray:
		a.Text(f, "example")
	case flow.IPv4Address, flow.IPv6Address, flow.MACAddress:
		a.Bytes(f, make([]byte, f.Type.Size()))
	default:
		a.Uint(f, 1)
	}
}

// samples are a TCP connection over IPv4 and datagrams over IPv6.
var samples = func() (all [2]flow.Record) {
	first := uint64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	for i := range all {
		r := &all[i]
		r.First, r.Last = first, first+uint64(time.Second)
		r.Packets, r.Octets = [2]uint64{3, 2}, [2]uint64{300, 200}
		r.SrcPort, r.DstPort = 40000, 443
		r.Src[15], r.Dst[15] = 1, 2
	}
	all[0].Version, all[0].Proto = 4, 6
	copy(all[0].Src[10:], []byte{0xff, 0xff, 192, 0, 2, 1})
	copy(all[0].Dst[10:], []byte{0xff, 0xff, 192, 0, 2, 2})
	all[1].Version, all[1].Proto = 6, 17
	copy(all[1].Src[:], []byte{0x20, 0x01, 0x0d, 0xb8})
	copy(all[1].Dst[:], []byte{0x20, 0x01, 0x0d, 0xb8})
	return all
}()
