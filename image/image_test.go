package image

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What is injected: UDP flows of which each has so many packets.
const (
	flows   = 64
	packets = 25
	payload = 100 // octets
)

// flowOf is a flow's end and number.
type flowOf struct {
	source netip.AddrPort
	target netip.AddrPort
}

func flow(i int) flowOf {
	return flowOf{
		netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)}), uint16(40000+i)),
		netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + i*7%250)}), 5000),
	}
}

// frame returns an Ethernet frame with a datagram of the flow.
func (f flowOf) frame() []byte {
	b := make([]byte, 14+20+8+payload)
	copy(b, []byte{0x52, 0x54, 0, 0x77, 0x65, 2, 2, 0, 0, 0, 0, 1, 8, 0})
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	s, d := f.source.Addr().As4(), f.target.Addr().As4()
	copy(ip[12:], s[:])
	copy(ip[16:], d[:])
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	udp := ip[20:]
	binary.BigEndian.PutUint16(udp, f.source.Port())
	binary.BigEndian.PutUint16(udp[2:], f.target.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(len(udp)))
	return b
}

// inject sends every flow's packets into the port that meters.
func (g *guest) inject() {
	g.t.Helper()
	i, err := net.InterfaceByName(g.tap)
	if err != nil {
		g.t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrLinklayer{Ifindex: i.Index, Protocol: 8, Halen: 6}
	for range packets {
		for n := range flows {
			if err := unix.Sendto(fd, flow(n).frame(), 0, to); err != nil {
				g.t.Fatal("inject:", err)
			}
		}
		time.Sleep(20 * time.Millisecond) // the queues of a tap are short
	}
}

// collector is nfcapd, which listens for IPFIX; flows ends it and says what it has got.
func collector(t *testing.T) (port int, flows func() map[flowOf][2]int) {
	t.Helper()
	for _, tool := range []string{"nfcapd", "nfdump"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	port = freePort(t)
	c := exec.Command("nfcapd", "-w", dir, "-b", "127.0.0.1", "-p", strconv.Itoa(port), "-t", "3600")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() { c.Process.Signal(unix.SIGTERM); c.Wait() }
	t.Cleanup(stop)
	return port, func() map[flowOf][2]int {
		stop()
		out, err := exec.Command("nfdump", "-R", dir, "-q", "-N", "-o", "fmt:%sa %sp %da %dp %pkt %byt").Output()
		if err != nil {
			t.Fatal("nfdump:", err)
		}
		got := map[flowOf][2]int{}
		for line := range strings.Lines(string(out)) {
			var f [6]string
			if n, _ := fmt.Sscan(line, &f[0], &f[1], &f[2], &f[3], &f[4], &f[5]); n != 6 {
				continue
			}
			source, err := netip.ParseAddrPort(f[0] + ":" + f[1])
			target, err2 := netip.ParseAddrPort(f[2] + ":" + f[3])
			if err != nil || err2 != nil {
				continue
			}
			p, _ := strconv.Atoi(f[4])
			o, _ := strconv.Atoi(f[5])
			sum := got[flowOf{source, target}]
			got[flowOf{source, target}] = [2]int{sum[0] + p, sum[1] + o}
		}
		return got
	}
}

// seedWith makes the medium that the guest is set up from.
func (g *guest) seedWith(files map[string]string) {
	g.t.Helper()
	g.seed = filepath.Join(g.dir, "seed")
	g.do("truncate", "-s", "4M", g.seed)
	g.do("mkfs.vfat", "-n", "WEIR-SEED", g.seed)
	for name, text := range files {
		path := filepath.Join(g.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			g.t.Fatal(err)
		}
		g.do("mcopy", "-i", g.seed, path, "::"+name)
	}
}

// TestBoot starts the image on a new machine, with either firmware, sets it up from a medium, injects
// packets into the port that meters, through DPDK and the IOMMU, and compares what nfcapd gets with what
// was injected.
func TestBoot(t *testing.T) {
	for name, kind := range map[string]firmware{"BIOS": bios, "UEFI": uefi} {
		t.Run(name, func(t *testing.T) { boot(t, kind) })
	}
}

func boot(t *testing.T, kind firmware) {
	g := newGuest(t, kind)
	g.withTap()
	to, collected := collector(t)
	g.seedWith(map[string]string{"weir.toml": fmt.Sprintf(
		"schema = 1\n[flow]\ncapacity = 65536\nidle_timeout = \"3s\"\n[metrics]\nlisten = \":9469\"\n"+
			"[[exporter]]\nformat = \"ipfix\"\nto = \"udp://10.0.2.2:%d\"\ntemplate_refresh = \"2s\"\n", to)})
	began := time.Now()
	g.start()
	at := g.await("first start: the kernel is told", 0)
	t.Log("first start", time.Since(began).Round(time.Second))
	at = g.await("weir-dataplane.service active", at)
	t.Log("console", time.Since(began).Round(time.Second))
	text := g.metrics()
	if n := len(metric(text, "weir_packets_total")); n == 0 {
		t.Fatalf("no counters of packets in\n%s", text)
	}
	if n := len(metric(text, "weir_ring_size_bytes")); n != 2 {
		t.Errorf("%d workers meter the two queues of the port", n)
	}
	g.inject()
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		text = g.metrics()
		all := strings.Join(metric(text, "weir_packets_total"), "\n")
		if strings.Contains(all, fmt.Sprintf(`"metered"} %d`, flows*packets)) || time.Now().After(end) {
			break
		}
	}
	t.Log(strings.Join(metric(text, "weir_packets_total"), "\n"))
	g.await("is well and stays", at)
	t.Log("confirmed", time.Since(began).Round(time.Second))
	time.Sleep(20 * time.Second)
	got := collected()
	for i := range flows {
		want := [2]int{packets, packets * (20 + 8 + payload)}
		if f := flow(i); got[f] != want {
			t.Errorf("flow %v: %v packets and octets arrived, %v were injected", f, got[f], want)
		}
	}
	for _, line := range []string{"DPDK", "SHA-256", "set-up code", "management"} {
		if !strings.Contains(g.console.String(), line) {
			t.Errorf("the console does not say %q", line)
		}
	}
}
