package app

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dissect/wire"
)

// Google's QUIC before that of the IETF, which has no standard: what is known of it is from
// "QUIC Crypto" and "QUIC Wire Layout Specification" by Google.

// Frames of Q050 that come before or after the client's hello.
const (
	googlePing   = 0x07
	googleCrypto = 0x08
)

// Parts of packets of Q046 and before.
const (
	googleHash     = 12 // of packets that are not encrypted
	googleStream   = 0x80
	googleLength   = 0x20       // in the type of a stream frame: a length of two octets is there
	googlePrivate  = 34         // the first version without an octet of further flags
	googleReset    = 0x02       // in the first octet
	quicQ046       = 0x51303436 // "Q046"
	googleMaxTags  = 128
	googleTagsFrom = 8 // octets before the list of tags

	// The first octet of versions before Q046, in which a version and an identifier are announced,
	// and a packet number of any size.
	googleFirst = "\x09\x0d\x19\x1d\x29\x2d\x39\x3d"
)

// googleFrames reads what matters of a packet of Q050.
func (s *quicState) googleFrames(side int, plain []byte) (flaw string) {
	for r := wire.Read(plain); r.Len() > 0; {
		switch r.U8() {
		case framePadding, googlePing:
		case googleCrypto:
			at := quicVarint(&r)
			if b := quicBytes(&r, quicVarint(&r)); r.Short() {
				return flawQUICFrame
			} else if !s.put(side, at, b) {
				return flawQUICHello
			}
		default:
			return ""
		}
	}
	return ""
}

// asksGoogle says the request once the client's hello is complete.
func (s *quicState) asksGoogle(m *Message) bool {
	h := s.hello[:s.streams[quicClient].have]
	if len(h) < googleTagsFrom {
		return false
	}
	if !googleHello(h) {
		m.Malformed(flawQUICMessage)
		s.flags |= quicHelloBad
		return false
	}
	if len(h) < googleEnd(h) {
		return false
	}
	s.begun(m)
	sayGoogle(m, h)
	m.Request(s.first.key())
	return true
}

// googleHello reports whether octets, 8 at least, begin a client's hello.
func googleHello(h []byte) bool {
	n := int(binary.LittleEndian.Uint16(h[4:]))
	return string(h[:4]) == "CHLO" && n > 0 && n <= googleMaxTags
}

// googleEnd returns where a hello ends, as far as can be told from what is there.
func googleEnd(h []byte) int {
	values := googleTagsFrom + 8*int(binary.LittleEndian.Uint16(h[4:]))
	if len(h) < values {
		return values
	}
	return values + int(binary.LittleEndian.Uint32(h[values-4:]))
}

// sayGoogle says what the tags of a hello do. Each has the end of its value beside it, counted
// from the first value on.
func sayGoogle(m *Message, h []byte) {
	n := int(binary.LittleEndian.Uint16(h[4:]))
	tags := wire.Read(h[googleTagsFrom:])
	values := wire.Read(h[min(len(h), googleTagsFrom+8*n):])
	at := uint32(0)
	for range n {
		tag, end := tags.Bytes(4), tags.U32LE()
		value := values.Bytes(int(end) - int(at))
		if tags.Short() || values.Short() {
			m.Malformed(flawQUICTags)
			return
		}
		at = end
		switch {
		case len(value) == 0:
		case string(tag) == "SNI\x00":
			m.Attrs.Bytes(TLSServerName, value)
		case string(tag) == "UAID":
			m.Attrs.Bytes(QUICUserAgent, value)
		}
	}
}

// parseGoogleQUIC reads a client's first datagram in version Q046 or one before. Nothing that
// follows tells more.
func parseGoogleQUIC(m *Message) Verdict {
	r := wire.Read(m.Peek())
	first := r.U8()
	var dcid []byte
	var version uint32
	packetNumber := 1 + int(first&3)
	switch {
	case first&0xc0 == 0xc0:
		version = r.U32()
		lengths := r.U8() // of both identifiers, less 3
		dcid = r.Bytes(8)
		if version != quicQ046 || lengths != 0x50 {
			return Reject
		}
	case first&0xc9 == 0x09 && first&googleReset == 0:
		dcid = r.Bytes(8)
		version = r.U32()
		packetNumber = max(1, 2*int(first>>4&3))
	}
	if r.Short() || version>>16 != 'Q'<<8|'0' || !quicPlausible(version) || quicVersionOf(version) != nil {
		return Reject
	}
	m.Attrs.Uint(QUICVersion, uint64(version))
	m.Attrs.Bytes(QUICDCID, dcid)
	r.Skip(packetNumber + googleHash)
	if number := version>>8&15*10 + version&15; number < googlePrivate {
		r.Skip(1)
	}
	if h := googleStreamData(&r); len(h) >= googleTagsFrom && googleHello(h) {
		sayGoogle(m, h[:min(len(h), googleEnd(h))])
	}
	m.Notice()
	m.Rest()
	return Done
}

// googleStreamData returns what follows the head of a stream frame, nil if there is none.
func googleStreamData(r *wire.Reader) []byte {
	kind := r.U8()
	if kind&googleStream == 0 {
		return nil
	}
	r.Skip(1 + int(kind&3)) // stream
	if n := int(kind >> 2 & 7); n > 0 {
		r.Skip(1 + n) // offset
	}
	if kind&googleLength != 0 {
		r.Skip(2)
	}
	return r.Rest()
}
