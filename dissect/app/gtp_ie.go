package app

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// gtpLengths are the lengths of information elements that do not say them, those whose type is less than
// 128 (TS 29.060, section 7.7); 0 is not known.
var gtpLengths = [128]uint8{
	1: 1, 2: 8, 3: 6, 4: 4, 5: 4, 6: 3, 8: 1, 9: 28, 11: 1, 12: 3, 13: 1, 14: 1, 15: 1, 16: 4, 17: 4, 18: 5, 19: 1,
	20: 1, 21: 1, 22: 9, 23: 1, 24: 1, 25: 2, 26: 2, 27: 2, 28: 2, 29: 1, 126: 1, 127: 4,
}

// gtp0Lengths are those that are different in version 0 (TS 09.60, section 7.9): flow labels are shorter.
func gtp0Length(kind uint8) int {
	switch kind {
	case 16, 17, 18:
		return 2
	}
	return int(gtpLengths[kind])
}

// elements1 reads the information elements of versions 0 and 1.
func (x *gtpMessage) elements1() {
	for r := x.body; r.Len() > 0; {
		kind, size := r.U8(), 0
		switch {
		case kind >= 128:
			size = int(r.U16())
		case x.version == 0:
			size = gtp0Length(kind)
		default:
			size = int(gtpLengths[kind])
		}
		if kind < 128 && size == 0 {
			x.flaw = gtpFlawUnknown
			return
		}
		v := r.Block(size)
		if v.Short() {
			if !x.Cut {
				x.flaw = gtpFlawElement
			}
			return
		}
		x.element1(kind, v)
	}
}

// element1 reads an information element of version 0 or 1.
func (x *gtpMessage) element1(kind uint8, v wire.Reader) {
	if v.Len() == 0 {
		return
	}
	f := &gtpSays[x.version]
	switch kind {
	case 1:
		x.number8(f.cause, v.U8())
	case 2:
		x.identity(f.imsi, v.Rest())
	case 3:
		x.routing(v)
	case 14:
		x.recovery(v.U8())
	case 20:
		x.Attrs.Uint(GTPBearer, uint64(v.U8()&15))
	case 127:
		x.Attrs.Uint(GTPCharging, uint64(v.U32()))
	case 128:
		x.endUser(v)
	case 131:
		x.apn(f.apn, v.Rest())
	case 132:
		x.options(v)
	case 133:
		x.address(v)
	case 134:
		v.Skip(1) // type and plan of the number
		x.identity(f.msisdn, v.Rest())
	case 16, 17, 151, 152, 154:
		if x.version == 1 {
			x.only1(kind, v)
		}
	}
}

// only1 reads an information element that version 0 does not have.
func (x *gtpMessage) only1(kind uint8, v wire.Reader) {
	switch kind {
	case 16:
		if x.kind == gtpErrorInd {
			x.Attrs.Uint(GTPBadTEID, uint64(v.U32()))
			return
		}
		x.data, x.hasData = v.U32(), true
	case 17:
		x.ctrl, x.hasCtrl = v.U32(), true
	case 151:
		x.number8(GTP1RAT, v.U8())
	case 152:
		x.where1(v)
	case 154:
		x.identity(GTP1IMEI, v.Rest())
	}
}

func (x *gtpMessage) number8(f *flow.Field, n uint8) { x.Attrs.Uint(f, uint64(n)) }

// recovery says how often who answers an echo has begun anew.
func (x *gtpMessage) recovery(n uint8) {
	if x.role == Response {
		x.number8(GTPRecovery, n)
	}
}

// identity says digits.
func (x *gtpMessage) identity(f *flow.Field, b []byte) {
	var d tbcd
	if d.read(b); d.n > 0 && f != nil {
		x.Attrs.Bytes(f, d.text())
	}
}

func (x *gtpMessage) apn(f *flow.Field, b []byte) {
	var text [256]byte
	if name := apn(text[:0], b[:min(len(b), maxAPN)]); len(name) > 0 {
		x.Attrs.Bytes(f, name)
	}
}

