package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/weir-probe/weir/export"
)

// udp sends each message as a datagram. The kernel discovers the MTU of the path: it sets
// don't-fragment on what fits, and fragments itself what is known not to.
type udp struct{ conn }

const maxDatagram = 65507 // octets an IPv4 datagram carries

func openUDP(place string, o Options) (export.Sink, error) {
	if _, _, err := net.SplitHostPort(place); err != nil {
		return nil, fmt.Errorf("address is not host:port: %w", err)
	}
	k := &udp{conn{network: "udp", address: place}}
	if o.Source.IsValid() {
		k.dialer.LocalAddr = net.UDPAddrFromAddrPort(o.Source)
	}
	return k, nil
}

// Send returns an error if the one before was refused by the peer, which is all that UDP
// tells, and only on the way back.
func (k *udp) Send(ctx context.Context, message []byte) error {
	if len(message) > maxDatagram {
		return fmt.Errorf("message of %d octets fits no datagram: %w", len(message), export.ErrUndeliverable)
	}
	c, _, err := k.dial(ctx)
	if err != nil {
		return err
	}
	err = k.write(ctx, c, message)
	switch {
	case errors.Is(err, syscall.EMSGSIZE):
		return fmt.Errorf("%w: %w", err, export.ErrUndeliverable)
	case errors.Is(err, net.ErrClosed):
		return errClosed
	case err != nil && !errors.Is(err, syscall.ECONNREFUSED):
		k.drop(c) // the address or the route may have changed
	}
	return err
}
