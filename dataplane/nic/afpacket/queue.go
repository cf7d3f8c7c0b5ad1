package afpacket

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Queue receives a share of the frames of an interface. One goroutine uses it.
type Queue struct {
	fd     int
	name   string
	link   nic.Link
	port   uint16
	ring   []byte // blocks that the kernel fills in turn
	block  int    // in hand or expected next
	spent  bool   // the frames in hand are the last of the block
	left   uint32 // frames of the block not handed over; 0 if it is still the kernel's
	header *unix.Tpacket3Hdr
	stats  nic.Stats
	frames [nic.Max]nic.Frame
}

var (
	_ nic.Source  = (*Queue)(nil)
	_ nic.Counter = (*Queue)(nil)
)

// descriptor begins a block of the ring (struct tpacket_block_desc, version 1).
type descriptor struct {
	version, private uint32
	unix.TpacketHdrV1
}

// Burst implements nic.Source and makes no system call. A frame may be as old as the time
// after which the kernel hands over a block that is not full, 10 ms.
func (q *Queue) Burst() []nic.Frame {
	if q.spent {
		q.release()
	}
	if q.left == 0 && !q.acquire() {
		return nil
	}
	n := min(q.left, nic.Max)
	for i := range n {
		q.frame(&q.frames[i])
		q.header = (*unix.Tpacket3Hdr)(unsafe.Add(unsafe.Pointer(q.header), q.header.Next_offset))
	}
	q.left -= n
	q.spent = q.left == 0
	q.stats.Received += uint64(n)
	return q.frames[:n]
}

// acquire takes the next block if the kernel has handed it over.
func (q *Queue) acquire() bool {
	if len(q.ring) == 0 {
		return false // closed
	}
	d := q.descriptor()
	if atomic.LoadUint32(&d.Block_status)&unix.TP_STATUS_USER == 0 {
		return false
	}
	if q.left = d.Num_pkts; q.left == 0 {
		q.release()
		return false
	}
	q.header = (*unix.Tpacket3Hdr)(unsafe.Add(unsafe.Pointer(d), d.Offset_to_first_pkt))
	return true
}

// release gives the block in hand back to the kernel.
func (q *Queue) release() {
	atomic.StoreUint32(&q.descriptor().Block_status, unix.TP_STATUS_KERNEL)
	q.spent = false
	if q.block += blockSize; q.block == len(q.ring) {
		q.block = 0
	}
}

func (q *Queue) descriptor() *descriptor { return (*descriptor)(unsafe.Pointer(&q.ring[q.block])) }

// frame makes a frame of the header in hand.
func (q *Queue) frame(f *nic.Frame) {
	h := q.header
	*f = nic.Frame{
		Data: unsafe.Add(unsafe.Pointer(h), h.Mac),
		Len:  h.Snaplen,
		Wire: max(h.Len, h.Snaplen),
		Time: uint64(h.Sec)*1e9 + uint64(h.Nsec),
		Port: q.port,
		Link: q.link,
	}
	if h.Status&unix.TP_STATUS_VLAN_VALID != 0 && q.link == nic.Ethernet && f.Len >= addresses {
		tag(f, h)
	}
}

const (
	addresses = 12 // octets of an Ethernet header before the tags
	tagSize   = 4  // octets of a VLAN tag; the kernel leaves room for one before each frame
)

// tag puts back the outermost VLAN tag, which the kernel takes out of every frame.
func tag(f *nic.Frame, h *unix.Tpacket3Hdr) {
	f.Data = unsafe.Add(f.Data, -tagSize)
	f.Len += tagSize
	f.Wire += tagSize
	b := f.Bytes()
	copy(b, b[tagSize:tagSize+addresses])
	ethertype := h.Hv1.Vlan_tpid
	if h.Status&unix.TP_STATUS_VLAN_TPID_VALID == 0 {
		ethertype = unix.ETH_P_8021Q
	}
	b[addresses], b[addresses+1] = byte(ethertype>>8), byte(ethertype)
	b[addresses+2], b[addresses+3] = byte(h.Hv1.Vlan_tci>>8), byte(h.Hv1.Vlan_tci)
}

// Stats implements nic.Counter. Missed are frames that came when the ring was full.
func (q *Queue) Stats() nic.Stats {
	// The kernel counts from zero after every look.
	var seen unix.TpacketStatsV3
	if size := uint32(unsafe.Sizeof(seen)); q.fd >= 0 && getsockopt(q.fd, unsafe.Pointer(&seen), &size) == 0 {
		q.stats.Missed += uint64(seen.Drops)
	}
	return q.stats
}

// getsockopt reads the statistics of a socket without allocating.
func getsockopt(fd int, to unsafe.Pointer, size *uint32) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_PACKET,
		unix.PACKET_STATISTICS, uintptr(to), uintptr(unsafe.Pointer(size)), 0)
	return errno
}

// Err returns why no frame will come any more: the interface was removed. It makes a system
// call.
func (q *Queue) Err() error {
	addr, err := unix.Getsockname(q.fd)
	if err != nil {
		return fmt.Errorf("interface %s: its socket is lost: %w", q.name, err)
	}
	if a, ok := addr.(*unix.SockaddrLinklayer); ok && a.Ifindex <= 0 {
		return fmt.Errorf("interface %s was removed; open it again when it is back", q.name)
	}
	return nil
}

// Close leaves the interface. The frames of the last burst are gone.
func (q *Queue) Close() error {
	if q.fd < 0 {
		return nil
	}
	q.Stats()
	var err error
	if q.ring != nil {
		err = unix.Munmap(q.ring)
	}
	err = errors.Join(err, unix.Close(q.fd))
	q.fd, q.ring, q.left, q.spent = -1, nil, 0, false
	return err
}
