package config

import (
	"fmt"
	"net/netip"
	"time"
)

// Management is the API by which a probe that keeps its configuration in a store is operated.
type Management struct {
	Socket      string        `toml:"socket"`      // Unix socket; empty is none
	Listen      string        `toml:"listen"`      // address:port of HTTPS; empty is nowhere
	Interface   string        `toml:"interface"`   // the only one that requests may come through; empty is any
	Certificate string        `toml:"certificate"` // PEM; empty is the one in the store
	Key         string        `toml:"key"`
	ClientCA    string        `toml:"client_ca"` // PEM of those who vouch for certificates of users
	Session     time.Duration `toml:"session" in:"1m..720h"`
	Update      []string      `toml:"update_command"` // that installs a bundle it gets as its standard input
	UpdateSize  Size          `toml:"update_size" in:"1MiB..64GiB"`
	UpdateTime  time.Duration `toml:"update_timeout" in:"1m..24h"`
}

func defaultManagement() Management {
	return Management{
		Socket: "/run/weir/manage.sock", Session: 12 * time.Hour, UpdateSize: 4 << 30, UpdateTime: time.Hour,
	}
}

// management checks that the API answers where it is meant to, and nowhere else.
func (k *checker) management(c *Config) {
	m := &c.Management
	k.listen("management.listen", m.Listen)
	if at, err := netip.ParseAddrPort(m.Listen); m.Listen != "" && !k.bad["management.listen"] && m.Interface == "" &&
		(err != nil || at.Addr().IsUnspecified()) {
		k.report("management.listen", fmt.Sprintf("%q would answer on every interface", m.Listen),
			`write an address of the management port like "192.0.2.1:8443", or set interface`)
	}
	for i := range c.Inputs {
		if n := &c.Inputs[i]; m.Interface != "" && n.Interface == m.Interface {
			k.report("management.interface", fmt.Sprintf("%s is what input %s captures from", m.Interface, n.Name),
				"manage by an interface of its own")
		}
	}
	if m.Listen == "" {
		none := defaultManagement()
		for _, name := range []string{"interface", "certificate", "key", "client_ca"} {
			k.idle("management", name, m, &none, "has no effect: there is no listen")
		}
	}
	if (m.Certificate == "") != (m.Key == "") {
		k.report("management.certificate", "certificate and key belong together", "set both, or none")
	}
	for _, f := range []struct{ key, path string }{
		{"certificate", m.Certificate}, {"key", m.Key}, {"client_ca", m.ClientCA},
	} {
		if f.path != "" {
			k.exists("management."+f.key, f.path)
		}
	}
	if len(m.Update) > 0 {
		k.program("management.update_command", m.Update[0])
	}
}
