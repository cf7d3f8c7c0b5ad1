package capture

import (
	"fmt"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Block types and layout of pcapng (draft-ietf-opsawg-pcapng).
const (
	sectionHeader  = 0x0a0d0d0a // the same in both byte orders
	interfaceBlock = 1
	packetBlock    = 2 // obsolete
	simpleBlock    = 3
	enhancedBlock  = 6

	byteOrder  = 0x1a2b3c4d
	blockFrame = 12 // octets of the block header and of the length that is repeated at the end

	optionEnd      = 0
	optionTSResol  = 9
	optionTSOffset = 14

	maxInterfaces = 1<<16 - 1 // what nic.Frame.Port can tell apart; it counts from 1
)

// pcapng decodes the blocks of a pcapng file.
type pcapng struct {
	order
	interfaces []iface // of the section
}

// iface is an interface that frames were captured on.
type iface struct {
	link nic.Link
	snap uint32 // longest frame captured, 0 for any
	clock
}

// decode implements decoder.
func (p *pcapng) decode(b []byte, out []nic.Frame) (n, used int, err error) {
	for n < len(out) && len(b)-used >= blockFrame {
		typ, block, size, err := p.block(b[used:])
		if err != nil {
			return n, used, err
		}
		if block == nil && size == 0 {
			break
		}
		made := 0
		switch typ {
		case sectionHeader:
			err = p.section(block)
		case interfaceBlock:
			err = p.describe(block)
		case enhancedBlock, packetBlock:
			made, err = 1, p.packet(typ, block, &out[n])
		case simpleBlock:
			made, err = 1, p.simple(block, &out[n])
		}
		if err != nil {
			return n, used, err
		}
		n += made
		used += size
	}
	return n, used, nil
}

// block returns the type of the block that b begins with, its body, and its size with
// everything. The body is nil if it is of no interest; so is a size of 0 if not all of the
// block is there.
func (p *pcapng) block(b []byte) (typ uint32, body []byte, size int, err error) {
	typ = p.u32(b)
	if typ == sectionHeader {
		if p.order, err = sectionOrder(b); err != nil {
			return 0, nil, 0, err
		}
	}
	claimed := p.u32(b[4:])
	// Some writers do not count the padding.
	size = (int(claimed) + 3) &^ 3
	if claimed < blockFrame {
		return 0, nil, 0, damaged("a block of type %d claims %d octets where the least is %d",
			typ, claimed, blockFrame)
	}
	switch typ {
	default:
		return typ, nil, size, nil
	case sectionHeader, interfaceBlock, packetBlock, simpleBlock, enhancedBlock:
	}
	if size > maxBlock {
		return 0, nil, 0, damaged("a block of type %d claims %d octets where the limit is %d",
			typ, claimed, maxBlock)
	}
	if len(b) < size {
		return typ, nil, 0, nil
	}
	if again := p.u32(b[size-4:]); again != claimed {
		return 0, nil, 0, damaged("a block of type %d has two lengths, %d and %d", typ, claimed, again)
	}
	return typ, b[8 : size-4], size, nil
}

// sectionOrder returns the byte order of the section whose header b begins with.
func sectionOrder(b []byte) (order, error) {
	for _, o := range [...]order{false, true} {
		if o.u32(b[8:]) == byteOrder {
			return o, nil
		}
	}
	return false, damaged("a section has no byte order but % x", b[8:12])
}

// section begins a section, whose interfaces are its own.
func (p *pcapng) section(b []byte) error {
	if len(b) < 16 {
		return damaged("a section header has %d octets, less than 16", len(b))
	}
	if major := p.u16(b[4:]); major != 1 {
		return fmt.Errorf("%w: version %d.%d of pcapng is unknown, only 1 can be read",
			ErrFormat, major, p.u16(b[6:]))
	}
	p.interfaces = p.interfaces[:0]
	return nil
}

// describe adds an interface.
func (p *pcapng) describe(b []byte) error {
	if len(b) < 8 {
		return damaged("an interface description has %d octets, less than 8", len(b))
	}
	if len(p.interfaces) == maxInterfaces {
		return damaged("a section describes more than %d interfaces", maxInterfaces)
	}
	i := iface{link: normal(uint32(p.u16(b))), snap: p.u32(b[4:]), clock: resolution(6, 0)}
	for b = b[8:]; len(b) >= 4; {
		code, size := p.u16(b), int(p.u16(b[2:]))
		if code == optionEnd {
			break
		}
		if len(b) < 4+size {
			return damaged("an option of an interface claims %d octets where %d are left", size, len(b)-4)
		}
		i.option(p.order, code, b[4:4+size])
		b = b[min(4+(size+3)&^3, len(b)):]
	}
	p.interfaces = append(p.interfaces, i)
	return nil
}

// option heeds what an interface says about its clock.
func (i *iface) option(o order, code uint16, value []byte) {
	switch {
	case code == optionTSResol && len(value) == 1:
		i.clock = resolution(value[0], i.offset)
	case code == optionTSOffset && len(value) == 8:
		i.offset = int64(o.u64(value))
	}
}

// packet reads an enhanced packet block or the obsolete one, which differ in how they
// number the interface.
func (p *pcapng) packet(typ uint32, b []byte, f *nic.Frame) error {
	const header = 20
	if len(b) < header {
		return damaged("a packet block has %d octets, less than %d", len(b), header)
	}
	num, size, wire := p.u32(b), p.u32(b[12:]), p.u32(b[16:])
	if typ == packetBlock {
		num = uint32(p.u16(b))
	}
	if int64(num) >= int64(len(p.interfaces)) {
		return damaged("a packet is of interface %d where only %d were described", num, len(p.interfaces))
	}
	if size > maxRecord {
		return tooLong(size)
	}
	if int(size) > len(b)-header {
		return damaged("a packet of %d octets is in a block that has room for %d", size, len(b)-header)
	}
	i := &p.interfaces[num]
	*f = nic.Frame{
		Data: unsafe.Pointer(unsafe.SliceData(b[header : header+size])),
		Len:  size,
		Wire: max(size, wire),
		Time: i.time(uint64(p.u32(b[4:]))<<32 | uint64(p.u32(b[8:]))),
		Port: uint16(num + 1),
		Link: i.link,
	}
	return nil
}

// simple reads a simple packet block, which is of the first interface and has no time.
func (p *pcapng) simple(b []byte, f *nic.Frame) error {
	if len(b) < 4 {
		return damaged("a simple packet block has %d octets, less than 4", len(b))
	}
	if len(p.interfaces) == 0 {
		return damaged("a simple packet comes before any interface is described")
	}
	i, wire := &p.interfaces[0], p.u32(b)
	size := min(wire, uint32(len(b)-4))
	if i.snap != 0 {
		size = min(size, i.snap)
	}
	if size > maxRecord {
		return tooLong(size)
	}
	*f = nic.Frame{
		Data: unsafe.Pointer(unsafe.SliceData(b[4 : 4+size])),
		Len:  size,
		Wire: wire,
		Port: 1,
		Link: i.link,
	}
	return nil
}
