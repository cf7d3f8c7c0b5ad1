package dissect

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/nic"
)

// sample is a frame and what it is understood as. shark is a word of the protocol stack that
// tshark finds in it, or of nothing if tshark sees it otherwise.
type sample struct {
	name  string
	link  nic.Link
	frame []byte
	want  string
	shark string
}

const (
	want4 = "10.1.0.1:1000>10.1.0.2:80/6 len 45 payload 5"
	want6 = "[fd00:1::1]:1000>[fd00:1::2]:80/6 len 65 payload 5"
)

func samples() []sample {
	return slices.Concat(linkSamples(), otherLinks(), ipSamples(), transportSamples(), tunnelSamples(),
		portSamples(), userSamples(), noiseSamples(), closedSamples(), refusedSamples())
}

func linkSamples() []sample {
	snap := hx("aaaa03 000000 0800")
	return []sample{
		{"tcp", nic.Ethernet, ether(0x0800, inner4), want4, "eth:ethertype:ip:tcp"},
		{"ipv6", nic.Ethernet, ether(0x86dd, inner6), want6, "eth:ethertype:ipv6:tcp"},
		{"padding", nic.Ethernet, ether(0x0800, inner4, make([]byte, 9)), want4, "ip:tcp"},
		{"vlan", nic.Ethernet, ether(0x8100, hx("600a 0800"), inner4), want4 + " vlan 10",
			"vlan:ethertype:ip:tcp"},
		{"qinq", nic.Ethernet, ether(0x88a8, hx("000a 8100 0014 86dd"), inner6), want6 + " vlan 10 cvlan 20",
			"ieee8021ad:ethertype:vlan:ethertype:ipv6"},
		{"three tags", nic.Ethernet, ether(0x9100, hx("000a 8100 0014 8100 001e 0800"), inner4),
			want4 + " vlan 10 cvlan 20", "vlan"},
		{"priority tag", nic.Ethernet, ether(0x8100, hx("6000 8100 0014 0800"), inner4), want4 + " vlan 20",
			"vlan"},
		{"vlan llc", nic.Ethernet, ether(0x8100, hx("000a 0035"), snap, inner4), want4 + " vlan 10",
			"vlan:llc:ip"},
		{"mpls", nic.Ethernet, ether(0x8847, hx("00064140"), inner4), want4 + " mpls 100", "mpls:ip:tcp"},
		{"mpls ipv6", nic.Ethernet, ether(0x8848, hx("00010040 00020040 00030040 00040140"), inner6),
			want6 + " mpls 16 mpls 32 mpls 48", "mpls:ipv6"},
		{"mpls lying ip", nic.Ethernet, ether(0x8847, hx("00064140"), longer(inner4)),
			"10.1.0.1:1000>10.1.0.2:80/6 len 30000 payload 29960 mpls 100", "mpls:ip"},
		{"pseudowire", nic.Ethernet, ether(0x8847, hx("00064140 00000007"), ether(0x0800, inner4)),
			want4 + " mpls 100", "mpls:pwethheuristic"},
		{"pseudowire without control word", nic.Ethernet, ether(0x8847, hx("00064140"), ether(0x86dd,
			inner6)),
			want6 + " mpls 100", ""},
		{"pseudowire to 45", nic.Ethernet, ether(0x8847,
			hx("00064140 450000000045 450000000046 8100 0005 0800"),
			inner4), want4 + " vlan 5 mpls 100", ""},
		{"pppoe", nic.Ethernet, ether(0x8864, hx("1100 0011 002f 0021"), inner4, make([]byte, 4)), want4,
			"pppoes:ppp:ip"},
		{"pppoe ipv6", nic.Ethernet, ether(0x8864, hx("1100 0011 0043 0057"), inner6), want6,
			"pppoes:ppp:ipv6"},
		{"pppoe mpls", nic.Ethernet, ether(0x8864, hx("1100 0011 0033 0281 00064140"), inner4),
			want4 + " mpls 100", "mpls"},
		{"snap", nic.Ethernet, ether(8+45, snap, inner4, make([]byte, 3)), want4, "eth:llc:ip"},
	}
}

// otherLinks are frames of other links than Ethernet.
func otherLinks() []sample {
	snap := hx("aaaa03 000000 0800")
	return []sample{
		{"sll", nic.LinuxSLL, cat(hx("0000 0001 0006 020000000001 0000 0800"), inner4), want4,
			"sll:ethertype:ip"},
		{"sll llc", nic.LinuxSLL, cat(hx("0000 0001 0006 020000000001 0000 0004"), snap, inner4), want4,
			"sll:llc:ip"},
		{"sll2", nic.LinuxSLL2, cat(hx("86dd 0000 00000003 0001 04 06 020000000001 0000"), inner6), want6,
			"sll:ethertype:ipv6"},
		{"raw 4", nic.RawIP, inner4, want4, "raw:ip"},
		{"raw 6", 12, inner6, want6, ""},
		{"raw openbsd", 14, inner6, want6, ""},
		{"ipv4 link", nic.IPv4, inner4, want4, "ip:tcp"},
		{"ipv6 link", nic.IPv6, inner6, want6, "ipv6:tcp"},
		{"null little", nic.Null, cat(hx("02000000"), inner4), want4, "null:ip"},
		{"null big", nic.Null, cat(hx("0000001e"), inner6), want6, "null:ipv6"},
		{"loop", nic.Loop, cat(hx("00000018"), inner6), want6, "null:ipv6"},
		{"ppp", nic.PPP, cat(hx("ff03 0021"), inner4), want4, "ppp:ip"},
		{"ppp compressed", nic.PPP, cat(hx("57"), inner6), want6, "ppp:ipv6"},
	}
}

