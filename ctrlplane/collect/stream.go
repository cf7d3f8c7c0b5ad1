package collect

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// maxStreams bounds the connections of a collector.
const maxStreams = 4096

// listenStream opens a listener of a transport that has connections.
func (c *Collector) listenStream(p Place) (net.Listener, error) {
	switch p.Network {
	case "sctp":
		return listenSCTP(p.Address)
	case "tls":
		conf, err := c.o.TLS.config()
		if err != nil {
			return nil, err
		}
		return tls.Listen("tcp", p.Address.String(), conf)
	}
	return net.Listen("tcp", p.Address.String())
}

// config returns the server's side of a connection.
func (o *TLS) config() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate cannot be used: %w; correct cert and key", err)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if o.CA == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(o.CA)
	if err != nil {
		return nil, fmt.Errorf("authorities cannot be read: %w; correct ca", err)
	}
	if conf.ClientCAs = x509.NewCertPool(); !conf.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate: name a PEM file in ca", o.CA)
	}
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	return conf, nil
}

// accept takes connections until the listener is closed. Each has a goroutine; the workers take
// turns with them.
func (c *Collector) accept(l net.Listener) {
	defer c.group.Done()
	slots := make(chan struct{}, maxStreams)
	for i := 0; ; i++ {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || c.stopped() {
			if err == nil {
				conn.Close()
			}
			return
		}
		if err != nil {
			c.say("collector cannot accept", "collector", c.o.Name, "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			conn.Close()
			c.workers[0].counts.add(ExportersFull, 1)
			continue
		}
		c.group.Add(1)
		go func() {
			defer c.group.Done()
			defer func() { <-slots }()
			c.connection(c.workers[i%len(c.workers)], conn)
		}()
	}
}

// connection reads the messages of a connection, which are behind each other (RFC 7011, section
// 10.4.3), until it ends, breaks a message, or says nothing for half an hour.
func (c *Collector) connection(w *Worker, conn net.Conn) {
	const patience = 30 * time.Minute
	defer conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-c.done:
			conn.Close()
		case <-over:
		}
	}()
	from := remote(conn)
	r, b := bufio.NewReaderSize(conn, room), make([]byte, room)
	for {
		conn.SetReadDeadline(time.Now().Add(patience))
		n, err := nextMessage(r, b)
		if err == io.EOF || c.stopped() {
			return
		}
		if err != nil {
			w.counts.add(Unread, 1)
			c.say("connection of an exporter has ended", "collector", c.o.Name, "exporter", from, "error", err)
			return
		}
		w.Take(b[:n], from, uint64(time.Now().UnixNano()))
	}
}

// remote returns where a connection comes from.
func remote(conn net.Conn) netip.AddrPort {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	a, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	return a
}

// listenSCTP opens a one-to-one style socket (RFC 6458, section 4). Its associations are streams to
// those who read them: messages say their own lengths.
func listenSCTP(at netip.AddrPort) (net.Listener, error) {
	family := unix.AF_INET6
	if at.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_SCTP)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, errors.New("the kernel has no SCTP: modprobe sctp, or collect over tcp")
	}
	if err != nil {
		return nil, fmt.Errorf("SCTP socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "sctp")
	defer f.Close()
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(fd, address(at)); err != nil {
		return nil, fmt.Errorf("listening at sctp %v: %w", at, err)
	}
	if err := unix.Listen(fd, 128); err != nil {
		return nil, fmt.Errorf("listening at sctp %v: %w", at, err)
	}
	return net.FileListener(f)
}
