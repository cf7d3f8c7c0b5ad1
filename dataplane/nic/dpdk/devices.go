package dpdk

import (
	"os"
	"path/filepath"
	"strings"
)

// Device is a network card of this machine.
type Device struct {
	Address   string // PCI address
	Driver    string // kernel driver it is bound to, empty if none
	Interface string // name of its kernel interface, empty if none
	Up        bool   // the kernel interface has a link
}

// String returns "0000:3b:00.0 (ixgbe, eth2, up)" and the like.
func (d Device) String() string {
	about := []string{"no driver"}
	if d.Driver != "" {
		about[0] = d.Driver
	}
	if d.Interface != "" {
		state := "down"
		if d.Up {
			state = "up"
		}
		about = append(about, d.Interface, state)
	}
	return d.Address + " (" + strings.Join(about, ", ") + ")"
}

// Devices returns the network cards on the PCI bus, from the kernel's /sys. It is what can
// be opened by address, and works without the EAL.
func Devices() []Device { return devices("/sys/bus/pci/devices") }

func devices(root string) []Device {
	var all []Device
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil // a machine without PCI has no cards
	}
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if !strings.HasPrefix(line(filepath.Join(dir, "class")), "0x02") { // network controllers
			continue
		}
		all = append(all, device(dir, e.Name()))
	}
	return all
}

func device(dir, address string) Device {
	d := Device{Address: address}
	if driver, err := os.Readlink(filepath.Join(dir, "driver")); err == nil {
		d.Driver = filepath.Base(driver)
	}
	nets, _ := filepath.Glob(filepath.Join(dir, "net", "*"))
	virtio, _ := filepath.Glob(filepath.Join(dir, "virtio*", "net", "*"))
	for _, n := range append(nets, virtio...) {
		d.Interface = filepath.Base(n)
		d.Up = line(filepath.Join(n, "operstate")) == "up"
	}
	return d
}

// line returns the first line of a small file, empty if it cannot be read.
func line(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	s, _, _ := strings.Cut(string(b), "\n")
	return s
}
