// Package dpdk receives frames with DPDK's poll-mode drivers: from a network card named by
// its PCI address, or from a virtual device (a capture file, a kernel interface, shared
// memory) named by a vdev string.
//
// One call into C per burst gives the previous frames back and receives the next. All other
// calls into DPDK are made on one operating system thread that the EAL has for itself, so
// that no thread of the Go runtime is pinned or changed by it.
//
// The package is built by default and needs libdpdk-dev and pkg-config, nothing else; flags
// of Debian's pkg-config file are all among those that cgo allows. Without cgo or with
// -tags nodpdk the same API is there and its functions return ErrUnavailable.
package dpdk

import (
	"errors"
	"fmt"
)

// ErrUnavailable says that this program was built without DPDK.
var ErrUnavailable = errors.New("DPDK is not in this program: install libdpdk-dev and pkg-config, " +
	"then build with CGO_ENABLED=1 and without -tags nodpdk")

// ErrClosed says that the EAL has been closed. It cannot be started again in this process.
var ErrClosed = errors.New("DPDK has been closed and cannot be started again in this process")

// PortConfig is what a port is opened with. Only Device is required.
type PortConfig struct {
	// Device is a PCI address ("0000:3b:00.0") or a vdev string
	// ("net_af_packet0,iface=eth0"); both may be followed by the driver's own options.
	Device string

	Port uint16 // nic.Frame.Port of every frame

	Queues      int // wanted; 0 is 1. Fewer are used where both directions of a flow would part.
	Descriptors int // of each queue, 0 is 4096; adjusted to what the driver can do
	Buffers     int // of all queues together, 0 is computed from the rest
	BufferSize  int // octets of a frame in one buffer, 0 is 2048; longer frames take several
	MTU         int // octets after the link-layer header, 0 is 1500; longer frames are errors of most NICs
	Longest     int // octets kept of a frame that takes several buffers, 0 is 65536 or the MTU's

	NotPromiscuous bool // receive only what is addressed to the port
	Timestamps     bool // let the NIC stamp the frames, where its clock can be read
}

// Info is what became of a PortConfig.
type Info struct {
	Device      string
	Driver      string // as DPDK calls it
	Node        int    // NUMA node, -1 if unknown
	Queues      int
	Descriptors int // of each queue
	Buffers     int // of all queues together
	MTU         int
	Symmetric   bool     // both directions of a flow arrive at the same queue
	Reason      string   // why Symmetric is what it is, and why there are so many queues
	Timestamps  string   // who stamps the frames, empty if nobody does
	Notes       []string // what else is not as asked for, one sentence each
}

// LinkState is the state of a port's link.
type LinkState struct {
	Up         bool
	Mbps       uint32 // 0 if unknown
	FullDuplex bool
}

// String returns "up, 10000 Mbit/s" and the like.
func (l LinkState) String() string {
	if !l.Up {
		return "down"
	}
	s := "up"
	if l.Mbps > 0 {
		s += fmt.Sprintf(", %d Mbit/s", l.Mbps)
		if !l.FullDuplex {
			s += " half duplex"
		}
	}
	return s
}

// XStat is a counter of the driver, by the driver's name.
type XStat struct {
	Name  string
	Value uint64
}
