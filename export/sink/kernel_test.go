package sink

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

// listenSCTP listens for associations.
func listenSCTP(t *testing.T) net.Listener {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_SCTP)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Skip("this kernel has no SCTP: make vm-test runs the test under one that has")
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	err = errors.Join(err, unix.Bind(fd, sockaddr(netip.MustParseAddrPort("127.0.0.1:0"))), unix.Listen(fd, 5))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestKernelSCTP holds associations to what every sink has to do.
func TestKernelSCTP(t *testing.T) {
	accept := func(t *testing.T, read bool) (export.Sink, *collected) {
		l, got := listenSCTP(t), new(collected)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { c.Close() })
				if read {
					go drain(c, got)
				}
			}
		}()
		return open(t, "sctp://"+l.Addr().String(), Options{}), got
	}
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			k, got := accept(t, true)
			return k, got.bytes
		},
		Gone: func(t *testing.T) export.Sink {
			l := listenSCTP(t)
			l.Close()
			return open(t, "sctp://"+l.Addr().String(), Options{})
		},
		Stuck: func(t *testing.T) export.Sink {
			k, _ := accept(t, false)
			return k
		},
	})
}

func drain(c net.Conn, got *collected) {
	for b := make([]byte, 1<<21); ; {
		n, err := c.Read(b)
		got.add(b[:n])
		if err != nil {
			return
		}
	}
}

// Without SCTP in the kernel the error says what to do.
func TestSCTPAbsent(t *testing.T) {
	if _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP); err == nil {
		t.Skip("this kernel has SCTP")
	}
	k := open(t, "sctp://127.0.0.1:4739", Options{})
	if err := k.Send(t.Context(), []byte("x")); err == nil || !strings.Contains(err.Error(), "modprobe sctp") {
		t.Errorf("Send says %v", err)
	}
}
