package app

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Vendors (IANA's registry of private enterprise numbers).
const (
	vendorCisco     = 9
	vendorMicrosoft = 311
	vendor3GPP      = 10415
	vendorWISPr     = 14122
)

// radiusCounts are counters that come in two attributes.
type radiusCounts struct {
	octets [2]uint64 // from the user, to him
	known  [2]bool
	giga   [2]uint64 // how often they have passed 2^32 (RFC 2869, sections 5.1 and 5.2)
	auth   string
}

// say says what is in the attributes. Of what may be there once, the first counts.
func (x *radiusMessage) say() {
	var c radiusCounts
	var seen [4]uint64
	for r := x.attrs; r.Len() > 0; {
		kind, size := r.U8(), int(r.U8())
		v := r.Bytes(size - 2)
		if r.Short() {
			break
		}
		again := seen[kind>>6]>>(kind&63)&1 != 0
		seen[kind>>6] |= 1 << (kind & 63)
		switch {
		case kind == 26: // Vendor-Specific
			x.vendor(&c, v)
		case again:
		default:
			x.attribute(&c, kind, v)
		}
	}
	for i, f := range [...]*flow.Field{RADIUSInOctets, RADIUSOutOctets} {
		if c.known[i] {
			x.Attrs.Uint(f, c.octets[i]|c.giga[i]<<32)
		}
	}
	if c.auth != "" {
		x.Attrs.Text(RADIUSAuth, c.auth)
	}
	x.pairs()
}

// attribute says one attribute, or notes it.
func (x *radiusMessage) attribute(c *radiusCounts, kind uint8, v []byte) {
	r := wire.Read(v)
	switch {
	case kind == 2: // User-Password
		c.auth = "pap"
	case kind == 3: // CHAP-Password
		c.auth = "chap"
	case (kind == 42 || kind == 43) && len(v) == 4: // Acct-Input-Octets, Acct-Output-Octets
		c.octets[kind-42], c.known[kind-42] = uint64(r.U32()), true
	case (kind == 52 || kind == 53) && len(v) == 4: // Acct-Input-Gigawords, Acct-Output-Gigawords
		c.giga[kind-52] = uint64(r.U32())
	case kind == 40 && len(v) == 4: // Acct-Status-Type
		var text [10]byte
		x.Attrs.Bytes(RADIUSStatus, strconv.AppendUint(text[:0], uint64(r.U32()), 10))
	case kind == 55 && len(v) == 4: // Event-Timestamp
		x.Attrs.Uint(RADIUSMoment, uint64(r.U32())*1e9)
	case kind == 79: // EAP-Message
		c.auth = "eap"
		x.eap()
	default:
		x.value(radiusAttrs[kind], kind, v)
	}
}

// value says the value of an attribute as it is to be said. One of another length is not said.
func (x *radiusMessage) value(said radiusSaid, kind uint8, v []byte) {
	r := wire.Read(v)
	switch {
	case said.form == radiusJoined:
		x.Attrs.Bytes(said.field, x.joined(kind))
	case said.form == radiusTagged && len(v) > 1 && v[0] < 0x20:
		x.Attrs.Bytes(said.field, v[1:])
	case (said.form == radiusText || said.form == radiusTagged) && len(v) > 0:
		x.Attrs.Bytes(said.field, v)
	case said.form == radiusNumber && len(v) == 4:
		x.Attrs.Uint(said.field, uint64(r.U32()))
	case said.form == radiusOctet && len(v) == 1:
		x.Attrs.Uint(said.field, uint64(r.U8()))
	case said.form == radiusIPv4 && len(v) == 4 && !radiusAssigned(said.field, v),
		said.form == radiusIPv6 && len(v) == 16:
		x.Attrs.Bytes(said.field, v)
	case said.form == radiusNet:
		var text [48]byte
		if p, ok := radiusPrefix(v); ok {
			x.Attrs.Bytes(said.field, p.AppendTo(text[:0]))
		}
	}
}

// radiusAssigned reports whether an address is no address: who asks or the NAS chooses one (RFC 2865,
// section 5.8).
func radiusAssigned(f *flow.Field, v []byte) bool {
	return f == RADIUSFramed && v[0] == 255 && v[1] == 255 && v[2] == 255 && v[3] >= 254
}

// radiusPrefix reads an IPv6 prefix, of which trailing zeroes may be left out.
func radiusPrefix(v []byte) (netip.Prefix, bool) {
	if len(v) < 2 || len(v) > 18 || v[1] > 128 || len(v) < 2+int(v[1]+7)/8 {
		return netip.Prefix{}, false
	}
	var a [16]byte
	copy(a[:], v[2:])
	return netip.PrefixFrom(netip.AddrFrom16(a), int(v[1])).Masked(), true
}

// joined returns the values of all attributes of a type, as far as they can be said.
func (x *radiusMessage) joined(kind uint8) []byte {
	b := x.Room[:0]
	for r := x.attrs; r.Len() > 0 && len(b) < 255; {
		k, size := r.U8(), int(r.U8())
		if v := r.Bytes(size - 2); k == kind {
			b = append(b, v...)
		}
	}
	return b
}

// eap says which method a packet of EAP is of (RFC 3748, section 4).
func (x *radiusMessage) eap() {
	r := wire.Read(x.joined(79))
	code := r.U8()
	r.Skip(3) // identifier, length
	method := r.U8()
	if r.Short() || code != 1 && code != 2 {
		return
	}
	if x.asks() {
		x.Attrs.Uint(RADIUSEAPSaid, uint64(method))
	} else {
		x.Attrs.Uint(RADIUSEAPAsked, uint64(method))
	}
}

// vendor says the attributes of a vendor (RFC 2865, section 5.26).
func (x *radiusMessage) vendor(c *radiusCounts, v []byte) {
	r := wire.Read(v)
	who := r.U32()
	for r.Len() > 0 {
		kind, size := r.U8(), int(r.U8())
		one := r.Bytes(size - 2)
		switch {
		case r.Short():
			return
		case who == vendorMicrosoft && kind == 1: // MS-CHAP-Response
			c.auth = "mschap"
		case who == vendorMicrosoft && kind == 25: // MS-CHAP2-Response
			c.auth = "mschapv2"
		case who == vendor3GPP && kind == 22: // 3GPP-User-Location-Info
			x.cell(one)
		case who == vendor3GPP && int(kind) < len(radius3GPP):
			x.value(radius3GPP[kind], kind, one)
		case who == vendorWISPr && int(kind) < len(radiusWISPr):
			x.value(radiusWISPr[kind], kind, one)
		}
	}
}

// cell says the cell of a user.
func (x *radiusMessage) cell(v []byte) {
	r := wire.Read(v)
	var p location
	var text [maxLocation]byte
	if p.radius(&r); p.known {
		x.Attrs.Bytes(RADIUSCell, p.append(text[:0]))
	}
}

// pairs says all Cisco-AVPair, with semicolons between. Those that may have a secret are left out.
func (x *radiusMessage) pairs() {
	b := x.Room[:0]
	for r := x.attrs; r.Len() > 0 && len(b) < 255; {
		kind, size := r.U8(), int(r.U8())
		v := wire.Read(r.Bytes(size - 2))
		if kind != 26 || v.U32() != vendorCisco || v.U8() != 1 {
			continue
		}
		pair := v.Bytes(int(v.U8()) - 2)
		if v.Short() || radiusSecret(pair) {
			continue
		}
		if len(b) > 0 {
			b = append(b, ';')
		}
		b = append(b, pair...)
	}
	if len(b) > 0 {
		x.Attrs.Bytes(RADIUSPairs, b)
	}
}

// radiusSecret reports whether the name of a pair is that of something secret.
func radiusSecret(pair []byte) bool {
	name, _, _ := bytes.Cut(pair, []byte{'='})
	for _, word := range [...]string{"password", "secret", "key", "psk", "pwd", "auth"} {
		for i := 0; i+len(word) <= len(name); i++ {
			if isWord(name[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}
