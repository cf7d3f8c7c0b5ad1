//go:build cgo && !nodpdk

package dpdk

import "strings"

const digits = "0123456789abcdefABCDEF"

// pciAddress returns the PCI address at the front of a device string, with its domain, in
// lower case; ok is false for a vdev string.
func pciAddress(device string) (address string, ok bool) {
	address, _, _ = strings.Cut(device, ",")
	parts := strings.Split(address, ":")
	if len(parts) == 2 {
		parts = append([]string{"0000"}, parts...)
	}
	if len(parts) != 3 {
		return "", false
	}
	slot, function, ok := strings.Cut(parts[2], ".")
	widths := [...]int{4, 2, 2, 1}
	for i, s := range [...]string{parts[0], parts[1], slot, function} {
		ok = ok && len(s) == widths[i] && strings.Trim(s, digits) == ""
	}
	return strings.ToLower(strings.Join(parts, ":")), ok
}

// deviceName returns the name by which DPDK knows the device of a device string.
func deviceName(device string) string {
	if address, ok := pciAddress(device); ok {
		return address
	}
	name, _, _ := strings.Cut(device, ",")
	return name
}
