package subscriber

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// gtpFields are what is read of a transaction of GTP, in the order of the constants.
const (
	gtpAsked0 = iota
	gtpCause0
	gtpTID
	gtpUser0
	gtpAPN0
	gtpMSISDN0
	gtpAsked1
	gtpCause1
	gtpUser1
	gtpIMSI1
	gtpMSISDN1
	gtpIMEI1
	gtpAPN1
	gtpTo1
	gtpAsked2
	gtpCause2
	gtpUser2
	gtpIMSI2
	gtpMSISDN2
	gtpIMEI2
	gtpAPN2
	gtpTo2
	gtpC2SEnds
	gtpS2CEnds
	gtpUser6
	gtpCell
	gtpBearer
	gtpAsker
	gtpBegin
	gtpAnswer
	gtpCount
)

var gtpFields = [gtpCount]*flow.Field{
	gtpAsked0: app.GTP0Request, gtpCause0: app.GTP0Cause, gtpTID: app.GTP0TID, gtpUser0: app.GTP0User, gtpAPN0: app.GTP0APN,
	gtpMSISDN0: app.GTP0MSISDN,
	gtpAsked1:  app.GTP1Request, gtpCause1: app.GTP1Cause, gtpUser1: app.GTP1User, gtpIMSI1: app.GTP1IMSI,
	gtpMSISDN1: app.GTP1MSISDN, gtpIMEI1: app.GTP1IMEI, gtpAPN1: app.GTP1APN, gtpTo1: app.GTP1C2S,
	gtpAsked2: app.GTP2Request, gtpCause2: app.GTP2Cause, gtpUser2: app.GTP2PDN, gtpIMSI2: app.GTP2IMSI,
	gtpMSISDN2: app.GTP2MSISDN, gtpIMEI2: app.GTP2IMEI, gtpAPN2: app.GTP2APN, gtpTo2: app.GTP2C2S,
	gtpC2SEnds: app.GTPC2SEnds, gtpS2CEnds: app.GTPS2CEnds, gtpUser6: app.GTPUser6, gtpCell: app.GTPCell,
	gtpBearer: app.GTPBearer, gtpAsker: app.TransactionAsker,
	gtpBegin: app.TransactionRequestBegin, gtpAnswer: app.TransactionResponseBegin,
}

// Types of requests, and causes that accept them.
const (
	gtp1Create = 16
	gtp1Update = 18
	gtp1Delete = 20
	gtp1OK     = 128

	gtp2Create       = 32
	gtp2Modify       = 34
	gtp2Delete       = 36
	gtp2CreateBearer = 95
	gtp2DeleteBearer = 99
	gtp2OK           = 16
	gtp2Partly       = 17
)

// change is what a transaction does with a session.
type change uint8

const (
	nothing change = iota
	creates
	updates // what it says of an interface takes the place of what was said before
	adds
	deletes
	deletesIfDefault
)

// gtp learns from a transaction of GTP.
func (c *Correlator) gtp() {
	var b binding
	does := nothing
	switch {
	case c.has(gtpAsked2):
		does = c.change2(&b)
	case c.has(gtpAsked1):
		does = c.change1(&b)
	case c.has(gtpAsked0):
		does = c.change0(&b)
	}
	b.is[cell] = c.textOf(gtpCell)
	asked, at := c.moment(gtpBegin, gtpAnswer)
	switch b.start = at; does {
	case creates:
		c.create(&b, at)
	case updates, adds:
		c.change(does, &b, at)
	case deletes, deletesIfDefault:
		c.delete(does, max(asked, at))
	}
}

func (c *Correlator) change0(b *binding) change {
	b.is[imsi], b.is[msisdn], b.is[apn] = tid(c.number(gtpTID)), c.textOf(gtpMSISDN0), c.textOf(gtpAPN0)
	return c.changeOf(c.number(gtpAsked0), c.number(gtpCause0), c.has(gtpCause0))
}

