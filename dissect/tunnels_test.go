package dissect

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// around is what is kept of the packet from 10.9.0.1 to 10.9.0.2 around a tunnel.
func around(tunnel, ends, ids string) string { return " in " + tunnel + " " + ends + " id " + ids }

const (
	greEnds   = "10.9.0.1:0>10.9.0.2:0/47"
	vxlanEnds = "10.9.0.1:50000>10.9.0.2:4789/17"
)

func tunnelSamples() []sample {
	gre := func(name, h, shark, want string, payload ...[]byte) sample {
		return sample{name, nic.RawIP, v4(9, 47, hx(h), cat(payload...)), want, shark}
	}
	return []sample{
		gre("gre", "0000 0800", "gre:ip:tcp", want4+around("1.1", greEnds, "0.0"), inner4),
		gre("gre 6", "0000 86dd", "gre:ipv6:tcp", want6+around("1.1", greEnds, "0.0"), inner6),
		gre("gre all", "b000 0800 00000000 00000007 00000001", "gre:ip:tcp", want4+around("1.1", greEnds,
			"7.0"), inner4),
		gre("gre routes", "6000 0800 00000000 00000007 0800 00 04 0a000001 00000000", "",
			want4+around("1.1", greEnds, "7.0"), inner4),
		gre("gre bridge", "2000 6558 00000007", "gre:eth", want4+around("1.1", greEnds, "7.0"),
			ether(0x0800, inner4)),
		gre("gre mpls", "0000 8847 00064140", "gre:mpls:ip", want4+" mpls 100"+around("1.1", greEnds,
			"0.0"), inner4),
		gre("nvgre", "2000 6558 001fff05", "gre:eth", want4+" tunnel 8191 vlan 5"+around("2.1", greEnds,
			"8191.5"),
			ether(0x8100, hx("0005 0800"), inner4)),
		gre("gre bridge large key", "3000 6558 001fff05 00000001", "gre:eth",
			want4+around("1.1", greEnds, "2096901.0"), ether(0x0800, inner4)),
		gre("pptp", "3081 880b 0031 0007 00000001 00000001 ff030021", "gre:ppp:ip",
			want4+around("1.1", greEnds, "7.0"), inner4, []byte{0, 0}),
		gre("erspan 1", "0000 88be", "", want4+around("3.1", greEnds, "0.0"), ether(0x0800, inner4)),
		gre("erspan 2", "1000 88be 00000001 1005 0064 00000001", "gre:erspan:eth",
			want4+around("3.1", greEnds, "0.100"), ether(0x0800, inner4)),
		gre("erspan 3", "1000 22eb 00000001 2005 0064 00000000 0000 0001 0000000000000000", "gre:erspan:eth",
			want4+around("3.1", greEnds, "0.100"), ether(0x0800, inner4)),
		gre("erspan 3 ip", "1000 22eb 00000001 2005 0064 00000000 0000 0800", "gre:erspan",
			want4+around("3.1", greEnds, "0.100"), inner4),
		{"ipip", nic.RawIP, v4(9, 4, inner4), want4 + around("4.1", "10.9.0.1:0>10.9.0.2:0/4", "0.0"),
			"ip:ip:tcp"},
		{"6in4", nic.RawIP, v4(9, 41, inner6), want6 + around("5.1", "10.9.0.1:0>10.9.0.2:0/41", "0.0"),
			"ip:ipv6:tcp"},
		{"4in6", nic.RawIP, v6(9, 4, inner4), want4 + around("5.1", "[fd00:9::1]:0>[fd00:9::2]:0/4", "0.0"),
			"ipv6:ip"},
		{"6in6", nic.RawIP, v6(9, 41, inner6), want6 + around("4.1", "[fd00:9::1]:0>[fd00:9::2]:0/41",
			"0.0"), "ipv6:ipv6"},
		{"two tunnels", nic.RawIP, v4(8, 4, v4(9, 47, hx("0000 0800"), inner4)),
			want4 + around("1.2", greEnds, "0.0"), "ip:ip:gre:ip"},
	}
}

// inUDP is a frame with a datagram.
func inUDP(name string, port int, shark, want string, payload ...[]byte) sample {
	return sample{name, nic.Ethernet, ether(0x0800, v4(9, 17, udpOf(50000, port, payload...))), want, shark}
}

func portEnds(port string) string { return "10.9.0.1:50000>10.9.0.2:" + port + "/17" }

