package collect

import (
	"net/netip"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/sflow"
)

// isSFlow reports whether a datagram is sFlow, whose version has four octets.
func isSFlow(b []byte) bool {
	return len(b) >= 4 && b[0] == 0 && b[1] == 0 && b[2] == 0 && (b[3] == 2 || b[3] == 4 || b[3] == 5)
}

// sflow reads a datagram of sFlow: a record for each packet that was sampled, and one for the counters
// of each source.
func (w *Worker) sflow(b []byte, from netip.AddrPort) {
	d, ok := sflow.Read(b)
	if !ok {
		w.counts.add(Unread, 1)
		return
	}
	addr := from.Addr()
	if d.Agent.Version != 0 {
		addr = netip.AddrFrom16(d.Agent.Octets).Unmap()
	}
	s := w.session(sessionKey{netip.AddrPortFrom(addr, from.Port()), d.SubAgent, sflowAgent}, uint16(d.Version))
	if s == nil {
		w.counts.add(ExportersFull, 1)
		return
	}
	s.stats.messages.Add(1)
	s.stats.octets.Add(uint64(len(b)))
	w.follow(s, d.Sequence, 1, true)
	for {
		x, ok := d.Next()
		if !ok {
			break
		}
		w.sample(s, &x)
		d.Done(&x)
	}
	if d.Bad() {
		w.counts.add(SamplesBad, 1)
	}
	w.out.Commit()
}

// sample makes a record of a sample.
func (w *Worker) sample(s *session, x *sflow.Sample) {
	if x.Kind == sflow.Unknown {
		w.counts.add(SamplesUnknown, 1)
		return
	}
	w.a.Begin(flow.Clock{Export: w.now})
	w.a.Ignored = flow.KeyVLAN | flow.KeyProto | flow.KeyAddresses | flow.KeyPorts | flow.KeyTunnel
	var r sflow.Record
	understood := 0
	for x.Next(&r) {
		switch {
		case r.Enterprise != 0 || !w.sampled(&r, x):
			w.counts.add(SamplesUnknown, 1)
		case r.R.Short():
			w.counts.add(SamplesBad, 1)
		default:
			understood++
		}
	}
	if x.Records > 0 {
		w.counts.add(SamplesBad, 1)
	}
	if understood == 0 {
		return
	}
	w.source(x)
	if x.Kind == sflow.Counters {
		w.counters(s)
		return
	}
	scale(&w.a, uint64(x.Rate), origin(x))
	w.emit(s, uint64(x.Rate))
}

// origin returns who says what the rate of a sample is; discarded packets are not sampled.
func origin(x *sflow.Sample) string {
	if x.Rate == 0 || x.Kind != sflow.Flow {
		return ""
	}
	return fromData
}

// source says by which interfaces a packet came and left, or whose counters they are.
func (w *Worker) source(x *sflow.Sample) {
	a, k := &w.a, &w.c.known
	if x.Kind == sflow.Counters {
		a.Attrs.Uint(flow.CounterSource, uint64(x.Index))
		return
	}
	if x.Input.Known() {
		a.Cold.Link.Ingress[flow.Forward] = x.Input.Value
		a.Said.Add(k.ingress...)
	}
	if x.Output.Known() {
		a.Cold.Link.Ingress[flow.Reverse] = x.Output.Value
		a.Said.Add(k.egress...)
	}
	switch {
	case x.Kind == sflow.Discard:
		a.Attrs.Uint(flow.DiscardReason, uint64(x.Reason))
	case x.Output.Format == 1:
		a.Attrs.Uint(flow.DiscardReason, uint64(x.Output.Value))
	}
	if x.Kind == sflow.Flow {
		a.Attrs.Uint(flow.SamplePool, uint64(x.Pool))
		a.Attrs.Uint(flow.SampleDrops, uint64(x.Drops))
	}
	if x.Class == 0 && x.Input.Format == 0 && x.Index == x.Input.Value {
		a.Attrs.Uint(flow.Direction, 0)
	} else if x.Class == 0 && x.Output.Format == 0 && x.Index == x.Output.Value {
		a.Attrs.Uint(flow.Direction, 1)
	}
}

