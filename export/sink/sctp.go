package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/export"
)

// openSCTP opens an association with host:port in which each message is one of SCTP, reliable and in
// order on stream 0 (RFC 7011, section 10.2.4; RFC 6458, section 4: the one-to-one style).
func openSCTP(place string, o Options) (export.Sink, error) {
	k, err := newTCP(place, o)
	k.conn.connect = func(ctx context.Context) (net.Conn, error) { return associate(ctx, place, o.Source) }
	return k, err
}

// associate makes an association with the first address of host:port that answers.
func associate(ctx context.Context, place string, source netip.AddrPort) (net.Conn, error) {
	host, service, err := net.SplitHostPort(place)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, err
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		var c net.Conn
		if c, err = associateWith(ctx, netip.AddrPortFrom(a.Unmap(), uint16(port)), source); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func associateWith(ctx context.Context, to, source netip.AddrPort) (net.Conn, error) {
	family := unix.AF_INET6
	if to.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_SCTP)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, errors.New("the kernel has no SCTP: modprobe sctp, or export over tcp")
	}
	if err != nil {
		return nil, fmt.Errorf("SCTP socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "sctp")
	defer f.Close() // FileConn has its own
	if source.IsValid() {
		if err := unix.Bind(fd, sockaddr(source)); err != nil {
			return nil, fmt.Errorf("source address %v: %w", source, err)
		}
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return nil, fmt.Errorf("connect %v: %w", to, err)
	}
	if err := established(ctx, f); err != nil {
		return nil, fmt.Errorf("connect %v: %w", to, err)
	}
	return net.FileConn(f)
}

// established waits until an association is there, or cannot be.
func established(ctx context.Context, f *os.File) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := f.SetWriteDeadline(deadline); err != nil {
			return err
		}
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			failed = err
		case code != 0:
			failed = syscall.Errno(code)
		default:
			_, err := unix.Getpeername(int(fd))
			return !errors.Is(err, unix.ENOTCONN)
		}
		return true
	})
	return errors.Join(failed, err)
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
