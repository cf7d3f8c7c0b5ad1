package afpacket

import (
	"encoding/binary"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// none refuses every frame.
func none() []unix.SockFilter { return []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}} }

// set makes the ring and binds the socket to the interface.
func (q *Queue) set(i *net.Interface, opt Options) error {
	if err := q.attach(none()); err != nil {
		return err
	}
	// The version decides the layout of the ring, so it goes first.
	if err := q.flag(unix.PACKET_VERSION, unix.TPACKET_V3, "version 3 of the ring"); err != nil {
		return err
	}
	if err := q.flag(unix.PACKET_RESERVE, tagSize, "room for the VLAN tag"); err != nil {
		return err
	}
	if opt.IgnoreOutgoing {
		if err := q.flag(unix.PACKET_IGNORE_OUTGOING, 1, "leaving out what is sent"); err != nil {
			return err
		}
	}
	if opt.HardwareTime {
		if err := q.stamp(i.Name); err != nil {
			return err
		}
	}
	if err := q.mapRing(opt.Memory); err != nil {
		return err
	}
	bind := &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: i.Index}
	if err := unix.Bind(q.fd, bind); err != nil {
		return fmt.Errorf("socket cannot be bound: %w", err)
	}
	if opt.Local {
		return nil
	}
	member := &unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(q.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, member); err != nil {
		return fmt.Errorf("promiscuous mode: %w", err)
	}
	return nil
}

// flag sets an option of the socket; what is its name to people.
func (q *Queue) flag(option, value int, what string) error {
	if err := unix.SetsockoptInt(q.fd, unix.SOL_PACKET, option, value); err != nil {
		return fmt.Errorf("%s: %w; the kernel may be too old", what, err)
	}
	return nil
}

// stamp has the card stamp every frame that it receives.
func (q *Queue) stamp(ifname string) error {
	every := &unix.HwTstampConfig{Rx_filter: unix.HWTSTAMP_FILTER_ALL}
	if err := unix.IoctlSetHwTstamp(q.fd, ifname, every); err != nil {
		return fmt.Errorf("hardware timestamps: %w; ethtool -T tells whether the card has them for all frames", err)
	}
	return q.flag(unix.PACKET_TIMESTAMP, unix.SOF_TIMESTAMPING_RAW_HARDWARE, "hardware timestamps")
}

// mapRing makes a ring of size octets, 0 for the usual, and maps it.
func (q *Queue) mapRing(size int) error {
	if size == 0 {
		size = memory
	}
	blocks := max(size/blockSize, 2)
	request := &unix.TpacketReq3{
		Block_size:     blockSize,
		Block_nr:       uint32(blocks),
		Frame_size:     frameSize,
		Frame_nr:       uint32(blocks * (blockSize / frameSize)),
		Retire_blk_tov: timeout,
	}
	if err := unix.SetsockoptTpacketReq3(q.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, request); err != nil {
		return fmt.Errorf("ring of %d MiB: %w; give it less memory", blocks, err)
	}
	ring, err := unix.Mmap(q.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("ring of %d MiB cannot be mapped: %w", blocks, err)
	}
	q.ring = ring
	return nil
}

// join makes the socket one of a group among which frames are shared out, and returns how
// others join it.
func (q *Queue) join(group uint32, opt Options) (uint32, error) {
	flags := uint32(unix.PACKET_FANOUT_HASH)
	if opt.Defrag {
		flags |= unix.PACKET_FANOUT_FLAG_DEFRAG
	}
	if opt.IgnoreOutgoing {
		flags |= unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING
	}
	group |= flags << 16
	if err := q.flag(unix.PACKET_FANOUT, int(int32(group)), "sharing out among queues"); err != nil {
		return 0, err
	}
	id, err := unix.GetsockoptInt(q.fd, unix.SOL_PACKET, unix.PACKET_FANOUT)
	if err != nil {
		return 0, fmt.Errorf("group of queues: %w", err)
	}
	return uint32(id) & 0xffff, nil
}

// admit lets the frames pass that filter accepts, all if it is empty.
func (q *Queue) admit(filter []unix.SockFilter) error {
	if len(filter) > 0 {
		return q.attach(tagged(filter))
	}
	if err := unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
		return fmt.Errorf("filter cannot be detached: %w", err)
	}
	return nil
}

// tagged returns a filter that accepts frames whose VLAN tag the kernel has taken out, and
// leaves the others to filter.
func tagged(filter []unix.SockFilter) []unix.SockFilter {
	const tagPresent = 1<<32 - 0x1000 + 48 // SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT of linux/filter.h
	return append([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: tagPresent},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}, filter...)
}

func (q *Queue) attach(filter []unix.SockFilter) error {
	if len(filter) > unix.BPF_MAXINSNS {
		return fmt.Errorf("filter has %d instructions where the kernel takes %d; make it simpler",
			len(filter), unix.BPF_MAXINSNS)
	}
	program := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.SetsockoptSockFprog(q.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, program); err != nil {
		return fmt.Errorf("filter of %d instructions is refused: %w", len(filter), err)
	}
	return nil
}

// bigEndian returns an EtherType as the kernel wants it, in network order.
func bigEndian(v uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(v >> 8), byte(v)})
}
