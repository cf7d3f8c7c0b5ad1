//go:build cgo && !nodpdk

package dpdk

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		name      string
		want      int
		offer     offer
		queues    int
		rss       bool
		symmetric bool
		reason    string
	}{
		{"one", 1, offer{"net_ice", 64, rssTypes, 52, true}, 1, false, true, "one queue"},
		{"four", 4, offer{"net_ice", 64, rssTypes, 52, true}, 4, true, true, "every 16 bits"},
		{"too many", 100, offer{"net_ixgbe", 16, rssTypes, 40, true}, 16, true, true, "16 queues where 100 are"},
		{"no RSS", 4, offer{"net_memif", 8, 0, 0, false}, 1, false, true, "one queue is used instead of 4"},
		{"key unknown", 4, offer{"net_null", 8, rssTypes, 0, false}, 4, true, true, "every 16 bits"},
		{"short key", 4, offer{"net_odd", 8, rssTypes, 16, true}, 1, false, true, "16 octets is too short"},
		{"one only", 4, offer{"net_ring", 1, 0, 0, false}, 1, false, true, "has one queue where 4 are wanted"},
		{"fan-out", 1, offer{"net_af_packet", 3, 0, 0, false}, 3, false, true, "symmetric hash"},
		{"captures", 1, offer{"net_pcap", 2, 0, 0, false}, 2, false, false, "a capture of its own"},
	} {
		s := choose(c.want, c.offer)
		if s.queues != c.queues || s.symmetric != c.symmetric || (s.key != nil) != c.rss ||
			!strings.Contains(s.reason, c.reason) {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
}

// The vectors are those that Microsoft publishes for verifying the RSS hash calculation.
func TestToeplitz(t *testing.T) {
	key, err := hex.DecodeString("6d5a56da255b0ec24167253d43a38fb0" +
		"d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		src, dst         string
		addresses, ports uint32
	}{
		{"66.9.149.187:2794", "161.142.100.80:1766", 0x323e8fc2, 0x51ccc178},
		{"199.92.111.2:14230", "65.69.140.83:4739", 0xd718262a, 0xc626b0ea},
		{"[3ffe:2501:200:1fff::7]:2794", "[3ffe:2501:200:3::1]:1766", 0x2cc18cd5, 0x40207d3d},
		{"[3ffe:501:8::260:97ff:fe40:efab]:14230", "[ff02::1]:4739", 0x0f0c461c, 0xdde51bbf},
	} {
		src, dst := netip.MustParseAddrPort(c.src), netip.MustParseAddrPort(c.dst)
		in := append(src.Addr().AsSlice(), dst.Addr().AsSlice()...)
		if got := toeplitz(key, in); got != c.addresses {
			t.Errorf("%s to %s: %#08x, not %#08x", src.Addr(), dst.Addr(), got, c.addresses)
		}
		for _, p := range []uint16{src.Port(), dst.Port()} {
			in = append(in, byte(p>>8), byte(p))
		}
		if got := toeplitz(key, in); got != c.ports {
			t.Errorf("%s to %s: %#08x, not %#08x", src, dst, got, c.ports)
		}
	}
	if err := selfTest(key); err == nil {
		t.Error("the self-test passes a key that is not symmetric")
	}
	if err := selfTest(symmetricKey(40)); err != nil {
		t.Error(err)
	}
}

func TestSymmetricKeySpreads(t *testing.T) {
	key, seed := symmetricKey(40), uint32(1)
	var buckets [8]int
	const flows = 8000
	for range flows {
		there, _ := flow(4, 2, &seed)
		buckets[toeplitz(key, there)%8]++
	}
	for i, n := range buckets {
		if n < flows/16 || n > flows/4 {
			t.Errorf("queue %d of 8 gets %d of %d flows", i, n, flows)
		}
	}
}

func TestPCIAddress(t *testing.T) {
	for in, want := range map[string]string{
		"0000:3b:00.0": "0000:3b:00.0", "3B:00.1,rt_timestamp=1": "0000:3b:00.1", "0001:3b:1f.7": "0001:3b:1f.7",
		"net_null0": "", "3b:00": "", "0000:3b:00.8x": "", "g0:00.0": "", "": "", "1:2:3.4": "", "net_a:0.0": "",
	} {
		got, ok := pciAddress(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %t", in, got, ok)
		}
	}
}

func TestArguments(t *testing.T) {
	small, large := machine{cpus: []int{0, 3}}, machine{cpus: []int{1}, huge: true}
	for _, c := range []struct {
		user    string
		devices string
		machine machine
		want    string
	}{
		{"", "", small,
			"--no-telemetry --file-prefix=weir --log-level=warning --lcores=0@(0,3) --no-shconf " +
				"--no-huge -m 1024 --no-pci"},
		{"", "0000:3b:00.0 net_null0", large,
			"--no-telemetry --file-prefix=weir --log-level=warning --lcores=0@(1) --in-memory --allow=0000:3b:00.0"},
		{"-l1 -m 64 --log-level=pmd:debug -a 01:00.0", "02:00.0", small,
			"--no-telemetry --file-prefix=weir --no-shconf --no-huge -l1 -m 64 --log-level=pmd:debug -a 01:00.0"},
		{"--no-huge --lcores 1", "", large,
			"--no-telemetry --file-prefix=weir --log-level=warning --no-shconf -m 1024 --no-pci --no-huge --lcores 1"},
		{"--proc-type=primary --file-prefix=x --telemetry", "", large,
			"--log-level=warning --lcores=0@(1) --no-pci --proc-type=primary --file-prefix=x --telemetry"},
	} {
		got := strings.Join(arguments(strings.Fields(c.user), strings.Fields(c.devices), c.machine), " ")
		if got != "weir "+c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.user, got, c.want)
		}
	}
}

