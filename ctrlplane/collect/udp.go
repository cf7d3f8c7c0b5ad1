package collect

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many datagrams are received at once, and room the octets of each.
const (
	batch = 64
	room  = 1 << 16
)

// socket receives datagrams in batches. Several share those of an address: the kernel gives each
// sender to one of them.
type socket struct {
	fd       int
	messages [batch]message
	vectors  [batch]unix.Iovec
	names    [batch]unix.RawSockaddrInet6
	memory   []byte
	dropped  uint32 // by the kernel, when last asked
}

// message is struct mmsghdr.
type message struct {
	unix.Msghdr
	length uint32
	_      [4]byte
}

// listenUDP opens a socket. It wakes up several times a second, whether anything came or not.
func listenUDP(at netip.AddrPort, buffer int) (s *socket, err error) {
	family := unix.AF_INET6
	if at.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s = &socket{fd: fd, memory: make([]byte, batch*room)}
	set := func(level, name, value int) {
		if err == nil {
			err = unix.SetsockoptInt(fd, level, name, value)
		}
	}
	set(unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	if family == unix.AF_INET6 && at.Addr().IsUnspecified() {
		set(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffer) != nil {
		set(unix.SOL_SOCKET, unix.SO_RCVBUF, buffer) // as much as net.core.rmem_max allows
	}
	if err == nil {
		const tick = 250 * time.Millisecond
		t := unix.NsecToTimeval(int64(tick))
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &t)
	}
	if err == nil {
		err = unix.Bind(fd, address(at))
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("listening at udp %v: %w", at, err)
	}
	s.prepare()
	return s, nil
}

func address(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()}
}

// prepare makes the headers of a batch, which the kernel fills in.
func (s *socket) prepare() {
	for i := range s.messages {
		s.vectors[i].Base = &s.memory[i*room]
		s.vectors[i].SetLen(room)
		m := &s.messages[i].Msghdr
		m.Name, m.Iov = (*byte)(unsafe.Pointer(&s.names[i])), &s.vectors[i]
		m.SetIovlen(1)
	}
}

// receive waits for datagrams and returns how many came; none after a while.
func (s *socket) receive() (int, error) {
	for i := range s.messages {
		s.messages[i].Namelen = uint32(unsafe.Sizeof(s.names[i]))
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.messages[0])), batch,
		unix.MSG_WAITFORONE, 0, 0)
	runtime.KeepAlive(s)
	switch errno {
	case 0:
		return int(n), nil
	case unix.EAGAIN, unix.EINTR, unix.ECONNREFUSED:
		return 0, nil
	}
	return 0, errno
}

// datagram returns one of those that came, and where from.
func (s *socket) datagram(i int) ([]byte, netip.AddrPort) {
	b := s.memory[i*room:][:s.messages[i].length]
	n := &s.names[i]
	if n.Family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(n))
		return b, netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port(four.Port))
	}
	return b, netip.AddrPortFrom(netip.AddrFrom16(n.Addr), port(n.Port))
}

// port turns a port in the order of the network around.
func port(n uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&n))
	return uint16(b[0])<<8 | uint16(b[1])
}

// drops returns how many datagrams the kernel has dropped since the last time.
func (s *socket) drops() uint64 {
	const memDrops = 8 // SK_MEMINFO_DROPS
	var info [9]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < uint32(unsafe.Sizeof(info)) {
		return 0
	}
	n := info[memDrops] - s.dropped
	s.dropped = info[memDrops]
	return uint64(n)
}

// serve has a worker take the datagrams of a socket until the collector is stopped.
func (c *Collector) serve(w *Worker, s *socket) {
	defer c.group.Done()
	defer unix.Close(s.fd)
	var looked uint64
	for !c.stopped() {
		n, err := s.receive()
		now := uint64(time.Now().UnixNano())
		if err != nil {
			c.say("collector cannot receive", "collector", c.o.Name, "error", errors.Unwrap(err))
			time.Sleep(time.Second)
		}
		for i := range n {
			b, from := s.datagram(i)
			w.Take(b, from, now)
			if c.relay != nil {
				c.relay.send(w, b, from)
			}
		}
		if now-looked >= 1e9 {
			looked = now
			w.counts.add(Kernel, s.drops())
			w.tick(now)
		}
	}
	w.tick(^uint64(0))
}

// tick has a worker give up what has been waiting for too long.
func (w *Worker) tick(now uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire(now)
}
