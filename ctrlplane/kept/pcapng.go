package kept

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/worker"
)

// Blocks and options of draft-ietf-opsawg-pcapng.
const (
	sectionBlock   = 0x0a0d0d0a
	interfaceBlock = 1
	packetBlock    = 6

	optEnd        = 0
	optComment    = 1
	optName       = 2 // of an interface
	optProgram    = 4 // in a section
	optResolution = 9 // of an interface's times

	byteOrder   = 0x1a2b3c4d
	nanoseconds = 9 // 10^-9
)

var le = binary.LittleEndian

// port is an interface of a file: where frames of one link-layer type came from.
type port struct {
	number uint16
	link   nic.Link
}

// appendSection appends the block that files begin with (section 4.1).
func appendSection(dst []byte) []byte {
	dst, at := begin(dst, sectionBlock)
	dst = le.AppendUint32(dst, byteOrder)
	dst = le.AppendUint16(le.AppendUint16(dst, 1), 0)
	dst = le.AppendUint64(dst, 1<<64-1) // length not known
	dst = option(dst, optProgram, "weir")
	return end(dst, at)
}

// appendPort appends the description of an interface (section 4.2).
func appendPort(dst []byte, p port, name string) []byte {
	dst, at := begin(dst, interfaceBlock)
	dst = le.AppendUint16(le.AppendUint16(dst, uint16(p.link)), 0)
	dst = le.AppendUint32(dst, 0) // frames are not cut
	if name != "" {
		dst = option(dst, optName, name)
	}
	dst = option(dst, optResolution, string([]byte{nanoseconds}))
	return end(dst, at)
}

// appendPacket appends a packet of the n-th interface, with a comment (section 4.3).
func appendPacket(dst []byte, n uint32, p *Packet) []byte {
	dst, at := begin(dst, packetBlock)
	dst = le.AppendUint32(dst, n)
	dst = le.AppendUint32(dst, uint32(p.Time>>32))
	dst = le.AppendUint32(dst, uint32(p.Time))
	dst = le.AppendUint32(dst, uint32(len(p.frame)))
	dst = le.AppendUint32(dst, max(p.Wire, uint32(len(p.frame))))
	dst = pad(append(dst, p.frame...))
	if p.comment != "" {
		dst = option(dst, optComment, p.comment)
	}
	return end(dst, at)
}

// Packet is a frame with what is said of it.
type Packet struct {
	worker.Kept
	frame   []byte
	comment string
}

func begin(dst []byte, kind uint32) ([]byte, int) {
	at := len(dst)
	return le.AppendUint32(le.AppendUint32(dst, kind), 0), at
}

// end ends the options and the block that begins at at.
func end(dst []byte, at int) []byte {
	dst = le.AppendUint32(dst, optEnd)
	n := uint32(len(dst) + 4 - at)
	le.PutUint32(dst[at+4:], n)
	return le.AppendUint32(dst, n)
}

func option(dst []byte, code uint16, value string) []byte {
	dst = le.AppendUint16(le.AppendUint16(dst, code), uint16(len(value)))
	return pad(append(dst, value...))
}

// pad fills up to 32 bits. Blocks begin where a multiple of that is.
func pad(dst []byte) []byte {
	for len(dst)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}
