package subscriber

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// said are the fields that records get, by the parts of a binding.
var said = [parts]*flow.Field{
	name: app.FlowUser, imsi: flow.SubscriberIMSI, msisdn: flow.SubscriberMSISDN, imei: flow.SubscriberIMEI,
	apn: flow.SubscriberAPN, cell: flow.SubscriberCell, nas: flow.SubscriberNAS, acct: flow.SubscriberSession,
	mac: flow.SubscriberMAC,
}

// tag says of a record who is behind it: who has the tunnel, or else the client's address, or else the server's; as
// signalling of subscribers tells, or else DHCP.
func (c *Correlator) tag(kind egress.Kind, v *flow.View, a *flow.Attrs) {
	if c.book.counts[Bound] == 0 && !c.o.Shared && c.o.Leases == nil {
		return // nobody is known
	}
	first, last := v.First/1e6, v.Last/1e6
	var b binding
	dir := flow.Forward
	switch found, sure := c.byTunnel(v, first, last, &b); {
	case !sure:
		c.book.counts[Ambiguous]++
		c.book.counts[Untagged]++
		return
	case found:
		b.read(b.append(c.mine[:0])) // what was looked up may be written over
		dir = c.sideOf(v, first, last, b.who)
	case v.Ignored&flow.KeyAddresses != 0:
		return
	case c.byAddress(v.Src, first, last, &b):
	case c.byAddress(v.Dst, first, last, &b):
		dir = flow.Reverse
	case c.byLease(v, v.Src, &b):
	case c.byLease(v, v.Dst, &b):
		dir = flow.Reverse
	default:
		c.book.counts[Untagged]++
		return
	}
	c.book.counts[Tagged]++
	c.write(v, a, &b)
	if kind == egress.Flows {
		c.sums.add(v, &b, dir)
	}
}

// byLease finds who has an address by DHCP: a host name and a MAC address. In tunnels of mobile networks
// there is none.
func (c *Correlator) byLease(v *flow.View, addr [16]byte, b *binding) bool {
	if c.o.Leases == nil || v.Outer.Type == flow.GTPU {
		return false
	}
	hardware, host, ok := c.o.Leases.Holder(addr, v.First, v.Last)
	if !ok {
		return false
	}
	*b = binding{}
	b.is[name] = append(c.mine[:0], host...)
	if hardware != nil {
		b.is[mac] = append(c.text[:0], net.HardwareAddr(hardware).String()...)
	}
	b.identify()
	if b.who != 0 {
		c.book.counts[Leased]++
	}
	return b.who != 0
}

// sideOf returns on which side of a flow in a tunnel the subscriber is.
func (c *Correlator) sideOf(v *flow.View, first, last, who uint64) flow.Dir {
	var b binding
	if !c.byAddress(v.Src, first, last, &b) && c.byAddress(v.Dst, first, last, &b) && b.who == who {
		return flow.Reverse
	}
	return flow.Forward
}

// byTunnel finds who has the tunnels of a flow. It is not sure if two have.
func (c *Correlator) byTunnel(v *flow.View, first, last uint64, b *binding) (found, sure bool) {
	o := &v.Outer
	if o.Type != flow.GTPU {
		return false, true
	}
	if o.ID[flow.Forward] != 0 {
		found = c.book.holder(session.Tunnel(o.Dst, o.ID[flow.Forward]), first, last, b)
	}
	who := b.who
	if o.ID[flow.Reverse] == 0 {
		return found, true
	}
	if other := c.book.holder(session.Tunnel(o.Src, o.ID[flow.Reverse]), first, last, b); !other {
		if found {
			found = c.book.holder(session.Tunnel(o.Dst, o.ID[flow.Forward]), first, last, b)
		}
		return found, true
	}
	return true, !found || who == b.who
}

// byAddress finds who has an address, or a prefix that it is in.
func (c *Correlator) byAddress(addr [16]byte, first, last uint64, b *binding) bool {
	if netip.AddrFrom16(addr).Is4In6() {
		return c.book.holder(session.Address(session.User, addr), first, last, b)
	}
	for bits := 128; bits > 0; bits-- {
		if c.bits[bits] && c.book.holder(session.Prefix(addr, bits), first, last, b) {
			return true
		}
	}
	return false
}

// write says who it is. A user without a name is called by his IMSI, number or MAC address. What the
// record says of a user itself counts more.
func (c *Correlator) write(v *flow.View, a *flow.Attrs, b *binding) {
	if _, own := v.Value(app.FlowUser); !own {
		for _, part := range [...]int{name, imsi, msisdn, mac} {
			if len(b.is[part]) > 0 {
				a.Bytes(app.FlowUser, b.is[part])
				break
			}
		}
	}
	for part := imsi; part < parts; part++ {
		if c.say[part] && len(b.is[part]) > 0 {
			a.Bytes(said[part], b.is[part])
		}
	}
}

// four returns an IPv4 address as keys have it.
func four(b []byte) (a [16]byte, ok bool) {
	if len(b) != 4 || binary.BigEndian.Uint32(b) == 0 {
		return a, false
	}
	return netip.AddrFrom4([4]byte(b)).As16(), true
}
