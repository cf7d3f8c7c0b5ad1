//go:build cgo && !nodpdk

package dpdk

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Port is a device that receives.
type Port struct {
	eal    *EAL
	id     C.uint16_t
	device *C.struct_rte_device
	about  C.struct_rte_eth_dev_info
	socket C.int // NUMA node or SOCKET_ID_ANY
	pool   *C.struct_rte_mempool
	queues []*Queue
	clocks *clocks
	base   C.struct_losses // counted before the port was opened
	info   Info

	started, promiscuous bool
}

// Open makes the device of c receive. The device must be among those that Start was told
// if it has a PCI address.
func (e *EAL) Open(c PortConfig) (*Port, error) {
	var p *Port
	err := e.do(func() (err error) {
		if p, err = e.open(c); err != nil {
			err = e.log.explain(fmt.Errorf("device %q cannot be opened: %w", c.Device, err))
		}
		return err
	})
	return p, err
}

func (e *EAL) open(c PortConfig) (*Port, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	p, err := e.probe(c.Device)
	if err != nil {
		return nil, err
	}
	s := choose(c.Queues, p.offer())
	if err = p.start(c, s); err == nil && s.key != nil {
		err = p.verify(c, &s)
	}
	if err == nil {
		err = p.finish(c, s)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// start configures the device and its queues, and starts it.
func (p *Port) start(c PortConfig, s spread) error {
	f := p.frames(c)
	if err := p.configure(c, s, f); err != nil {
		return err
	}
	if err := p.allocate(c, s, f); err != nil {
		return err
	}
	if err := p.setUp(c, s); err != nil {
		return err
	}
	if err := failure(C.rte_eth_dev_start(p.id)); err != nil {
		return fmt.Errorf("it does not start: %w", err)
	}
	p.started = true
	return nil
}

// stop undoes start.
func (p *Port) stop() error {
	var err error
	if p.started {
		if err = failure(C.rte_eth_dev_stop(p.id)); err != nil {
			err = fmt.Errorf("device %q does not stop: %w", p.info.Device, err)
		}
	}
	for _, q := range p.queues {
		q.free()
	}
	p.started, p.queues = false, nil
	return err
}

// finish does what can be done only with a device that has been started.
func (p *Port) finish(c PortConfig, s spread) error {
	p.info.Symmetric, p.info.Reason = s.symmetric, s.reason
	if !c.NotPromiscuous && C.rte_eth_promiscuous_get(p.id) != 1 {
		switch err := failure(C.rte_eth_promiscuous_enable(p.id)); {
		case err == nil:
			p.promiscuous = true
		case errors.Is(err, syscall.ENOTSUP):
			p.note("%s has no promiscuous mode", p.info.Driver)
		default:
			return fmt.Errorf("it cannot be made promiscuous: %w", err)
		}
	}
	if err := p.stamp(c); err != nil {
		return err
	}
	if err := failure(C.count_losses(p.id, &p.base)); err != nil {
		return fmt.Errorf("its statistics cannot be read: %w", err)
	}
	p.eal.ports = append(p.eal.ports, p)
	return nil
}

// stamp finds out who stamps the frames and how to read that.
func (p *Port) stamp(c PortConfig) error {
	var where C.int
	var flag C.uint64_t
	if C.rte_mbuf_dyn_rx_timestamp_register(&where, &flag) < 0 {
		return fmt.Errorf("buffers have no room for a time stamp: %w", errno())
	}
	if p.clocks = newClocks(p.socket); p.clocks == nil {
		return errMemory
	}
	p.clocks.set(slope{}, p.queues)
	switch {
	case p.info.Driver == "net_pcap":
		p.clocks.set(microseconds, p.queues)
		p.info.Timestamps = "libpcap, in microseconds"
	case !c.Timestamps, p.about.rx_offload_capa&C.RTE_ETH_RX_OFFLOAD_TIMESTAMP == 0:
		return nil
	case !p.startClock():
		p.note("%s stamps frames by a clock that cannot be read; its stamps are not used", p.info.Driver)
		return nil
	default:
		p.info.Timestamps = "the NIC, by its own clock"
	}
	for _, q := range p.queues {
		q.q.stamp, q.q.stamped = C.int32_t(where), flag
	}
	return nil
}

// Info tells how the port was set up.
func (p *Port) Info() Info {
	i := p.info
	i.Notes = slices.Clone(i.Notes)
	return i
}

// Queues returns the receive queues. All of them must be polled.
func (p *Port) Queues() []*Queue { return slices.Clone(p.queues) }

// LinkState returns the state of the link without waiting for it.
func (p *Port) LinkState() (LinkState, error) {
	var l LinkState
	err := p.eal.do(func() error {
		var mbps C.uint32_t
		var up, full C.uint8_t
		if err := failure(C.link_state(p.id, &mbps, &up, &full)); err != nil {
			return fmt.Errorf("link of %q is unknown: %w", p.info.Device, err)
		}
		l = LinkState{Up: up != 0, FullDuplex: full != 0}
		if mbps != C.RTE_ETH_SPEED_NUM_UNKNOWN {
			l.Mbps = uint32(mbps)
		}
		return nil
	})
	return l, err
}

// Stats returns the totals of all queues.
func (p *Port) Stats() nic.Stats {
	var s nic.Stats
	for _, q := range p.queues {
		t := q.Stats()
		s.Received += t.Received
		s.Missed += t.Missed
		s.NoBuffer += t.NoBuffer
		s.Errors += t.Errors
	}
	return s
}

// XStats returns all counters of the driver.
func (p *Port) XStats() ([]XStat, error) {
	var all []XStat
	err := p.eal.do(func() error {
		n := C.rte_eth_xstats_get_names(p.id, nil, 0)
		if n <= 0 {
			return failure(n)
		}
		names := make([]C.struct_rte_eth_xstat_name, n)
		values := make([]C.struct_rte_eth_xstat, n)
		n = min(C.rte_eth_xstats_get_names(p.id, &names[0], C.uint(n)), C.int(len(names)))
		if n < 0 {
			return failure(n)
		}
		if n = C.rte_eth_xstats_get(p.id, &values[0], C.uint(n)); n < 0 {
			return failure(n)
		}
		for _, v := range values[:min(int(n), len(values))] {
			all = append(all, XStat{C.GoString(&names[v.id].name[0]), uint64(v.value)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counters of %q cannot be read: %w", p.info.Device, err)
	}
	return all, nil
}

// Close stops the port and gives its memory back. Nobody may poll its queues or look at a
// frame of them any more. A port that was closed stays closed.
func (p *Port) Close() error { return p.eal.do(p.close) }

func (p *Port) close() error {
	if p.device == nil {
		return nil
	}
	p.eal.ports = slices.DeleteFunc(p.eal.ports, func(o *Port) bool { return o == p })
	var err error
	if p.promiscuous { // a kernel interface would stay so
		err = failure(C.rte_eth_promiscuous_disable(p.id))
	}
	err = errors.Join(err, p.stop(), failure(C.rte_eth_dev_close(p.id)), failure(C.rte_dev_remove(p.device)))
	C.rte_mempool_free(p.pool)
	if p.clocks != nil {
		C.rte_free(unsafe.Pointer(p.clocks.both))
	}
	p.device, p.pool, p.clocks = nil, nil, nil
	if err != nil {
		return fmt.Errorf("device %q is not closed properly: %w", p.info.Device, err)
	}
	return nil
}

func (p *Port) note(format string, args ...any) {
	p.info.Notes = append(p.info.Notes, fmt.Sprintf(format, args...))
}

// failure makes an error of what DPDK returns: 0 or more, or a negative error number.
func failure(code C.int) error {
	if code >= 0 {
		return nil
	}
	return syscall.Errno(-code)
}
