package worker

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
)

// Kept describes a frame that is handed over as it is. It travels through the ring as ring.Malformed or
// ring.Tracked: this, and then the octets of the frame.
type Kept struct {
	Time uint64   // nanoseconds since the Unix epoch
	Wire uint32   // octets the frame had on the wire
	Port uint16   // number of the interface that received it, 0 if unknown
	Link nic.Link // link-layer type
	Of   uint16   // whose flaw it has, by its position in app.All; or which request it is tracked for
	why  [54]byte // what is wrong, cut, and filled up with zeroes
}

// Say sets what is wrong with the packet: the flaw of app.Said.
func (k *Kept) Say(flaw string) { clear(k.why[copy(k.why[:], flaw):]) }

// Why returns what is wrong with the packet.
func (k *Kept) Why() []byte {
	if n := bytes.IndexByte(k.why[:], 0); n >= 0 {
		return k.why[:n]
	}
	return k.why[:]
}

// Load reads a message of kind ring.Malformed or ring.Tracked. It returns the frame, borrowed from the
// message, and whether it is one.
func (k *Kept) Load(message []byte) (frame []byte, ok bool) {
	if len(message) < keptHead {
		return nil, false
	}
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(k)), keptHead), message)
	return message[n:], true
}

const (
	keptHead = int(unsafe.Sizeof(Kept{}))
	maxFrame = 64 << 10 // octets of a frame that are handed over
)

// picture hands over a frame, at a time, and reports whether there was room. The caller fills in the rest.
func (w *Worker) picture(kind ring.Kind, f *nic.Frame, now uint64) *Kept {
	n := min(int(f.Len), maxFrame, w.out.Max()-keptHead)
	b := w.reserve(kind, keptHead+n)
	if b == nil {
		return nil
	}
	to := (*Kept)(unsafe.Pointer(unsafe.SliceData(b)))
	*to = Kept{Time: now, Wire: f.Wire, Port: f.Port, Link: f.Link}
	copy(b[keptHead:], f.Bytes()[:n])
	return to
}
