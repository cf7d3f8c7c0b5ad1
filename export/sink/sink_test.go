package sink

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

func open(t *testing.T, target string, o Options) export.Sink {
	t.Helper()
	k, err := Open(target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// collected is what a peer has read, from any number of connections.
type collected struct {
	mu sync.Mutex
	b  []byte
}

func (c *collected) add(b []byte) {
	c.mu.Lock()
	c.b = append(c.b, b...)
	c.mu.Unlock()
}

func (c *collected) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.b)
}

func TestUDP(t *testing.T) {
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			got := new(collected)
			go func() {
				for b := make([]byte, 1<<16); ; {
					n, _, err := c.ReadFrom(b)
					if err != nil {
						return
					}
					got.add(b[:n])
				}
			}()
			return open(t, "udp://"+c.LocalAddr().String(), Options{}), got.bytes
		},
		Gone: func(t *testing.T) export.Sink {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			return open(t, "udp://"+c.LocalAddr().String(), Options{})
		},
	})
}

func TestUDPSource(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	k := open(t, "udp://"+c.LocalAddr().String(), Options{Source: netip.MustParseAddrPort("127.0.0.9:0")})
	if err := k.Send(context.Background(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	_, from, err := c.ReadFrom(make([]byte, 9))
	if err != nil || !strings.HasPrefix(from.String(), "127.0.0.9:") {
		t.Errorf("message came from %v (%v), want 127.0.0.9", from, err)
	}
	if err := k.Send(context.Background(), make([]byte, 1<<16)); err == nil {
		t.Error("a message longer than a datagram was taken")
	}
}

// listen accepts connections and reads them, or not.
func listen(t *testing.T, read bool) (net.Listener, *collected) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := new(collected)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			if read {
				go func() {
					for b := make([]byte, 1<<16); ; {
						n, err := c.Read(b)
						got.add(b[:n])
						if err != nil {
							return
						}
					}
				}()
			}
		}
	}()
	return l, got
}

func TestTCP(t *testing.T) {
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			l, got := listen(t, true)
			return open(t, "tcp://"+l.Addr().String(), Options{}), got.bytes
		},
		Gone: func(t *testing.T) export.Sink {
			l, _ := listen(t, true)
			l.Close()
			return open(t, "tcp://"+l.Addr().String(), Options{})
		},
		Stuck: func(t *testing.T) export.Sink {
			l, _ := listen(t, false)
			return open(t, "tcp://"+l.Addr().String(), Options{})
		},
	})
}

// A collector that ends the connection gets another, which begins with the preface.
func TestTCPAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	k := open(t, "tcp://"+l.Addr().String(), Options{})
	k.(export.Stream).Preface(func(dst, next []byte) []byte {
		return append(append(dst, "before "...), next...)
	})
	for _, message := range []string{"one", "two"} {
		var err error
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if err = k.Send(context.Background(), []byte(message)); err == nil {
				break
			}
		}
		c, err2 := l.Accept()
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		want := "before " + message + message
		b := make([]byte, len(want))
		if n, err := readFull(c, b); err != nil || string(b) != want {
			t.Errorf("connection began with %q (%v), want %q", b[:n], err, want)
		}
		c.Close()
		for end := time.Now().Add(10 * time.Second); current(k.(*tcp)) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
}

func current(k *tcp) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.c != nil
}

func readFull(c net.Conn, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = c.Read(b[n:])
		n += m
	}
	return n, err
}

func TestFile(t *testing.T) {
	for _, o := range []Options{{}, {RotateSize: 100}, {RotateInterval: 20 * time.Millisecond}} {
		sinktest.Run(t, sinktest.Peer{
			Open: func(t *testing.T) (export.Sink, func() []byte) {
				dir := t.TempDir()
				return open(t, filepath.Join(dir, "flows.log"), o), func() []byte { return contents(t, dir) }
			},
			Gone: func(t *testing.T) export.Sink { return open(t, "file:///dev/full", Options{}) },
		})
	}
}

// contents joins the files of a directory in the order they were begun.
func contents(t *testing.T, dir string) (b []byte) {
	for _, name := range names(t, dir) {
		c, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, c...)
	}
	return b
}

func TestStdout(t *testing.T) {
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close(); w.Close() })
			got := new(collected)
			go func() {
				for b := make([]byte, 1<<16); ; {
					n, err := r.Read(b)
					if err != nil {
						return
					}
					got.add(b[:n])
				}
			}()
			return &pipe{w: w}, got.bytes
		},
		Gone: func(t *testing.T) export.Sink {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			t.Cleanup(func() { w.Close() })
			return &pipe{w: w}
		},
	})
}

func TestOpen(t *testing.T) {
	for target, want := range map[string]string{
		"ftp://x":            "is not known",
		"/nonexistent/x/y":   "no such file or directory",
		"file:///dev/null/x": "not a directory",
	} {
		_, err := Open(target, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q) says %v, want %q", target, err, want)
		}
	}
	if _, err := Open("/dev/null/x", Options{RotateSize: 1}); err == nil {
		t.Error("a file that rotates was opened in no directory")
	}
}
