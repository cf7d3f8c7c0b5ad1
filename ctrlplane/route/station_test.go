package route

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBest holds which of several routes counts, and that it is another one's turn when it is taken back.
func TestBest(t *testing.T) {
	x, p := NewTable(9), netip.MustParsePrefix("192.0.2.0/24")
	far, near := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.1")
	heard, other := &Source{Heard, near}, &Source{Heard, far}
	allowed, chosen := &Source{Allowed, far}, &Source{Chosen, far}
	worstFirst := []*told{
		{by: heard, rank: rank{100, 3, 0, 0}}, {by: other, rank: rank{100, 2, 2, 0}},
		{by: other, id: 1, rank: rank{100, 2, 0, 7}},
		{by: other, id: 2, rank: rank{100, 2, 0, 5}}, {by: heard, id: 2, rank: rank{100, 2, 0, 5}},
		{by: other, id: 3, rank: rank{200, 9, 0, 5}}, {by: allowed, rank: rank{100, 9, 0, 5}},
		{by: chosen, rank: rank{10, 9, 2, 5}},
	}
	for i, r := range []int{3, 7, 0, 5, 1, 4, 2, 6} {
		worstFirst[r].Path = []uint32{uint32(r)}
		if x.put(p, worstFirst[r]); x.Len() != i+1 {
			t.Fatalf("%d routes, want %d", x.Len(), i+1)
		}
	}
	for i := len(worstFirst) - 1; i >= 0; i-- {
		if best, _ := x.Find(near); best == nil || best.Path[0] != uint32(i) {
			t.Fatalf("the best is %v, want %d", best, i)
		}
		x.delete(p, worstFirst[i].by, worstFirst[i].id)
	}
	if best, _ := x.Find(near); best != nil || x.Len() != 0 || len(x.routes) != 0 || x.sizes[0][24] != 0 {
		t.Errorf("%v is left of %d", best, x.Len())
	}
	x.put(p, worstFirst[1])
	x.put(p, worstFirst[2])
	x.put(p, worstFirst[0])
	if x.forget(other); x.Len() != 1 {
		t.Errorf("%d routes left of two sources, one of which is forgotten", x.Len())
	}
}

const frrConf = `log file %[1]s/log
hostname router
router bgp 65010
 bgp router-id 127.0.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 127.0.0.3 remote-as 65001
 neighbor 127.0.0.3 passive
 neighbor 127.0.0.3 ebgp-multihop
 neighbor 127.0.0.3 timers connect 1
 address-family ipv4 unicast
  neighbor 127.0.0.3 soft-reconfiguration inbound
 exit-address-family
 address-family ipv6 unicast
 neighbor 127.0.0.3 activate
  neighbor 127.0.0.3 soft-reconfiguration inbound
 exit-address-family
 bmp targets weir
  bmp monitor ipv4 unicast pre-policy
  bmp monitor ipv6 unicast pre-policy
  bmp monitor ipv4 unicast post-policy
  bmp connect 127.0.0.2 port %[2]d min-retry 100 max-retry 500
 exit
exit
`

