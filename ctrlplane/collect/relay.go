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
		switch src := from.Addr().Unmap(); {
		case !r.original:
			err = unix.Sendto(fd, b, 0, address(to))
		case src.Is4() != to.Addr().Is4():
			err = unix.EAFNOSUPPORT
		default:
			at := address(netip.AddrPortFrom(to.Addr(), 0)) // a raw socket has no ports
			err = unix.Sendto(fd, datagram(b, netip.AddrPortFrom(src, from.Port()), to), 0, at)
		}
		if err != nil {
			w.counts.add(RelayFailed, 1)
			continue
		}
		w.counts.add(Relayed, 1)
	}
}

// datagram makes an IP packet. Of IPv4 the kernel fills in its identification and its checksum, and that
// of UDP is left out (RFC 768), as the octets were checked when they came; IPv6 wants it (RFC 8200).
func datagram(b []byte, from, to netip.AddrPort) []byte {
	if !to.Addr().Is4() {
		return datagram6(b, from, to)
	}
	const header = 20
	p := make([]byte, header+8+len(b))
	p[0], p[8], p[9] = 0x45, 64, protoUDP
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], from.Addr().AsSlice())
	copy(p[16:], to.Addr().AsSlice())
	udp(p[header:], b, from, to)
	return p
}

func datagram6(b []byte, from, to netip.AddrPort) []byte {
	const header, length, checksum = 40, 4, 6
	p := make([]byte, header+8+len(b))
	p[0], p[6], p[7] = 0x60, protoUDP, 64
	copy(p[8:], from.Addr().AsSlice())
	copy(p[24:], to.Addr().AsSlice())
	udp(p[header:], b, from, to)
	copy(p[length:], p[header+4:header+6])
	sum := uint32(protoUDP) + uint32(8+len(b)) // and the addresses, of the pseudo-header
	for i := 8; i < len(p); i += 2 {
		sum += uint32(p[i]) << 8
		if i+1 < len(p) {
			sum += uint32(p[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	if sum = ^sum & 0xffff; sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(p[header+checksum:], uint16(sum))
	return p
}

// udp writes a header and octets behind it.
func udp(p, b []byte, from, to netip.AddrPort) {
	be := binary.BigEndian
	be.PutUint16(p, from.Port())
	be.PutUint16(p[2:], to.Port())
	be.PutUint16(p[4:], uint16(8+len(b)))
	copy(p[8:], b)
}
