// Package afpacket receives frames from the Linux kernel, through rings of AF_PACKET sockets
// (TPACKET_V3). It works with every interface; where DPDK can have the card it is faster.
//
// Frames are as the kernel got them from the driver, with the VLAN tag that it took out put
// back. Where the driver merges segments (GRO, LRO) they are what it made of them: turn that
// off with ethtool -K.
package afpacket

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

const (
	blockSize = 1 << 20
	memory    = 32 << 20
	timeout   = 10      // milliseconds until the kernel hands over a block that is not full
	frameSize = 1 << 11 // the kernel wants to know, and does not use it
)

// Options says how to receive; the zero value will do for a mirror port.
type Options struct {
	// Memory is the size of a queue's ring in octets, in steps of 1 MiB; 0 is 32 MiB.
	Memory int
	// Local leaves the interface out of promiscuous mode.
	Local bool
	// IgnoreOutgoing leaves out what this machine sends. It needs Linux 5.11 when there are
	// several queues.
	IgnoreOutgoing bool
	// Defrag has the kernel put IPv4 fragments together before it chooses the queue, so that
	// they come as one frame that never was on the wire. Without it the fragments of a
	// datagram come as they are, and in one queue.
	Defrag bool
	// HardwareTime takes the time from the clock of the card, if it has one, instead of the
	// kernel's.
	HardwareTime bool
	// Filter is run by the kernel and spares copying what it refuses. Frames with a VLAN tag
	// pass, as the kernel does not show it the tag: filter those again.
	Filter []unix.SockFilter
}

// Open returns the queues of an interface. Both directions of a flow go to the same queue,
// chosen by a symmetric hash of addresses and ports (PACKET_FANOUT_HASH).
func Open(ifname string, queues int, opt Options) ([]*Queue, error) {
	if queues < 1 || queues > 256 {
		return nil, fmt.Errorf("interface %s: %d queues; there can be 1 to 256", ifname, queues)
	}
	i, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("interface %q does not exist; there are %s", ifname, present())
	}
	all := make([]*Queue, 0, queues)
	group := uint32(unix.PACKET_FANOUT_FLAG_UNIQUEID) << 16
	for range queues {
		var q *Queue
		if q, err = open(i, opt); err != nil {
			break
		}
		all = append(all, q)
		if queues > 1 {
			if group, err = q.join(group, opt); err != nil {
				break
			}
		}
	}
	// Only now does any of them let frames pass, each of which would go to all otherwise.
	for _, q := range all {
		if err == nil {
			err = q.admit(opt.Filter)
		}
	}
	if err == nil {
		return all, nil
	}
	for _, q := range all {
		_ = q.Close()
	}
	return nil, fmt.Errorf("interface %s: %w", ifname, err)
}

// present returns the names of the interfaces.
func present() string {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		return "none"
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return strings.Join(names, ", ")
}

// open returns a queue that lets no frame pass yet.
func open(i *net.Interface, opt Options) (*Queue, error) {
	link, kind, err := linkOf(i.Name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("socket is refused: %w; run as root or with CAP_NET_RAW "+
			"(setcap cap_net_raw+ep on the program)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("socket: %w; the kernel needs CONFIG_PACKET", err)
	}
	q := &Queue{fd: fd, name: i.Name, link: link, port: uint16(i.Index)}
	if err := q.set(i, opt); err != nil {
		_ = q.Close()
		return nil, err
	}
	return q, nil
}

// linkOf returns the link type of an interface and the kind of socket that gives it. What
// is not Ethernet is received from the IP header on.
func linkOf(ifname string) (link nic.Link, kind int, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(ifname)
	if err != nil {
		return 0, 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, r); err != nil {
		return 0, 0, fmt.Errorf("link type is unknown: %w", err)
	}
	switch hardware := r.Uint16(); hardware {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return nic.Ethernet, unix.SOCK_RAW, nil
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP, unix.ARPHRD_PPP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6,
		unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, unix.ARPHRD_IP6GRE:
		return nic.RawIP, unix.SOCK_DGRAM, nil
	default:
		return 0, 0, fmt.Errorf("hardware type %d cannot be read, only Ethernet and IP can", hardware)
	}
}
