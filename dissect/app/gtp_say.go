package app

import (
	"net/netip"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// gtpSaid are the fields in which a version says something.
type gtpSaid struct {
	request, response, cause, imsi, msisdn, apn, user *flow.Field
	mcc, mnc, lac, rac                                *flow.Field // of the routing area
	asked, answered                                   *flow.Field // TEIDs of the header
}

var gtpSays = [3]gtpSaid{
	{
		request: GTP0Request, response: GTP0Response, cause: GTP0Cause, msisdn: GTP0MSISDN, apn: GTP0APN, user: GTP0User,
		mcc: GTP0MCC, mnc: GTP0MNC, lac: GTP0LAC, rac: GTP0RAC,
	},
	{
		request: GTP1Request, response: GTP1Response, cause: GTP1Cause, imsi: GTP1IMSI, msisdn: GTP1MSISDN, apn: GTP1APN,
		user: GTP1User, mcc: GTP1RAIMCC, mnc: GTP1RAIMNC, lac: GTP1RAILAC, rac: GTP1RAC, asked: GTP1C2S, answered: GTP1S2C,
	},
	{request: GTP2Request, response: GTP2Response, asked: GTP2C2S, answered: GTP2S2C},
}

// tell says what is in a message. Of user data there is nothing to say.
func (x *gtpMessage) tell() {
	if x.kind == gtpUserData {
		return
	}
	f := &gtpSays[min(x.version, 2)]
	kind, teid := f.request, f.asked
	if x.role == Response {
		kind, teid = f.response, f.answered
	}
	x.number8(kind, x.kind)
	if x.hasTEID && teid != nil && x.teid != 0 {
		x.Attrs.Uint(teid, uint64(x.teid))
	}
	switch {
	case x.prime:
	case x.version == 2:
		x.elements2(x.body, 0)
	default:
		if x.tid != nil && x.role == Request && [8]byte(x.tid) != [8]byte{} {
			r := wire.Read(x.tid)
			x.Attrs.Uint(GTP0TID, r.U64())
		}
		x.elements1()
		x.tunnels1()
	}
	x.sayLists()
	if x.flaw != "" {
		x.Malformed(x.flaw)
	}
}

// sayLists says what was gathered.
func (x *gtpMessage) sayLists() {
	ends := GTPC2SEnds
	if x.role == Response {
		ends = GTPS2CEnds
	}
	if x.ended > 0 {
		x.Attrs.Bytes(ends, x.ends[:x.ended])
	}
	if x.s58n > 0 {
		x.Attrs.Bytes(GTP2S58C, x.s58[:x.s58n])
	}
	if x.location.known {
		var text [maxLocation]byte
		x.Attrs.Bytes(GTPCell, x.location.append(text[:0]))
	}
}

// tunnels1 says the endpoints of version 1: TEIDs and addresses come apart.
func (x *gtpMessage) tunnels1() {
	if x.version != 1 {
		return
	}
	data, ctrl := GTP1C2SData, GTP1C2SCtrl
	if x.role == Response {
		data, ctrl = GTP1S2CData, GTP1S2CCtrl
	} else {
		for i, f := range [...]*flow.Field{GTP1GSNA, GTP1GSNB} {
			if x.gsnSize[i] == 4 {
				x.Attrs.Bytes(f, x.gsnAddr[i][:4])
			}
		}
	}
	for i, e := range [...]struct {
		has   bool
		teid  uint32
		field *flow.Field
		name  string
	}{{x.hasCtrl, x.ctrl, ctrl, "ctrl"}, {x.hasData, x.data, data, "data"}} {
		if !e.has {
			continue
		}
		x.Attrs.Uint(e.field, uint64(e.teid))
		var name [4]byte
		copy(name[:], e.name)
		x.tunnel1(name[:], e.teid, i)
	}
}

// tunnel1 adds an endpoint whose address is the i-th. One address is for both.
func (x *gtpMessage) tunnel1(name []byte, teid uint32, i int) {
	if x.gsn == 1 {
		i = 0
	}
	switch a := x.gsnAddr[i][:]; x.gsnSize[i] {
	case 4:
		x.tunnel(name, teid, a[:4], nil)
	case 16:
		x.tunnel(name, teid, nil, a)
	default:
		x.tunnel(name, teid, nil, nil)
	}
}

// peer says who does not know a TEID.
func (x *gtpMessage) peer(b []byte) {
	var text [48]byte
	if a, ok := netip.AddrFromSlice(b); ok {
		x.Attrs.Bytes(GTPBadPeer, a.AppendTo(text[:0]))
	}
}

// addressList is a text of addresses with semicolons between.
type addressList struct {
	b [160]byte
	n int
}

func (l *addressList) add(b []byte) {
	a, ok := netip.AddrFromSlice(b)
	if !ok || l.n+41 > len(l.b) {
		return
	}
	text := l.b[:l.n]
	if l.n > 0 {
		text = append(text, ';')
	}
	l.n = len(a.AppendTo(text))
}

func (l *addressList) say(m *Message, f *flow.Field) {
	if l.n > 0 {
		m.Attrs.Bytes(f, l.b[:l.n])
	}
}
