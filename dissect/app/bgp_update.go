package app

import (
	"net/netip"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// bgpRoute is an UPDATE: what is withdrawn, and what is announced with the same attributes.
type bgpRoute struct {
	rules     bgpRules
	announced int
	withdrawn int
	came, old bgpList
	path      wire.Reader // AS_PATH
	path4     wire.Reader // AS4_PATH
	other     bool        // there are routes of a family that is not read
}

// bgpList is text of prefixes, as many as fit.
type bgpList struct {
	text [255]byte
	n    int
}

func (l *bgpList) add(p netip.Prefix) {
	var one [64]byte
	b := one[:0]
	if l.n > 0 {
		b = append(b, ';')
	}
	if b = p.AppendTo(b); l.n+len(b) <= len(l.text) {
		l.n += copy(l.text[l.n:], b)
	}
}

// Attributes of a path (RFC 4271, section 4.3; RFC 4760; RFC 6793; RFC 8092).
const (
	bgpAttrOrigin      = 1
	bgpAttrPath        = 2
	bgpAttrNextHop     = 3
	bgpAttrMED         = 4
	bgpAttrLocalPref   = 5
	bgpAttrCommunities = 8
	bgpAttrReach       = 14
	bgpAttrUnreach     = 15
	bgpAttrPath4       = 17
	bgpAttrLarge       = 32
)

const (
	bgpIPv4, bgpIPv6 = 1, 2

	bgpUnicast = 1
	bgpLabeled = 4
	bgpVPN     = 128
)

// empty reports an UPDATE that says nothing.
func (u *bgpRoute) empty() bool { return u.announced == 0 && u.withdrawn == 0 && !u.other }

// read says what is in the message, and reports whether all lengths fit.
func (u *bgpRoute) read(m *Message, r wire.Reader) bool {
	withdrawn := r.Block16()
	attrs := r.Block16()
	if r.Short() || withdrawn.Short() || attrs.Short() {
		return false
	}
	right := u.list(withdrawn, bgpForm{afi: bgpIPv4, safi: bgpUnicast}, &u.old, &u.withdrawn)
	for attrs.Len() > 0 {
		flags, kind := attrs.U8(), attrs.U8()
		n := int(attrs.U8())
		if flags&0x10 != 0 {
			n = n<<8 | int(attrs.U8())
		}
		v := attrs.Block(n)
		if attrs.Short() || v.Short() {
			right = false
			break
		}
		right = u.attribute(m, kind, v) && right
	}
	right = u.list(r, bgpForm{afi: bgpIPv4, safi: bgpUnicast}, &u.came, &u.announced) && right
	u.tell(m)
	return right
}

// tell says what has been put together.
func (u *bgpRoute) tell(m *Message) {
	for _, x := range [...]struct {
		n           int
		list        *bgpList
		text, count *flow.Field
	}{{u.announced, &u.came, BGPPrefixes, BGPPrefixCount}, {u.withdrawn, &u.old, BGPWithdrawn, BGPGone}} {
		if x.n > 0 {
			m.Attrs.Bytes(x.text, x.list.text[:x.list.n])
			m.Attrs.Uint(x.count, uint64(x.n))
		}
	}
	if u.path.Len() == 0 {
		return
	}
	text, ok := u.pathText(m.Room[:0])
	if ok && len(text) > 0 {
		m.Attrs.Bytes(BGPASPath, text)
	}
}

var bgpOrigins = [...]string{"IGP", "EGP", "incomplete"}

// attribute says an attribute.
func (u *bgpRoute) attribute(m *Message, kind uint8, v wire.Reader) bool {
	switch kind {
	case bgpAttrOrigin:
		if o := int(v.U8()); o < len(bgpOrigins) {
			m.Attrs.Text(BGPOrigin, bgpOrigins[o])
		}
	case bgpAttrPath:
		u.path = v
	case bgpAttrPath4:
		u.path4 = v
	case bgpAttrNextHop:
		bgpAddress(m, v.Rest())
	case bgpAttrMED:
		m.Attrs.Uint(BGPMED, uint64(v.U32()))
	case bgpAttrLocalPref:
		m.Attrs.Uint(BGPLocalPref, uint64(v.U32()))
	case bgpAttrCommunities, bgpAttrLarge:
		return bgpCommunities(m, kind, v)
	case bgpAttrReach:
		return u.reach(m, v)
	case bgpAttrUnreach:
		afi, safi := v.U16(), v.U8()
		bgpFamily(m, afi, safi)
		return u.routes(v, afi, safi, &u.old, &u.withdrawn)
	}
	return !v.Short()
}

// reach reads routes of another family (RFC 4760, section 3).
func (u *bgpRoute) reach(m *Message, v wire.Reader) bool {
	afi, safi, hop := v.U16(), v.U8(), v.Block8()
	v.Skip(1)
	if v.Short() || hop.Short() {
		return false
	}
	bgpFamily(m, afi, safi)
	if safi == bgpVPN {
		hop.Skip(8)
	}
	addr := hop.Rest()
	if len(addr) > 16 { // and one on the link (RFC 2545, section 3)
		addr = addr[:16]
	}
	bgpAddress(m, addr)
	return u.routes(v, afi, safi, &u.came, &u.announced)
}

// bgpForm is how prefixes of a family are written.
type bgpForm struct {
	afi   uint16
	safi  uint8
	paths bool // each has a number of its path before it (RFC 7911)
}

// routes reads those of a family, if it is one that is read.
func (u *bgpRoute) routes(v wire.Reader, afi uint16, safi uint8, l *bgpList, count *int) bool {
	if v.Short() {
		return false
	}
	known := safi == bgpUnicast || safi == bgpLabeled || safi == bgpVPN
	if !known || afi != bgpIPv4 && afi != bgpIPv6 {
		u.other = u.other || v.Len() > 0
		return true
	}
	return u.list(v, bgpForm{afi: afi, safi: safi}, l, count)
}

// list reads prefixes. Whether they have paths is known from the begin of the session; if that was not
// seen, they are tried without.
func (u *bgpRoute) list(r wire.Reader, form bgpForm, l *bgpList, count *int) bool {
	form.paths = form.safi == bgpUnicast && u.rules.paths[form.afi-1]
	if !u.rules.known && !form.fits(r) {
		form.paths = true
		form.paths = form.fits(r)
	}
	for r.Len() > 0 {
		p, ok := form.prefix(&r)
		if !ok {
			return false
		}
		*count++
		l.add(p)
	}
	return true
}

// fits reports whether prefixes fill what they are in.
func (f bgpForm) fits(r wire.Reader) bool {
	for r.Len() > 0 {
		if _, ok := f.prefix(&r); !ok {
			return false
		}
	}
	return true
}

// prefix reads a prefix, without the labels (RFC 8277) and the distinguisher (RFC 4364) before it.
func (f bgpForm) prefix(r *wire.Reader) (netip.Prefix, bool) {
	const distinguisher, label = 64, 24
	if f.paths {
		r.Skip(4)
	}
	size := int(r.U8())
	for more := f.safi != bgpUnicast; more && size >= label && !r.Short(); size -= label {
		l := r.U24()
		more = l&1 == 0 && l != 0x800000 && l != 0 // the last, or one that stands for all
	}
	if f.safi == bgpVPN {
		r.Skip(distinguisher / 8)
		size -= distinguisher
	}
	var addr [16]byte
	most := 32
	if f.afi == bgpIPv6 {
		most = 128
	}
	if size < 0 || size > most {
		return netip.Prefix{}, false
	}
	copy(addr[:], r.Bytes((size+7)/8))
	if r.Short() {
		return netip.Prefix{}, false
	}
	if f.afi == bgpIPv4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(addr[:4])), size).Masked(), true
	}
	return netip.PrefixFrom(netip.AddrFrom16(addr), size).Masked(), true
}

