package route

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

var somebody = &Source{}

func tell(r Route) *told { return &told{Route: r, by: somebody} }

// TestTable holds that the longest prefix counts, up to the limit.
func TestTable(t *testing.T) {
	x := NewTable(4)
	told := []string{"0.0.0.0/0", "192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32", "198.51.100.0/24"}
	for i, p := range told {
		x.put(netip.MustParsePrefix(p), tell(Route{Path: []uint32{uint32(i)}}))
	}
	for _, c := range []struct {
		addr string
		as   uint32
		bits int
	}{{"192.0.2.1", 1, 24}, {"192.0.2.200", 2, 25}, {"198.51.100.1", 0, 0}, {"2001:db8::1", 3, 32}} {
		if r, bits := x.Find(netip.MustParseAddr(c.addr)); r == nil || r.Path[0] != c.as || bits != c.bits {
			t.Errorf("%s: %v/%d, want %d/%d", c.addr, r, bits, c.as, c.bits)
		}
	}
	x.delete(netip.MustParsePrefix("192.0.2.128/25"), somebody, 0)
	x.delete(netip.MustParsePrefix("192.0.2.128/25"), somebody, 0)
	if _, bits := x.Find(netip.MustParseAddr("192.0.2.200")); bits != 24 || x.Len() != 3 {
		t.Errorf("in a prefix of %d bits; %d routes", bits, x.Len())
	}
	if r, _ := x.Find(netip.MustParseAddr("2001:db9::1")); r != nil {
		t.Errorf("%v", r)
	}
	if want := [Counters]uint64{Announced: 4, Withdrawn: 1, Refused: 1}; x.counts != want {
		t.Errorf("counted %v, want %v", x.counts, want)
	}
}

// TestStage holds what a flow says of the routes of its ends.
func TestStage(t *testing.T) {
	s, err := flow.Compile(flow.All()...)
	if err != nil {
		t.Fatal(err)
	}
	x := NewTable(9)
	x.put(netip.MustParsePrefix("192.0.2.0/24"), tell(Route{Path: []uint32{64500, 64501}}))
	x.put(netip.MustParsePrefix("198.51.100.0/25"),
		tell(Route{Path: []uint32{64502, 4200000001, 64503}, NextHop: netip.MustParseAddr("203.0.113.1")}))
	v := &flow.View{Record: &flow.Record{}}
	v.Version, v.Src = 4, netip.MustParseAddr("192.0.2.1").As16()
	v.Dst = netip.MustParseAddr("198.51.100.1").As16()
	var a flow.Attrs
	Stage{x}.Enrich(v, &a)
	v.Attrs = a.All()
	for label, want := range map[string]string{
		"SRC_AS": "64501", "DST_AS": "64503", "IPV4_SRC_MASK": "24", "IPV4_DST_MASK": "25",
		"BGP_PREV_ADJACENT_ASN": "64500", "BGP_NEXT_ADJACENT_ASN": "64502", "BGP_IPV4_NEXT_HOP": "203.0.113.1",
		"SRC_AS_PATH_1": "64500", "SRC_AS_PATH_2": "64501", "SRC_AS_PATH_3": "", "DST_AS_PATH_2": "4200000001",
	} {
		f, got := s.Named(label), ""
		if val, ok := v.Value(f); ok {
			got = string(f.Text(nil, val))
		}
		if got != want {
			t.Errorf("%s is %q, want %q", label, got, want)
		}
	}
}

// TestCheck holds what is said of options that cannot be.
func TestCheck(t *testing.T) {
	good := Options{Listen: "192.0.2.7:179", AS: 64500, RouterID: "192.0.2.7",
		Peers: []string{"192.0.2.1 64501"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(o *Options){
		"no port":    func(o *Options) { o.Listen = "192.0.2.7" },
		"no id":      func(o *Options) { o.RouterID = "" },
		"no as":      func(o *Options) { o.AS = 0 },
		"no peers":   func(o *Options) { o.Peers = nil },
		"bad bmp":    func(o *Options) { o.BMP = "192.0.2.7" },
		"no router":  func(o *Options) { o.BMP = "192.0.2.7:11019" },
		"bad router": func(o *Options) { o.BMP, o.Routers = "192.0.2.7:11019", []string{"r1"} },
		"bad peer":   func(o *Options) { o.Peers = []string{"192.0.2.1"} },
	} {
		o := good
		if change(&o); o.Check() == nil {
			t.Errorf("%s: nothing is said", name)
		}
	}
}

const birdConf = `router id 127.0.0.1;
protocol device {}
protocol static far { ipv4; route 203.0.113.0/24 blackhole {
	bgp_path.prepend(64999); bgp_path.prepend(4200000001); bgp_next_hop = 192.0.2.99; }; }
protocol static six { ipv6; route 2001:db8:2::/48 blackhole; }
protocol bgp probe {
	local 127.0.0.1 as 65001; neighbor 127.0.0.2 port %d as 64500; multihop; connect delay time 1;
	ipv4 { import all; export all; next hop keep; };
	ipv6 { import all; export all; next hop address 2001:db8::7; }; }
`

// TestBIRD has a router tell its routes, take some back, and go.
func TestBIRD(t *testing.T) {
	bird, err := exec.LookPath("bird")
	if err != nil {
		t.Skip("bird is not installed: apt-get install bird2")
	}
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	o := Options{Listen: fmt.Sprintf("127.0.0.2:%d", port), AS: 64500, RouterID: "127.0.0.2",
		Peers: []string{"127.0.0.1 65001"}, Routes: 100}
	s, err := Listen(o, func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	conf, control := filepath.Join(dir, "bird.conf"), filepath.Join(dir, "c")
	if err := os.WriteFile(conf, fmt.Appendf(nil, birdConf, port), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bird, "-f", "-c", conf, "-s", control, "-P", filepath.Join(dir, "pid"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()

	wait(t, s.Table, 2)
	for addr, want := range map[string]Route{
		"203.0.113.5":   {[]uint32{65001, 4200000001, 64999}, netip.MustParseAddr("192.0.2.99")},
		"2001:db8:2::5": {[]uint32{65001}, netip.MustParseAddr("2001:db8::7")},
	} {
		if r, _ := s.Table.Find(netip.MustParseAddr(addr)); r == nil || !reflect.DeepEqual(*r, want) {
			t.Errorf("%s: %v, want %v", addr, r, want)
		}
	}
	if out, err := exec.Command("birdc", "-s", control, "disable", "far").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	wait(t, s.Table, 1)
	cmd.Process.Kill()
	wait(t, s.Table, 0)
}

// wait waits until there are so many routes.
func wait(t *testing.T, x *Table, n int) {
	t.Helper()
	for range 200 {
		if x.Len() == n {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%d routes, want %d: %v; counted %v", x.Len(), n, slices.Collect(maps.Keys(x.routes)), x.counts)
}