// longer returns an IPv4 packet that claims to have 30000 octets.
func longer(b []byte) []byte {
	b = slices.Clone(b)
	copy(b[2:], u16(30000))
	return b
}

func ipSamples() []sample {
	zero := slices.Clone(inner4)
	zero[2], zero[3] = 0, 0
	jumbo := v6(1, 0, hx("0600 c204 00000025"), hello)
	jumbo[4], jumbo[5] = 0, 0
	datagram := udpOf(1000, 53, []byte("hello, world....")) // 24 octets
	return []sample{
		{"options", nic.RawIP, v4opt(1, 6, hello), "10.1.0.1:1000>10.1.0.2:80/6 len 53 payload 5", "ip:tcp"},
		{"total 0", nic.RawIP, zero, want4, "ip:tcp"},
		{"jumbogram", nic.RawIP, jumbo, "[fd00:1::1]:1000>[fd00:1::2]:80/6 len 73 payload 5", ""},
		{"no next header", nic.Ethernet, ether(0x86dd, v6(1, 59), make([]byte, 6)),
			"[fd00:1::1]:0>[fd00:1::2]:0/59 len 40 payload 0 no_transport", "ipv6"},
		{"extensions", nic.RawIP, v6(1, 0, hx("2b00 0104 00000000 3c00 0000 00000000 3300 0104 00000000"+
			"06 01 0000 00000001 00000001"), hello),
			"[fd00:1::1]:1000>[fd00:1::2]:80/6 len 101 payload 5",
			"ipv6.hopopts:ipv6.routing:ipv6.dstopts:ah:tcp"},
		{"mobility", nic.RawIP, v6(1, 135, hx("3b00 0100 0000 0000")),
			"[fd00:1::1]:0>[fd00:1::2]:0/135 len 48 payload 8 no_transport", "mipv6"},
		{"first fragment 6", nic.RawIP, v6(1, 44, hx("1100 0001 00000009"), datagram[:16]),
			"[fd00:1::1]:1000>[fd00:1::2]:53/17 len 64 payload 8 part 1", "ipv6.fraghdr"},
		{"later fragment 6", nic.RawIP, v6(1, 44, hx("1100 0010 00000009"), datagram[16:]),
			"[fd00:1::1]:0>[fd00:1::2]:0/17 len 56 payload 8 part 2 no_transport", "ipv6.fraghdr"},
		{"atomic fragment", nic.RawIP, v6(1, 44, hx("0600 0000 00000009"), hello),
			"[fd00:1::1]:1000>[fd00:1::2]:80/6 len 73 payload 5", "ipv6.fraghdr:tcp"},
		{"first fragment", nic.RawIP, fragmentOf(v4(1, 17, datagram[:16]), 0x2000),
			"10.1.0.1:1000>10.1.0.2:53/17 len 36 payload 8 part 1", "ip"},
		{"later fragment", nic.RawIP, fragmentOf(v4(1, 17, datagram[16:]), 2),
			"10.1.0.1:0>10.1.0.2:0/17 len 28 payload 8 part 2 no_transport", "ip"},
		{"ah", nic.RawIP, v4(1, 51, hx("06 04 0000 00000001 00000001 000102030405060708090a0b"), hello),
			"10.1.0.1:1000>10.1.0.2:80/6 len 69 payload 5", "ip:ah:tcp"},
		{"ah esp", nic.RawIP, v4(1, 51, hx("32 04 0000 00000001 00000001 000102030405060708090a0b"),
			make([]byte, 24)),
			"10.1.0.1:0>10.1.0.2:0/51 len 68 payload 48 no_transport", "ip:ah:esp"},
		{"esp", nic.RawIP, v4(1, 50, make([]byte, 24)),
			"10.1.0.1:0>10.1.0.2:0/50 len 44 payload 24 no_transport", "ip:esp"},
		{"igmp", nic.RawIP, v4(1, 2, hx("1600 0000 e0000001")),
			"10.1.0.1:0>10.1.0.2:0/2 len 28 payload 8 no_transport", "ip:igmp"},
	}
}

