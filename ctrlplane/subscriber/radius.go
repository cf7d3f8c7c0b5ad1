package subscriber

import (
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// radiusFields are what is read of a transaction of RADIUS, in the order of the constants.
const (
	radAsked = iota
	radAnswered
	radUser
	radCalling
	radCalled
	radNAS
	radNAS6
	radNASName
	radIMSI
	radIMEI
	radFramed
	radFramed6
	radPrefix
	radDelegated
	radSession
	radStatus
	radDelay
	radCell
	radInterval
	radBegin
	radAnswer
	radCount
)

var radiusFields = [radCount]*flow.Field{
	radAsked: app.RADIUSRequest, radAnswered: app.RADIUSResponse, radUser: app.RADIUSUser, radCalling: app.RADIUSCalling,
	radCalled: app.RADIUSCalled, radNAS: app.RADIUSNAS, radNAS6: app.RADIUSNAS6, radNASName: app.RADIUSNASName,
	radIMSI: app.RADIUSIMSI, radIMEI: app.RADIUSIMEI, radFramed: app.RADIUSFramed, radFramed6: app.RADIUSFramed6,
	radPrefix: app.RADIUSPrefix, radDelegated: app.RADIUSDelegated, radSession: app.RADIUSSession,
	radStatus: app.RADIUSStatus, radDelay: app.RADIUSDelay, radCell: app.RADIUSCell, radInterval: app.RADIUSInterval,
	radBegin: app.TransactionRequestBegin, radAnswer: app.TransactionResponseBegin,
}

// Codes of RADIUS, and values of Acct-Status-Type (RFC 2866, section 5.1).
const (
	radiusAccess     = 1
	radiusAccept     = 2
	radiusAccounting = 4

	acctStart   = "1"
	acctStop    = "2"
	acctInterim = "3"
	acctOn      = "7"
	acctOff     = "8"
)

// radius learns from a transaction of RADIUS. An address that an Access-Accept gives is the user's from then
// on; what accounting says counts from when the NAS first tried to say it.
func (c *Correlator) radius() {
	asked, answered := c.moment(radBegin, radAnswer)
	switch c.number(radAsked) {
	case radiusAccess:
		if c.number(radAnswered) == radiusAccept && (c.has(radFramed) || c.has(radFramed6) || c.has(radPrefix)) {
			c.login(answered)
		}
	case radiusAccounting:
		at := asked - min(asked, c.number(radDelay)*1000)
		switch string(c.textOf(radStatus)) {
		case acctStart, acctInterim:
			c.login(at)
		case acctStop:
			c.logout(at)
		case acctOn, acctOff:
			c.restart(at)
		}
	}
}

// nas returns the name of the NAS, or its address.
func (c *Correlator) nas() []byte {
	if n := c.textOf(radNASName); len(n) > 0 {
		return n
	}
	for _, f := range [...]int{radNAS, radNAS6} {
		if a, ok := netip.AddrFromSlice(c.textOf(f)); ok {
			return a.AppendTo(nil)
		}
	}
	return nil
}

// radiusID returns what a session is known by: its number at its NAS, or else the user and his address.
func (c *Correlator) radiusID(nas []byte) uint64 {
	if s := c.textOf(radSession); len(s) > 0 {
		return c.id("radius", nas, s)
	}
	return c.id("login", nas, c.textOf(radUser), c.textOf(radCalling), c.textOf(radFramed), c.textOf(radPrefix))
}

// login begins a session or goes on with it.
func (c *Correlator) login(at uint64) {
	nasName := c.nas()
	var text [17]byte
	b := binding{start: at, is: [parts][]byte{
		name: c.textOf(radUser), imsi: c.textOf(radIMSI), imei: c.textOf(radIMEI), apn: c.textOf(radCalled),
		cell: c.textOf(radCell), nas: nasName, acct: c.textOf(radSession),
	}}
	if addr, ok := hardware(text[:0], c.textOf(radCalling)); ok {
		b.is[mac] = addr
	} else {
		b.is[msisdn] = c.textOf(radCalling)
	}
	i := c.session(c.radiusID(nasName), at)
	x := &c.all[i]
	if n := c.number(radInterval); n > 0 {
		x.life = min(c.o.Longest, 3*time.Duration(n)*time.Second+slack)
	}
	x.nas = c.id("nas", nasName)
	c.due.Set(i, at*1e6+uint64(x.life))
	if !c.tell(i, &b, at) {
		c.end(i, at, Ended)
		return
	}
	if a, ok := four(c.textOf(radFramed)); ok {
		c.hold(i, session.Address(session.User, a), 0, at)
	}
	if six := c.textOf(radFramed6); len(six) == 16 {
		c.hold(i, session.Address(session.User, [16]byte(six)), 0, at)
	}
	for _, f := range [...]int{radPrefix, radDelegated} {
		c.prefix(i, c.textOf(f), at)
	}
}

// prefix gives a session an IPv6 prefix, which is written as text.
func (c *Correlator) prefix(i uint32, text []byte, at uint64) {
	if p, err := netip.ParsePrefix(string(text)); err == nil && p.Addr().Is6() && p.Bits() > 0 {
		c.bits[p.Bits()] = true
		c.hold(i, session.Prefix(p.Addr().As16(), p.Bits()), 0, at)
	}
}

// logout ends a session, also one whose beginning was not seen.
func (c *Correlator) logout(at uint64) {
	if i := c.ids[c.radiusID(c.nas())]; i != 0 {
		c.end(i, at, Ended)
		return
	}
	c.book.counts[Lost]++
}

// restart ends all sessions of a NAS that has begun anew or ends.
func (c *Correlator) restart(at uint64) {
	nas := c.id("nas", c.nas())
	for i := range c.all {
		if c.all[i].open && c.all[i].nas == nas {
			c.end(uint32(i), at, Ended)
		}
	}
	c.met = "" // it is about all of them
}

// hardware writes a MAC address in one form, however it was written, and reports whether it is one.
func hardware(dst, s []byte) ([]byte, bool) {
	var digits [12]byte
	n := 0
	for _, c := range s {
		switch {
		case c == ':' || c == '-' || c == '.':
			continue
		case n == len(digits):
			return nil, false
		case c >= 'A' && c <= 'F':
			c |= 0x20
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return nil, false
		}
		digits[n] = c
		n++
	}
	var b [6]byte
	if n != len(digits) || onlyDigits(s) { // twelve digits are a telephone number
		return nil, false
	}
	hex.Decode(b[:], digits[:])
	for i := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, b[i:i+1])
	}
	return dst, true
}

// onlyDigits reports whether there is nothing else.
func onlyDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
