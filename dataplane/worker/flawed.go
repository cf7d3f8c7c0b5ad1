package worker

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Flawed describes a packet that a dissector found malformed. It travels through the ring as
// ring.Malformed: this, and then the octets of the frame.
type Flawed struct {
	Time      uint64   // nanoseconds since the Unix epoch
	Wire      uint32   // octets the frame had on the wire
	Port      uint16   // number of the interface that received it, 0 if unknown
	Link      nic.Link // link-layer type
	Dissector uint16   // position in app.All
	flaw      [54]byte // what is wrong, cut, and filled up with zeroes
}

// Say sets what is wrong with the packet: the flaw of app.Said.
func (f *Flawed) Say(flaw string) { clear(f.flaw[copy(f.flaw[:], flaw):]) }

// Flaw returns what is wrong with the packet.
func (f *Flawed) Flaw() []byte {
	if n := bytes.IndexByte(f.flaw[:], 0); n >= 0 {
		return f.flaw[:n]
	}
	return f.flaw[:]
}

// Load reads a message of kind ring.Malformed. It returns the frame, borrowed from the
// message, and whether it is one.
func (f *Flawed) Load(message []byte) (frame []byte, ok bool) {
	if len(message) < int(unsafe.Sizeof(*f)) {
		return nil, false
	}
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(f)), unsafe.Sizeof(*f)), message)
	return message[n:], true
}
