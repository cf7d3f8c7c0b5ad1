package flow

import (
	"net/netip"
	"testing"
)

// communityIDs are of the specification's reference data.
var communityIDs = []struct {
	proto    uint8
	src, dst string
	from, to uint16
	want     string
}{
	{6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	{6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
		"1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	{17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	{132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
	{132, "192.168.170.56", "192.168.170.8", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
	{46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
	{46, "10.1.12.2", "10.1.12.1", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
	// An echo, oriented either way: the key holds type and code at the endpoint that is asked.
	{1, "192.168.0.89", "192.168.0.1", 0, 8 << 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{1, "192.168.0.1", "192.168.0.89", 8 << 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
	{1, "10.0.0.1", "10.0.0.2", 0, 11 << 8, "1:YHxtAirCG//0OzkcVAukqKQN9xM="}, // time exceeded
	{58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 0, 135 << 8, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 0, 136 << 8, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135 << 8, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	{58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 0, 135 << 8, "1:zavyT/cezQr1fmImYCwYnMXbgck="},
	{58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 0, 3 << 8,
		"1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
	{58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 0, 1<<8 | 4,
		"1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
	{58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 0, 128 << 8,
		"1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
	{58, "fe80::200:86ff:fe05:80da", "ff02::2", 0, 133 << 8, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
	{58, "fe80::260:97ff:fe07:69ea", "ff02::1", 0, 134 << 8, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
}

func TestCommunityID(t *testing.T) {
	s := compiled(t)
	for _, c := range communityIDs {
		r := &Record{}
		r.Src, r.Dst, r.SrcPort, r.DstPort, r.Proto = address(c.src), address(c.dst), c.from, c.to, c.proto
		r.Version = 6
		if netip.MustParseAddr(c.src).Is4() {
			r.Version = 4
		}
		if got := s.json(t, &View{Record: r}, "COMMUNITY_ID"); got != `"`+c.want+`"` {
			t.Errorf("%d %s:%d %s:%d is %s, want %s", c.proto, c.src, c.from, c.dst, c.to, got, c.want)
		}
	}
	for _, proto := range []uint8{1, 6, 17, 58, 132} {
		r := &Record{}
		r.Version, r.Proto = 4, proto
		if got := s.json(t, &View{Record: r}, "COMMUNITY_ID"); got != "" {
			t.Errorf("protocol %d without ports has %s", proto, got)
		}
	}
}
