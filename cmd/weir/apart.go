package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// apart makes sure that nobody is answered through an interface that is captured from. The loopback interface is
// this machine's alone, whoever captures from it.
func apart(cfg *config.Config) (err error) {
	for i := range cfg.Inputs {
		n := &cfg.Inputs[i]
		link, e := net.InterfaceByName(n.Interface)
		if n.Interface == "" || e != nil || link.Flags&net.FlagLoopback != 0 {
			continue // opening it will say what is wrong
		}
		addresses, e := link.Addrs()
		if e != nil {
			continue
		}
		for _, l := range []struct{ key, address, device string }{
			{"management.listen", cfg.Management.Listen, cfg.Management.Interface}, {"metrics.listen", cfg.Metrics.Listen, ""},
		} {
			if l.device == "" && reaches(l.address, addresses) {
				err = errors.Join(err, fmt.Errorf("%s: %q would answer on %s, which input %s captures from; give the "+
					"address of another interface, or leave %s without one", l.key, l.address, n.Interface, n.Name, n.Interface))
			}
		}
	}
	return err
}

// reaches reports whether who listens at an address is reached by one of an interface.
func reaches(listen string, addresses []net.Addr) bool {
	if listen == "" {
		return false
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	at, _ := netip.ParseAddr(host) // a name, or nothing, is any
	for _, a := range addresses {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if !at.IsValid() && host == "" || at.IsUnspecified() || at.Unmap() == p.Addr() {
			return true
		}
	}
	return false
}
