package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/weir-probe/weir/export"
)

// tcp writes messages to a connection. When it breaks, Send returns an error and the next
// Send makes another; the pause between is the exporter's.
type tcp struct {
	conn
	preface func(dst, next []byte) []byte
	buf     []byte
}

func openTCP(place string, o Options) (export.Sink, error) {
	k, err := newTCP(place, o)
	return k.framed(o), err
}

// openTLS opens a connection whose ends prove who they are (RFC 8446; for IPFIX RFC 7011, section 10.4.3).
func openTLS(place string, o Options) (export.Sink, error) {
	k, err := newTCP(place, o)
	k.secure = &o.TLS
	return k.framed(o), errors.Join(err, o.TLS.Check())
}

// newTCP returns a sink that makes its connections to host:port.
func newTCP(place string, o Options) (*tcp, error) {
	k := &tcp{conn: conn{network: "tcp", address: place}}
	if o.Source.IsValid() {
		k.dialer.LocalAddr = net.TCPAddrFromAddrPort(o.Source)
	}
	if _, _, err := net.SplitHostPort(place); err != nil {
		return k, fmt.Errorf("address is not host:port: %w", err)
	}
	return k, o.Framing.Check()
}

// framed returns the sink with records told apart as o says.
func (k *tcp) framed(o Options) export.Sink {
	if o.Framing == Lines {
		return k
	}
	return &framed{tcp: k, framing: o.Framing, format: o.Format}
}

// Preface sets what a connection begins with.
func (k *tcp) Preface(open func(dst, next []byte) []byte) { k.preface = open }

// Send writes the message, and what explains it if the connection is new.
func (k *tcp) Send(ctx context.Context, message []byte) error {
	c, fresh, err := k.dial(ctx)
	if err != nil {
		return err
	}
	if fresh {
		go k.watch(c)
		if k.preface != nil {
			k.buf = k.preface(k.buf[:0], message)
			err = k.write(ctx, c, k.buf)
		}
	}
	if err == nil {
		err = k.write(ctx, c, message)
	}
	if err != nil { // part of the message may be on its way: only a new connection is in step
		k.drop(c)
		if errors.Is(err, net.ErrClosed) {
			err = fmt.Errorf("connection to %s was closed by the collector", k.address)
		}
	}
	return err
}

// watch drops the connection as soon as the peer ends it: without reading, the first write
// after that would be lost without an error.
func (k *tcp) watch(c net.Conn) {
	_, _ = io.Copy(io.Discard, c)
	k.drop(c)
}