// TestFRR has a router of FRRouting tell by BMP what a neighbour, which is BIRD, told it.
func TestFRR(t *testing.T) {
	const bgpd = "/usr/lib/frr/bgpd"
	bird, err := exec.LookPath("bird")
	account, none := user.Lookup("frr")
	if _, missing := os.Stat(bgpd); missing != nil || none != nil || err != nil || os.Getuid() != 0 {
		t.Skip("FRR or BIRD is not installed, or this is not root: apt-get install frr bird2")
	}
	dir, err := os.MkdirTemp("", "weir")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	defer func() {
		if t.Failed() {
			said, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("%s", said)
		}
	}()
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	port, speaks := free(t, "127.0.0.2"), free(t, "127.0.0.1")
	conf := filepath.Join(dir, "bgpd.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, frrConf, dir, port), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, conf} {
		if err := os.Chown(name, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Listen(Options{BMP: fmt.Sprintf("127.0.0.2:%d", port), Routers: []string{"127.0.0.1"}, Routes: 100},
		func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	router := exec.Command(bgpd, "-n", "-Z", "-S", "-M", "bmp", "-f", conf, "-i", dir+"/pid",
		"-p", strconv.Itoa(speaks), "-l", "127.0.0.1", "-P", "0", "--vty_socket", dir)
	router.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}
	start(t, router)
	other, control := filepath.Join(dir, "bird.conf"), filepath.Join(dir, "c")
	text := fmt.Sprintf(neighbourConf, speaks)
	if err := os.WriteFile(other, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, exec.Command(bird, "-f", "-c", other, "-s", control, "-P", filepath.Join(dir, "birdpid")))

	wait(t, l.Table, 3) // IPv4 before and behind the policy, IPv6 before it
	for addr, want := range map[string]Route{
		"203.0.113.5":   {[]uint32{65001, 4200000001, 64999}, netip.MustParseAddr("192.0.2.99")},
		"2001:db8:2::5": {[]uint32{65001}, netip.MustParseAddr("2001:db8::7")},
	} {
		if r, _ := l.Table.Find(netip.MustParseAddr(addr)); r == nil || !reflect.DeepEqual(*r, want) {
			t.Errorf("%s: %v, want %v", addr, r, want)
		}
	}
	for _, step := range []struct {
		what string
		n    int
	}{{"disable far", 1}, {"enable far", 3}, {"disable frr", 0}} {
		if out, err := exec.Command("birdc", "-s", control, step.what).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		wait(t, l.Table, step.n)
	}
	if n := l.Table.counts[Unreadable]; n != 0 {
		t.Errorf("%d messages could not be read", n)
	}
}

const neighbourConf = `router id 127.0.0.3;
protocol device {}
protocol static far { ipv4; route 203.0.113.0/24 blackhole {
	bgp_path.prepend(64999); bgp_path.prepend(4200000001); bgp_next_hop = 192.0.2.99; }; }
protocol static six { ipv6; route 2001:db8:2::/48 blackhole; }
protocol bgp frr {
	local 127.0.0.3 as 65001; neighbor 127.0.0.1 port %d as 65010; multihop; connect delay time 1;
	ipv4 { import none; export all; next hop keep; };
	ipv6 { import none; export all; next hop address 2001:db8::7; }; }
`

// free returns a port nobody listens at.
func free(t *testing.T, addr string) int {
	t.Helper()
	l, err := net.Listen("tcp", addr+":0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func start(t *testing.T, c *exec.Cmd) {
	t.Helper()
	c.Stderr = t.Output()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
}

// TestStation holds what becomes of connections that cannot be: of strangers, of what is no BMP, and of a
// router that connects again.
func TestStation(t *testing.T) {
	for _, c := range []struct {
		name, router, said string
		counted            Counter
	}{
		{"a stranger", "192.0.2.1", "", Strangers},
		{"no version", "127.0.0.1", "\x02\x00\x00\x00\x06\x04", Unreadable},
		{"no begin", "127.0.0.1", "\x03\x00\x00\x00\x06\x00", Unreadable},
		{"too long", "127.0.0.1", "\x03\x00\x02\x00\x01\x04", Unreadable},
		{"too short", "127.0.0.1", "\x03\x00\x00\x00\x05\x04", Unreadable},
	} {
		l, err := Listen(Options{BMP: fmt.Sprintf("127.0.0.1:%d", free(t, "127.0.0.1")), Routers: []string{c.router},
			Routes: 9}, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		conn := dial(t, l)
		io.WriteString(conn, c.said)
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s: the connection is not ended", c.name)
		}
		if l.Close(); l.Table.counts[c.counted] != 1 {
			t.Errorf("%s: counted %v", c.name, l.Table.counts)
		}
	}
}

// TestStationAgain holds that of two connections of a router the newer one counts, and that a neighbour of
// which a message makes no sense does not end it.
func TestStationAgain(t *testing.T) {
	l, err := Listen(Options{BMP: fmt.Sprintf("127.0.0.1:%d", free(t, "127.0.0.1")), Routers: []string{"127.0.0.1"},
		Routes: 9}, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	old := dial(t, l)
	io.WriteString(old, "\x03\x00\x00\x00\x06\x04")
	newer := dial(t, l)
	if n, err := old.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the older connection is not ended")
	}
	io.WriteString(newer, "\x03\x00\x00\x00\x06\x04"+"\x03\x00\x00\x00\x08\x00\xff\xff"+
		"\x03\x00\x00\x00\x06\x05")
	if n, err := newer.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the connection is not ended by its end")
	}
	if l.Table.mu.Lock(); l.Table.counts[Unreadable] != 1 {
		t.Errorf("counted %v", l.Table.counts)
	}
	l.Table.mu.Unlock()
}

// FuzzStation holds that a router can say anything, that its routes are bounded, and gone with it.
func FuzzStation(f *testing.F) {
	begin := "\x03\x00\x00\x00\x06\x04"
	about := strings.Repeat("\x00", 22) + "\xc0\x00\x02\x01\x00\x00\xfb\xf4\xc0\x00\x02\x01" +
		strings.Repeat("\x00", 8)
	update := strings.Repeat("\xff", 16) +
		"\x00\x2d\x02\x00\x00\x00\x12\x40\x01\x01\x00\x40\x02\x04\x02\x01\xfb\xf4" +
		"\x40\x03\x04\xc0\x00\x02\x01\x18\xcb\x00\x71"
	f.Add([]byte(begin))
	f.Add([]byte(begin + "\x03\x00\x00\x00\x5d\x00" + about + update))
	f.Add([]byte(begin + "\x03\x00\x00\x00\x5d\x00" + about + update +
		"\x03\x00\x00\x00\x33\x02" + about + "\x02\x00\x01"))
	f.Fuzz(func(t *testing.T, said []byte) {
		r := router{table: NewTable(3), neighbours: map[neighbour]*view{}}
		if r.read(bufio.NewReader(bytes.NewReader(said))) == nil {
			t.Error("it ends without a word")
		}
		if n := r.table.Len(); n > 3 {
			t.Errorf("%d routes", n)
		}
		r.forget(func(neighbour) bool { return true })
		if n := r.table.Len(); n != 0 || len(r.table.routes) != 0 {
			t.Errorf("%d routes are left", n)
		}
	})
}

func dial(t *testing.T, l *Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.station.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}
