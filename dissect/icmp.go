package dissect

import "github.com/weir-probe/weir/dissect/wire"

// icmpLen is the length of the header of all messages: what they share and 4 octets whose
// meaning depends on the type.
const icmpLen = 8

// icmp makes ports of type and code so that a reply and its query are of one flow (see
// flow.Key): the endpoint that is asked has those of the query.
func (p *Packet) icmp(b []byte) ([]byte, layer) {
	h, _, ok := wire.AsICMP(b)
	if !ok {
		return p.transport(b, icmpLen)
	}
	t, code := h.Type(), uint16(h.Code())
	p.ICMP = uint16(t)<<8 | code
	switch query, answer, sameCode := exchange(p.Proto, t); {
	case !answer && !sameCode:
		p.DstPort = uint16(query) << 8
	case !answer:
		p.DstPort = uint16(query)<<8 | code
	case !sameCode:
		p.SrcPort = uint16(query) << 8
	default:
		p.SrcPort = uint16(query)<<8 | code
	}
	return p.transport(b, icmpLen)
}

// exchange tells the type of the query that a message is or answers; other messages are their
// own. In some exchanges the code of the answer is not that of the query, so it is left out.
func exchange(proto, t uint8) (query uint8, answer, sameCode bool) {
	if proto == protoICMPv6 {
		switch t {
		case 129, 145, 147: // echo, home agent discovery, mobile prefix
			return t - 1, true, true
		case 139, 160: // node information, extended echo
			return t, false, false
		case 140, 161:
			return t - 1, true, false
		}
		return t, false, true
	}
	switch t {
	case 0: // echo
		return 8, true, true
	case 14, 16, 18, 34, 36, 38: // timestamp, information, mask, where are you, registration, name
		return t - 1, true, true
	case 42: // extended echo
		return t, false, false
	case 43:
		return t - 1, true, false
	}
	return t, false, true
}
