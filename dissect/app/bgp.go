package app

import (
	"bytes"
	"strconv"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// BGP is version 4 (RFC 4271) with autonomous systems of four octets (RFC 6793), other families (RFC 4760)
// and several paths (RFC 7911). Each message but those that only keep a session alive is a notice.
var BGP = Dissector{
	Name: "bgp", Number: 13,
	Doc:    "BGP: sessions with what their ends can do, routes announced and withdrawn, and why sessions end.",
	TCP:    on(179),
	First:  "\xff",
	Fields: bgpFields,
	State:  unsafe.Sizeof(bgpState{}),
	Parse:  parseBGP,
}

// Types of messages, and their names.
const (
	bgpOpen = iota + 1
	bgpUpdate
	bgpNotification
	bgpKeepalive
	bgpRefresh
)

var bgpMessages = [...]string{
	bgpOpen: "OPEN", bgpUpdate: "UPDATE", bgpNotification: "NOTIFICATION", bgpKeepalive: "KEEPALIVE",
	bgpRefresh: "ROUTE-REFRESH",
}

const (
	bgpHeader = 19
	bgpMarker = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

	bgpFlawLength = "BGP: a length does not fit the message that it is in"
)

// bgpState is what the two sides have said they can do.
type bgpState struct {
	opened [2]bool
	four   [2]bool     // autonomous systems of four octets
	paths  [2][2]uint8 // several paths, by side and family (IPv4, IPv6): 1 receives, 2 sends
}

// bgpRules is how what a side says is to be read.
type bgpRules struct {
	known bool // the capabilities of both sides
	four  bool
	paths [2]bool
}

// rules returns those of what a side says.
func (s *bgpState) rules(dir flow.Dir) (r bgpRules) {
	r.known = s.opened[0] && s.opened[1]
	r.four = s.four[0] && s.four[1]
	for i := range r.paths {
		r.paths[i] = s.paths[dir][i]&2 != 0 && s.paths[1-dir][i]&1 != 0
	}
	return r
}

func parseBGP(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	if b := m.Peek(); m.Lost && !bytes.HasPrefix(b, []byte(bgpMarker)) {
		at := bytes.Index(b, []byte(bgpMarker))
		if at < 0 {
			m.Skip(m.Len() + 1)
			return More
		}
		m.Skip(at)
	}
	for b, i := m.Peek(), 0; i < min(len(b), len(bgpMarker)); i++ {
		if b[i] != 0xff {
			return Reject
		}
	}
	m.Skip(len(bgpMarker))
	size, kind := int(m.U16()), m.U8()
	switch {
	case m.Short():
		return More
	case size < bgpHeader || kind == 0 || int(kind) >= len(bgpMessages),
		kind == bgpKeepalive && size != bgpHeader:
		return Reject
	case size > MaxMessage:
		m.Ahead(uint64(size - bgpHeader))
		return Accept
	}
	body := m.Block(size - bgpHeader)
	if m.Short() {
		return More
	}
	bgpTell(m, kind, body)
	return Accept
}

// bgpTell says what a message is.
func bgpTell(m *Message, kind uint8, body wire.Reader) {
	s := Memory[bgpState](m)
	right := true
	switch kind {
	case bgpOpen:
		right = s.open(m, body)
	case bgpUpdate:
		var u bgpRoute
		u.rules = s.rules(m.Dir)
		if right = u.read(m, body); right && u.empty() {
			return // the end of what is announced at the begin (RFC 4724, section 2)
		}
	case bgpNotification:
		right = bgpEnds(m, body)
	case bgpRefresh:
		right = body.Len() >= 4
		afi, _, safi := body.U16(), body.U8(), body.U8()
		bgpFamily(m, afi, safi)
	case bgpKeepalive:
		return
	}
	m.Attrs.Text(BGPMessage, bgpMessages[kind])
	if !right {
		m.Malformed(bgpFlawLength)
	}
	m.Notice()
}

// open says who opens a session, and remembers what it can do (RFC 5492).
func (s *bgpState) open(m *Message, r wire.Reader) bool {
	const parameters, capabilities = 255, 2
	r.Skip(1)
	as, hold, id, size := uint32(r.U16()), r.U16(), r.Bytes(4), int(r.U8())
	if r.Short() {
		return false
	}
	long := size == parameters && r.Len() > 3 && r.Peek()[0] == parameters // RFC 9072
	if long {
		r.Skip(1)
		size = int(r.U16())
	}
	c := bgpAbilities{as: as, text: m.Room[:0]}
	for all := r.Block(size); all.Len() > 0; {
		kind, n := all.U8(), int(all.U8())
		if long {
			n = n<<8 | int(all.U8())
		}
		v := all.Block(n)
		if all.Short() || v.Short() {
			return false
		}
		if kind == capabilities && !c.read(v) {
			return false
		}
	}
	s.opened[m.Dir], s.four[m.Dir], s.paths[m.Dir] = true, c.four, c.paths
	m.Attrs.Uint(BGPPeerAS, uint64(c.as))
	m.Attrs.Uint(BGPHoldTime, uint64(hold))
	m.Attrs.Bytes(BGPIdentifier, id)
	if len(c.text) > 0 {
		m.Attrs.Bytes(BGPCapabilities, c.text)
	}
	return true
}

// bgpAbilities is what a side can do.
type bgpAbilities struct {
	as    uint32
	four  bool
	paths [2]uint8
	text  []byte
}

// bgpCapabilities are names of IANA's registry "Capability Codes".
var bgpCapabilities = [...]string{
	2: "route-refresh", 3: "orf", 5: "extended-next-hop", 6: "extended-message", 7: "bgpsec",
	8: "multiple-labels", 9: "role", 64: "graceful-restart", 67: "dynamic", 69: "add-path",
	70: "enhanced-route-refresh", 71: "long-lived-graceful-restart", 73: "fqdn",
}

// read reads capabilities.
func (c *bgpAbilities) read(r wire.Reader) bool {
	const families, fourOctets, addPath = 1, 65, 69
	for r.Len() > 0 {
		code, v := r.U8(), r.Block8()
		if r.Short() || v.Short() {
			return false
		}
		switch code {
		case families:
			afi, _, safi := v.U16(), v.U8(), v.U8()
			c.says("")
			c.text = bgpFamilyText(c.text, afi, safi)
		case fourOctets:
			c.four, c.as = true, v.U32()
			c.says("4-octet-as")
		case addPath:
			c.says("add-path")
			for v.Len() >= 4 {
				afi, safi, how := v.U16(), v.U8(), v.U8()
				if safi == 1 && (afi == 1 || afi == 2) {
					c.paths[afi-1] = how
				}
			}
		default:
			c.other(code)
		}
	}
	return true
}

// other says a capability of which nothing is remembered. Several are often said twice.
func (c *bgpAbilities) other(code uint8) {
	if int(code) < len(bgpCapabilities) && bgpCapabilities[code] != "" {
		c.says(bgpCapabilities[code])
		return
	}
	c.says("")
	c.text = strconv.AppendUint(c.text, uint64(code), 10)
}

func (c *bgpAbilities) says(name string) {
	if len(c.text) > 0 {
		c.text = append(c.text, ';')
	}
	c.text = append(c.text, name...)
}

// bgpErrors are names of codes and, from the second on, of their subcodes (IANA's registry "BGP Error
// (Notification) Codes").
var bgpErrors = [...][]string{
	1: {"Message Header Error", "Connection Not Synchronized", "Bad Message Length", "Bad Message Type"},
	2: {"OPEN Message Error", "Unsupported Version Number", "Bad Peer AS", "Bad BGP Identifier",
		"Unsupported Optional Parameter", "", "Unacceptable Hold Time", "Unsupported Capability", "", "", "",
		"Role Mismatch"},
	3: {"UPDATE Message Error", "Malformed Attribute List", "Unrecognized Well-known Attribute",
		"Missing Well-known Attribute", "Attribute Flags Error", "Attribute Length Error",
		"Invalid ORIGIN Attribute", "", "Invalid NEXT_HOP Attribute", "Optional Attribute Error",
		"Invalid Network Field", "Malformed AS_PATH"},
	4: {"Hold Timer Expired"},
	5: {"Finite State Machine Error", "Unexpected Message in OpenSent", "Unexpected Message in OpenConfirm",
		"Unexpected Message in Established"},
	6: {"Cease", "Maximum Number of Prefixes Reached", "Administrative Shutdown", "Peer De-configured",
		"Administrative Reset", "Connection Rejected", "Other Configuration Change",
		"Connection Collision Resolution", "Out of Resources", "Hard Reset", "BFD Down"},
	7: {"ROUTE-REFRESH Message Error", "Invalid Message Length"},
	8: {"Send Hold Timer Expired"},
}

// bgpEnds says why a session ends (RFC 4271, section 4.5; RFC 9003).
func bgpEnds(m *Message, r wire.Reader) bool {
	const cease, shutdown, reset = 6, 2, 4
	code, sub := r.U8(), r.U8()
	if r.Short() {
		return false
	}
	m.Attrs.Uint(BGPErrorCode, uint64(code))
	m.Attrs.Uint(BGPErrorSub, uint64(sub))
	if int(code) < len(bgpErrors) && bgpErrors[code] != nil {
		names := bgpErrors[code]
		text := append(m.Room[:0], names[0]...)
		if sub > 0 && int(sub) < len(names) && names[sub] != "" {
			text = append(append(text, ": "...), names[sub]...)
		}
		m.Attrs.Bytes(BGPError, text)
	}
	if code == cease && (sub == shutdown || sub == reset) && r.Len() > 0 {
		said := r.Block8()
		if said.Len() > 0 && !said.Short() {
			m.Attrs.Bytes(BGPErrorText, said.Rest())
		}
	}
	return true
}