func (c *Correlator) change1(b *binding) change {
	b.is[imsi], b.is[msisdn] = c.textOf(gtpIMSI1), c.textOf(gtpMSISDN1)
	b.is[imei], b.is[apn] = c.textOf(gtpIMEI1), c.textOf(gtpAPN1)
	return c.changeOf(c.number(gtpAsked1), c.number(gtpCause1), c.has(gtpCause1))
}

// changeOf returns what a request of versions 0 and 1 does. One to delete is obeyed whatever is answered.
func (c *Correlator) changeOf(kind, cause uint64, answered bool) change {
	ok := cause >= gtp1OK && cause < gtp1OK+64
	switch {
	case kind == gtp1Create && ok:
		return creates
	case kind == gtp1Update && ok:
		return updates
	case kind == gtp1Delete && (ok || !answered):
		return deletes
	}
	return nothing
}

func (c *Correlator) change2(b *binding) change {
	b.is[imsi], b.is[msisdn] = c.textOf(gtpIMSI2), c.textOf(gtpMSISDN2)
	b.is[imei], b.is[apn] = c.textOf(gtpIMEI2), c.textOf(gtpAPN2)
	cause := c.number(gtpCause2)
	ok := cause == gtp2OK || cause == gtp2Partly
	switch kind := c.number(gtpAsked2); {
	case kind == gtp2Create && ok:
		return creates
	case kind == gtp2Modify && ok:
		return updates
	case kind == gtp2CreateBearer && ok:
		return adds
	case kind == gtp2Delete && (ok || cause == 0):
		return deletes
	case kind == gtp2DeleteBearer && ok:
		return deletesIfDefault
	}
	return nothing
}

// tid returns the IMSI in a tunnel identifier of version 0: digits of four bits, the lower half of an octet
// first, and in the last half the NSAPI.
func tid(n uint64) (digits []byte) {
	b := binary.BigEndian.AppendUint64(nil, n)
	for i, o := range b {
		for half, d := range [...]byte{o & 15, o >> 4} {
			if i == len(b)-1 && half == 1 || d > 9 {
				return digits
			}
			digits = append(digits, '0'+d)
		}
	}
	return digits
}

// create begins a session. Whoever has its addresses of signalling can change it.
func (c *Correlator) create(b *binding, at uint64) {
	i := c.session(c.gtpID(b), at)
	if !c.tell(i, b, at) {
		c.end(i, at, Ended)
		return
	}
	c.all[i].bearer = uint8(c.number(gtpBearer))
	c.ends(i, c.textOf(gtpC2SEnds), at, nil)
	c.ends(i, c.textOf(gtpS2CEnds), at, nil)
	c.addresses(i, at)
}

// gtpID returns what a session is known by until its peers are: one access point of a subscriber, between
// the same nodes.
func (c *Correlator) gtpID(b *binding) uint64 {
	if c.has(gtpAsked0) {
		return c.id("gtp0", binary.BigEndian.AppendUint64(nil, c.number(gtpTID)))
	}
	src, dst := c.v.Src, c.v.Dst
	if bytes.Compare(src[:], dst[:]) > 0 {
		src, dst = dst, src
	}
	return c.id("gtp", b.is[imsi], b.is[imei], b.is[apn], []byte{uint8(c.number(gtpBearer))}, src[:], dst[:])
}

// addresses gives a session the addresses of its user.
func (c *Correlator) addresses(i uint32, at uint64) {
	for _, f := range [...]int{gtpUser0, gtpUser1} {
		if a, ok := four(c.textOf(f)); ok {
			c.hold(i, session.Address(session.User, a), 0, at)
		}
	}
	if n := c.number(gtpUser2); n != 0 {
		a, _ := four(binary.BigEndian.AppendUint32(nil, uint32(n)))
		c.hold(i, session.Address(session.User, a), 0, at)
	}
	c.prefix(i, c.textOf(gtpUser6), at)
}

