//go:build cgo && !nodpdk

package dpdk

// #include "shim.h"
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

const (
	cache    = 256        // buffers that each thread has at hand
	around   = 14 + 8 + 4 // octets of a frame that are not in its MTU: Ethernet, two tags, checksum
	maxFrame = 256 << 10  // octets, libpcap's largest record
)

var errMemory = errors.New("no memory; give DPDK more with -m or more huge pages, or take fewer buffers")

// complete puts defaults in the place of zeros.
func (c PortConfig) complete() (PortConfig, error) {
	for _, v := range [...]struct {
		name         string
		value        *int
		other        int
		lower, upper int
	}{
		{"queues", &c.Queues, 1, 1, 1024},
		{"descriptors", &c.Descriptors, 4096, 1, 65535},
		{"buffers", &c.Buffers, 0, 0, 1 << 26},
		{"buffer size", &c.BufferSize, 2048, 128, 65535 - C.RTE_PKTMBUF_HEADROOM},
		{"MTU", &c.MTU, 1500, 68, 65535},
		{"longest frame", &c.Longest, 0, 0, maxFrame},
	} {
		if *v.value == 0 {
			*v.value = v.other
		} else if *v.value < v.lower || *v.value > v.upper {
			return c, fmt.Errorf("%s of %d out of range: it may be %d to %d", v.name, *v.value, v.lower, v.upper)
		}
	}
	return c, nil
}

// frames is how the frames of a port lie in its buffers.
type frames struct {
	mtu     int
	size    int // octets of a frame in one buffer
	longest int // octets of a frame in several
	scatter bool
}

// frames fits the configuration to the device. Virtual devices use several buffers for a
// frame without being told to, and have no limit of their own.
func (p *Port) frames(c PortConfig) frames {
	f := frames{mtu: c.MTU, size: c.BufferSize, longest: c.Longest}
	most := int(p.about.max_mtu)
	if l := p.about.max_rx_pktlen; l != 1<<32-1 && l != 0 {
		overhead := 18 // as DPDK assumes for a device that gives no limit of the MTU
		if p.about.max_mtu != 65535 && l > C.uint32_t(p.about.max_mtu) {
			overhead = int(l) - int(p.about.max_mtu)
		}
		most = min(most, int(l)-overhead)
	}
	if f.mtu > most {
		p.note("MTU is %d, the most that %s can do, instead of %d", most, p.info.Driver, f.mtu)
		f.mtu = most
	}
	_, card := pciAddress(c.Device)
	if card && f.mtu+around > f.size {
		if f.scatter = p.about.rx_offload_capa&C.RTE_ETH_RX_OFFLOAD_SCATTER != 0; !f.scatter {
			f.size = f.mtu + around
			p.note("buffers have %d octets, as %s cannot spread a frame over several", f.size, p.info.Driver)
		}
	}
	if f.longest == 0 {
		if f.longest = 65536; card {
			f.longest = f.mtu + around
		}
	}
	return f
}

// configure sets queues, offloads and RSS of a device that is not started.
func (p *Port) configure(c PortConfig, s spread, f frames) error {
	var conf C.struct_rte_eth_conf
	conf.rxmode.mtu = C.uint32_t(f.mtu)
	want := C.uint64_t(0)
	if f.scatter {
		want |= C.RTE_ETH_RX_OFFLOAD_SCATTER
	}
	if c.Timestamps {
		want |= C.RTE_ETH_RX_OFFLOAD_TIMESTAMP
	}
	if s.key != nil {
		key := C.CBytes(s.key)
		defer C.free(key)
		want |= C.RTE_ETH_RX_OFFLOAD_RSS_HASH
		conf.rxmode.mq_mode = C.RTE_ETH_MQ_RX_RSS
		conf.rx_adv_conf.rss_conf = C.struct_rte_eth_rss_conf{rss_key: (*C.uint8_t)(key),
			rss_key_len: C.uint8_t(len(s.key)), rss_hf: C.uint64_t(s.types)}
		if p.about.hash_key_size == 0 { // verify sets it
			conf.rx_adv_conf.rss_conf.rss_key, conf.rx_adv_conf.rss_conf.rss_key_len = nil, 0
		}
	}
	conf.rxmode.offloads = want & p.about.rx_offload_capa
	tx := min(C.uint16_t(s.queues), p.about.max_tx_queues) // some drivers want them in pairs
	if err := failure(C.rte_eth_dev_configure(p.id, C.uint16_t(s.queues), tx, &conf)); err != nil {
		return fmt.Errorf("it refuses %d queues with an MTU of %d: %w", s.queues, f.mtu, err)
	}
	if _, card := pciAddress(c.Device); card { // the interface under a virtual device is not ours to change
		if err := failure(C.rte_eth_dev_set_mtu(p.id, C.uint16_t(f.mtu))); err != nil &&
			!errors.Is(err, syscall.ENOTSUP) {
			return fmt.Errorf("it refuses an MTU of %d: %w", f.mtu, err)
		}
	}
	p.info.Queues, p.info.MTU = s.queues, f.mtu
	return nil
}

