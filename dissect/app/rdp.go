package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// RDP is how the Remote Desktop Protocol begins ([MS-RDPBCGR], sections 2.2.1.1 and 2.2.1.2): the client
// asks for a connection of X.224, with a cookie that has the begin of the user's name and the security it
// can do, and the server chooses. TLS follows, or what is encrypted by RDP itself.
var RDP = Dissector{
	Name: "rdp", Number: 88,
	Doc:    "RDP: the cookie with the user, and which security both sides agree on.",
	TCP:    on(3389),
	First:  "\x03",
	Fields: []*flow.Field{rdpCookie, rdpToken, FlowUser, rdpAsked, rdpChosen, rdpFailure},
	Pair:   InOrder,
	State:  unsafe.Sizeof(rdpState{}),
	Parse:  parseRDP,
}

var (
	rdpCookie = mailText64("RDP_COOKIE", 1040,
		"User in the cookie of RDP (mstshash), of which clients send the first 9 octets.")
	rdpToken = mailText64("RDP_ROUTING_TOKEN", 1041,
		"Routing token of RDP, by which a balancer finds the server.")
	rdpAsked = mailText64("RDP_REQUESTED_SECURITY", 1042,
		"Security that the client of RDP can do: rdp, and tls, credssp, rdstls, aad.")
	rdpChosen  = mailText64("RDP_SECURITY", 1043, "Security that the server of RDP chooses.")
	rdpFailure = mailNumber("RDP_FAILURE", 1044,
		"Code for which the server of RDP refuses ([MS-RDPBCGR], section 2.2.1.2.2).")
)

const (
	rdpFlaw        = "RDP: a packet of X.224 that is none"
	rdpRequest     = 0xe0 // connection request of X.224
	rdpConfirm     = 0xd0
	rdpAsks        = 1 // RDP_NEG_REQ
	rdpAnswers     = 2 // RDP_NEG_RSP
	rdpRefuses     = 3 // RDP_NEG_FAILURE
	rdpLargest     = 1024
	rdpNegotiation = 8 // octets of each
)

type rdpState struct{ asked bool }

func parseRDP(m *Message) Verdict {
	s := Memory[rdpState](m)
	if !m.Stream {
		return Reject
	}
	if m.U8() != 3 || m.U8() != 0 { // TPKT (RFC 1006, section 6)
		return Reject
	}
	size := int(m.U16())
	length, code := int(m.U8()), m.U8()&0xf0
	m.U16()
	m.U16()
	class := m.U8()
	switch {
	case m.Short():
		return More
	case size < 11 || size > rdpLargest || length != size-5 || class != 0,
		code != rdpRequest && code != rdpConfirm, code == rdpConfirm && !s.asked:
		if m.Malformed(rdpFlaw); s.asked {
			m.Ahead(ToEnd)
			return Accept
		}
		return Reject
	}
	b := m.Bytes(size - 11)
	if m.Short() {
		return More
	}
	if code == rdpRequest {
		return s.request(m, b)
	}
	return s.confirm(m, b)
}

// request reads what the client asks for. Without anything of RDP it may be of others that use X.224.
func (s *rdpState) request(m *Message, b []byte) Verdict {
	known := false
	if end := bytes.Index(b, []byte("\r\n")); end >= 0 {
		if user, ok := bytes.CutPrefix(b[:end], []byte("Cookie: mstshash=")); ok {
			known = true
			sayText(&m.Attrs, rdpCookie, user)
			sayText(&m.Attrs, FlowUser, user)
		} else if token, ok := bytes.CutPrefix(b[:end], []byte("Cookie: msts=")); ok {
			known = true
			sayText(&m.Attrs, rdpToken, token)
		}
		b = b[end+2:]
	}
	if len(b) >= rdpNegotiation && b[0] == rdpAsks && b[2] == rdpNegotiation && b[3] == 0 {
		known = true
		m.Attrs.Bytes(rdpAsked, rdpNames(m.Room[:0:64], b[4]))
	}
	if !known && m.DstPort != 3389 {
		return Reject
	}
	s.asked = true
	m.Request(0)
	return Accept
}

// rdpNames appends the names of kinds of security.
func rdpNames(dst []byte, kinds byte) []byte {
	dst = append(dst, "rdp"...)
	for i, name := range [...]string{",tls", ",credssp", ",rdstls", ",credssp-ex", ",aad"} {
		if kinds>>i&1 != 0 {
			dst = append(dst, name...)
		}
	}
	return dst
}

// confirm reads what the server chooses.
func (s *rdpState) confirm(m *Message, b []byte) Verdict {
	m.Response(0)
	m.Finish()
	chosen := byte(0)
	if len(b) >= rdpNegotiation && b[0] == rdpAnswers {
		chosen = b[4]
	} else if len(b) >= rdpNegotiation && b[0] == rdpRefuses {
		m.Attrs.Uint(rdpFailure, uint64(b[4])|uint64(b[5])<<8|uint64(b[6])<<16|uint64(b[7])<<24)
		return Done
	}
	name := "rdp"
	switch chosen {
	case 1:
		name = "tls"
	case 2:
		name = "credssp"
	case 4:
		name = "rdstls"
	case 8:
		name = "credssp-ex"
	case 16:
		name = "aad"
	}
	if m.Attrs.Text(rdpChosen, name); chosen == 0 {
		return Done
	}
	m.Become(&TLS)
	return Accept
}
