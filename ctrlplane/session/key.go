// Package session remembers what is known of addresses beyond a packet: which call a media
// endpoint belongs to, who is behind an address, what a name was looked up as. Workers never
// meet here; the control plane does, also with that of other probes.
package session

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Kind is what is remembered.
type Kind uint8

const (
	// Media is the call that media from or to an endpoint belongs to: its Call-ID.
	Media Kind = iota + 1
	// User is who has an address or a prefix, and since when.
	User
	// Subscriber is who has a GTP tunnel, and since when.
	Subscriber
	// Name is what an address was looked up as: a host name.
	Name
	// Data is which command of FTP opened an endpoint.
	Data
	// Lease is what DHCP tells of who has an address: see ctrlplane/lease.
	Lease
	// FormerUser and FormerSubscriber are who had an address, a prefix or a tunnel before.
	FormerUser
	FormerSubscriber
	kinds
)

var kindNames = [kinds]string{
	Media: "media", User: "user", Subscriber: "tunnel", Name: "name", Data: "data", Lease: "lease",
	FormerUser: "user-before", FormerSubscriber: "tunnel-before",
}

// String returns the name of the kind, which is part of the names of keys that probes share.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return ""
}

// Key is what something is known by. Two are equal if they mean the same.
type Key struct {
	addr   [16]byte // IPv4 addresses are v4-mapped
	number uint32   // port, tunnel endpoint identifier, or length of a prefix, 0 for an address
	kind   Kind
	_      [3]byte
}

// Endpoint returns the key of an address with a port, for Media and Data.
func Endpoint(k Kind, addr [16]byte, port uint16) Key {
	return Key{addr: addr, number: uint32(port), kind: k}
}

// Address returns the key of an address, for User, Name and Lease.
func Address(k Kind, addr [16]byte) Key { return Key{addr: addr, kind: k} }

// Prefix returns the key of an IPv6 prefix, for User. A prefix of 128 bits is an address.
func Prefix(addr [16]byte, bits int) Key {
	p := netip.PrefixFrom(netip.AddrFrom16(addr), bits).Masked()
	if bits == 128 {
		bits = 0
	}
	return Key{addr: p.Addr().As16(), number: uint32(bits), kind: User}
}

// Tunnel returns the key of a tunnel that ends at an address (TEID, 3GPP TS 29.281), for Subscriber.
func Tunnel(addr [16]byte, id uint32) Key { return Key{addr: addr, number: id, kind: Subscriber} }

// Former returns the key of who had it before, of one for User or Subscriber.
func (k Key) Former() Key {
	k.kind += FormerUser - User
	return k
}

// Addr returns the address of the key, and Number its port, tunnel endpoint identifier or length of a prefix, which
// is 0 for an address.
func (k Key) Addr() netip.Addr { return netip.AddrFrom16(k.addr).Unmap() }

// Number: see Addr.
func (k Key) Number() uint32 { return k.number }

// Kind returns what is remembered under the key.
func (k Key) Kind() Kind { return k.kind }

// String returns the key as probes share it, "media:192.0.2.1:4000", "user:2001:db8::1" or
// "tunnel:192.0.2.1/beef".
func (k Key) String() string { return string(k.append(nil)) }

func (k Key) append(b []byte) []byte {
	b = append(append(b, k.kind.String()...), ':')
	a := netip.AddrFrom16(k.addr).Unmap()
	switch k.kind {
	case Media, Data:
		return netip.AddrPortFrom(a, uint16(k.number)).AppendTo(b)
	case Subscriber, FormerSubscriber:
		return strconv.AppendUint(append(a.AppendTo(b), '/'), uint64(k.number), 16)
	case User, FormerUser:
		if k.number > 0 {
			return strconv.AppendUint(append(a.AppendTo(b), '/'), uint64(k.number), 10)
		}
	}
	return a.AppendTo(b)
}

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	name, rest, _ := strings.Cut(s, ":")
	for kind := Media; kind < kinds; kind++ {
		if kindNames[kind] != name {
			continue
		}
		k := Key{kind: kind}
		if k.parse(rest) && k.String() == s {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("session %q is not a kind and what it is known by", s)
}

func (k *Key) parse(s string) bool {
	switch k.kind {
	case Media, Data:
		p, err := netip.ParseAddrPort(s)
		k.addr, k.number = p.Addr().As16(), uint32(p.Port())
		return err == nil
	case User, FormerUser:
		if p, err := netip.ParsePrefix(s); err == nil && p == p.Masked() && p.Bits() > 0 {
			k.addr, k.number = p.Addr().As16(), uint32(p.Bits())
			return true
		}
	case Subscriber, FormerSubscriber:
		host, id, _ := strings.Cut(s, "/")
		n, err := strconv.ParseUint(id, 16, 32)
		k.number, s = uint32(n), host
		if err != nil {
			return false
		}
	}
	a, err := netip.ParseAddr(s)
	k.addr = a.As16()
	return err == nil
}
