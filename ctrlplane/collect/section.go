package collect

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
)

// section dissects the beginning of a packet that was sampled. It is a flow of one packet, unless
// its exporter counted more.
func (w *Worker) section() {
	a := &w.a
	link := nic.RawIP
	if a.Starts == flow.FrameSection {
		link = nic.Ethernet
	}
	f := nic.Frame{
		Data: unsafe.Pointer(unsafe.SliceData(a.Section)), Len: uint32(len(a.Section)),
		Wire: max(a.Wire, uint32(len(a.Section))), Time: a.Export, Link: link,
	}
	w.dissect(&f)
}

// dissect adds what the headers of a packet say to the record in hand, and reports whether there was
// an IP packet.
func (w *Worker) dissect(f *nic.Frame) bool {
	a, p := &w.a, &w.packet
	p.Dissect(f, false)
	if p.Stop.Refused() {
		w.counts.add(SectionsBad, 1)
		return false
	}
	a.Key = p.Key
	a.Ignored = 0
	w.addresses()
	if a.Packets[flow.Forward] == 0 {
		a.Packets[flow.Forward], a.Octets[flow.Forward] = 1, uint64(p.Octets)
	}
	if a.L2Octets[flow.Forward] == 0 && f.Link == nic.Ethernet {
		a.L2Octets[flow.Forward] = uint64(f.Wire)
		a.Said.Add(w.c.known.frame...)
	}
	if a.TOS[flow.Forward] = p.TOS; p.HasTCP {
		a.Controls(p.TCPFlags)
	}
	a.MinTTL[flow.Forward], a.MaxTTL[flow.Forward] = p.TTL, p.TTL
	a.FlowLabel[flow.Forward], a.MPLS, a.CVLAN = p.FlowLabel, p.MPLS, p.CVLAN
	w.link()
	return true
}

// addresses says which parts of the key there are.
func (w *Worker) addresses() {
	a, k := &w.a, &w.c.known
	a.Said.Add(k.packet...)
	if a.VLAN != 0 {
		a.Said.Add(k.vlan...)
	}
	if a.CVLAN != 0 {
		a.Said.Add(k.cvlan...)
	}
	if a.Proto == protoICMP || a.Proto == protoICMPv6 {
		a.ICMP[flow.Forward], a.HasICMP = w.packet.ICMP, 1
		a.Said.Add(k.icmp...)
	} else if a.SrcPort != 0 || a.DstPort != 0 {
		a.Said.Add(k.ports...)
	}
	if a.Version == 6 {
		a.Said.Add(k.label...)
	}
}

// IP protocol numbers.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoICMPv6 = 58
)

// link says what the frame and the tunnel around the packet were.
func (w *Worker) link() {
	a, p, k := &w.a, &w.packet, &w.c.known
	if p.HasMAC {
		a.SrcMAC, a.DstMAC, a.HasMAC = p.SrcMAC, p.DstMAC, 1
		a.Said.Add(k.mac...)
	}
	for i := range p.MPLS {
		if p.MPLS[i] != 0 {
			a.Said.Add(k.mpls[i])
		}
	}
	if p.CVLAN != 0 {
		a.Said.Add(k.cvlan...)
	}
	o := &p.Outer
	if o.Depth == 0 {
		return
	}
	a.Outer = flow.Outer{
		Src: o.Src, Dst: o.Dst, SrcPort: o.SrcPort, DstPort: o.DstPort, Proto: o.Proto, Version: o.Version,
		Type: o.Type, Depth: o.Depth,
	}
	a.Outer.ID[flow.Forward], a.Outer.Session[flow.Forward] = o.ID, o.Session
	a.Said.Add(k.tunnel...)
	if o.Version == 4 {
		a.Said.Add(k.outer4...)
	} else if o.Version == 6 {
		a.Said.Add(k.outer6...)
	}
	if o.ID != 0 {
		a.Said.Add(k.tunnelID...)
	}
	if o.SrcPort != 0 || o.DstPort != 0 {
		a.Said.Add(k.outerPorts...)
	}
}

// known are fields that sampled packets say, by what it depends on whether they do.
type known struct {
	packet, frame, ports, vlan, cvlan, icmp, label, mac, mpls     []*flow.Field
	tunnel, tunnelID, outer4, outer6, outerPorts, ingress, egress []*flow.Field
	packets, ip                                                   []*flow.Field

	etherType, leavingVLAN, user, nextHop *flow.Field
	masks, peers                          [2]*flow.Field
	translated                            [4]*flow.Field
}

// know looks the fields up.
func know(s *flow.Schema) (k known) {
	for _, x := range []struct {
		to     *[]*flow.Field
		labels string
	}{
		{&k.packet, `IPV4_SRC_ADDR IPV4_DST_ADDR PROTOCOL IP_PROTOCOL_VERSION IN_BYTES IN_PKTS SRC_TOS MIN_TTL MAX_TTL
			FLOW_START_MILLISECONDS FLOW_END_MILLISECONDS`},
		{&k.frame, "IN_L2_BYTES"}, {&k.ports, "L4_SRC_PORT L4_DST_PORT"}, {&k.vlan, "DOT1Q_SRC_VLAN"},
		{&k.cvlan, "DOT1Q_CUSTOMER_VLAN"}, {&k.icmp, "ICMP_TYPE"}, {&k.label, "IPV6_FLOW_LABEL"},
		{&k.mac, "IN_SRC_MAC IN_DST_MAC"}, {&k.mpls, "MPLS_LABEL_1 MPLS_LABEL_2 MPLS_LABEL_3"},
		{&k.tunnel, "TUNNEL_DEPTH OUTER_PROTOCOL"}, {&k.tunnelID, "UPSTREAM_TUNNEL_ID TUNNEL_ID"},
		{&k.outer4, "OUTER_IPV4_SRC_ADDR OUTER_IPV4_DST_ADDR"}, {&k.outer6, "OUTER_IPV6_SRC_ADDR OUTER_IPV6_DST_ADDR"},
		{&k.outerPorts, "OUTER_L4_SRC_PORT OUTER_L4_DST_PORT"}, {&k.ingress, "INPUT_SNMP"}, {&k.egress, "OUTPUT_SNMP"}, {&k.packets, "IN_PKTS"},
		{&k.ip, "IPV4_SRC_ADDR IPV4_DST_ADDR PROTOCOL IP_PROTOCOL_VERSION IN_BYTES IN_PKTS SRC_TOS"},
	} {
		*x.to = flow.Labelled(s.Fields, x.labels)
	}
	for label, to := range map[string]**flow.Field{
		"ETHERNET_TYPE": &k.etherType, "DST_VLAN": &k.leavingVLAN, "USERNAME": &k.user, "IPV4_NEXT_HOP": &k.nextHop,
		"IPV4_SRC_MASK": &k.masks[0], "IPV4_DST_MASK": &k.masks[1],
		"BGP_PREV_ADJACENT_ASN": &k.peers[0], "BGP_NEXT_ADJACENT_ASN": &k.peers[1],
		"POST_NAT_SRC_IPV4_ADDR": &k.translated[0], "POST_NAT_DST_IPV4_ADDR": &k.translated[1],
		"POST_NAPT_SRC_PORT": &k.translated[2], "POST_NAPT_DST_PORT": &k.translated[3],
	} {
		*to = s.Named(label)
	}
	return k
}