// portSamples are tunnels in UDP of data centres.
func portSamples() []sample {
	in, ends := inUDP, portEnds
	frame4 := ether(0x0800, inner4)
	first := udpOf(50000, 4789, hx("08000000 00004600"), frame4)
	return []sample{
		in("vxlan", 4789, "vxlan:eth:ethertype:ip", want4+" tunnel 70"+around("6.1", vxlanEnds, "70.0"),
			hx("08000000 00004600"), frame4),
		in("vxlan vlan", 4789, "vxlan:eth:ethertype:vlan", want4+" tunnel 70 vlan 5"+around("6.1",
			vxlanEnds, "70.0"),
			hx("88001234 00004600"), ether(0x8100, hx("0005 0800"), inner4)),
		in("vxlan reserved bits", 4789, "vxlan:eth:ethertype:ip", want4+" tunnel 70"+around("6.1",
			vxlanEnds, "70.0"),
			hx("ff01d1f2 00004600"), frame4),
		in("vxlan linux", 8472, "", want6+" tunnel 70"+around("6.1", ends("8472"), "70.0"),
			hx("08000000 00004600"), ether(0x86dd, inner6)),
		{"vxlan first fragment", nic.RawIP, fragmentOf(v4(9, 17, first[:len(first)-4]), 0x2000),
			want4 + " tunnel 70" + around("6.1", vxlanEnds, "70.0"), ""},
		in("gpe", 4790, "udp:ip:tcp", want4+" tunnel 70"+around("6.1", ends("4790"), "70.0"),
			hx("0c000001 00004600"), inner4),
		in("gpe 6", 4790, "udp:ipv6:tcp", want6+" tunnel 70"+around("6.1", ends("4790"), "70.0"),
			hx("0c000002 00004600"), inner6),
		in("gpe ethernet", 4790, "", want4+" tunnel 70"+around("6.1", ends("4790"), "70.0"),
			hx("08000000 00004600"), frame4),
		in("gpe mpls", 4790, "udp:mpls:ip:tcp", want4+" tunnel 70 mpls 100"+around("6.1", ends("4790"),
			"70.0"),
			hx("0c000005 00004600 00064140"), inner4),
		in("geneve", 6081, "geneve:eth", want4+" tunnel 70"+around("7.1", ends("6081"), "70.0"),
			hx("0240 6558 00004600 01020301 00000000"), frame4),
		in("geneve ip", 6081, "geneve:ip", want4+" tunnel 70"+around("7.1", ends("6081"), "70.0"),
			hx("0000 0800 00004600"), inner4),
	}
}

// userSamples are tunnels in UDP of access networks.
func userSamples() []sample {
	in, ends := inUDP, portEnds
	frame4 := ether(0x0800, inner4)
	bubble := v6between("2001:0:102:304::1", "fd00::2", 59)
	return []sample{
		in("gtp", 2152, "gtp:ip", want4+around("8.1", ends("2152"), "7.0"), hx("30ff 002d 00000007"), inner4),
		in("gtp 0", 3386, "gtpprime:ip", want4+around("14.1", ends("3386"), "7.0"),
			hx("1eff 002d 0001 0007 ff ffffff 4204000000000015"), inner4),
		in("gtp sequence", 2152, "gtp:ipv6", want6+around("8.1", ends("2152"), "7.0"),
			hx("32ff 0045 00000007 00010000"), inner6),
		in("gtp extensions", 2152, "gtp:ip", want4+around("8.1", ends("2152"), "7.0"),
			hx("34ff 0039 00000007 00000085 01100185 01100100"), inner4),
		in("l2tp", 1701, "l2tp:ppp:ip", want4+around("9.1", ends("1701"), "7.8"),
			hx("0002 0007 0008 ff03 0021"), inner4),
		in("l2tp all", 1701, "l2tp:ppp:ipv6", want6+around("9.1", ends("1701"), "7.8"),
			hx("4a02 0053 0007 0008 0001 0001 0002 0000 0057"), inner6, []byte{0, 0, 0}),
		in("teredo", 3544, "teredo:ipv6",
			"[2001:0:102:304::1]:0>[fd00::2]:0/59 len 40 payload 0 no_transport"+
				around("10.1", ends("3544"), "0.0"), bubble),
		in("teredo indications", 3544, "teredo:ipv6", "[fe80::1]:1000>[fd00::2]:80/6 len 65 payload 5"+
			around("10.1", ends("3544"), "0.0"),
			hx("0001 0203 0102 010203 0000000000000000 00 0000 1234 0a000001"),
			v6between("fe80::1", "fd00::2", 6, hello)),
		in("teredo peers", 40000, "", "[2001:0:102:304::1]:0>[fd00::2]:0/59 len 40 payload 0 no_transport"+
			around("10.1", ends("40000"), "0.0"), bubble),
		in("mpls in udp", 6635, "mpls:ip", want4+" mpls 100 mpls 16"+around("11.1", ends("6635"), "0.0"),
			hx("00064040 00010140"), inner4),
		in("capwap", 5247, "capwap.data:eth", want4+around("12.1", ends("5247"), "0.0"),
			hx("00100000 00000000"), frame4),
		in("capwap 802.11", 5247, "capwap.data:wlan", want4+around("12.1", ends("5247"), "0.0"),
			hx("00200310 00000000 06020000 00000100"),
			hx("8801 0000 020000000009 020000000001 020000000002 0000 0000 aaaa03 000000 0800"), inner4),
		in("capwap 802.11 swapped", 5247, "capwap.data:wlan:llc:ip", want4+around("12.1", ends("5247"),
			"0.0"),
			hx("00100300 00000000"),
			hx("0288 0000 020000000002 020000000009 020000000001 0000 0000 aaaa03 000000 0800"), inner4),
		in("capwap 802.11 bridge", 5247, "capwap.data:wlan", want6+around("12.1", ends("5247"), "0.0"),
			hx("00100300 00000000"), hx("0803 0000 020000000009 020000000008 020000000002 0000 020000000001"+
				"aaaa03 000000 86dd"), inner6),
	}
}

