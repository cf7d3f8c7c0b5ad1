package fingerprint

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/wire"
)

// remembered is what a worker keeps of a SYN.
func remembered(p *dissect.Packet) *flow.TCP {
	t := &flow.TCP{
		Seen: flow.SeenPacket | flow.SeenSYN, InitialFlags: uint8(p.TCPFlags),
		SYNTTL: p.TTL, SYNWindow: p.Window, MSS: p.MSS, Scale: p.Scale, Options: p.Options,
	}
	if p.DF {
		t.SYNFlags |= flow.SYNDontFragment
	}
	if p.Version == 6 {
		t.SYNFlags |= flow.SYNVersion6
	}
	return t
}

// agents are words in the User-Agent of HTTP and the hint that goes with them.
var agents = []struct{ word, hint string }{
	{"Android", "Android"}, {"Windows NT", "Windows"}, {"Darwin", "macOS/iOS"},
	{"Macintosh", "macOS/iOS"}, {"iPhone", "macOS/iOS"}, {"linux-gnu", "Linux"},
}

// misled are the SYNs whose sender says something else, and why.
var misled = map[string]string{
	"arkime__http-xff.pcap 10.0.0.1: Windows is Linux":        "a proxy passes on the words of its client",
	"beats__http_minitwit.pcap 127.0.0.1: macOS/iOS is Linux": "a proxy passes on the words of its client",
	"nDPI__instagram.pcap 192.168.0.103: Android is Linux":    "Android 4 has the window of any Linux",
}

// In captures with HTTP what clients say of themselves agrees with their SYNs.
func TestAgainstUserAgents(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
	}
	agreed := 0
	for _, folder := range []string{"http", "mixed", "gtp", "encap"} {
		files, _ := filepath.Glob(filepath.Join(root, "..", "shared", "captures", folder, "*.pcap*"))
		for _, file := range files {
			if !strings.HasSuffix(file, ".pcap") && !strings.HasSuffix(file, ".pcapng") {
				continue
			}
			said := userAgents(t, file)
			if len(said) == 0 {
				continue
			}
			for addr, hint := range hints(t, file) {
				if said[addr] == "" {
					continue
				}
				key := fmt.Sprintf("%s %v: %s is %s", filepath.Base(file), addr, said[addr], hint)
				if said[addr] != hint && misled[key] == "" {
					t.Error(key)
				}
				agreed++
			}
		}
	}
	if agreed == 0 {
		t.Skip("no captures beside the repository")
	}
	t.Logf("%d clients compared", agreed)
}

// userAgents returns the hint that goes with what each address says it is.
func userAgents(t *testing.T, file string) map[netip.Addr]string {
	out, err := exec.Command("tshark", "-n", "-r", file, "-Y", "http.user_agent && tcp",
		"-T", "fields", "-e", "ip.src", "-e", "ipv6.src", "-e", "http.user_agent").Output()
	if err != nil {
		t.Logf("%s: tshark: %v", filepath.Base(file), err)
	}
	said := map[netip.Addr]string{}
	for _, line := range strings.Split(string(out), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			continue
		}
		src := f[0] + f[1]
		addr, err := netip.ParseAddr(src[strings.LastIndexByte(src, ',')+1:])
		if err != nil {
			t.Fatalf("%s: tshark's address %q: %v", file, src, err)
		}
		for _, a := range agents {
			if strings.Contains(f[2], a.word) {
				said[addr] = a.hint
				break
			}
		}
	}
	return said
}

// hints returns what the SYNs of each address say it is, "" if they say nothing.
func hints(t *testing.T, file string) map[netip.Addr]string {
	r, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	found := map[netip.Addr]string{}
	var p dissect.Packet
	for !r.Done() {
		burst := r.Burst()
		for i := range burst {
			p.Dissect(&burst[i], false)
			if p.HasTCP && p.TCPFlags&(wire.SYN|wire.ACK) == wire.SYN {
				found[netip.AddrFrom16(p.Src).Unmap()], _ = OS(remembered(&p))
			}
		}
	}
	return found
}

// A SYN of the kernel this runs on is recognised.
func TestThisKernel(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no packet sockets")
	}
	const ethAll = 0x0300 // ETH_P_ALL in network order
	fd, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, ethAll)
	if err != nil {
		t.Skipf("packet socket: %v", err)
	}
	defer syscall.Close(fd)
	limit := syscall.Timeval{Sec: 2}
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Skipf("no loopback: %v", err)
	}
	defer l.Close()
	c, err := net.DialTimeout("tcp4", l.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	b := make([]byte, 1<<16)
	var p dissect.Packet
	for {
		n, _, err := syscall.Recvfrom(fd, b, 0)
		if err != nil {
			t.Fatalf("no SYN to port %d was seen: %v", port, err)
		}
		f := nic.Frame{Data: unsafe.Pointer(&b[0]), Len: uint32(n), Wire: uint32(n), Link: nic.Ethernet}
		p.Dissect(&f, false)
		if p.HasTCP && p.DstPort == port && p.TCPFlags&(wire.SYN|wire.ACK) == wire.SYN {
			break
		}
	}
	if got, ok := OS(remembered(&p)); !ok || got != "Linux" {
		t.Errorf("%q, %v for TTL %d, window %d, MSS %d, scale %d, options %x",
			got, ok, p.TTL, p.Window, p.MSS, p.Scale, p.Options)
	}
}
