package app

import (
	"encoding/binary"
	"net/netip"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Types of a Subscription-Id (RFC 8506, section 8.47) and of User-Equipment-Info (section 8.50).
const (
	diameterE164 = 0
	diameterIMSI = 1
	diameterIMEI = 0
	diameterNone = ^uint32(0)
)

// tell says what is in a message.
func (x *diameterMessage) tell() {
	asks := x.flags&diameterAsks != 0
	f := DiameterResponse
	if asks {
		f = DiameterRequest
	}
	x.Attrs.Uint(f, uint64(x.code))
	x.Attrs.Uint(DiameterAppID, uint64(x.app))
	x.Attrs.Uint(DiameterHop, uint64(x.hop))
	x.Attrs.Uint(DiameterEnd, uint64(x.end))
	if name := named32(diameterCommands[:], x.code); name != "" {
		x.Attrs.Text(DiameterCommand, name)
	}
	if name := named32(diameterApps[:], x.app); name != "" {
		x.Attrs.Text(DiameterApp, name)
	}
	x.kind, x.user = diameterNone, diameterNone
	x.avps(x.body, 0)
	if x.named > 0 {
		x.Attrs.Bytes(DiameterNames, x.names[:x.named])
	}
	for i, f := range [...]*flow.Field{DiameterUp, DiameterDown} {
		if x.counted[i] {
			x.Attrs.Uint(f, x.used[i])
		}
	}
	if x.flaw != "" {
		x.Malformed(x.flaw)
	}
}

// avps reads AVPs, and those in them.
func (x *diameterMessage) avps(r wire.Reader, depth int) {
	for r.Len() > 0 {
		code, flags, v := diameterNext(&r)
		vendor := uint32(0)
		if flags&diameterVendored != 0 {
			vendor = v.U32()
		}
		if v.Short() {
			if !x.partial && !x.Cut {
				x.flaw = diameterFlawAVP
			}
			return
		}
		a := diameterFind(code, vendor)
		switch {
		case a == nil:
		case a.form != diameterGroup:
			x.value(a, v)
		case depth+1 == diameterDeepest:
			x.flaw = diameterFlawDepth
			return
		default:
			x.kind, x.user, x.experimental = diameterNone, diameterNone, code == 297
			x.avps(v, depth+1)
			x.experimental = false
		}
	}
}

// diameterFind returns how an AVP is said, nil if it is not.
func diameterFind(code, vendor uint32) *diameterAVP {
	for i := range diameterAVPs {
		if a := &diameterAVPs[i]; a.code == code && a.vendor == vendor {
			return a
		}
	}
	return nil
}

// value says the value of an AVP.
func (x *diameterMessage) value(a *diameterAVP, v wire.Reader) {
	f := a.field
	if a.answered != nil && x.flags&diameterAsks == 0 {
		f = a.answered
	}
	switch n := v.Len(); {
	case a.form == diameterOwn:
		x.own(a.code, v)
	case a.form == diameterText && n > 0:
		x.Attrs.Bytes(f, v.Rest())
	case a.form == diameterNumber && n == 4:
		x.Attrs.Uint(f, uint64(v.U32()))
	case a.form == diameterIPv4 && n == 4:
		x.Attrs.Bytes(f, v.Rest())
	case a.form == diameterNet:
		if p, ok := radiusPrefix(v.Rest()); ok {
			var text [48]byte
			x.Attrs.Bytes(f, p.AppendTo(text[:0]))
		}
	case a.form == diameterAddress && n > 2:
		v.Skip(2) // family
		if addr, ok := netip.AddrFromSlice(v.Rest()); ok {
			var text [48]byte
			x.Attrs.Bytes(f, addr.AppendTo(text[:0]))
		}
	}
}

// own reads the AVPs that mean something only with others, or that have a format of their own.
func (x *diameterMessage) own(code uint32, v wire.Reader) {
	switch n := v.Len(); {
	case code == 266 && n == 4: // Vendor-Id, of an experimental result
		if x.experimental {
			x.Attrs.Uint(DiameterVendor, uint64(v.U32()))
		}
	case (code == 412 || code == 414) && n == 8: // CC-Input-Octets, CC-Output-Octets
		i := (code - 412) / 2
		x.used[i] += binary.BigEndian.Uint64(v.Rest())
		x.counted[i] = true
	case code == 450 && n == 4: // Subscription-Id-Type
		x.kind = v.U32()
	case code == 444: // Subscription-Id-Data
		x.subscriber(v.Rest())
	case code == 459 && n == 4: // User-Equipment-Info-Type
		x.user = v.U32()
	case code == 460 && x.user == diameterIMEI: // User-Equipment-Info-Value
		x.equipment(v.Rest())
	case code == 22: // 3GPP-User-Location-Info
		var p location
		var text [maxLocation]byte
		if p.radius(&v); p.known {
			x.Attrs.Bytes(DiameterCell, p.append(text[:0]))
		}
	case code == 701: // MSISDN
		var d tbcd
		if d.read(v.Rest()); d.n > 0 {
			x.Attrs.Bytes(DiameterMSISDN, d.text())
		}
	case code == 1407 && n == 3: // Visited-PLMN-Id
		var p location
		var text [maxLocation]byte
		if p.network(&v) {
			x.Attrs.Bytes(DiameterPLMN, p.operator(text[:0]))
		}
	}
}

// subscriber says who subscribes. Its type may come behind it, which nobody does.
func (x *diameterMessage) subscriber(b []byte) {
	switch x.kind {
	case diameterE164:
		x.Attrs.Bytes(DiameterMSISDN, b)
	case diameterIMSI:
		x.Attrs.Bytes(DiameterIMSI, b)
	}
	if x.named+len(b)+1 > len(x.names) || len(b) == 0 {
		return
	}
	if x.named > 0 {
		x.names[x.named] = ';'
		x.named++
	}
	x.named += copy(x.names[x.named:], b)
}

// equipment says an IMEI, which is written in digits, or in digits of four bits.
func (x *diameterMessage) equipment(b []byte) {
	if len(b) == 8 {
		var d tbcd
		if d.read(b); d.n > 0 {
			x.Attrs.Bytes(DiameterIMEI, d.text())
		}
		return
	}
	for _, c := range b {
		if !isDigit(c) {
			return
		}
	}
	x.Attrs.Bytes(DiameterIMEI, b)
}
