package appliance

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/BurntSushi/toml"
)

// Settings is what the machine itself is set to, as opposed to what it meters. They are changed on the
// console, or come from the medium that the machine is set up from (Seed).
type Settings struct {
	Management string       `toml:"management"` // port, by its address on the PCI bus; empty is the first
	Address    netip.Prefix `toml:"address"`    // of the port, with the length of its network; none is DHCP
	Gateway    netip.Addr   `toml:"gateway"`
	DNS        []netip.Addr `toml:"dns"`
}

const settingsFile = "/var/lib/weir-appliance/appliance.toml"

// LoadSettings reads the settings; without a file they are the defaults.
func (m Machine) LoadSettings() (s Settings, err error) {
	b, err := os.ReadFile(m.at(settingsFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return parseSettings(b)
}

func parseSettings(b []byte) (s Settings, err error) {
	meta, err := toml.Decode(string(b), &s)
	if err != nil {
		return Settings{}, fmt.Errorf("appliance.toml: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return Settings{}, fmt.Errorf("appliance.toml: there is no key %q", unknown[0])
	}
	return s, s.check()
}

func (s *Settings) check() error {
	switch {
	case s.Address == (netip.Prefix{}):
		return nil
	case !s.Address.IsValid() || s.Address.Addr().IsMulticast() || s.Address.Addr().IsUnspecified():
		return errors.New("address: write a machine's own, with the length of its network, like 192.0.2.10/24")
	case s.Gateway.IsValid() && s.Gateway.Is4() != s.Address.Addr().Is4():
		return errors.New("gateway: it has to be of the same kind as the address")
	}
	return nil
}

// SaveSettings keeps the settings.
func (m Machine) SaveSettings(s Settings) error {
	var b bytes.Buffer
	b.WriteString("# What this machine is set to. The console changes it; it counts from the next start on.\n")
	text := func(key string, v fmt.Stringer) { fmt.Fprintf(&b, "%s = %q\n", key, v) }
	if s.Management != "" {
		fmt.Fprintf(&b, "management = %q\n", s.Management)
	}
	if s.Address.IsValid() {
		text("address", s.Address)
	}
	if s.Gateway.IsValid() {
		text("gateway", s.Gateway)
	}
	if len(s.DNS) > 0 {
		b.WriteString("dns = [")
		for i, a := range s.DNS {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%q", a)
		}
		b.WriteString("]\n")
	}
	return replace(m.at(settingsFile), b.Bytes(), 0o600)
}