// routing says a routing area.
func (x *gtpMessage) routing(v wire.Reader) {
	var p location
	if p.routing(&v); !p.known {
		return
	}
	f := &gtpSays[x.version]
	x.Attrs.Uint(f.mcc, uint64(p.mcc))
	x.Attrs.Uint(f.mnc, uint64(p.mnc))
	x.Attrs.Uint(f.lac, uint64(p.area))
	x.Attrs.Uint(f.rac, p.cell)
	if !x.location.known {
		x.location = p
	}
}

// where1 says where the user is (TS 29.060, section 7.7.51).
func (x *gtpMessage) where1(v wire.Reader) {
	kind, p := v.U8(), location{}
	field := GTP1CI
	switch kind {
	case 0:
		p.inArea("cgi", &v)
	case 1:
		p.inArea("sai", &v)
		field = GTP1SAC
	case 2:
		p.routing(&v)
		field = nil
	}
	if !p.known {
		return
	}
	x.location = p
	x.Attrs.Uint(GTP1MCC, uint64(p.mcc))
	x.Attrs.Uint(GTP1MNC, uint64(p.mnc))
	x.Attrs.Uint(GTP1LAC, uint64(p.area))
	if field != nil {
		x.Attrs.Uint(field, p.cell)
	}
}

// endUser says the addresses of a user (TS 29.060, section 7.7.27). They are not there while he asks for one.
func (x *gtpMessage) endUser(v wire.Reader) {
	const ipv4, ipv6, both = 0x21, 0x57, 0x8d
	if organization := v.U8() & 15; organization != 1 {
		return
	}
	kind, n := v.U8(), v.Len()
	if kind == ipv4 && n >= 4 || kind == both && (n == 4 || n >= 20) {
		x.user4(v.Bytes(4))
	}
	if kind == ipv6 && n >= 16 || kind == both && (n == 16 || n >= 20) {
		x.user6(v.Bytes(16), 64)
	}
}

// user4 says the IPv4 address of a user, if he has one.
func (x *gtpMessage) user4(b []byte) {
	if [4]byte(b) == [4]byte{} {
		return
	}
	if x.version == 2 {
		r := wire.Read(b)
		x.Attrs.Uint(GTP2PDN, uint64(r.U32()))
		return
	}
	x.Attrs.Bytes(gtpSays[x.version].user, b)
}

// user6 says the IPv6 prefix of a user, if he has one.
func (x *gtpMessage) user6(b []byte, bits uint8) {
	var net [18]byte
	net[1] = bits
	copy(net[2:], b)
	if p, ok := radiusPrefix(net[:]); ok && !p.Addr().IsUnspecified() {
		var text [64]byte
		x.Attrs.Bytes(GTPUser6, p.AppendTo(text[:0]))
	}
}

// address takes a GSN address: the first is for signalling, the second for user data.
func (x *gtpMessage) address(v wire.Reader) {
	b := v.Rest()
	if len(b) != 4 && len(b) != 16 {
		return
	}
	if x.kind == gtpErrorInd {
		x.peer(b)
		return
	}
	if x.gsn < len(x.gsnAddr) {
		copy(x.gsnAddr[x.gsn][:], b)
		x.gsnSize[x.gsn] = len(b)
	}
	x.gsn++
}

// options says what the network tells the user by way of his terminal (TS 24.008, section 10.5.6.3).
func (x *gtpMessage) options(v wire.Reader) {
	var dns, pcscf addressList
	auth := ""
	for v.Skip(1); v.Len() > 0; {
		kind, body := v.U16(), v.Block8()
		if body.Short() {
			break
		}
		switch {
		case kind == 0xc023: // PAP, with the password
			auth = "pap"
		case kind == 0xc223:
			auth = "chap"
		case kind == 0x0003 && body.Len() == 16 || kind == 0x000d && body.Len() == 4:
			dns.add(body.Rest())
		case kind == 0x0001 && body.Len() == 16 || kind == 0x000c && body.Len() == 4:
			pcscf.add(body.Rest())
		}
	}
	dns.say(x.Message, GTPDNS)
	pcscf.say(x.Message, GTPPCSCF)
	if auth != "" {
		x.Attrs.Text(GTPAuth, auth)
	}
}
