package route

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Options are a table of the configuration: who may tell routes.
type Options struct {
	Listen   string   `toml:"listen"` // address:port; empty is nobody listens
	AS       int      `toml:"as" in:"0..4294967295"`
	RouterID string   `toml:"router_id"`
	Peers    []string `toml:"peers"` // addresses, each with its autonomous system behind a blank
	Routes   int      `toml:"routes" in:"1..67108864"`
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options { return Options{Routes: 1 << 22} }

// Check returns what is wrong with the options, and what to do about it.
func (o *Options) Check() error {
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
