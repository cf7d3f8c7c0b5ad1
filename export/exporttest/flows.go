// Package exporttest has flows that tests of formats and exporters share.
package exporttest

import (
	"net/netip"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Epoch is when the flows were seen and Boot when sysUpTime was zero, in nanoseconds.
const (
	Boot  = 1_700_000_000_000_000_000
	Epoch = Boot + 3600_000_000_000
)

// Schema returns every field there is.
func Schema(t testing.TB) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(flow.All()...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Template compiles a template.
func Template(t testing.TB, s *flow.Schema, text string) *flow.Template {
	t.Helper()
	tpl, err := s.Template(text)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

// Flow returns flow number i: IPv4 and IPv6, TCP, UDP and ICMP, with and without an answer,
// all different.
func Flow(i int) *flow.View {
	r := new(flow.Record)
	r.Version, r.Proto = 4, 6
	a := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
	b := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
	if i%3 == 2 {
		r.Version, r.Proto = 6, 17
		a = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)})
		b = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 1, 14: byte(i >> 8), 15: byte(i)})
	}
	r.Src, r.Dst = a.As16(), b.As16()
	r.SrcPort, r.DstPort = uint16(20000+i), 443
	r.First = Epoch + uint64(i)*7_000_000
	r.Last = r.First + 1_500_000_000
	r.Packets = [2]uint64{uint64(5 + i), uint64(3 + i)}
	r.Octets = [2]uint64{uint64(5000 + 7*i), uint64(700 + 3*i)}
	r.DirFirst, r.DirLast = [2]uint64{r.First, r.First + 30_000_000}, [2]uint64{r.Last, r.Last - 10_000_000}
	r.TOS = [2]uint8{0x20, 0x28}
	r.MinTTL, r.MaxTTL = [2]uint8{60, 50}, [2]uint8{64, 55}
	r.Link.Ingress = [2]uint32{3, 4}
	r.End = flow.EndIdle
	r.L2Octets = [2]uint64{r.Octets[0] + 14*r.Packets[0], r.Octets[1] + 14*r.Packets[1]}
	switch i % 6 {
	case 0, 3:
		r.TCPFlags = [2]uint16{0x1b, 0x13}
		r.Latency.Client, r.Latency.Server, r.Latency.Application = 12_000_000, 34_000_000, 5_000_000
		r.TCP[0].RetransmittedPackets, r.TCP[1].RetransmittedOctets = 2, 1460
		r.HasMAC, r.SrcMAC, r.DstMAC = 1, [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}
	case 1:
		r.Proto, r.SrcPort, r.DstPort = 1, 0, 0x0800
		r.HasICMP, r.ICMP = 3, [2]uint16{0x0800, 0}
	case 4:
		r.Proto, r.VLAN, r.DstPort = 17, 42, 53
		r.Packets[1], r.Octets[1], r.TOS[1], r.L2Octets[1] = 0, 0, 0, 0
		r.MinTTL[1], r.MaxTTL[1], r.DirFirst[1], r.DirLast[1], r.Link.Ingress[1] = 0, 0, 0, 0, 0
	}
	return &flow.View{Record: r}
}
