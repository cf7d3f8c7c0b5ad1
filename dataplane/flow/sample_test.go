package flow

import (
	"net/netip"
	"testing"
)

func address(s string) [16]byte { return netip.MustParseAddr(s).As16() }

const sampleTime = 1_700_000_000_123_456_789 // 2023-11-14T22:13:20.123456789Z

// tcpSample is a connection of 2.5 seconds of which everything was measured.
func tcpSample() *Record {
	r := &Record{}
	r.Hot = Hot{
		Key: Key{Src: address("192.0.2.1"), Dst: address("198.51.100.7"), SrcPort: 40000, DstPort: 443,
			VLAN: 100, Proto: 6, Version: 4, Tunnel: 5001, Ingress: 3},
		First: sampleTime, Last: sampleTime + 2_500_000_000,
		Octets: [2]uint64{1000, 9000}, Packets: [2]uint64{10, 12}, TCPFlags: [2]uint16{0x11b, 0x1a},
		TOS: [2]uint8{0x28, 0x48}, MinTTL: [2]uint8{60, 50}, MaxTTL: [2]uint8{64, 51},
		Application: 91, End: EndDetected, Confidence: ByContent,
	}
	r.Link = Link{
		L2Octets: [2]uint64{1140, 9168}, MPLS: [3]uint32{0x186a0140, 0x186a1140, 0x186a23ff},
		FlowLabel: [2]uint32{0x12345, 0x54321}, Ingress: [2]uint32{3, 4}, CVLAN: 200,
		SrcMAC: [6]byte{2, 0, 0, 0, 0, 1}, DstMAC: [6]byte{2, 0, 0, 0, 0, 0xfe}, HasMAC: 1,
	}
	r.Sizes = Sizes{Size: [6]uint32{1, 2, 3, 4, 5, 7}, TTL: [10]uint32{1, 2, 3, 4, 5, 1, 1, 1, 2, 2},
		MinLen: [2]uint32{40, 52}, MaxLen: [2]uint32{400, 1500}, Fragments: [2]uint32{1, 2},
		ECN: [2]uint32{3, 4}, Entropy: [2]uint16{7501, 8001}}
	r.Timing = Timing{DirFirst: [2]uint64{sampleTime, sampleTime + 10_000_000},
		DirLast: [2]uint64{sampleTime + 2_500_000_000, sampleTime + 2_400_000_000},
		IATSum:  [2]uint64{9000, 11000}, IATSquares: [2]uint64{9 * 1_000_000, 11 * 1_250_000},
		IATMin: [2]uint32{1000, 500}, IATMax: [2]uint32{1000, 1500}, IATCount: [2]uint32{9, 11}}
	r.Rate = Rate{Max: [2]uint32{600, 5000}, Min: [2]uint32{10, 100}, Seconds: 1}
	for d := range r.TCP {
		n := uint32(d)
		r.TCP[d] = TCP{RetransmittedOctets: uint64(100 + n), LostOctets: uint64(200 + n),
			RetransmittedPackets: 1 + n, OutOfOrder: 3 + n, Duplicates: 5 + n, Holes: 7 + n, ZeroWindows: 9 + n,
			WindowMin: uint16(1000 + n), WindowMax: uint16(2000 + n), MSS: uint16(1460 - n),
			Seen: SeenPacket | SeenSYN | SeenWindow, Scale: uint8(8 + n), InitialFlags: uint8(2 + 16*n)}
	}
	r.Latency = Latency{Client: 3_000_000, Server: 20_400_000, Application: 5_250_000}
	r.Outer = Outer{Src: address("203.0.113.1"), Dst: address("203.0.113.2"), ID: [2]uint32{5001, 5002},
		Session: [2]uint32{70001, 2}, SrcPort: 50000, DstPort: 4789, Proto: 17, Version: 4, Type: VXLAN, Depth: 1}
	return r
}

// icmpSample is an answered echo over IPv6 in a tunnel over IPv6.
func icmpSample() *Record {
	r := tcpSample()
	r.Src, r.Dst, r.Version = address("2001:db8::1"), address("2001:db8::2"), 6
	r.Proto, r.SrcPort, r.DstPort = protoICMPv6, 0, 128<<8
	r.ICMP, r.HasICMP = [2]uint16{128 << 8, 129 << 8}, 3
	r.Outer.Src, r.Outer.Dst, r.Outer.Version = address("2001:db8:f::1"), address("2001:db8:f::2"), 6
	return r
}

// icmp4Sample is the same over IPv4.
func icmp4Sample() *Record {
	r := tcpSample()
	r.Proto, r.SrcPort, r.DstPort = protoICMP, 0, 8<<8
	r.ICMP, r.HasICMP = [2]uint16{8 << 8, 1}, 3
	return r
}

// sctpSample is an association that was aborted.
func sctpSample() *Record {
	r := tcpSample()
	r.Proto, r.TCP = protoSCTP, [2]TCP{}
	for d := range Dir(2) {
		*r.SCTP(d) = SCTP{Octets: [4]uint64{100}, Messages: [4]uint32{2}, Count: 1, Chunks: 9, Data: 3, Again: 1, Late: 1, Tag: 77,
			Payload: 18, Kinds: 1<<ChunkData | 1<<ChunkAbort, Out: 5, Cause: 12, HasData: 1}
	}
	return r
}

var samples = [...]func() *Record{tcpSample, icmpSample, icmp4Sample, sctpSample}

// json returns what field name says of r in JSON, empty if it is absent.
func (s *Schema) json(t testing.TB, v *View, name string) string {
	t.Helper()
	f := s.Named(name)
	if f == nil {
		t.Fatalf("%s is unknown", name)
	}
	val, ok := v.Value(f)
	if !ok {
		return ""
	}
	return string(f.JSON(nil, val))
}