func TestClockFollowsADevice(t *testing.T) {
	const hour = uint64(3600e9)
	for _, hz := range []uint64{1e6, 25e6, 1e9, 78125000, 3_000_000_000} {
		start := reading{ticks: 1 << 40, nanoseconds: 1_700_000_000e9}
		end := reading{ticks: start.ticks + hz, nanoseconds: start.nanoseconds + 1e9}
		l, ok := through(start, end)
		if !ok {
			t.Fatal(hz, "Hz cannot be followed")
		}
		for name, c := range map[string]struct{ ticks, want uint64 }{
			"start": {start.ticks, start.nanoseconds}, "end": {end.ticks, end.nanoseconds},
			"later": {end.ticks + 3600*hz, end.nanoseconds + hour},
		} {
			if got := l.at(c.ticks); got-c.want+1000 > 2000 { // a microsecond in an hour
				t.Errorf("%d Hz, %s: %d is not %d", hz, name, got, c.want)
			}
		}
	}
	for name, b := range map[string]reading{
		"stands": {5, 100}, "goes back": {4, 100}, "has a host that goes back": {6, 1},
	} {
		if l, ok := through(reading{5, 50}, b); ok {
			t.Errorf("a clock that %s gives %+v", name, l)
		}
	}
}

// A clock that runs three times as fast as ours, and then four times.
func TestCalibration(t *testing.T) {
	p := open(t, PortConfig{Device: "net_null_clock"})
	origin := wall()
	factor := uint64(3)
	err := eal.do(func() error {
		c := p.clocks
		c.read = func() (uint64, bool) { return (wall() - origin) * factor, true }
		c.last, _ = c.now()
		for _, factor = range []uint64{3, 4} {
			time.Sleep(10 * time.Millisecond)
			p.calibrate() // over a change of speed, which is of no use
			time.Sleep(10 * time.Millisecond)
			p.calibrate()
			s := p.queues[0].q.clock
			l := slope{uint64(s.ref), uint64(s.base), uint64(s.mult), uint32(s.shift)}
			now, _ := c.now()
			if got := l.at(now.ticks); got-now.nanoseconds+100e3 > 200e3 { // 1 % of the time since
				t.Errorf("at factor %d %d ns are taken for %d", factor, now.nanoseconds, got)
			}
		}
		c.read = nil
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// put makes the directory of a device of /sys.
func put(t *testing.T, root string, d Device, class string) {
	t.Helper()
	dir := filepath.Join(root, d.Address)
	state := "down"
	if d.Up {
		state = "up"
	}
	err := os.MkdirAll(filepath.Join(dir, "net", d.Interface), 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "class"), []byte(class+"\n"), 0o600)
	}
	if err == nil && d.Driver != "" {
		err = os.Symlink("../drivers/"+d.Driver, filepath.Join(dir, "driver"))
	}
	if err == nil && d.Interface != "" {
		err = os.WriteFile(filepath.Join(dir, "net", d.Interface, "operstate"), []byte(state+"\n"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDevices(t *testing.T) {
	root := t.TempDir()
	want := []Device{
		{"0000:01:00.0", "ixgbe", "eth2", true}, {"0000:02:00.0", "vfio-pci", "", false},
		{"0000:04:00.0", "", "", false}, {"0000:05:00.0", "mlx5_core", "eth3", false},
	}
	for _, d := range want {
		put(t, root, d, "0x020000")
	}
	put(t, root, Device{Address: "0000:03:00.0", Driver: "nvme"}, "0x010802")
	cards := devices(root)
	if !slices.Equal(cards, want) {
		t.Errorf("%v instead of %v", cards, want)
	}
	if got := fmt.Sprint(want[0], want[2]); got != "0000:01:00.0 (ixgbe, eth2, up) 0000:04:00.0 (no driver)" {
		t.Error(got)
	}
	for address, want := range map[string]string{
		"0000:01:00.0": "dpdk-devbind.py -b vfio-pci 0000:01:00.0", "0000:02:00.0": "without naming it",
		"0000:05:00.0": "rdma-core", "0000:09:00.0": "there are 0000:01:00.0 (ixgbe, eth2, up)",
	} {
		if got := adviceOnCard(address, cards); !strings.Contains(got, want) {
			t.Errorf("%s: %s", address, got)
		}
	}
	none := devices(filepath.Join(root, "nothing"))
	if got := adviceOnCard("0000:01:00.0", none); !strings.Contains(got, "no network card") {
		t.Error(got)
	}
}
