package appliance

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// networkDir is where systemd-networkd looks for what was decided since the start of the machine.
const networkDir = "/run/systemd/network"

// allowFile tells nftables what comes in (see nftables.conf of the image).
const allowFile = "/run/weir-ports.nft"

// Network writes how the ports of the kernel are set up: the one that manages gets its address, the ones that
// meter get none and are up. tcp are the ports at which something listens for who manages.
func (m Machine) Network(ports []Port, s Settings, tcp []int) error {
	if err := os.MkdirAll(m.at(networkDir), 0o755); err != nil {
		return err
	}
	var inside []string
	for _, p := range ports {
		var text string
		switch p.Use {
		case Management:
			text = s.networkFile(p.Interface)
			inside = append(inside, fmt.Sprintf("%q", p.Interface))
		case Kernel:
			text = fmt.Sprintf("[Match]\nName=%s\n[Link]\nActivationPolicy=always-up\nARP=no\nPromiscuous=yes\n"+
				"[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nConfigureWithoutCarrier=yes\n", p.Interface)
		default:
			continue
		}
		if err := os.WriteFile(m.at(networkDir, "10-"+p.Interface+".network"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	var list []string
	for _, p := range tcp {
		list = append(list, fmt.Sprint(p))
	}
	slices.Sort(list)
	allow := ""
	if len(inside) > 0 && len(list) > 0 {
		allow = fmt.Sprintf("add rule inet weir input iifname { %s } tcp dport { %s } accept\n",
			strings.Join(inside, ", "), strings.Join(slices.Compact(list), ", "))
	}
	return os.WriteFile(m.at(allowFile), []byte(allow), 0o644)
}

// networkFile returns the unit of systemd-networkd for the port that manages.
func (s *Settings) networkFile(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Match]\nName=%s\n[Network]\n", name)
	if s.Address.IsValid() {
		fmt.Fprintf(&b, "Address=%s\nLLDP=no\n", s.Address)
		if s.Gateway.IsValid() {
			fmt.Fprintf(&b, "Gateway=%s\n", s.Gateway)
		}
	} else {
		b.WriteString("DHCP=yes\nLLDP=no\n[DHCPv4]\nUseDomains=yes\nSendHostname=yes\n")
		b.WriteString("[Network]\n")
	}
	for _, a := range s.DNS {
		fmt.Fprintf(&b, "DNS=%s\n", a)
	}
	return b.String()
}

// Reconfigure writes the address of the port that manages again.
func (m Machine) Reconfigure(s Settings) error {
	state, err := m.LoadState()
	if err != nil {
		return err
	}
	for _, p := range state.Ports {
		if p.Use == Management {
			path := m.at(networkDir, "10-"+p.Interface+".network")
			return os.WriteFile(path, []byte(s.networkFile(p.Interface)), 0o644)
		}
	}
	return errors.New("no port manages")
}
