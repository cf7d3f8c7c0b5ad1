package app

import (
	"net/netip"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// gtpDeepest is how deep information elements are nested at most (TS 29.274 has two levels).
const gtpDeepest = 4

// elements2 reads the information elements of version 2 (TS 29.274, section 8.2).
func (x *gtpMessage) elements2(r wire.Reader, depth int) {
	for r.Len() > 0 {
		kind, size := r.U8(), int(r.U16())
		r.Skip(1) // instance
		v := r.Block(size)
		if v.Short() || r.Short() {
			if !x.Cut {
				x.flaw = gtpFlawElement
			}
			return
		}
		if kind != 93 { // Bearer Context
			x.element2(kind, v, depth)
			continue
		}
		if depth+1 == gtpDeepest {
			x.flaw = gtpFlawDepth
			return
		}
		x.elements2(v, depth+1)
	}
}

// element2 reads an information element that has no others in it. What is said of the message must not
// be taken from a bearer.
func (x *gtpMessage) element2(kind uint8, v wire.Reader, depth int) {
	switch kind {
	case 1:
		x.identity(GTP2IMSI, v.Rest())
	case 2:
		if depth == 0 && v.Len() > 0 && x.role == Response {
			x.number8(GTP2Cause, v.U8())
		}
	case 3:
		if v.Len() > 0 {
			x.recovery(v.U8())
		}
	case 71:
		x.apn(GTP2APN, v.Rest())
	case 72:
		if up, down := v.U32(), v.U32(); !v.Short() {
			x.Attrs.Uint(GTPUpRate, uint64(up))
			x.Attrs.Uint(GTPDownRate, uint64(down))
		}
	case 73:
		if v.Len() > 0 {
			x.number8(GTPBearer, v.U8()&15)
		}
	case 75:
		x.identity(GTP2IMEI, v.Rest())
	case 76:
		x.identity(GTP2MSISDN, v.Rest())
	case 78:
		x.options(v)
	default:
		x.more2(kind, v)
	}
}

// more2 reads further information elements.
func (x *gtpMessage) more2(kind uint8, v wire.Reader) {
	switch kind {
	case 79:
		x.allocation(v)
	case 80:
		if flags, class := v.U8(), v.U8(); !v.Short() {
			x.number8(GTPPriority, flags>>2&15)
			x.number8(GTPQCI, class)
		}
	case 82:
		if v.Len() > 0 {
			x.number8(GTP2RAT, v.U8())
		}
	case 86:
		x.where2(v)
	case 87:
		x.endpoint(v)
	case 94:
		if id := v.U32(); !v.Short() {
			x.Attrs.Uint(GTPCharging, uint64(id))
		}
	}
}

// allocation reads the addresses of a user (TS 29.274, section 8.14).
func (x *gtpMessage) allocation(v wire.Reader) {
	kind := v.U8() & 7
	if kind == 2 || kind == 3 { // IPv6, or both
		bits := v.U8()
		b := v.Bytes(16)
		if v.Short() {
			return
		}
		x.user6(b, bits)
	}
	if kind == 1 || kind == 3 {
		if b := v.Bytes(4); b != nil {
			x.user4(b)
		}
	}
}

// where2 reads where a user is (TS 29.274, section 8.21): several places, of which the most precise counts.
func (x *gtpMessage) where2(v wire.Reader) {
	flags := v.U8()
	var area, cell, tracking location
	if flags&1 != 0 {
		cell.inArea("cgi", &v)
	}
	if flags&2 != 0 {
		cell = location{}
		cell.inArea("sai", &v)
	}
	if flags&4 != 0 {
		area.routing(&v)
		v.Skip(1)
	}
	if flags&8 != 0 {
		tracking.tracking(&v, 2)
	}
	if flags&16 != 0 {
		tracking.global("ecgi", &v, 28)
	}
	var wide, station location
	if flags&32 != 0 {
		wide.inLocationArea(&v)
	}
	if flags&64 != 0 {
		station.global("enb", &v, 20)
	}
	if flags&128 != 0 {
		station.extended(&v)
	}
	for _, p := range [...]*location{&tracking, &cell, &area, &station, &wide} {
		if p.known {
			x.placed2(p)
			return
		}
	}
}

// placed2 says where a user is.
func (x *gtpMessage) placed2(p *location) {
	x.location = *p
	x.Attrs.Uint(GTP2MCC, uint64(p.mcc))
	x.Attrs.Uint(GTP2MNC, uint64(p.mnc))
	if p.areas && p.kind[0] == 't' {
		x.Attrs.Uint(GTP2TAC, uint64(p.area))
	}
	if p.cells && p.kind != "rai" && p.kind != "enb" {
		x.Attrs.Uint(GTP2Cell, p.cell)
	}
}

// endpoint reads an F-TEID (TS 29.274, section 8.22).
func (x *gtpMessage) endpoint(v wire.Reader) {
	flags, teid := v.U8(), v.U32()
	var four, six []byte
	if flags&0x80 != 0 {
		four = v.Bytes(4)
	}
	if flags&0x40 != 0 {
		six = v.Bytes(16)
	}
	if v.Short() {
		return
	}
	kind := flags & 63
	var text [4]byte
	x.tunnel(strconv.AppendUint(text[:0], uint64(kind), 10), teid, four, six)
	d := 0
	if x.role == Response {
		d = 1
	}
	switch kind {
	case 6, 7:
		x.s58n = len(x.signalling(teid))
	case 0, 1:
		if d == 1 {
			var text [10]byte
			x.Attrs.Bytes(GTP2S2CS1U, strconv.AppendUint(text[:0], uint64(teid), 10))
			break
		}
		x.Attrs.Uint(GTP2C2SS1U, uint64(teid))
	}
	if f := gtp2TEIDs[d][kind&7]; kind < 8 && f != nil {
		x.Attrs.Uint(f, uint64(teid))
	}
	if f := gtp2Addresses[d][kind&7]; kind < 8 && f != nil && four != nil {
		x.Attrs.Bytes(f, four)
	}
}

// gtp2TEIDs and gtp2Addresses are the fields of an endpoint, by who tells it and by its interface.
var (
	gtp2TEIDs     = [2][8]*flow.Field{{4: GTP2C2SSGW, 5: GTP2C2SPGW}, {4: GTP2S2CSGW, 5: GTP2S2CPGW}}
	gtp2Addresses = [2][8]*flow.Field{
		{0: GTP2C2SS1UIP, 1: GTP2C2SS1UIP, 4: GTP2C2SSGWIP, 5: GTP2C2SPGWIP, 6: GTP2C2SS58CIP, 7: GTP2C2SS58CIP},
		{0: GTP2S2CS1UIP, 1: GTP2S2CS1UIP, 4: GTP2S2CSGWIP, 5: GTP2S2CPGWIP, 6: GTP2S2CS58CIP, 7: GTP2S2CS58CIP},
	}
)

// signalling adds a TEID to those of S5/S8.
func (x *gtpMessage) signalling(teid uint32) []byte {
	b := x.s58[:x.s58n]
	if len(b)+12 > len(x.s58) {
		return b
	}
	if len(b) > 0 {
		b = append(b, ';')
	}
	return strconv.AppendUint(b, uint64(teid), 10)
}

// tunnel adds an endpoint to those that are told, if there is room for all of it.
func (x *gtpMessage) tunnel(kind []byte, teid uint32, four, six []byte) {
	b := x.ends[:x.ended]
	if x.ended+len(kind)+11+16+40 > len(x.ends) {
		return
	}
	if len(b) > 0 {
		b = append(b, ';')
	}
	b = strconv.AppendUint(append(append(b, kind...), '/'), uint64(teid), 16)
	for _, a := range [...][]byte{four, six} {
		if addr, ok := netip.AddrFromSlice(a); ok {
			b = addr.AppendTo(append(b, '/'))
		}
	}
	x.ended = len(b)
}