// allocate makes the buffers and the queues.
func (p *Port) allocate(c PortConfig, s spread, f frames) error {
	rx, tx := C.uint16_t(c.Descriptors), C.uint16_t(0)
	if err := failure(C.rte_eth_dev_adjust_nb_rx_tx_desc(p.id, &rx, &tx)); err != nil {
		return fmt.Errorf("it has no number of descriptors near %d: %w", c.Descriptors, err)
	}
	p.info.Descriptors = int(rx)
	segments := (f.longest + f.size - 1) / f.size
	p.info.Buffers = max(c.Buffers, 2*cache)
	if c.Buffers == 0 {
		p.info.Buffers = s.queues * (int(rx) + 2*C.BURST*segments + 2*cache)
	}
	name := C.CString(fmt.Sprintf("weir_%d", p.id))
	defer C.free(unsafe.Pointer(name))
	C.rte_mempool_free(p.pool)
	p.pool = C.rte_pktmbuf_pool_create(name, C.uint(p.info.Buffers), cache, 0,
		C.uint16_t(f.size+C.RTE_PKTMBUF_HEADROOM), p.socket)
	if p.pool == nil {
		return fmt.Errorf("%d buffers of %d octets: %w", p.info.Buffers, f.size, errMemory)
	}
	for i := range s.queues {
		if err := p.add(c, s, f, i); err != nil {
			return err
		}
	}
	return nil
}

func (p *Port) add(c PortConfig, s spread, f frames, i int) error {
	q := (*C.struct_queue)(C.rte_zmalloc_socket(nil, C.sizeof_struct_queue, C.RTE_CACHE_LINE_SIZE, p.socket))
	if q == nil {
		return errMemory
	}
	p.queues = append(p.queues, &Queue{q: q, port: p})
	q.port, q.id, q.iface, q.longest = p.id, C.uint16_t(i), C.uint16_t(c.Port), C.uint32_t(f.longest)
	q.link = C.uint16_t(linkOf(c.Device, i))
	if s.key != nil {
		q.hashed = C.RTE_MBUF_F_RX_RSS_HASH
	}
	octets := C.size_t(C.BURST * f.longest)
	q.linear = (*C.uint8_t)(C.rte_malloc_socket(nil, octets, C.RTE_CACHE_LINE_SIZE, p.socket))
	if q.linear == nil {
		return errMemory
	}
	return nil
}

// setUp gives the device its queues. Those to send are never used.
func (p *Port) setUp(c PortConfig, s spread) error {
	descriptors := C.uint16_t(p.info.Descriptors)
	for i := range C.uint16_t(s.queues) {
		err := failure(C.rte_eth_rx_queue_setup(p.id, i, descriptors, C.uint(p.socket), nil, p.pool))
		if err == nil && i < p.about.max_tx_queues {
			err = failure(C.rte_eth_tx_queue_setup(p.id, i, 0, C.uint(p.socket), nil))
		}
		if err != nil {
			return fmt.Errorf("its queue %d cannot be set up with %d descriptors and buffers of %d octets: %w",
				i, p.info.Descriptors, c.BufferSize, err)
		}
	}
	return nil
}

// verify reads the RSS key back from the device, sets it again if it is another, and falls
// back to one queue if that does not help.
func (p *Port) verify(c PortConfig, s *spread) error {
	key, err := p.readKey(len(s.key))
	if err == nil && !bytes.Equal(key, s.key) {
		if err = p.writeKey(s); err == nil {
			key, err = p.readKey(len(s.key))
		}
	}
	switch {
	case errors.Is(err, syscall.ENOTSUP) && !s.unsure:
		s.reason += "; the device does not let it be read back"
		return nil
	case err == nil && bytes.Equal(key, s.key):
		s.reason += ", as the device confirms"
		return nil
	case err != nil:
		*s = single(fmt.Sprintf("RSS of %s fails (%v); one queue is used instead of %d",
			p.info.Driver, err, s.queues))
	default:
		*s = single(fmt.Sprintf("%s keeps an RSS key of its own; one queue is used instead of %d",
			p.info.Driver, s.queues))
	}
	if err := p.stop(); err != nil {
		return err
	}
	return p.start(c, *s)
}

func (p *Port) readKey(n int) ([]byte, error) {
	b := C.CBytes(make([]byte, n))
	defer C.free(b)
	conf := C.struct_rte_eth_rss_conf{rss_key: (*C.uint8_t)(b), rss_key_len: C.uint8_t(n)}
	err := failure(C.rte_eth_dev_rss_hash_conf_get(p.id, &conf))
	return C.GoBytes(b, C.int(n)), err
}

func (p *Port) writeKey(s *spread) error {
	b := C.CBytes(s.key)
	defer C.free(b)
	conf := C.struct_rte_eth_rss_conf{rss_key: (*C.uint8_t)(b), rss_key_len: C.uint8_t(len(s.key)),
		rss_hf: C.uint64_t(s.types)}
	return failure(C.rte_eth_dev_rss_hash_update(p.id, &conf))
}