// noiseSamples are datagrams to the ports of tunnels that are none, or carry no IP.
func noiseSamples() []sample {
	in := func(name string, port int, want string, payload ...[]byte) sample {
		return inUDP(name, port, "udp", want, payload...)
	}
	frame4 := ether(0x0800, inner4)
	return []sample{
		in("noise 4789", 4789, "10.9.0.1:50000>10.9.0.2:4789/17 len 90 payload 62", hx("0a00000000000000"),
			frame4[:54]),
		in("noise 4790", 4790, "10.9.0.1:50000>10.9.0.2:4790/17 len 90 payload 62", hx("3c00000100000000"),
			frame4[:54]),
		in("gpe nsh", 4790, "10.9.0.1:50000>10.9.0.2:4790/17 len 90 payload 62", hx("0c00000400000000"),
			frame4[:54]),
		in("noise 6081", 6081, "10.9.0.1:50000>10.9.0.2:6081/17 len 90 payload 62", hx("8000655800000000"),
			frame4[:54]),
		in("geneve oam", 6081, "10.9.0.1:50000>10.9.0.2:6081/17 len 90 payload 62", hx("0080655800000000"),
			frame4[:54]),
		in("noise 2152", 2152, "10.9.0.1:50000>10.9.0.2:2152/17 len 36 payload 8", hx("0102030405060708")),
		in("gtp echo", 2152, "10.9.0.1:50000>10.9.0.2:2152/17 len 42 payload 14",
			hx("3201 0006 00000000 0001 0000 0e00")),
		in("gtp lying length", 2152, "10.9.0.1:50000>10.9.0.2:2152/17 len 81 payload 53",
			hx("30ff 002e 00000007"), inner4),
		in("gtp lying packet", 2152, "10.9.0.1:50000>10.9.0.2:2152/17 len 81 payload 53",
			hx("30ff 002d 00000007"), longer(inner4)),
		in("gtp lying extension", 2152, "10.9.0.1:50000>10.9.0.2:2152/17 len 85 payload 57",
			hx("34ff 0031 00000007 00000085"), inner4),
		in("gtp 0 lying length", 3386, "10.9.0.1:50000>10.9.0.2:3386/17 len 93 payload 65",
			hx("1eff 002e 0001 0007 ff ffffff 4204000000000015"), inner4),
		in("l2tp control", 1701, "10.9.0.1:50000>10.9.0.2:1701/17 len 40 payload 12",
			hx("c802 000c 0000 0000 0000 0000")),
		in("l2tp lcp", 1701, "10.9.0.1:50000>10.9.0.2:1701/17 len 42 payload 14",
			hx("0002 0007 0008 c021 0901 0008 0000")),
		in("l2tp lying offset", 1701, "10.9.0.1:50000>10.9.0.2:1701/17 len 83 payload 55",
			hx("0202 0007 0008 ffff 0021"), inner4),
		in("noise 3544", 3544, "10.9.0.1:50000>10.9.0.2:3544/17 len 93 payload 65", inner6),
		in("noise 40000", 40000, "10.9.0.1:50000>10.9.0.2:40000/17 len 72 payload 44",
			v6between("2001:0:102:304::1", "fd00::2", 59), []byte("more")),
		in("noise 6635", 6635, "10.9.0.1:50000>10.9.0.2:6635/17 len 36 payload 8", hx("0001004000020040")),
		in("capwap dtls", 5247, "10.9.0.1:50000>10.9.0.2:5247/17 len 90 payload 62", hx("0100000000000000"),
			frame4[:54]),
		in("capwap encrypted", 5247, "10.9.0.1:50000>10.9.0.2:5247/17 len 72 payload 44",
			hx("00100300 00000000"),
			hx("0841 0000 020000000009 020000000001 020000000002 0000 0102030405060708 01020304")),
		in("vxlan arp", 4789, "10.9.0.1:50000>10.9.0.2:4789/17 len 78 payload 50 inner_not_ip",
			hx("08000000 00004600"), ether(0x0806, make([]byte, 28))),
		in("vxlan stp", 4789, "10.9.0.1:50000>10.9.0.2:4789/17 len 57 payload 29 inner_not_ip",
			hx("08000000 00004600"), ether(7, hx("424203 00000000"))),
		in("vxlan cut frame", 4789, "10.9.0.1:50000>10.9.0.2:4789/17 len 46 payload 18 inner_refused",
			hx("08000000 00004600"), frame4[:10]),
	}
}

