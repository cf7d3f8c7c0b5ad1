package app

import (
	"net/netip"

	"github.com/weir-probe/weir/dissect/wire"
)

// Options of EDNS (IANA, "DNS EDNS0 Option Codes").
const (
	optSubnet = 8  // RFC 7871, section 6
	optError  = 15 // RFC 8914, section 2
)

// option reads the OPT record: class and time to live are something else in it (RFC 6891,
// section 6.1.2).
func (d *dnsMessage) option(rr *dnsRecord) {
	switch {
	case d.edns.here:
		d.fault(flawTwoOPT)
		return
	case !rr.root:
		d.fault(flawOPTName)
	}
	e := &d.edns
	e.here, e.size, e.do = true, rr.class, rr.ttl&0x8000 != 0
	e.rcode, e.version = uint8(rr.ttl>>24), uint8(rr.ttl>>16)
	for r := wire.Read(d.b[rr.start:rr.end]); r.Len() > 0; {
		code := r.U16()
		b := r.Bytes(int(r.U16()))
		if r.Short() {
			d.fault(flawOption)
			return
		}
		switch code {
		case optSubnet:
			d.subnet(b)
		case optError:
			if v := wire.Read(b); !e.hasError && v.Len() >= 2 {
				e.code, e.hasError = v.U16(), true
			}
		}
	}
}

// subnet reads the client subnet option.
func (d *dnsMessage) subnet(b []byte) {
	r := wire.Read(b)
	family, length, scope := r.U16(), int(r.U8()), r.U8()
	var a [16]byte
	n := copy(a[:], r.Peek())
	var addr netip.Addr
	switch family {
	case 1:
		addr = netip.AddrFrom4([4]byte(a[:4]))
	case 2:
		addr = netip.AddrFrom16(a)
	default:
		return // others are not defined; 0 says nothing
	}
	if r.Short() || length > addr.BitLen() || n != r.Len() || n != (length+7)/8 {
		d.fault(flawSubnet)
		return
	}
	d.edns.subnet, d.edns.scope = netip.PrefixFrom(addr, length), scope
}
