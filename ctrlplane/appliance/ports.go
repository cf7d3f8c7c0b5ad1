package appliance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Port is an Ethernet port on the PCI bus.
type Port struct {
	Address   string // on the bus: "0000:00:03.0"
	Interface string // the kernel's, empty if it has none
	MAC       string
	Driver    string
	Group     string // of the IOMMU, empty without one
	Use       Use
	Note      string // why it is not used as one would wish
}

// Use is what a port is for.
type Use string

// What ports are for.
const (
	Management Use = "management"
	DPDK       Use = "DPDK"   // meters, driven by the dataplane
	Kernel     Use = "kernel" // meters, through a packet socket
	Unused     Use = "unused"
)

// vfio is the driver that hands a device to a process, through the IOMMU.
const vfio = "vfio-pci"

// shared are drivers that DPDK uses together with the kernel.
var shared = map[string]bool{"mlx5_core": true}

const pci = "/sys/bus/pci"

// Ports returns the Ethernet ports in the order of their addresses.
func (m Machine) Ports() (ports []Port, err error) {
	devices, err := os.ReadDir(m.at(pci, "devices"))
	if err != nil {
		return nil, fmt.Errorf("PCI devices: %w", err)
	}
	for _, d := range devices {
		if !strings.HasPrefix(m.read(pci, "devices", d.Name(), "class"), "0x0200") {
			continue
		}
		p := Port{Address: d.Name(), Use: Unused}
		p.Driver = m.linked(pci, "devices", p.Address, "driver")
		p.Group = m.linked(pci, "devices", p.Address, "iommu_group")
		for _, below := range []string{"net/*", "virtio*/net/*"} {
			found, _ := filepath.Glob(m.at(pci, "devices", p.Address, below))
			if len(found) > 0 {
				p.Interface = filepath.Base(found[0])
				p.MAC = m.read("/sys/class/net", p.Interface, "address")
			}
		}
		ports = append(ports, p)
	}
	return ports, nil
}

// Assign decides what each port is for: the one at the address manages, or the first that the kernel drives,
// and the others meter. With a single port, it does both.
func Assign(ports []Port, management string) []Port {
	ports = slices.Clone(ports)
	chosen := slices.IndexFunc(ports, func(p Port) bool { return p.Address == management && p.Interface != "" })
	if chosen < 0 {
		chosen = slices.IndexFunc(ports, func(p Port) bool { return p.Interface != "" && !shared[p.Driver] })
	}
	if chosen < 0 {
		chosen = slices.IndexFunc(ports, func(p Port) bool { return p.Interface != "" })
	}
	for i := range ports {
		p := &ports[i]
		switch {
		case i == chosen:
			p.Use = Management
		case p.Interface == "" && p.Driver == "":
			p.Note = "the kernel has no driver for it"
			p.Use = DPDK // which may have one
		default:
			p.Use = DPDK
		}
	}
	return ports
}

// Bind gives the ports that meter to vfio-pci. A port that cannot be bound stays with the kernel, if it
// drives it, and says why.
func (m Machine) Bind(ports []Port) {
	for i := range ports {
		p := &ports[i]
		if p.Use != DPDK || shared[p.Driver] {
			continue
		}
		err := m.bind(p, ports)
		if err == nil {
			p.Note, p.Driver = "", vfio
			continue
		}
		p.Note, p.Use = err.Error(), Unused
		if p.Interface != "" {
			p.Use = Kernel
		}
	}
}

func (m Machine) bind(p *Port, ports []Port) error {
	if p.Group == "" {
		return errors.New("no IOMMU: turn on VT-d or AMD-Vi in the machine's setup")
	}
	if other := m.inTheWay(p, ports); other != "" {
		return fmt.Errorf("device %s is in the same IOMMU group and not a port that meters", other)
	}
	device := func(file string) string { return m.at(pci, "devices", p.Address, file) }
	if p.Driver == vfio {
		return nil
	}
	if err := os.WriteFile(device("driver_override"), []byte(vfio), 0); err != nil {
		return err
	}
	if p.Driver != "" {
		if err := os.WriteFile(device("driver/unbind"), []byte(p.Address), 0); err != nil {
			return err
		}
	}
	err := os.WriteFile(m.at(pci, "drivers_probe"), []byte(p.Address), 0)
	if now := m.linked(pci, "devices", p.Address, "driver"); err == nil && now != vfio {
		err = fmt.Errorf("the kernel gave it to %q and not to %s", now, vfio)
	}
	if err != nil { // back to where it was
		_ = os.WriteFile(device("driver_override"), []byte("\n"), 0)
		_ = os.WriteFile(m.at(pci, "drivers_probe"), []byte(p.Address), 0)
	}
	return err
}

// inTheWay names a device that the kernel drives and that the IOMMU cannot tell from p.
func (m Machine) inTheWay(p *Port, ports []Port) string {
	group, _ := os.ReadDir(m.at(pci, "devices", p.Address, "iommu_group/devices"))
	for _, d := range group {
		meters := slices.ContainsFunc(ports, func(o Port) bool { return o.Address == d.Name() && o.Use == DPDK })
		driver := m.linked(pci, "devices", d.Name(), "driver")
		bridge := strings.HasPrefix(m.read(pci, "devices", d.Name(), "class"), "0x0604")
		if !meters && !bridge && driver != "" && driver != vfio {
			return d.Name()
		}
	}
	return ""
}
