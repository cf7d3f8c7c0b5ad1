//go:build cgo && !nodpdk

package dpdk

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
)

// Replay is a capture file that is received through net_pcap, with the times that it says,
// and that ends.
//
// DPDK does not say when a capture is over. The rule here is exact for net_pcap: a burst
// is empty only when libpcap has no further record, or when the first record found no
// buffer, which the port counts. So the capture is over when a burst is empty and the
// port has counted nothing lost since the previous one. What DPDK does not tell is whether
// libpcap stopped at the end or at damage: Check finds that out.
type Replay struct {
	*Port
	queue        *Queue
	path         string
	file         *os.File
	lost, octets uint64
	done         bool
}

var (
	_ nic.Source  = (*Replay)(nil)
	_ nic.Finite  = (*Replay)(nil)
	_ nic.Counter = (*Queue)(nil)
)

// Replay opens a plain pcap or pcapng file; its frames come from the given port. Names that
// cannot be part of a vdev string are no obstacle.
func (e *EAL) Replay(path string, port uint16) (*Replay, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("capture %s cannot be opened: %w", path, errors.Unwrap(err))
	}
	device := fmt.Sprintf("net_pcap_replay%d,rx_pcap=/proc/self/fd/%d", e.replay.Add(1), f.Fd())
	p, err := e.Open(PortConfig{Device: device, Port: port, Descriptors: C.BURST})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("capture %s: %w", path, err), f.Close())
	}
	return &Replay{Port: p, queue: p.queues[0], path: path, file: f}, nil
}

// Burst implements nic.Source.
func (r *Replay) Burst() []nic.Frame {
	frames := r.queue.Burst()
	for i := range frames {
		r.octets += uint64(frames[i].Len)
	}
	if len(frames) == 0 {
		s := r.queue.Stats()
		r.done = s.NoBuffer+s.Errors == r.lost
		r.lost = s.NoBuffer + s.Errors
	}
	return frames
}

// Done implements nic.Finite.
func (r *Replay) Done() bool { return r.done }

// Check reads the file again without DPDK, and returns an error if not all of it has been
// received.
func (r *Replay) Check() error {
	c, err := capture.Open(r.path)
	if err != nil {
		return err
	}
	defer c.Close()
	var frames, octets uint64
	for !c.Done() {
		b := c.Burst()
		frames += uint64(len(b))
		for i := range b {
			octets += uint64(b[i].Len)
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	if got := r.queue.received(); got != frames || r.octets != octets {
		return fmt.Errorf("capture %s: net_pcap gave %d of %d frames and %d of %d octets; "+
			"replay it without DPDK to get all of them", r.path, got, frames, r.octets, octets)
	}
	return nil
}

// Close closes the port and the file.
func (r *Replay) Close() error { return errors.Join(r.Port.Close(), r.file.Close()) }

// linkOf returns the link-layer type of a queue. DPDK knows of Ethernet only; that of the
// i-th capture of a net_pcap device is read from the file.
func linkOf(device string, i int) nic.Link {
	for _, arg := range strings.Split(device, ",")[1:] {
		path, ok := strings.CutPrefix(arg, "rx_pcap=")
		if !ok {
			continue
		}
		if i--; i >= 0 {
			continue
		}
		c, err := capture.Open(path)
		if err != nil {
			break // net_pcap has opened it, so this is a format that only libpcap knows
		}
		defer c.Close()
		if b := c.Burst(); len(b) > 0 {
			return b[0].Link
		}
	}
	return nic.Ethernet
}