// closedSamples are other tunnels whose content is not metered.
func closedSamples() []sample {
	frame4 := ether(0x0800, inner4)
	nested, deep := inner4, inner4
	for range 14 {
		nested = v4(9, 4, nested)
	}
	for range 40 {
		deep = v4(9, 4, deep)
	}
	broken := bytes.Clone(inner4)
	broken[0] = 0x42
	return []sample{
		{"gre keepalive", nic.RawIP, v4(9, 47, hx("0000 0000")),
			greEnds + " len 24 payload 4 inner_not_ip", "ip:gre"},
		{"gre version", nic.RawIP, v4(9, 47, hx("0003 0800"), inner4),
			greEnds + " len 69 payload 49 cut_transport", "ip:gre"},
		{"gre cut", nic.RawIP, v4(9, 47, hx("b000 0800 0000")), greEnds + " len 26 payload 6 cut_transport",
			""},
		{"gre endless routes", nic.RawIP, v4(9, 47, hx("4000 0800 00000000 0800 00 04 0a000001")),
			greEnds + " len 36 payload 16 cut_transport", ""},
		{"pptp ack", nic.RawIP, v4(9, 47, hx("2081 880b 0000 0007 00000001")),
			greEnds + " len 32 payload 12 no_transport", "ip:gre"},
		{"erspan version", nic.RawIP, v4(9, 47, hx("1000 88be 00000001 7005 0064 00000001"), frame4),
			greEnds + " len 95 payload 75 cut_transport", "ip:gre"},
		{"ipip broken", nic.RawIP, v4(9, 4, broken),
			"10.9.0.1:0>10.9.0.2:0/4 len 65 payload 45 inner_refused", "ip"},
		{"ipip cut", nic.RawIP, v4(9, 4, inner4[:12]),
			"10.9.0.1:0>10.9.0.2:0/4 len 32 payload 12 inner_refused", "ip"},
		{"ipip broken twice", nic.RawIP, v4(8, 4, v4(9, 4, broken)),
			"10.9.0.1:0>10.9.0.2:0/4 len 65 payload 45 inner_refused in 4.1 10.8.0.1:0>10.8.0.2:0/4 id 0.0",
			"ip"},
		{"14 tunnels", nic.RawIP, nested, want4 + around("4.14", "10.9.0.1:0>10.9.0.2:0/4", "0.0"), ""},
		{"40 tunnels", nic.RawIP, deep, "10.9.0.1:0>10.9.0.2:0/4 len 545 payload 525 inner_refused" +
			around("4.15", "10.9.0.1:0>10.9.0.2:0/4", "0.0"), ""},
		{"20 extensions", nic.RawIP, v6(1, 60, bytes.Repeat(hx("3c00 0104 00000000"), 20), hello),
			"[fd00:1::1]:0>[fd00:1::2]:0/60 len 225 payload 0 cut_transport", ""},
		{"vxlan too deep", nic.RawIP, v6(1, 60, bytes.Repeat(hx("3c00 0104 00000000"), 13),
			hx("1100 0104 00000000"),
			udpOf(50000, 4789, hx("08000000 00004600"), frame4)),
			"[fd00:1::1]:50000>[fd00:1::2]:4789/17 len 227 payload 67 inner_refused", ""},
	}
}

