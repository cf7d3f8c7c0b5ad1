package afpacket

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// isolated runs the test again in a network namespace of its own, where it returns true and
// the interfaces here and there are the ends of a cable. It skips where that is not allowed.
func isolated(t *testing.T) bool {
	t.Helper()
	const inside = "WEIR_TEST_NAMESPACE"
	if os.Getenv(inside) != "" {
		if all, err := net.Interfaces(); err != nil || len(all) != 1 {
			t.Fatalf("a new namespace has interfaces: %v %v", all, err)
		}
		// The system would send frames of its own.
		ipv6 := "/proc/sys/net/ipv6/conf/default/disable_ipv6"
		if err := os.WriteFile(ipv6, []byte("1"), 0); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		commands(t, "ip link add here type veth peer name there", "ip link set here up", "ip link set there up")
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("not root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s", "-test.v")
	c.Env = append(os.Environ(), inside+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	out, err := c.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Skip(err)
	}
	if t.Logf("%s", out); err != nil {
		t.Error(err)
	}
	return false
}

func commands(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		args := strings.Fields(line)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
}

// open opens queues and closes them with the test.
func opened(t *testing.T, ifname string, queues int, opt Options) []*Queue {
	t.Helper()
	all, err := Open(ifname, queues, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, q := range all {
			if err := q.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

// sender returns a function that sends frames as they are.
func sender(t *testing.T, ifname string) func(frames ...[]byte) {
	t.Helper()
	i, err := net.InterfaceByName(ifname)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return func(frames ...[]byte) {
		t.Helper()
		for _, f := range frames {
			if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// udp returns a frame with VLAN tags from and to hosts and ports, with some payload.
func udp(from, to byte, ports [2]uint16, payload int, tags ...uint32) []byte {
	b := []byte{2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from}
	for _, tag := range tags {
		b = binary.BigEndian.AppendUint32(b, tag)
	}
	b = append(b, 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(28+payload))
	b = append(b, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, ports[0]), ports[1])
	b = append(binary.BigEndian.AppendUint16(b, uint16(8+payload)), 0, 0)
	return append(b, bytes.Repeat([]byte{byte(payload)}, payload)...)
}

// received is a frame and a copy of its octets.
type received struct {
	nic.Frame
	data []byte
}

// collect polls the queues until that many frames came, and a little longer to see whether
// more do. It returns them by queue.
func collect(t *testing.T, queues []*Queue, want int) [][]received {
	t.Helper()
	all := make([][]received, len(queues))
	n, end := 0, time.Now().Add(10*time.Second)
	for enough := false; time.Now().Before(end); {
		for i, q := range queues {
			burst := q.Burst()
			if len(burst) > nic.Max {
				t.Fatalf("burst of %d frames", len(burst))
			}
			for _, f := range burst {
				all[i] = append(all[i], received{f, bytes.Clone(f.Bytes())})
			}
			n += len(burst)
		}
		if n >= want && !enough {
			enough, end = true, time.Now().Add(5*timeout*time.Millisecond)
		}
	}
	if n != want {
		t.Errorf("%d frames, want %d", n, want)
	}
	return all
}
