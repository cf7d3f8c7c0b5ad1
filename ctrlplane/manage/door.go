package manage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// Limits of connections.
const (
	mostConnections = 256
	mostOfAnAddress = 32
	headTime        = 5 * time.Second  // to say what is asked for
	bodyTime        = 20 * time.Second // to say the rest, too
	answerTime      = 60 * time.Second // for all of it
	idleTime        = 2 * time.Minute
	headSize        = 16 << 10
	farewell        = 5 * time.Second
)

// door is a place where the server listens.
type door struct {
	network, address    string
	device, authorities string
	listener            net.Listener
	http                *http.Server
	done                chan struct{}
}

// doors returns those that a configuration wants.
func doors(m config.Management) (all []*door) {
	if m.Socket != "" {
		all = append(all, &door{network: "unix", address: m.Socket})
	}
	if m.Listen != "" {
		all = append(all, &door{network: "tcp", address: m.Listen, device: m.Interface, authorities: m.ClientCA})
	}
	return all
}

// among returns the position of a door that is the same, -1 if there is none.
func (d *door) among(all []*door) int {
	for i, o := range all {
		if d.network == o.network && d.address == o.address && d.device == o.device &&
			d.authorities == o.authorities {
			return i
		}
	}
	return -1
}

func (d *door) String() string {
	if d.network == "unix" {
		return d.address
	}
	return "https://" + d.listener.Addr().String()
}

// open begins to listen.
func (d *door) open(s *Server, m config.Management) error {
	d.http = &http.Server{
		Handler: secured(s.limited(s.mux)), ReadHeaderTimeout: headTime,
		ReadTimeout: bodyTime, WriteTimeout: answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: headSize, ErrorLog: log.New(io.Discard, "", 0),
		HTTP2:       &http.HTTP2Config{MaxConcurrentStreams: 32},
		BaseContext: func(net.Listener) context.Context { return s.ctx },
	}
	var err error
	if d.network == "unix" {
		err = d.local()
	} else {
		err = d.remote(s, m)
	}
	if err != nil {
		return err
	}
	d.done = make(chan struct{})
	go func() {
		defer close(d.done)
		_ = d.http.Serve(d.listener) // until close
	}()
	return nil
}

// local listens on a Unix socket. Everybody may connect: who they are, the kernel says.
func (d *door) local() error {
	if err := os.MkdirAll(filepath.Dir(d.address), 0o755); err != nil {
		return fmt.Errorf("management: %w; correct socket in [management]", err)
	}
	if c, err := net.Dial("unix", d.address); err == nil {
		c.Close()
		return fmt.Errorf("management: somebody listens at %s already; stop them, or choose another socket",
			d.address)
	}
	_ = os.Remove(d.address)
	l, err := net.Listen("unix", d.address)
	if err == nil {
		err = os.Chmod(d.address, 0o666)
	}
	if err != nil {
		return fmt.Errorf("management: %w; correct socket in [management]", err)
	}
	d.listener = l
	d.http.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		raw, err := c.(*net.UnixConn).SyscallConn()
		if err != nil {
			return ctx
		}
		var p *peer
		if err := raw.Control(func(fd uintptr) { p, _ = credentials(int(fd)) }); err != nil || p == nil {
			return ctx
		}
		return context.WithValue(ctx, peerKey{}, p)
	}
	return nil
}

// remote listens for HTTPS.
func (d *door) remote(s *Server, m config.Management) error {
	c, err := s.security(m)
	if err != nil {
		return err
	}
	bind := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		if m.Interface == "" {
			return nil
		}
		if e := raw.Control(func(fd uintptr) { err = unix.BindToDevice(int(fd), m.Interface) }); e != nil {
			return e
		}
		return err
	}}
	l, err := bind.Listen(s.ctx, "tcp", m.Listen)
	if err != nil {
		return fmt.Errorf("management cannot be served at %s: %w; correct listen and interface in [management]",
			m.Listen, err)
	}
	// The list of protocols is what http.Server would add for HTTP/2 by itself if it had the TLS listener.
	c.NextProtos = []string{"h2", "http/1.1"}
	d.http.TLSConfig = c
	d.listener = tls.NewListener(newCrowd(l), c)
	return nil
}

// close ends it; requests that are being answered have a little time.
func (d *door) close() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if d.http.Shutdown(ctx) != nil {
		_ = d.http.Close()
	}
	<-d.done
}

// crowd is a listener that lets only so many in, and only so many of an address.
type crowd struct {
	net.Listener
	mu    sync.Mutex
	total int
	of    map[string]int
}

func newCrowd(l net.Listener) *crowd { return &crowd{Listener: l, of: map[string]int{}} }

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
				time.Sleep(100 * time.Millisecond)
				continue
			}
			return nil, err
		}
		from := conn.RemoteAddr().String()
		if at, err := netip.ParseAddrPort(from); err == nil {
			from = origin(at.Addr())
		}
		if c.enter(from) {
			return &visitor{Conn: conn, crowd: c, from: from}, nil
		}
		conn.Close()
	}
}

func (c *crowd) enter(from string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total >= mostConnections || c.of[from] >= mostOfAnAddress {
		return false
	}
	c.total++
	c.of[from]++
	return true
}

func (c *crowd) leave(from string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.of[from]--; c.of[from] == 0 {
		delete(c.of, from)
	}
}

// visitor is a connection of a crowd.
type visitor struct {
	net.Conn
	crowd *crowd
	from  string
	once  sync.Once
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.once.Do(func() { v.crowd.leave(v.from) })
	return v.Conn.Close()
}

// limited refuses what no route is for in the way of the API.
func (s *Server) limited(next *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		if _, pattern := next.Handler(hr); pattern != "" {
			next.ServeHTTP(w, hr)
			return
		}
		r := &request{Request: hr, w: w, s: s}
		probe := &recorder{ResponseWriter: discard{http.Header{}}}
		next.ServeHTTP(probe, hr)
		if allow := probe.Header().Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			r.fail(refuse(http.StatusMethodNotAllowed, "%s is not for %s; use %s", hr.URL.Path, hr.Method, allow))
			return
		}
		r.fail(refuse(http.StatusNotFound, "there is nothing at %s; %s describes what there is", hr.URL.Path,
			apiPath))
	})
}

// discard is an answer that nobody gets.
type discard struct{ header http.Header }

// Header implements http.ResponseWriter.
func (d discard) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (d discard) WriteHeader(int) {}
