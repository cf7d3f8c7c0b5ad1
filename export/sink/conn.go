package sink

import (
	"context"
	"net"
	"sync"
	"time"
)

// conn is a connection that Send makes when there is none, and that Close ends even while
// Send waits for it.
type conn struct {
	network, address string
	dialer           net.Dialer
	connect          func(ctx context.Context) (net.Conn, error) // nil is the dialer's way
	secure           *TLSOptions                                 // nil for a connection in clear

	mu     sync.Mutex
	c      net.Conn
	closed bool
}

// dial returns the connection and whether it was made just now.
func (k *conn) dial(ctx context.Context) (c net.Conn, fresh bool, err error) {
	k.mu.Lock()
	c, closed := k.c, k.closed
	k.mu.Unlock()
	switch {
	case closed:
		return nil, false, errClosed
	case c != nil:
		return c, false, nil
	}
	if k.connect != nil {
		c, err = k.connect(ctx)
	} else {
		c, err = k.dialer.DialContext(ctx, k.network, k.address)
	}
	if err != nil {
		return nil, false, err
	}
	if k.secure != nil {
		if c, err = k.secure.client(ctx, c, k.address); err != nil {
			return nil, false, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		c.Close()
		return nil, false, errClosed
	}
	k.c = c
	return c, true, nil
}

// write writes b before ctx ends.
func (k *conn) write(ctx context.Context, c net.Conn, b []byte) error {
	deadline, _ := ctx.Deadline()
	if err := c.SetWriteDeadline(deadline); err != nil {
		return err
	}
	interrupt := context.AfterFunc(ctx, func() { c.SetWriteDeadline(time.Unix(1, 0)) })
	_, err := c.Write(b)
	if !interrupt() && err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// drop ends the connection c if it is still the current one.
func (k *conn) drop(c net.Conn) {
	c.Close()
	k.mu.Lock()
	if k.c == c {
		k.c = nil
	}
	k.mu.Unlock()
}

// Close ends the connection; no other is made.
func (k *conn) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.c
	k.c, k.closed = nil, true
	if c == nil {
		return nil
	}
	return c.Close()
}
