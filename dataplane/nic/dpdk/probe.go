//go:build cgo && !nodpdk

package dpdk

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

// rssTypes are the packets whose hash may include addresses and ports. Those of Mobile
// IPv6 are not among them: they take a home address instead of one direction's source.
const rssTypes = C.RTE_ETH_RSS_IPV4 | C.RTE_ETH_RSS_FRAG_IPV4 | C.RTE_ETH_RSS_NONFRAG_IPV4_TCP |
	C.RTE_ETH_RSS_NONFRAG_IPV4_UDP | C.RTE_ETH_RSS_NONFRAG_IPV4_SCTP | C.RTE_ETH_RSS_NONFRAG_IPV4_OTHER |
	C.RTE_ETH_RSS_IPV6 | C.RTE_ETH_RSS_FRAG_IPV6 | C.RTE_ETH_RSS_NONFRAG_IPV6_TCP |
	C.RTE_ETH_RSS_NONFRAG_IPV6_UDP | C.RTE_ETH_RSS_NONFRAG_IPV6_SCTP | C.RTE_ETH_RSS_NONFRAG_IPV6_OTHER

// virtual are drivers of vdev strings, with an example of each.
var virtual = [...]struct{ driver, example string }{
	{"net_pcap", "net_pcap0,rx_pcap=FILE"},
	{"net_af_packet", "net_af_packet0,iface=eth0"},
	{"net_af_xdp", "net_af_xdp0,iface=eth0"},
	{"net_memif", "net_memif0,role=client,socket=/run/memif.sock"},
	{"net_tap", "net_tap0,iface=tap0"},
	{"net_null", "net_null0,size=64"},
	{"net_ring", "net_ring0"},
}

// warnings are what a driver does not do, by its name.
var warnings = [...]struct{ driver, text string }{
	{"net_pcap", "net_pcap gives captured lengths for the lengths on the wire"},
	{"net_af_packet", "net_af_packet does not count the frames that the kernel drops, " +
		"and cuts frames that are longer than its framesz"},
	{"net_af_xdp", "net_af_xdp receives only from the interface's queues that it was told; " +
		"give the interface as many with ethtool -L"},
}

// probe makes DPDK take a device and returns its port.
func (e *EAL) probe(device string) (*Port, error) {
	if device == "" || strings.ContainsFunc(device, func(r rune) bool { return r <= ' ' }) {
		return nil, errors.New("a device is a PCI address or a vdev string, without spaces")
	}
	name := deviceName(device)
	if slices.ContainsFunc(e.ports, func(p *Port) bool { return deviceName(p.info.Device) == name }) {
		return nil, fmt.Errorf("it is open already; a second vdev of its driver needs another name than %s", name)
	}
	s := C.CString(device)
	defer C.free(unsafe.Pointer(s))
	switch err := failure(C.rte_dev_probe(s)); {
	case err == nil, errors.Is(err, syscall.EEXIST):
	case errors.Is(err, syscall.EPERM): // -1, with which drivers refuse anything
		return nil, errors.New(advice(device))
	default:
		return nil, fmt.Errorf("%w; %s", err, advice(device))
	}
	for id := range C.uint16_t(C.RTE_MAX_ETHPORTS) {
		if C.rte_eth_dev_is_valid_port(id) == 0 {
			continue
		}
		p := &Port{eal: e, id: id, socket: C.rte_eth_dev_socket_id(id)}
		if C.rte_eth_dev_info_get(id, &p.about) != 0 || C.GoString(C.rte_dev_name(p.about.device)) != name {
			continue
		}
		p.device = p.about.device
		p.info = Info{Device: device, Node: int(p.socket), Driver: C.GoString(p.about.driver_name)}
		for _, w := range warnings {
			if w.driver == p.info.Driver {
				p.note("%s", w.text)
			}
		}
		return p, nil
	}
	return nil, errors.New(advice(device))
}

// offer returns what the port's device can do to spread frames.
func (p *Port) offer() offer {
	_, card := pciAddress(p.info.Device)
	return offer{driver: p.info.Driver, queues: int(p.about.max_rx_queues), card: card,
		types: uint64(p.about.flow_type_rss_offloads) & rssTypes, key: int(p.about.hash_key_size)}
}

// advice says what may be wrong with a device that DPDK does not find.
func advice(device string) string {
	if address, ok := pciAddress(device); ok {
		return adviceOnCard(address, Devices())
	}
	name := deviceName(device)
	var examples []string
	for _, v := range virtual {
		if strings.HasPrefix(name, v.driver) {
			return fmt.Sprintf("its driver refuses it; an example that is right is %q", v.example)
		}
		examples = append(examples, v.example)
	}
	return "it is neither a PCI address nor one of " + strings.Join(examples, " ")
}

func adviceOnCard(address string, cards []Device) string {
	var all []string
	for _, d := range cards {
		if all = append(all, d.String()); d.Address != address {
			continue
		}
		switch d.Driver {
		case "vfio-pci", "uio_pci_generic", "igb_uio":
			return "no driver of DPDK knows this card, or DPDK was started without naming it"
		case "mlx4_core", "mlx5_core", "mana":
			return "it stays bound to " + d.Driver + "; install rdma-core and name it when DPDK is started"
		}
		return fmt.Sprintf("the kernel has it: %v; bind it to vfio-pci with dpdk-devbind.py -b vfio-pci %s",
			d, address)
	}
	if len(all) == 0 {
		return "this machine has no network card on its PCI bus"
	}
	return "there is no such network card; there are " + strings.Join(all, ", ")
}