// pathText appends the path. Its numbers have four octets if both sides can read them, or if nothing else
// fits; in place of those that do not fit two octets there is another attribute (RFC 6793, section 4.2.3).
func (u *bgpRoute) pathText(b []byte) ([]byte, bool) {
	size := 2
	if u.rules.four || !u.rules.known && bgpPathFits(u.path, 4) {
		size = 4
	}
	if size == 2 && u.path4.Len() > 0 && bgpPathFits(u.path4, 4) && bgpPathFits(u.path, 2) {
		if own := bgpPathLength(u.path, 2) - bgpPathLength(u.path4, 4); own >= 0 {
			b, _ = bgpPath(b, u.path, 2, own)
			return bgpPath(b, u.path4, 4, -1)
		}
	}
	return bgpPath(b, u.path, size, -1)
}

// bgpPathFits reports whether segments of numbers of so many octets fill the path.
func bgpPathFits(r wire.Reader, size int) bool {
	for r.Len() > 0 {
		kind, n := r.U8(), int(r.U8())
		r.Skip(n * size)
		if r.Short() || kind == 0 || kind > 4 || n == 0 {
			return false
		}
	}
	return true
}

// bgpPathLength returns how many autonomous systems the path is long: a set is one.
func bgpPathLength(r wire.Reader, size int) (length int) {
	for r.Len() > 0 {
		kind, n := r.U8(), int(r.U8())
		r.Skip(n * size)
		switch kind {
		case 1:
			length++
		case 2:
			length += n
		}
	}
	return length
}

