package capture

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Layout of a pcap file (draft-ietf-opsawg-pcap).
const (
	pcapHeader   = 24 // octets of the file header
	recordHeader = 16
	magicMicros  = 0xa1b2c3d4
	magicNanos   = 0xa1b23c4d
	magicPatched = 0xa1b2cd34 // Alexey Kuznetzov's, with eight more octets in each record header
	patchedExtra = 8
	linkMask     = 0xffff // the octets above it say whether frames end in their check sequence
)

// order is the byte order of whoever wrote a capture; true is big-endian.
type order bool

func (o order) u16(b []byte) uint16 {
	if o {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (o order) u32(b []byte) uint32 {
	if o {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (o order) u64(b []byte) uint64 {
	if o {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// pcap decodes the records of a pcap file.
type pcap struct {
	order
	header int    // octets of a record header
	unit   uint64 // nanoseconds of the fraction of a second
	link   nic.Link
	old    bool // versions before 2.4 had the two lengths in the other order, some of them
}

// newPcap reads the file header, which b begins with.
func newPcap(b []byte) (*pcap, error) {
	p := &pcap{header: recordHeader, unit: 1000}
	if !p.magic(b) {
		return nil, fmt.Errorf("%w: it begins with % x; editcap converts other formats",
			ErrFormat, b[:min(len(b), 4)])
	}
	if len(b) < pcapHeader {
		return nil, fmt.Errorf("%w: %d octets of the file header are there", ErrTruncated, len(b))
	}
	major, minor := p.u16(b[4:]), p.u16(b[6:])
	if major != 2 {
		return nil, fmt.Errorf("%w: version %d.%d of pcap is unknown, only 2 can be read", ErrFormat, major, minor)
	}
	p.old = minor < 4
	p.link = normal(p.u32(b[20:]) & linkMask)
	return p, nil
}

// magic finds byte order, resolution and record layout by the first four octets.
func (p *pcap) magic(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	for _, p.order = range [...]order{false, true} {
		switch p.u32(b) {
		case magicMicros:
			return true
		case magicNanos:
			p.unit = 1
			return true
		case magicPatched:
			p.header += patchedExtra
			return true
		}
	}
	return false
}

// decode implements decoder.
func (p *pcap) decode(b []byte, out []nic.Frame) (n, used int, err error) {
	for n < len(out) && len(b)-used >= p.header {
		h := b[used:]
		size, wire := p.u32(h[8:]), p.u32(h[12:])
		if p.old && size > wire {
			size, wire = wire, size
		}
		if size > maxRecord {
			return n, used, tooLong(size)
		}
		end := p.header + int(size)
		if len(h) < end {
			break
		}
		out[n] = nic.Frame{
			Data: unsafe.Pointer(unsafe.SliceData(h[p.header:end])),
			Len:  size,
			Wire: max(size, wire),
			Time: stamped(uint64(p.u32(h))*1e9 + uint64(p.u32(h[4:]))*p.unit),
			Link: p.link,
		}
		n++
		used += end
	}
	return n, used, nil
}

// stamped returns the time of a frame that has one. A frame stamped with the epoch itself,
// as in captures that were made up, is moved by a nanosecond: 0 would mean no time at all.
func stamped(ns uint64) uint64 { return max(ns, 1) }

// normal returns the link type that frames of one are treated as: two numbers of raw IP
// came into files although they were meant to stay inside of some systems.
func normal(link uint32) nic.Link {
	if link == 12 || link == 14 {
		return nic.RawIP
	}
	return nic.Link(link)
}

func tooLong(size uint32) error {
	return damaged("it claims a frame of %d octets where the limit is %d", size, maxRecord)
}
