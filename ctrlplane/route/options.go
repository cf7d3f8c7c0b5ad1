package route

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Options are a table of the configuration: who may tell routes.
type Options struct {
	Listen   string   `toml:"listen"` // for BGP, address:port; empty is nobody listens
	AS       int      `toml:"as" in:"0..4294967295"`
	RouterID string   `toml:"router_id"`
	Peers    []string `toml:"peers"`   // addresses, each with its autonomous system behind a blank
	BMP      string   `toml:"bmp"`     // for BMP, the same
	Routers  []string `toml:"routers"` // addresses of who may tell routes by BMP
	Routes   int      `toml:"routes" in:"1..67108864"`
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options { return Options{Routes: 1 << 22} }

// Used reports whether anybody listens.
func (o *Options) Used() bool { return o.Listen != "" || o.BMP != "" }

// Check returns what is wrong with the options, and what to do about it.
func (o *Options) Check() error {
	if err := o.checkBMP(); err != nil {
		return err
	}
	if o.Listen == "" {
		return nil
	}
	if a, err := netip.ParseAddrPort(o.Listen); err != nil || a.Port() == 0 {
		return fmt.Errorf(`listen %q is no address with a port; write it like "192.0.2.7:179"`, o.Listen)
	}
	if a, err := netip.ParseAddr(o.RouterID); err != nil || !a.Is4() {
		return fmt.Errorf("router_id %q is no IPv4 address; write that of the probe", o.RouterID)
	}
	if o.AS == 0 || len(o.Peers) == 0 {
		return fmt.Errorf("as or peers is missing; write the probe's autonomous system and who may connect")
	}
	for _, s := range o.Peers {
		if _, err := parsePeer(s); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) checkBMP() error {
	if o.BMP == "" {
		return nil
	}
	if a, err := netip.ParseAddrPort(o.BMP); err != nil || a.Port() == 0 {
		return fmt.Errorf(`bmp %q is no address with a port; write it like "192.0.2.7:11019"`, o.BMP)
	}
	if len(o.Routers) == 0 {
		return fmt.Errorf("routers is missing; write the addresses of the routers that may connect for BMP")
	}
	for _, r := range o.Routers {
		if _, err := netip.ParseAddr(r); err != nil {
			return fmt.Errorf(`router %q is no address; write it like "192.0.2.1"`, r)
		}
	}
	return nil
}

// peer is who may tell routes.
type peer struct {
	addr netip.Addr
	as   uint32
}

func parsePeer(s string) (p peer, err error) {
	addr, as, _ := strings.Cut(s, " ")
	n, wrong := strconv.ParseUint(as, 10, 32)
	p.addr, err = netip.ParseAddr(addr)
	if err != nil || wrong != nil || n == 0 {
		return p, fmt.Errorf(`peer %q is no address and autonomous system; write it like "192.0.2.1 64500"`, s)
	}
	p.as = uint32(n)
	return p, nil
}
