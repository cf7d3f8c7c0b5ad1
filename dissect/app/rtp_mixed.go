package app

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/weir-probe/weir/dissect/wire"
)

// takeSTUN reads a message of STUN, which is certain by itself.
func (s *rtpState) takeSTUN(m *Message, b []byte) Verdict {
	var x stunMessage
	if !x.read(b, m) {
		if v := s.takeFax(m, b); v != Reject {
			return v
		}
		if !s.proven && s.tried >= rtpPatient || !opensPath(b) {
			return Reject
		}
		if s.proven {
			m.Rest()
			return Accept
		}
		return s.wait(m)
	}
	fresh := !s.proven && !s.stun
	s.stun = true
	if fresh {
		m.Is(numberSTUN)
	}
	x.tell(m)
	m.Rest()
	if len(x.data) > 0 && x.data[0] >= 128 {
		s.take(m, x.data)
	}
	return Accept
}

// takeChannel reads what TURN carries in a channel (RFC 8656, section 12.4; RFC 5766 had more numbers for them).
func (s *rtpState) takeChannel(m *Message, b []byte) Verdict {
	r := wire.Read(b)
	r.Skip(2)
	data := r.Block16()
	if r.Short() || data.Short() && !m.Cut || r.Len() > 3 {
		return Reject
	}
	if data.Len() > 0 && data.Peek()[0] >= 128 {
		s.take(m, data.Peek())
	}
	m.Rest()
	return Accept
}

// takeZRTP notes that the keys are agreed over the path of the media (RFC 6189, section 5).
func (s *rtpState) takeZRTP(m *Message, b []byte) Verdict {
	const (
		magic    = 0x5a525450
		preamble = 0x505a
		overhead = 16 // header before the message, and the checksum behind it
	)
	r := wire.Read(b)
	r.Skip(4)
	ok := r.U32() == magic
	r.Skip(4)
	ok = ok && r.U16() == preamble
	words := int(r.U16())
	if !ok || r.Short() || !m.Cut && (len(b) != 4*words+overhead || !summed(b)) {
		return Reject
	}
	s.proven = true
	m.Attrs.Text(RTPKeying, "zrtp")
	m.Rest()
	return Accept
}

// castagnoli is the polynomial of CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// summed reports whether octets end with their CRC-32C, in the order of SCTP (RFC 9260, appendix A).
func summed(b []byte) bool {
	n := len(b) - 4
	return binary.LittleEndian.Uint32(b[n:]) == crc32.Checksum(b[:n], castagnoli)
}

// takeDTLS notes that the keys are agreed by DTLS (RFC 5764), of a flow that is known for media.
func (s *rtpState) takeDTLS(m *Message, b []byte) Verdict {
	records := wire.Read(b)
	if !s.proven && !s.stun || !isDatagram(&records, m.Cut) {
		return Reject
	}
	if s.proven {
		m.Attrs.Text(RTPKeying, "dtls")
	}
	m.Rest()
	return Accept
}

// opensPath reports whether a datagram is for NATs, to keep or to make a way for media: octets that
// mean nothing (RFC 6263), hardly any of which say something, or what Teams and Skype send, whose length is
// that of what follows.
func opensPath(b []byte) bool {
	if len(b) > 4 && b[0] == 0 && (b[1] == 1 || b[1] == 2) {
		return int(b[2])<<8|int(b[3]) == len(b)-4
	}
	const longest = 20
	something := 0
	for _, c := range b {
		something += int(boolean(c != 0 && c != '\r' && c != '\n'))
	}
	return len(b) <= longest && 4*something <= len(b)
}