// sampled adds what a record says. It returns false if its format is not known; in versions 2 and 4
// nothing behind it can be read then.
func (w *Worker) sampled(r *sflow.Record, x *sflow.Sample) bool {
	if x.Kind == sflow.Counters {
		return w.counted(r)
	}
	switch r.Format {
	case sflow.Header:
		w.header(r)
	case sflow.Ethernet:
		w.frame(r)
	case sflow.IPv4, sflow.IPv6:
		w.ip(r)
	case sflow.Switch, sflow.VLANTunnel:
		w.tags(r)
	case sflow.Router, sflow.Gateway:
		w.route(r)
	case sflow.User, sflow.URL:
		w.named(r)
	case sflow.MPLS:
		w.labels(r)
	case sflow.NAT, sflow.NATPort:
		w.translated(r)
	case sflow.EgressVNI:
		w.a.Attrs.Uint(flow.EgressVNI, uint64(r.R.U32()))
	case sflow.IngressVNI:
		w.a.Attrs.Uint(flow.IngressVNI, uint64(r.R.U32()))
	case sflow.EgressInner, sflow.IngressIn:
		r.R.U32() // where the packet inside begins, which dissection finds out by itself
	default:
		return false
	}
	return true
}

// ethernet is the protocol of a header that is a frame; 11 and 12 are IP.
const ethernet = 1

// header dissects the beginning of a packet.
func (w *Worker) header(r *sflow.Record) {
	h := r.Sampled()
	if len(h.Octets) == 0 {
		return
	}
	link := [...]nic.Link{ethernet: nic.Ethernet, 11: nic.IPv4, 12: nic.IPv6}
	if h.Protocol != ethernet && h.Protocol != 11 && h.Protocol != 12 {
		w.counts.add(SectionsBad, 1)
		return
	}
	f := nic.Frame{
		Data: unsafe.Pointer(unsafe.SliceData(h.Octets)), Len: uint32(len(h.Octets)), Link: link[h.Protocol],
		Wire: max(h.Length-min(h.Stripped, h.Length), uint32(len(h.Octets))), Time: w.now,
	}
	if !w.dissect(&f) && h.Protocol == ethernet && len(h.Octets) >= 14 {
		b := h.Octets
		w.ether(h.Length, [6]byte(b[6:12]), [6]byte(b[:6]), uint64(b[12])<<8|uint64(b[13]))
	}
}

// ether says the header of a frame that carries no IP.
func (w *Worker) ether(length uint32, src, dst [6]byte, kind uint64) {
	a, k := &w.a, &w.c.known
	a.SrcMAC, a.DstMAC, a.HasMAC = src, dst, 1
	a.L2Octets[flow.Forward], a.Packets[flow.Forward] = uint64(length), 1
	a.Said.Add(k.mac...)
	a.Said.Add(k.frame...)
	a.Said.Add(k.packets...)
	a.Attrs.Uint(w.c.known.etherType, kind)
}

func (w *Worker) frame(r *sflow.Record) {
	f := r.Frame()
	if w.a.HasMAC == 0 && !r.R.Short() {
		w.ether(f.Length, f.Src, f.Dst, uint64(f.Type))
	}
}

// ip says what the headers of a packet said, of agents that read them themselves.
func (w *Worker) ip(r *sflow.Record) {
	p, a, k := r.Packet(), &w.a, &w.c.known
	if r.R.Short() || a.Ignored&flow.KeyAddresses == 0 { // the packet itself was there, too
		return
	}
	a.Version, a.Src, a.Dst, a.Proto = p.Version, p.Src, p.Dst, uint8(p.Protocol)
	a.SrcPort, a.DstPort = uint16(p.SrcPort), uint16(p.DstPort)
	a.TOS[flow.Forward] = uint8(p.TOS)
	a.Packets[flow.Forward], a.Octets[flow.Forward] = 1, uint64(p.Length)
	a.Ignored &^= flow.KeyAddresses | flow.KeyProto | flow.KeyPorts
	a.Said.Add(k.ip...)
	if a.Proto == protoTCP {
		a.Controls(uint16(p.Flags))
	}
	if a.SrcPort != 0 || a.DstPort != 0 {
		a.Said.Add(k.ports...)
	}
}