// addressed returns the session that a request is about: it was sent to where its signalling ends.
func (c *Correlator) addressed() uint32 {
	if c.has(gtpAsked0) {
		return c.ids[c.id("gtp0", binary.BigEndian.AppendUint64(nil, c.number(gtpTID)))]
	}
	to, teid := c.v.Dst, c.number(gtpTo2)
	if string(c.textOf(gtpAsker)) == "server" {
		to = c.v.Src
	}
	if c.has(gtpAsked1) {
		teid = c.number(gtpTo1)
	}
	if teid == 0 {
		return 0
	}
	return c.ids[c.control(to, uint32(teid))]
}

func (c *Correlator) control(addr [16]byte, teid uint32) uint64 {
	return c.id("control", addr[:], binary.BigEndian.AppendUint32(nil, teid))
}

// change has a session be told of other endpoints and places.
func (c *Correlator) change(does change, b *binding, at uint64) {
	i := c.addressed()
	if i == 0 {
		c.book.counts[Lost]++
		return
	}
	if !c.tell(i, b, at) {
		return
	}
	var fresh []session.Key
	c.ends(i, c.textOf(gtpC2SEnds), at, &fresh)
	c.ends(i, c.textOf(gtpS2CEnds), at, &fresh)
	if does == updates {
		for kind := range uint8(64) {
			if c.has(gtpC2SEnds) || c.has(gtpS2CEnds) {
				c.replace(i, kind, fresh, at)
			}
		}
	}
	c.addresses(i, at)
}

// replace drops what a session has of a kind of interface, if something new of the kind was told.
func (c *Correlator) replace(i uint32, kind uint8, fresh []session.Key, at uint64) {
	for _, h := range c.all[i].keys {
		for _, k := range fresh {
			if h.key == k && h.kind == kind {
				c.drop(i, kind, fresh, at)
				return
			}
		}
	}
}

// delete ends a session. One bearer of several does not end it, unless it is the first.
func (c *Correlator) delete(does change, at uint64) {
	i := c.addressed()
	switch {
	case i == 0:
		c.book.counts[Lost]++
	case does == deletes || uint64(c.all[i].bearer) == c.number(gtpBearer):
		c.end(i, at, Ended)
	}
}

// Interfaces, as version 1 is told of here, and those of version 2 that are of user data (TS 29.274, section 8.22).
const (
	gtp1Data = 62
	gtp1Ctrl = 63
	userData = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<15 | 1<<16 | 1<<19 | 1<<20 | 1<<21 | 1<<22 | 1<<23 | 1<<28 |
		1<<29 | 1<<31 | 1<<33 | 1<<34 | 1<<37 | 1<<38 | 1<<39 | 1<<gtp1Data
)

// ends takes the endpoints that a transaction tells: "kind/TEID/address", with semicolons between. Those
// of user data are added to fresh.
func (c *Correlator) ends(i uint32, text []byte, at uint64, fresh *[]session.Key) {
	for _, one := range bytes.Split(text, []byte{';'}) {
		part := bytes.Split(one, []byte{'/'})
		if len(part) < 3 {
			continue
		}
		kind, known := interfaceOf(part[0])
		teid, err := strconv.ParseUint(string(part[1]), 16, 32)
		if !known || err != nil || teid == 0 {
			continue
		}
		for _, addr := range part[2:] {
			a, err := netip.ParseAddr(string(addr))
			switch {
			case err != nil:
			case userData>>kind&1 == 0:
				c.know(i, alias{c.control(a.As16(), uint32(teid)), session.Tunnel(a.As16(), uint32(teid))})
			default:
				key := session.Tunnel(a.As16(), uint32(teid))
				c.hold(i, key, kind, at)
				if fresh != nil {
					*fresh = append(*fresh, key)
				}
			}
		}
	}
}

func interfaceOf(text []byte) (kind uint8, ok bool) {
	switch string(text) {
	case "ctrl":
		return gtp1Ctrl, true
	case "data":
		return gtp1Data, true
	}
	n, err := strconv.ParseUint(string(text), 10, 8)
	return uint8(n), err == nil && n < gtp1Data
}
