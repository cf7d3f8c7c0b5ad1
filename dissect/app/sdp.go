package app

import (
	"bytes"
	"net/netip"
)

// Flaws of descriptions of media.
const (
	flawSDPLine       = "SDP: a line that is not a letter, an equals sign and a value"
	flawSDPMedia      = "SDP: a line m= without type, port, protocol and format"
	flawSDPConnection = "SDP: a line c= without network type, address type and address"
	flawSDPAddress    = "SDP: an address that is none of its type"
)

// Room for what is learnt from a description.
const (
	sdpMediaRoom   = 255 // octets of encoded media: what an attribute holds
	sdpCodecRoom   = 128 // octets of the names of codecs
	sdpAddressRoom = 96  // octets of the addresses in lines c=
	sdpFormats     = 32  // payload types of a medium that names are looked up for
)

// sdpReader reads a description of media (RFC 8866).
type sdpReader struct {
	lines     int // m=
	media     [sdpMediaRoom]byte
	size      int // octets of media
	codecs    dnsText
	addresses dnsText
	address   netip.Addr // of the first medium that is in use
	port      uint16
	flaw      string

	session, current Media
	rtcp             uint16 // given by a=rtcp
	formats          [sdpFormats]sdpFormat
	candidates       [mediaCandidates]netip.AddrPort
	n, candidatesN   int
}

// sdpFormat is a payload type in m= and what rtpmap says of it. A format that is no payload type,
// as t38, has only a name.
type sdpFormat struct {
	Payload
	name  []byte
	typed bool
}

// read reads b.
func (x *sdpReader) read(b []byte) {
	to := &x.session
	x.codecs.hold, x.addresses.hold = len(x.codecs.b)-sdpCodecRoom, len(x.addresses.b)-sdpAddressRoom
	for len(b) > 0 {
		line, n := lineOf(b)
		if n == 0 {
			n = len(b)
		}
		b = b[n:]
		switch {
		case len(line) == 0:
			continue
		case len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z':
			x.note(flawSDPLine)
			continue
		}
		switch value := line[2:]; line[0] {
		case 'c':
			x.connection(to, value)
		case 'a':
			x.attribute(to, value)
		case 'm':
			x.end()
			to = &x.current
			x.begin(value)
		}
	}
	x.end()
}

func (x *sdpReader) note(flaw string) {
	if x.flaw == "" {
		x.flaw = flaw
	}
}

// word cuts the first word off b.
func word(b []byte) (one, rest []byte) {
	b = bytes.TrimLeft(b, " \t")
	if n := bytes.IndexAny(b, " \t"); n >= 0 {
		return b[:n], b[n:]
	}
	return b, nil
}

// connection reads c=, as IN IP4 224.2.36.42/127. A name is no address, and no flaw.
func (x *sdpReader) connection(m *Media, value []byte) {
	network, rest := word(value)
	family, rest := word(rest)
	text, _ := word(rest)
	if n := bytes.IndexByte(text, '/'); n >= 0 {
		text = text[:n]
	}
	if len(network) == 0 || len(text) == 0 {
		x.note(flawSDPConnection)
		return
	}
	a, ok := addressOf(text)
	if ok && a.Is4() != isWord(family, "ip4") || !ok && bytes.IndexByte(text, ':') >= 0 {
		x.note(flawSDPAddress)
	}
	m.Address = a.Unmap()
	x.addresses.item(text)
}

// item adds an item to a list, unless it is there or does not fit as a whole.
func (t *dnsText) item(text []byte) {
	if t.n+1+len(text) > len(t.b)-t.hold {
		return
	}
	for all := t.bytes(); len(all) > 0; {
		n := bytes.IndexByte(all, ';')
		if n < 0 {
			n = len(all)
		}
		if bytes.Equal(all[:n], text) {
			return
		}
		all = all[min(n+1, len(all)):]
	}
	t.list(';')
	t.add(text)
}

// begin reads m=, as audio 49170/2 RTP/AVP 0 8 97.
func (x *sdpReader) begin(value []byte) {
	if x.lines++; x.lines > 1<<16-1 {
		x.lines = 1<<16 - 1
	}
	kind, rest := word(value)
	port, rest := word(rest)
	proto, rest := word(rest)
	if n := bytes.IndexByte(port, '/'); n >= 0 {
		port = port[:n]
	}
	number, ok := decimal(port)
	if !ok || number > 1<<16-1 || len(proto) == 0 || len(bytes.TrimSpace(rest)) == 0 {
		x.note(flawSDPMedia)
	}
	if number > 1<<16-1 {
		number = 0
	}
	s := &x.session
	x.current = Media{
		Direction: s.Direction, Address: s.Address, Port: uint16(number), Fingerprint: s.Fingerprint,
	}
	for k := AudioMedia; int(k) < len(mediaKinds); k++ {
		if isWord(kind, mediaKinds[k]) {
			x.current.Kind = k
		}
	}
	for p := RTPAVP; int(p) < len(mediaTransports); p++ {
		if len(proto) == len(mediaTransports[p]) && equalFold(proto, mediaTransports[p]) {
			x.current.Transport = p
		}
	}
	x.rtcp, x.n, x.candidatesN = 0, 0, 0
	for len(rest) > 0 {
		var one []byte
		if one, rest = word(rest); len(one) > 0 {
			x.format(one)
		}
	}
}

