package app

import "github.com/weir-probe/weir/dissect/wire"

// Frames that may be in an Initial (RFC 9000, table 3).
const (
	framePadding = 0x00
	framePing    = 0x01
	frameACK     = 0x02
	frameACKECN  = 0x03
	frameCrypto  = 0x06
	frameClose   = 0x1c
)

// Flaws of QUIC.
const (
	flawQUICFrame     = "QUIC frame longer than its packet"
	flawQUICForbidden = "QUIC frame that no Initial may have"
	flawQUICEmpty     = "QUIC packet without a frame"
	flawQUICReserved  = "QUIC header with reserved bits set"
	flawQUICHello     = "QUIC handshake longer than is put together"
	flawQUICMessage   = "QUIC handshake with an unexpected message"
	flawQUICKeys      = "QUIC Initial that its keys do not open"
	flawQUICTags      = "QUIC hello with tags that contradict their lengths"
	flawQUICRetry     = "QUIC Retry with a wrong integrity tag"
	flawQUICParameter = "QUIC transport parameter not of its length"
)

// frames reads what an Initial of a side holds (RFC 9000, section 12.4) and returns what is
// wrong with it.
func (s *quicState) frames(side int, plain []byte) (flaw string) {
	r := wire.Read(plain)
	if r.Len() == 0 {
		return flawQUICEmpty
	}
	for r.Len() > 0 && flaw == "" {
		switch kind := quicVarint(&r); kind {
		case framePadding, framePing:
		case frameACK, frameACKECN:
			acknowledged(&r, kind == frameACKECN)
		case frameCrypto:
			at := quicVarint(&r)
			if b := quicBytes(&r, quicVarint(&r)); !r.Short() && !s.put(side, at, b) {
				flaw = flawQUICHello
			}
		case frameClose:
			code := quicVarint(&r)
			quicVarint(&r) // the frame that was to blame
			if reason := quicBytes(&r, quicVarint(&r)); !r.Short() {
				s.closed(side, code, reason)
			}
		default:
			flaw = flawQUICForbidden
		}
		if r.Short() {
			flaw = flawQUICFrame
		}
	}
	return flaw
}

// acknowledged consumes the rest of an ACK frame (RFC 9000, section 19.3).
func acknowledged(r *wire.Reader, ecn bool) {
	quicVarint(r) // largest
	quicVarint(r) // delay
	n := quicVarint(r)
	quicVarint(r)
	for ; n > 0 && !r.Short(); n-- {
		quicVarint(r)
		quicVarint(r)
	}
	if ecn {
		quicVarint(r)
		quicVarint(r)
		quicVarint(r)
	}
}

// closed notes why a side gave up.
func (s *quicState) closed(side int, code uint64, reason []byte) {
	if s.is(quicClosed) {
		return
	}
	s.flags |= quicClosed
	s.closer, s.code = uint8(side), code
	s.reasonLen = uint8(copy(s.reason[:], reason))
}

// Lengths of the handshakes that are put together. A ClientHello takes 0.3 to 2 KiB, more with
// session tickets. A ServerHello with the longest key shares in use, after a HelloRetryRequest,
// takes 1.8 KiB.
const (
	quicHelloLen  = 8 << 10
	quicAnswerLen = 2 << 10
)

// quicStream is how much of a handshake has come.
type quicStream struct {
	have uint16 // octets from the beginning without a gap
	over bool   // there was more than fits
}

// stream returns the handshake of a side: its progress, octets, and which of them are there.
func (s *quicState) stream(side int) (x *quicStream, buf []byte, there []uint64) {
	if side == quicServer {
		return &s.streams[side], s.answer[:], s.answered[:]
	}
	return &s.streams[side], s.hello[:], s.greeted[:]
}

// put adds octets to the handshake of a side. Of those that come again the first count. It
// reports whether there was room.
func (s *quicState) put(side int, at uint64, b []byte) bool {
	x, buf, there := s.stream(side)
	fits := at <= uint64(len(buf)) && uint64(len(b)) <= uint64(len(buf))-at
	if !fits {
		x.over = true
		if at >= uint64(len(buf)) {
			return false
		}
		b = b[:min(uint64(len(b)), uint64(len(buf))-at)]
	}
	for i, c := range b {
		n := int(at) + i
		if bit := uint64(1) << (n & 63); there[n>>6]&bit == 0 {
			there[n>>6] |= bit
			buf[n] = c
		}
	}
	for int(x.have) < len(buf) && there[x.have>>6]&(1<<(x.have&63)) != 0 {
		x.have++
	}
	return fits
}

// message returns the handshake message that begins at an octet of what a side said, without
// its header (RFC 8446, section 4), once all of it has come. impossible says that it never will.
func (s *quicState) message(side, at int) (kind byte, body []byte, impossible bool) {
	x, buf, _ := s.stream(side)
	if at+4 > int(x.have) {
		return 0, nil, false
	}
	n := int(buf[at+1])<<16 | int(buf[at+2])<<8 | int(buf[at+3])
	if at+4+n > len(buf) {
		return buf[at], nil, true
	}
	if at+4+n > int(x.have) {
		return buf[at], nil, false
	}
	return buf[at], buf[at+4 : at+4+n], false
}

// forget drops what both sides said: another attempt begins.
func (s *quicState) forget() {
	for side := range s.streams {
		x, _, there := s.stream(side)
		*x = quicStream{}
		clear(there)
	}
}