func transportSamples() []sample {
	icmp := func(proto byte, h string) []byte {
		return map[bool][]byte{true: v4(1, 1, hx(h)), false: v6(1, 58, hx(h))}[proto == 1]
	}
	one := func(name string, proto byte, h, want string) sample {
		return sample{name, nic.RawIP, icmp(proto, h), want, "icmp"}
	}
	return []sample{
		{"udp", nic.Ethernet, ether(0x0800, v4(1, 17, udpOf(1000, 53, []byte("hello")))),
			"10.1.0.1:1000>10.1.0.2:53/17 len 33 payload 5", "ip:udp"},
		{"udp shorter", nic.RawIP, v4(1, 17, udpOf(1000, 53, []byte("hello")), []byte("more")),
			"10.1.0.1:1000>10.1.0.2:53/17 len 37 payload 5", "ip:udp"},
		{"udp length 0", nic.RawIP, v4(1, 17, hx("03e8 0035 0000 0000 01020304")),
			"10.1.0.1:1000>10.1.0.2:53/17 len 32 payload 4", "ip:udp"},
		{"udp longer", nic.RawIP, v4(1, 17, hx("03e8 0035 ffff 0000 01020304")),
			"10.1.0.1:1000>10.1.0.2:53/17 len 32 payload 4", "ip:udp"},
		{"syn", nic.RawIP, v4(1, 6, tcpOf(2, "020405b4 0402 080a0000000100000000 01 030307", "")),
			"10.1.0.1:1000>10.1.0.2:80/6 len 60 payload 0 mss 1460 scale 8 options 31842", "ip:tcp"},
		{"syn ten options", nic.RawIP, v4(1, 6, tcpOf(2, "01 01 01 01 01 01 2202 0303ff 02040218 00", "")),
			"10.1.0.1:1000>10.1.0.2:80/6 len 56 payload 0 mss 536 scale 15 options 3f111111", "ip:tcp"},
		{"syn bad option", nic.RawIP, v4(1, 6, tcpOf(2, "01 020100", "")),
			"10.1.0.1:1000>10.1.0.2:80/6 len 44 payload 0 options 1", "ip:tcp"},
		{"tcp short header", nic.RawIP, v4(1, 6, hx("03e80050 01020304 05060708 4002 2000 00000000")),
			"10.1.0.1:1000>10.1.0.2:80/6 len 40 payload 0 cut_transport", "ip:tcp"},
		{"tcp long header", nic.RawIP, v4(1, 6, hx("03e80050 01020304 05060708 f002 2000 00000000")),
			"10.1.0.1:1000>10.1.0.2:80/6 len 40 payload 0 cut_transport", "ip:tcp"},
		{"tcp 4 octets", nic.RawIP, v4(1, 6, hx("03e80050")),
			"10.1.0.1:1000>10.1.0.2:80/6 len 24 payload 0 cut_transport", ""},
		{"sctp", nic.RawIP, v4(1, 132, hx("03e8 0c94 00000001 00000000 0300000c")),
			"10.1.0.1:1000>10.1.0.2:3220/132 len 36 payload 4", "ip:sctp"},
		one("echo", 1, "0800 0000 00010001 6162", "10.1.0.1:0>10.1.0.2:2048/1 len 30 payload 2"),
		one("echo reply", 1, "0000 0000 00010001 6162", "10.1.0.1:2048>10.1.0.2:0/1 len 30 payload 2"),
		one("timestamp reply", 1, "0e00 0000 00010001 000000000000000000000000",
			"10.1.0.1:3328>10.1.0.2:0/1 len 40 payload 12"),
		one("extended echo", 1, "2a00 0000 00010001", "10.1.0.1:0>10.1.0.2:10752/1 len 28 payload 0"),
		one("extended echo reply", 1, "2b02 0000 00010001", "10.1.0.1:10752>10.1.0.2:0/1 len 28 payload 0"),
		one("unreachable", 1, "0303 0000 00000000", "10.1.0.1:0>10.1.0.2:771/1 len 28 payload 0"),
		one("icmp 4 octets", 1, "0303 0000", "10.1.0.1:0>10.1.0.2:771/1 len 24 payload 0 cut_transport"),
		one("echo 6", 58, "8000 0000 00010001", "[fd00:1::1]:0>[fd00:1::2]:32768/58 len 48 payload 0"),
		one("echo reply 6", 58, "8100 0000 00010001", "[fd00:1::1]:32768>[fd00:1::2]:0/58 len 48 payload 0"),
		one("node information", 58, "8b01 0000 00000000 0000000000000000",
			"[fd00:1::1]:0>[fd00:1::2]:35584/58 len 56 payload 8"),
		one("node information reply", 58, "8c00 0000 00000000 0000000000000000",
			"[fd00:1::1]:35584>[fd00:1::2]:0/58 len 56 payload 8"),
		one("solicitation", 58, "8700 0000 00000000 fd000001000000000000000000000002",
			"[fd00:1::1]:0>[fd00:1::2]:34560/58 len 64 payload 16"),
	}
}