// format adds a format of m=.
func (x *sdpReader) format(text []byte) {
	if x.n == len(x.formats) {
		x.current.More = true
		return
	}
	f := &x.formats[x.n]
	x.n++
	*f = sdpFormat{name: text}
	number, ok := decimal(text)
	if !ok || number > 127 || !x.current.Transport.IsRTP() {
		return
	}
	*f = sdpFormat{typed: true, Payload: Payload{Type: uint8(number)}}
	if int(number) < len(staticPayloads) {
		s := &staticPayloads[number]
		f.Codec, f.Clock = s.codec, s.clock
	}
}

// attribute reads a=, of the session or of a medium.
func (x *sdpReader) attribute(m *Media, value []byte) {
	name := value
	if n := bytes.IndexByte(value, ':'); n >= 0 {
		name, value = value[:n], value[n+1:]
	} else {
		value = nil
	}
	for d, direction := range mediaDirections {
		if isWord(name, direction) {
			m.Direction = MediaDirection(d)
			return
		}
	}
	switch {
	case isWord(name, "rtpmap"):
		x.rtpmap(value)
	case isWord(name, "ptime"):
		digits, _ := word(value)
		if n := bytes.IndexByte(digits, '.'); n > 0 {
			digits = digits[:n]
		}
		if n, ok := decimal(digits); ok {
			m.PTime = uint8(min(n, 255))
		}
	case isWord(name, "rtcp"):
		port, _ := word(value)
		if n, ok := decimal(port); ok && n < 1<<16 {
			x.rtcp = uint16(n)
		}
	case isWord(name, "rtcp-mux"):
		m.RTCPMux = true
	case isWord(name, "crypto"):
		m.Crypto = true
	case isWord(name, "fingerprint"):
		m.Fingerprint = true
	case isWord(name, "candidate"):
		x.candidate(value)
	}
}

// rtpmap reads 97 iLBC/8000/1.
func (x *sdpReader) rtpmap(value []byte) {
	number, rest := word(value)
	name, _ := word(rest)
	kind, ok := decimal(number)
	if !ok || kind > 127 {
		return
	}
	var clock uint64
	if n := bytes.IndexByte(name, '/'); n >= 0 {
		digits := name[n+1:]
		if k := bytes.IndexByte(digits, '/'); k >= 0 {
			digits = digits[:k]
		}
		clock, _ = decimal(digits)
		name = name[:n]
	}
	for i := range x.formats[:x.n] {
		if f := &x.formats[i]; f.typed && f.Type == uint8(kind) {
			f.name, f.Codec, f.Clock = name, codecNamed(name), uint32(min(clock, 1<<32-1))
		}
	}
}

// candidate reads 1 1 UDP 2130706431 192.0.2.1 54400 typ host (RFC 8839, section 5.1).
func (x *sdpReader) candidate(value []byte) {
	m := &x.current
	m.Offered += min(1, 255-m.Offered)
	_, rest := word(value)
	component, rest := word(rest)
	transport, rest := word(rest)
	_, rest = word(rest)
	text, rest := word(rest)
	port, _ := word(rest)
	a, ok := addressOf(text)
	number, isNumber := decimal(port)
	if !ok || !isNumber || number > 1<<16-1 || len(component) != 1 || component[0] != '1' ||
		!isWord(transport, "udp") || x.candidatesN == len(x.candidates) {
		return
	}
	x.candidates[x.candidatesN] = netip.AddrPortFrom(a.Unmap(), uint16(number))
	x.candidatesN++
}

// end closes the medium in hand, if there is one.
func (x *sdpReader) end() {
	if x.lines == 0 {
		return
	}
	m, candidates, slots := x.current, x.candidates, [mediaPayloads]Payload{}
	switch {
	case !m.Transport.IsRTP() || m.Port == 0:
	case x.rtcp != 0:
		m.RTCP = x.rtcp
	case m.RTCPMux:
		m.RTCP = m.Port
	case m.Port < 1<<16-1:
		m.RTCP = m.Port + 1
	}
	n := 0
	for i := range x.formats[:x.n] {
		f := &x.formats[i]
		x.codec(f)
		switch {
		case !f.typed:
		case n < len(slots):
			slots[n], n = f.Payload, n+1
		case f.Codec == CodecTelephoneEvent:
			slots[n-1] = f.Payload
			fallthrough
		default:
			m.More = true
		}
	}
	m.Payloads, m.Candidates = slots[:n], candidates[:x.candidatesN]
	if c := &x.current; !x.address.IsValid() && c.Port != 0 && c.Address.IsValid() {
		x.address, x.port = c.Address, c.Port
	}
	var room [mediaMost]byte
	one := AppendMedia(room[:0], &m)
	if x.size+len(one) > len(x.media) {
		m.Candidates = nil
		one = AppendMedia(room[:0], &m)
	}
	if x.size+len(one) <= len(x.media) {
		x.size += copy(x.media[x.size:], one)
	}
}

// codec adds the name of a format to those of the codecs.
func (x *sdpReader) codec(f *sdpFormat) {
	var room [32]byte
	name := f.name
	if len(name) == 0 {
		name = room[:copy(room[:], f.Codec.String())]
	}
	if len(name) > 0 {
		x.codecs.item(name)
	}
}