func refusedSamples() []sample {
	tags := bytes.Repeat(hx("000a 8100"), 17)
	labels := bytes.Repeat(hx("00064040"), 17)
	return []sample{
		{"empty", nic.Ethernet, nil, "cut_header", ""},
		{"cut ip", nic.Ethernet, ether(0x0800, inner4[:19]), "cut_header", ""},
		{"cut options", nic.RawIP, v4opt(1, 6)[:22], "cut_header", ""},
		{"cut ipv6", nic.RawIP, inner6[:39], "cut_header", ""},
		{"cut mpls", nic.Ethernet, ether(0x8847, hx("0006")), "cut_header", ""},
		{"mpls without bottom", nic.Ethernet, ether(0x8847, hx("00064040")), "cut_header", ""},
		{"ip version", nic.RawIP, hx("5500 0014 0000 0000 4006 0000 0a000001 0a000002"), "bad_header", ""},
		{"ip header length", nic.RawIP, hx("4400 0014 0000 0000 4006 0000 0a000001 0a000002"), "bad_header",
			""},
		{"ip total length", nic.RawIP, hx("4500 0013 0000 0000 4006 0000 0a000001 0a000002"), "bad_header",
			""},
		{"ipv6 for ipv4", nic.Ethernet, ether(0x0800, inner6), "bad_header", ""},
		{"ipv4 for ipv6", nic.Ethernet, ether(0x86dd, inner4), "bad_header", ""},
		{"pppoe version", nic.Ethernet, ether(0x8864, hx("2100 0011 002f 0021"), inner4), "bad_header", ""},
		{"arp", nic.Ethernet, ether(0x0806, make([]byte, 28)), "not_ip", "arp"},
		{"lldp", nic.Ethernet, ether(0x88cc, hx("0000")), "not_ip", "lldp"},
		{"pppoe discovery", nic.Ethernet, ether(0x8864, hx("1109 0000 0004 0101 0000")), "not_ip", ""},
		{"lcp", nic.Ethernet, ether(0x8864, hx("1100 0011 000a c021 0901 0008 0000 0000")), "not_ip", "lcp"},
		{"mpls oam", nic.Ethernet, ether(0x8847, hx("00064140 10000007 20c0 0318")), "not_ip", ""},
		{"sll arp", nic.LinuxSLL, cat(hx("0000 0001 0006 020000000001 0000 0806"), make([]byte, 28)),
			"not_ip", "arp"},
		{"null appletalk", nic.Null, hx("10000000 0000"), "not_ip", ""},
		{"stp", nic.Ethernet, ether(38, hx("424203"), make([]byte, 35)), "llc", "stp"},
		{"cdp", nic.Ethernet, ether(10, hx("aaaa03 00000c 2000 02b4")), "llc", "cdp"},
		{"snap arp", nic.Ethernet, ether(36, hx("aaaa03 000000 0806"), make([]byte, 28)), "llc", "arp"},
		{"radiotap", 127, hx("00000800 00000000"), "unknown_link", ""},
		{"17 tags", nic.Ethernet, ether(0x8100, tags, hx("000a 0800"), inner4), "too_deep", ""},
		{"17 labels", nic.Ethernet, ether(0x8847, labels, hx("00064140"), inner4), "too_deep", ""},
	}
}

// TestGTPInGTP opens tunnels in tunnels up to a limit, and meters what is around the first one that it does not open.
func TestGTPInGTP(t *testing.T) {
	packet := inner4
	for n := range 60 {
		g := binary.BigEndian.AppendUint16([]byte{0x30, 255}, uint16(len(packet)))
		g = append(binary.BigEndian.AppendUint32(g, uint32(n+1)), packet...)
		u := binary.BigEndian.AppendUint16(hx("c350 0868"), uint16(len(g)+8))
		packet = v4(9, 17, append(append(u, 0, 0), g...))
		f := nic.Frame{Data: unsafe.Pointer(&packet[0]), Len: uint32(len(packet)), Wire: uint32(len(packet)), Link: nic.RawIP}
		var p Packet
		p.Dissect(&f, false)
		if p.Stop.Refused() || int(p.Outer.Depth) > maxLayers || n < 4 && (int(p.Outer.Depth) != n+1 || p.Outer.ID != 1) {
			t.Errorf("%d tunnels: depth %d, id %d, %v", n+1, p.Outer.Depth, p.Outer.ID, p.Stop)
		}
	}
}
