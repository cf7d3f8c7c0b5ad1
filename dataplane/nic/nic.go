// Package nic receives frames in bursts.
package nic

import "unsafe"

// Max is the largest burst.
const Max = 64

// Frame is a received frame in memory it does not own. Its layout is that of struct frame
// in dpdk/burst.h.
type Frame struct {
	Data unsafe.Pointer // first octet of the link-layer header
	Len  uint32         // octets at Data
	Wire uint32         // octets the frame had on the wire, at least Len
	Time uint64         // nanoseconds since the Unix epoch, 0 if nobody stamped it
	Hash uint32         // symmetric RSS hash, 0 if the source has none
	Port uint16         // number of the interface that received it, 0 if unknown
	Link Link           // link-layer type
}

// Bytes returns the frame. It is valid until the next burst is received.
func (f *Frame) Bytes() []byte { return unsafe.Slice((*byte)(f.Data), f.Len) }

// Source is a receive queue: of a DPDK port, an AF_PACKET socket, a capture file.
type Source interface {
	// Burst gives back the frames of the previous burst and receives the next, at most
	// Max. An empty burst means that nothing has come yet.
	Burst() []Frame
}

// Finite is a source that ends.
type Finite interface {
	// Done reports whether the last burst was the last one for good.
	Done() bool
}

// Counter is a source that knows what it lost. It is asked about once a second.
type Counter interface {
	Stats() Stats
}

// Stats are totals since the source was opened.
type Stats struct {
	Received uint64 `json:"received"`  // frames handed over
	Missed   uint64 `json:"missed"`    // frames the NIC or the kernel dropped because its queue was full (imissed)
	NoBuffer uint64 `json:"no_buffer"` // frames lost for want of a buffer (rx_nombuf)
	Errors   uint64 `json:"errors"`    // frames refused by the NIC: bad CRC, too long (ierrors)
}

// Link is a link-layer type in the numbering of LINKTYPE_ (draft-ietf-opsawg-pcaplinktype).
type Link uint16

// Link-layer types that can be dissected. A frame of another type is counted and refused.
const (
	Null      Link = 0 // BSD loopback, family in host order of the writer
	Ethernet  Link = 1
	PPP       Link = 9
	RawIP     Link = 101 // also 12 and 14 in old files
	Loop      Link = 108 // OpenBSD loopback, family in network order
	LinuxSLL  Link = 113
	IPv4      Link = 228
	IPv6      Link = 229
	LinuxSLL2 Link = 276
)
