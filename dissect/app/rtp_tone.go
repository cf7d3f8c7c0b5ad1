package app

// rtpTone is a telephone event that is going on.
type rtpTone struct {
	ts, ssrc uint32
	length   uint16
	event    uint8
	seen     uint8 // packets of it, 2 for more
}

// rtpDigits are the events that are tones of a telephone.
const rtpDigits = "0123456789*#ABCD"

// isEvent reports whether a packet looks like a telephone event, and others of its payload type do too.
func (p *rtpPacket) isEvent(r *rtpStream) bool {
	b := p.body
	looks := len(b) == 4 && p.payload >= rtpDynamic && int(b[0]) < len(rtpDigits) && b[1]&0x40 == 0
	if p.payload == r.payload {
		r.plain = r.plain || !looks
		return looks && !r.plain
	}
	return looks
}

// listen looks for telephone events (RFC 4733, section 2.3). The signalling says which payload type
// they have, so they are known by their form: four octets, said again and again with the timestamp
// of their beginning, and never shorter.
func (s *rtpState) listen(p *rtpPacket) {
	b, t := p.body, &s.tone
	if !p.event {
		return
	}
	length := uint16(b[2])<<8 | uint16(b[3])
	if t.seen == 0 || t.ts != p.ts || t.ssrc != p.ssrc || t.event != b[0] {
		*t = rtpTone{ts: p.ts, ssrc: p.ssrc, length: length, event: b[0], seen: 1}
		return
	}
	if t.seen == 1 && length >= t.length && int(s.ndigits) < len(s.digits) {
		s.digits[s.ndigits] = rtpDigits[t.event]
		s.ndigits++
	}
	t.seen, t.length = 2, length
}
