package collect

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// relay sends a copy of every datagram to other collectors, as it came.
type relay struct {
	to       []netip.AddrPort
	four     int // sockets of the families; -1 if there is none
	six      int
	original bool // copies come from the exporter's address, which needs CAP_NET_RAW
}

// openRelay opens the sockets that the relay needs.
func (c *Collector) openRelay() error {
	if len(c.o.Relay) == 0 {
		return nil
	}
	r := &relay{four: -1, six: -1, original: c.o.RelayAs == "original"}
	for _, text := range c.o.Relay {
		to, err := netip.ParseAddrPort(text)
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		r.to = append(r.to, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	}
	for _, to := range r.to {
		if err := r.open(to.Addr().Is4()); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
	}
	c.relay = r
	return nil
}

func (r *relay) open(four bool) (err error) {
	fd, family := &r.six, unix.AF_INET6
	if four {
		fd, family = &r.four, unix.AF_INET
	}
	if *fd >= 0 {
		return nil
	}
	kind, proto := unix.SOCK_DGRAM, 0
	if r.original {
		if !four {
			return fmt.Errorf("the original source of IPv6 cannot be kept: relay to an IPv4 address, or from its own address")
		}
		kind, proto = unix.SOCK_RAW, unix.IPPROTO_RAW
	}
	if *fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC, proto); err != nil {
		return fmt.Errorf("socket (the original source needs CAP_NET_RAW): %w", err)
	}
	return nil
}

func (r *relay) close() error {
	for _, fd := range []int{r.four, r.six} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	return nil
}

// send sends copies on.
func (r *relay) send(w *Worker, b []byte, from netip.AddrPort) {
	for _, to := range r.to {
		fd := r.six
		if to.Addr().Is4() {
			fd = r.four
		}
		var err error
		if src := from.Addr().Unmap(); r.original && src.Is4() {
			err = unix.Sendto(fd, datagram(b, netip.AddrPortFrom(src, from.Port()), to), 0, address(to))
		} else if !r.original {
			err = unix.Sendto(fd, b, 0, address(to))
		} else {
			err = unix.EAFNOSUPPORT
		}
		if err != nil {
			w.counts.add(RelayFailed, 1)
			continue
		}
		w.counts.add(Relayed, 1)
	}
}

// datagram makes an IPv4 packet; the kernel fills in its identification and its checksum. That of UDP
// is left out (RFC 768), as the octets were checked when they came.
func datagram(b []byte, from, to netip.AddrPort) []byte {
	be := binary.BigEndian
	p := make([]byte, 28+len(b))
	p[0], p[8], p[9] = 0x45, 64, 17
	be.PutUint16(p[2:], uint16(len(p)))
	src, dst := from.Addr().As4(), to.Addr().As4()
	copy(p[12:], src[:])
	copy(p[16:], dst[:])
	be.PutUint16(p[20:], from.Port())
	be.PutUint16(p[22:], to.Port())
	be.PutUint16(p[24:], uint16(8+len(b)))
	copy(p[28:], b)
	return p
}
