package subscriber

import (
	"bytes"
	"net/netip"
	"strconv"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// diameterFields are what is read of a transaction of Diameter, in the order of the constants.
const (
	diaCommand = iota
	diaApp
	diaResult
	diaSession
	diaKind
	diaIMSI
	diaMSISDN
	diaIMEI
	diaUser
	diaAPN
	diaFramed
	diaPrefix
	diaCell
	diaBegin
	diaAnswer
	diaCount
)

var diameterFields = [diaCount]*flow.Field{
	diaCommand: app.DiameterRequest, diaApp: app.DiameterAppID, diaResult: app.DiameterResult,
	diaSession: app.DiameterSession, diaKind: app.DiameterKind, diaIMSI: app.DiameterIMSI, diaMSISDN: app.DiameterMSISDN,
	diaIMEI: app.DiameterIMEI, diaUser: app.DiameterUser, diaAPN: app.DiameterCalled, diaFramed: app.DiameterFramed,
	diaPrefix: app.DiameterPrefix, diaCell: app.DiameterCell,
	diaBegin: app.TransactionRequestBegin, diaAnswer: app.TransactionResponseBegin,
}

const (
	creditControl      = 272
	creditInitial      = 1
	creditUpdate       = 2
	creditTermination  = 3
	diameterSuccess    = 2001
	diameterLimitedToo = 2002
)

// diameter learns from a transaction of Diameter: of credit control, which Gx and Gy are.
func (c *Correlator) diameter() {
	if c.number(diaCommand) != creditControl {
		return
	}
	asked, at := c.moment(diaBegin, diaAnswer)
	id := c.id("diameter", c.textOf(diaSession))
	result := c.number(diaResult)
	switch ok := result == diameterSuccess || result == diameterLimitedToo; c.number(diaKind) {
	case creditInitial:
		if ok && (c.has(diaFramed) || c.has(diaPrefix)) {
			c.credit(id, at)
		}
	case creditUpdate:
		if ok && c.ids[id] != 0 {
			c.credit(id, at)
		}
	case creditTermination:
		if i := c.ids[id]; i != 0 {
			c.end(i, asked, Ended)
		}
	}
}

func (c *Correlator) credit(id, at uint64) {
	b := binding{start: at, is: [parts][]byte{
		name: c.textOf(diaUser), imsi: c.textOf(diaIMSI), msisdn: c.textOf(diaMSISDN), imei: c.textOf(diaIMEI),
		apn: c.textOf(diaAPN), cell: c.textOf(diaCell),
	}}
	i := c.session(id, at)
	if !c.tell(i, &b, at) {
		c.end(i, at, Ended)
		return
	}
	if a, ok := four(c.textOf(diaFramed)); ok {
		c.hold(i, session.Address(session.User, a), 0, at)
	}
	c.prefix(i, c.textOf(diaPrefix), at)
}

// pfcpFields are what is read of a transaction of PFCP, in the order of the constants.
const (
	pfcpAsked = iota
	pfcpCause
	pfcpTo
	pfcpC2SEnd
	pfcpS2CEnd
	pfcpC2SEnds
	pfcpS2CEnds
	pfcpUser
	pfcpUser6
	pfcpAPN
	pfcpIMSI
	pfcpIMEI
	pfcpMSISDN
	pfcpBegin
	pfcpAnswer
	pfcpAsker
	pfcpCount
)

var pfcpFields = [pfcpCount]*flow.Field{
	pfcpAsked: app.PFCPRequest, pfcpCause: app.PFCPCause, pfcpTo: app.PFCPC2S, pfcpC2SEnd: app.PFCPC2SEnd,
	pfcpS2CEnd: app.PFCPS2CEnd, pfcpC2SEnds: app.PFCPC2SEnds, pfcpS2CEnds: app.PFCPS2CEnds, pfcpUser: app.PFCPUser,
	pfcpUser6: app.PFCPUser6, pfcpAPN: app.PFCPAPN, pfcpIMSI: app.PFCPIMSI, pfcpIMEI: app.PFCPIMEI, pfcpMSISDN: app.PFCPNum,
	pfcpBegin: app.TransactionRequestBegin, pfcpAnswer: app.TransactionResponseBegin, pfcpAsker: app.TransactionAsker,
}

const (
	pfcpEstablish = 50
	pfcpModify    = 52
	pfcpDelete    = 54
	pfcpOK        = 1
)

// pfcp learns from a transaction of PFCP: which tunnels carry the packets of an address. Whose the address is
// PFCP seldom says, but other signalling has said it before.
func (c *Correlator) pfcp() {
	asked, at := c.moment(pfcpBegin, pfcpAnswer)
	kind := c.number(pfcpAsked)
	if kind == pfcpDelete {
		if i := c.ids[c.pfcpTarget()]; i != 0 {
			c.end(i, max(asked, at), Ended)
		}
		return
	}
	if c.number(pfcpCause) != pfcpOK || kind != pfcpEstablish && kind != pfcpModify {
		return
	}
	b := binding{start: at, is: [parts][]byte{
		imsi: c.textOf(pfcpIMSI), imei: c.textOf(pfcpIMEI), msisdn: c.textOf(pfcpMSISDN), apn: c.textOf(pfcpAPN),
	}}
	i := c.ids[c.pfcpTarget()]
	if kind == pfcpEstablish {
		c.whose(&b, at)
		own := c.textOf(pfcpS2CEnd)
		if b.identify(); b.who == 0 || len(own) == 0 {
			c.book.counts[Nameless]++
			return
		}
		seid, _, _ := bytes.Cut(own, []byte{'/'})
		i = c.session(c.id("pfcp", c.pfcpServer(), seid), at)
	}
	if i == 0 || !c.tell(i, &b, at) {
		c.book.counts[Lost]++
		return
	}
	c.pfcpTunnels(i, at)
	if a, ok := four(c.textOf(pfcpUser)); ok {
		c.hold(i, session.Address(session.User, a), 0, at)
	}
	c.prefix(i, c.textOf(pfcpUser6), at)
}

// whose completes a binding by who has the address of the user.
func (c *Correlator) whose(b *binding, at uint64) {
	var known binding
	if len(b.is[imsi]) > 0 {
		return
	}
	a, ok := four(c.textOf(pfcpUser))
	if ok && c.book.holder(session.Address(session.User, a), at, at, &known) {
		known.read(known.append(c.mine[:0]))
		b.inherit(&known)
	}
}

// pfcpServer returns the address of who answers.
func (c *Correlator) pfcpServer() []byte {
	if string(c.textOf(pfcpAsker)) == "server" {
		return c.v.Src[:]
	}
	return c.v.Dst[:]
}

// pfcpTarget returns what the session is known by that a request is about.
func (c *Correlator) pfcpTarget() uint64 {
	return c.id("pfcp", c.pfcpServer(), strconv.AppendUint(nil, c.number(pfcpTo), 16))
}

// pfcpTunnels takes the endpoints that a transaction tells.
func (c *Correlator) pfcpTunnels(i uint32, at uint64) {
	for _, f := range [...]int{pfcpC2SEnds, pfcpS2CEnds} {
		for _, one := range bytes.Split(c.textOf(f), []byte{';'}) {
			part := bytes.Split(one, []byte{'/'})
			if len(part) < 3 {
				continue
			}
			teid, err := strconv.ParseUint(string(part[1]), 16, 32)
			a, wrong := netip.ParseAddr(string(part[2]))
			if err == nil && wrong == nil && teid != 0 {
				c.hold(i, session.Tunnel(a.As16(), uint32(teid)), gtp1Data, at)
			}
		}
	}
}
