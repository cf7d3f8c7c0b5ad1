package sink

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// dialer returns a function that makes connections to host:port from a local address, in clear
// or, if secure is not nil, with TLS.
func dialer(source netip.AddrPort, secure *TLSOptions) func(ctx context.Context, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 10 * time.Second}
	if source.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(source)
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil || secure == nil {
			return c, err
		}
		return secure.client(ctx, c, address)
	}
}