// tags says the VLANs of a frame, of agents that took the tags off before they sampled it.
func (w *Worker) tags(r *sflow.Record) {
	a, k := &w.a, &w.c.known
	src, dst := uint32(0), uint32(0)
	if r.Format == sflow.Switch {
		t := r.Tags()
		src, dst = t.SrcVLAN, t.DstVLAN
	} else if stack, n := r.Stack(); n > 0 {
		src = stack[0] & (1<<12 - 1)
	}
	if r.R.Short() {
		return
	}
	if a.VLAN == 0 && src > 0 && src < 1<<12-1 {
		a.VLAN = uint16(src)
		a.Ignored &^= flow.KeyVLAN
		a.Said.Add(k.vlan...)
	}
	if dst > 0 && dst < 1<<12-1 {
		a.Attrs.Uint(k.leavingVLAN, uint64(dst))
	}
}

// route says how a packet was routed.
func (w *Worker) route(r *sflow.Record) {
	a, k := &w.a, &w.c.known
	six := a.Version == 6
	if r.Format == sflow.Router {
		t := r.Route()
		if r.R.Short() {
			return
		}
		w.address(k.nextHop, t.Next)
		for i, mask := range [...]uint32{t.SrcMask, t.DstMask} {
			f := k.masks[i]
			if six {
				f = f.Twin()
			}
			a.Attrs.Uint(f, uint64(mask))
		}
		return
	}
	s := r.Systems()
	if r.R.Short() {
		return
	}
	w.say(flow.BGPNextHopIPv4, flow.BGPNextHopIPv6, s.Next)
	for _, x := range [...]struct {
		f *flow.Field
		n uint32
	}{{flow.SrcAS, s.Src}, {flow.DstAS, s.Dst}, {k.peers[0], s.SrcPeer}, {k.peers[1], s.DstPeer}} {
		if x.n != 0 {
			a.Attrs.Uint(x.f, uint64(x.n))
		}
	}
	if s.HasPreference {
		a.Attrs.Uint(flow.LocalPreference, uint64(s.LocalPref))
	}
}

// address says an address under a field or its twin of IPv6.
func (w *Worker) address(f *flow.Field, x sflow.Address) {
	w.say(f, f.Twin(), x)
}

// say says an address under the field of its version.
func (w *Worker) say(four, six *flow.Field, x sflow.Address) {
	switch x.Version {
	case 4:
		w.a.Attrs.Bytes(four, x.Octets[12:])
	case 6:
		w.a.Attrs.Bytes(six, x.Octets[:])
	}
}

// named says who the ends belong to, and what was asked for.
func (w *Worker) named(r *sflow.Record) {
	say := func(f *flow.Field, b []byte) {
		if len(b) > 0 {
			w.a.Attrs.Bytes(f, b)
		}
	}
	if r.Format == sflow.User {
		u := r.Users()
		say(w.c.known.user, u.Src)
		say(flow.DstUser, u.Dst)
		return
	}
	l := r.Location()
	say(flow.SampledURL, l.URL)
	say(flow.SampledHost, l.Host)
}

func (w *Worker) labels(r *sflow.Record) {
	l := r.Labels()
	if r.R.Short() {
		return
	}
	w.address(w.c.known.nextHop, l.Next)
	for i, label := range l.In {
		if label != 0 && w.a.MPLS[i] == 0 {
			w.a.MPLS[i] = label
			w.a.Said.Add(w.c.known.mpls[i])
		}
	}
}

func (w *Worker) translated(r *sflow.Record) {
	k := &w.c.known
	if r.Format == sflow.NAT {
		t := r.Translated()
		w.address(k.translated[0], t.Src)
		w.address(k.translated[1], t.Dst)
		return
	}
	src, dst := r.Pair()
	w.a.Attrs.Uint(k.translated[2], uint64(src))
	w.a.Attrs.Uint(k.translated[3], uint64(dst))
}