// bgpPath appends a path, of numbers of so many octets: as many of them as said, all if that is negative.
func bgpPath(b []byte, r wire.Reader, size, most int) ([]byte, bool) {
	const longest = 255
	around := [...]string{1: "{}", 2: "", 3: "()", 4: "()"}
	for r.Len() > 0 && most != 0 {
		kind, n := r.U8(), int(r.U8())
		if kind == 0 || int(kind) >= len(around) {
			return b, false
		}
		open := around[kind]
		for i := range n {
			as := uint64(r.U16())
			if size == 4 {
				as = as<<16 | uint64(r.U16())
			}
			if r.Short() {
				return b, false
			}
			if most == 0 {
				break
			}
			most--
			before := len(b)
			if b = bgpBetween(b, open, i); len(b)+10 > longest {
				return b[:before], true
			}
			b = strconv.AppendUint(b, as, 10)
		}
		if open != "" && n > 0 {
			b = append(b, open[1])
		}
	}
	return b, true
}

// bgpBetween appends what comes before the i-th number of a segment.
func bgpBetween(b []byte, open string, i int) []byte {
	if len(b) > 0 {
		b = append(b, ' ')
	}
	if i == 0 && open != "" {
		b = append(b, open[0])
	}
	return b
}

// bgpCommunities says communities (RFC 1997), or large ones (RFC 8092).
func bgpCommunities(m *Message, kind uint8, v wire.Reader) bool {
	const longest = 255
	b := m.Room[:0]
	for v.Len() > 0 {
		before := len(b)
		if before > 0 {
			b = append(b, ' ')
		}
		if kind == bgpAttrLarge {
			b = append(strconv.AppendUint(b, uint64(v.U32()), 10), ':')
			b = append(strconv.AppendUint(b, uint64(v.U32()), 10), ':')
			b = strconv.AppendUint(b, uint64(v.U32()), 10)
		} else {
			b = append(strconv.AppendUint(b, uint64(v.U16()), 10), ':')
			b = strconv.AppendUint(b, uint64(v.U16()), 10)
		}
		if v.Short() || len(b) > longest {
			b = b[:before]
			break
		}
	}
	if len(b) > 0 {
		m.Attrs.Bytes(BGPCommunities, b)
	}
	return !v.Short()
}

// bgpAddress says a next hop.
func bgpAddress(m *Message, b []byte) {
	if addr, ok := netip.AddrFromSlice(b); ok {
		m.Attrs.Bytes(BGPNextHop, addr.AppendTo(m.Room[:0]))
	}
}

// Names of families (IANA's registries "Address Family Numbers" and "SAFI Values").
var (
	bgpAFI  = [...]string{1: "IPv4", 2: "IPv6", 25: "L2VPN"}
	bgpSAFI = [...]string{
		1: "unicast", 2: "multicast", 4: "labeled", 5: "mcast-vpn", 65: "vpls", 70: "evpn", 71: "ls",
		73: "sr-policy", 85: "mup", 128: "vpn", 132: "rtc", 133: "flowspec", 134: "flowspec-vpn",
	}
)

func bgpFamily(m *Message, afi uint16, safi uint8) {
	m.Attrs.Bytes(BGPFamily, bgpFamilyText(m.Room[:0], afi, safi))
}

// bgpFamilyText appends a family, by numbers what has no name here.
func bgpFamilyText(b []byte, afi uint16, safi uint8) []byte {
	if int(afi) < len(bgpAFI) && bgpAFI[afi] != "" {
		b = append(b, bgpAFI[afi]...)
	} else {
		b = strconv.AppendUint(b, uint64(afi), 10)
	}
	b = append(b, '/')
	if int(safi) < len(bgpSAFI) && bgpSAFI[safi] != "" {
		return append(b, bgpSAFI[safi]...)
	}
	return strconv.AppendUint(b, uint64(safi), 10)
}
