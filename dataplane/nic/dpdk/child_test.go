//go:build cgo && !nodpdk

package dpdk

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// arguments of the EAL in a process that was started by child.
const argumentsVariable = "WEIR_TEST_EAL"

// child runs one test in a process of its own, which starts DPDK with the given arguments.
func child(t *testing.T, test, arguments string, namespaces uintptr) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=^"+test+"$", "-test.v", "-test.timeout=60s")
	c.Env = append(os.Environ(), argumentsVariable+"="+arguments)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	out, err := c.CombinedOutput()
	if strings.Contains(string(out), "--- SKIP: "+test+" (") {
		t.Skipf("%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test+" (") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func isChild() bool { return os.Getenv(argumentsVariable) != "" }

func TestPinnedStartLeavesTheRuntimeAlone(t *testing.T) {
	child(t, "TestStartLeavesTheRuntimeAlone", "-l 0", 0)
}

// Signals sent to the process arrive although DPDK has threads that could take them.
func TestSignalsArrive(t *testing.T) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGUSR1)
	defer signal.Stop(c)
	for i := range 200 {
		if err := unix.Kill(unix.Getpid(), unix.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Fatalf("signal %d did not arrive", i)
		}
	}
}

func TestPacketSocketInItsOwnNetwork(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make network namespaces")
	}
	child(t, "TestPacketSocket", "--no-huge -m 256", unix.CLONE_NEWNET)
}

// TestPacketSocket runs in a network namespace of its own.
func TestPacketSocket(t *testing.T) {
	if !isChild() {
		t.Skip("runs within another test")
	}
	wire(t)
	for _, c := range []struct {
		config PortConfig
		from   string // the interface to which frames are sent
		queues int
		reason string
	}{
		{PortConfig{Device: "net_af_packet0,iface=weir0"}, "weir1", 1, "one queue"},
		{PortConfig{Device: "net_af_packet1,iface=weir0,qpairs=2"}, "weir1", 2, "symmetric hash"},
		{PortConfig{Device: "net_af_xdp0,iface=weir0"}, "weir1", 1, "one queue"},
		{PortConfig{Device: "net_tap0,iface=weir2"}, "weir2", 1, "one queue"},
		{PortConfig{Device: "net_tap1,iface=weir2", Queues: 2}, "weir2", 1, "one queue is used instead of 2"},
	} {
		t.Run(strings.ReplaceAll(c.config.Device, ",", " "), func(t *testing.T) {
			p, err := eal.Open(c.config)
			if err != nil && !strings.Contains(c.config.Device, "af_packet") {
				t.Skip("this kernel may not know such devices:", err)
			} else if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}()
			t.Logf("%+v", p.Info())
			if i := p.Info(); i.Queues != c.queues || !i.Symmetric || !strings.Contains(i.Reason, c.reason) {
				t.Errorf("not %d queues because of %q", c.queues, c.reason)
			}
			exchange(t, p, c.from)
		})
	}
}

// exchange sends frames and expects all of them, each once, at any queue.
func exchange(t *testing.T, p *Port, from string) {
	t.Helper()
	out, address := socket(t, from)
	const frames = 1000
	var got [frames]bool
	for n := 0; n < frames; {
		end := n + 50 // what the ring of any driver holds
		for i := n; i < end; i++ {
			if err := unix.Sendto(out, numbered(i), 0, address); err != nil {
				t.Fatal(err)
			}
		}
		for until := time.Now().Add(10 * time.Second); n < end; {
			for _, q := range p.Queues() {
				for _, f := range q.Burst() {
					i := numberOf(f.Bytes())
					if i >= frames || got[i] || !bytes.Equal(f.Bytes(), numbered(i)) || f.Link != nic.Ethernet {
						t.Fatalf("frame %d is % x", i, f.Bytes())
					}
					got[i] = true
					n++
				}
			}
			if time.Now().After(until) {
				t.Fatalf("%d of %d frames came; %+v", n, end, p.Stats())
			}
		}
	}
	if s := p.Stats(); s != (nic.Stats{Received: frames}) {
		t.Errorf("%+v", s)
	}
}

// wire makes two interfaces that are joined by a cable, without a word of IPv6 on it.
func wire(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil {
		t.Skip("frames of IPv6 cannot be prevented:", err)
	}
	for _, args := range []string{
		"link add weir0 type veth peer name weir1", "link set weir0 up", "link set weir1 up",
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Skipf("ip %s: %v %s", args, err, out)
		}
	}
}

func socket(t *testing.T, name string) (int, unix.Sockaddr) {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(s) })
	return s, &unix.SockaddrLinklayer{Ifindex: i.Index}
}

// numbered returns the n-th of frames of all sizes, one in three of which has a VLAN tag:
// the kernel takes that out and the driver puts it in again.
func numbered(n int) []byte {
	b := make([]byte, 0, 1514)
	b = append(b, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2)
	if n%3 == 0 {
		b = append(b, 0x81, 0x00, 0x20, byte(n))
	}
	b = append(b, 0x88, 0xb5) // for experiments, IEEE 802
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for len(b) < 60+n%1400 {
		b = append(b, byte(len(b)*n))
	}
	return b
}

// numberOf returns the number of a frame, too great a one if it has none.
func numberOf(b []byte) int {
	if len(b) > 16 && b[12] == 0x81 {
		b = b[4:]
	}
	if len(b) < 18 || b[12] != 0x88 || b[13] != 0xb5 {
		return 1 << 30
	}
	return int(binary.BigEndian.Uint32(b[14:]))
}
