package app

import (
	"encoding/binary"
	"net/netip"
)

// Media is what one side of a session says of a medium that it wants to receive: one line m= of a
// description with the lines that belong to it (RFC 8866, section 5.14).
type Media struct {
	Kind      MediaKind
	Transport MediaTransport
	Direction MediaDirection

	// Address is where packets are to be sent, not valid if it is given by name or not at all.
	// It is unspecified, 0.0.0.0, if the media is on hold in the way of RFC 2543.
	Address netip.Addr
	Port    uint16 // 0 refuses the medium
	RTCP    uint16 // port of RTCP, the same if both share it; 0 if there is no RTCP

	RTCPMux     bool  // offers or accepts to have RTCP on the same port (RFC 5761)
	Crypto      bool  // keys are given for SRTP (RFC 4568)
	Fingerprint bool  // of a certificate, for DTLS
	More        bool  // there are more payload types than in Payloads
	PTime       uint8 // milliseconds of media in a packet, 0 if it does not say

	Payloads   []Payload        // the first payload types, and that of telephone events
	Candidates []netip.AddrPort // the first ICE candidates for RTP over UDP
	Offered    uint8            // ICE candidates there are, of any kind
}

// Payload says what a payload type of RTP means.
type Payload struct {
	Type  uint8
	Codec Codec
	Clock uint32 // Hz; 0 if it is not said
}

// MediaKind is the type of a medium.
type MediaKind uint8

// Types of media (RFC 8866, section 5.14).
const (
	OtherMedia MediaKind = iota
	AudioMedia
	VideoMedia
	TextMedia
	ApplicationMedia
	MessageMedia
	ImageMedia
)

var mediaKinds = [...]string{
	OtherMedia: "other", AudioMedia: "audio", VideoMedia: "video", TextMedia: "text", ApplicationMedia: "application",
	MessageMedia: "message", ImageMedia: "image",
}

// String returns the type as descriptions write it.
func (k MediaKind) String() string { return mediaKinds[min(int(k), len(mediaKinds)-1)] }

// MediaTransport is the protocol that carries a medium.
type MediaTransport uint8

// Protocols of media (IANA's registry of SDP parameters, "proto").
const (
	OtherTransport MediaTransport = iota
	RTPAVP
	RTPAVPF
	RTPSAVP
	RTPSAVPF
	DTLSAVP
	DTLSAVPF
	UDPTL
	PlainUDP
)

var mediaTransports = [...]string{
	OtherTransport: "", RTPAVP: "RTP/AVP", RTPAVPF: "RTP/AVPF", RTPSAVP: "RTP/SAVP", RTPSAVPF: "RTP/SAVPF",
	DTLSAVP: "UDP/TLS/RTP/SAVP", DTLSAVPF: "UDP/TLS/RTP/SAVPF", UDPTL: "UDPTL", PlainUDP: "UDP",
}

// String returns the protocol as descriptions write it, empty for any other.
func (p MediaTransport) String() string {
	if int(p) < len(mediaTransports) {
		return mediaTransports[p]
	}
	return ""
}

// IsRTP reports whether the media comes in packets of RTP or SRTP.
func (p MediaTransport) IsRTP() bool { return p >= RTPAVP && p <= DTLSAVPF }

// MediaDirection is in which directions a medium is to flow, seen from whoever says it.
type MediaDirection uint8

// Directions (RFC 8866, section 6.7).
const (
	SendReceive MediaDirection = iota
	SendOnly
	ReceiveOnly
	Inactive
)

var mediaDirections = [...]string{
	SendReceive: "sendrecv", SendOnly: "sendonly", ReceiveOnly: "recvonly", Inactive: "inactive",
}

// String returns the direction as descriptions write it.
func (d MediaDirection) String() string { return mediaDirections[d&3] }

// How many of each are kept of a medium.
const (
	mediaPayloads   = 4
	mediaCandidates = 3
)

// Bits of the flags of an encoded medium. The lowest two are the direction.
const (
	mediaMux = 4 << iota
	mediaCrypto
	mediaFingerprint
	mediaMore
)

// Octets of an encoded medium: of what all have, and at most.
const (
	mediaHeader = 12
	mediaMost   = mediaHeader + 16 + mediaPayloads*6 + mediaCandidates*19
)

// AppendMedia appends media to b in the form that SIPUACMedia and SIPUASMedia have. Each is
//
//	kind, transport, flags, ptime, candidates offered, payloads, candidates, octets of the address: 1 octet each
//	port, port of RTCP: 2 octets each
//	address
//	payloads: type, codec, 1 octet each, and clock, 4 octets
//	candidates: octets of the address, 1 octet, address, port, 2 octets
//
// with the most significant octet first. Of Payloads and Candidates it takes as many as there are
// of a medium at most, four and three.
func AppendMedia(b []byte, m *Media) []byte {
	flags := uint8(m.Direction & 3)
	for _, x := range [...]struct {
		is  bool
		bit uint8
	}{{m.RTCPMux, mediaMux}, {m.Crypto, mediaCrypto}, {m.Fingerprint, mediaFingerprint}, {m.More, mediaMore}} {
		if x.is {
			flags |= x.bit
		}
	}
	payloads := m.Payloads[:min(len(m.Payloads), mediaPayloads)]
	candidates := m.Candidates[:min(len(m.Candidates), mediaCandidates)]
	b = append(b, uint8(m.Kind), uint8(m.Transport), flags, m.PTime, m.Offered,
		uint8(len(payloads)), uint8(len(candidates)), addressLen(m.Address))
	b = binary.BigEndian.AppendUint16(b, m.Port)
	b = binary.BigEndian.AppendUint16(b, m.RTCP)
	b = appendAddress(b, m.Address)
	for _, p := range payloads {
		b = binary.BigEndian.AppendUint32(append(b, p.Type, uint8(p.Codec)), p.Clock)
	}
	for _, c := range candidates {
		b = appendAddress(append(b, addressLen(c.Addr())), c.Addr())
		b = binary.BigEndian.AppendUint16(b, c.Port())
	}
	return b
}

func addressLen(a netip.Addr) uint8 { return uint8(a.BitLen() / 8) }

func appendAddress(b []byte, a netip.Addr) []byte {
	switch {
	case a.Is4():
		four := a.As4()
		return append(b, four[:]...)
	case a.Is6():
		sixteen := a.As16()
		return append(b, sixteen[:]...)
	}
	return b
}

// ReadMedia reads the first of the media in b, which AppendMedia wrote, and returns what follows
// it. It returns false at the end, and where b has none: what is malformed ends it too. The slices
// in m are its own; they are used again if they have room.
func ReadMedia(b []byte, m *Media) (rest []byte, ok bool) {
	if len(b) < mediaHeader {
		return nil, false
	}
	flags, payloads, candidates := b[2], int(b[5]), int(b[6])
	*m = Media{
		Kind: MediaKind(b[0]), Transport: MediaTransport(b[1]), Direction: MediaDirection(flags & 3),
		Port: binary.BigEndian.Uint16(b[8:]), RTCP: binary.BigEndian.Uint16(b[10:]),
		RTCPMux: flags&mediaMux != 0, Crypto: flags&mediaCrypto != 0,
		Fingerprint: flags&mediaFingerprint != 0, More: flags&mediaMore != 0,
		PTime: b[3], Offered: b[4], Payloads: m.Payloads[:0], Candidates: m.Candidates[:0],
	}
	if m.Address, b, ok = readAddress(b[mediaHeader:], b[7]); !ok || payloads > mediaPayloads ||
		candidates > mediaCandidates || len(b) < 6*payloads {
		return nil, false
	}
	for ; payloads > 0; payloads-- {
		p := Payload{Type: b[0], Codec: Codec(b[1]), Clock: binary.BigEndian.Uint32(b[2:])}
		m.Payloads, b = append(m.Payloads, p), b[6:]
	}
	for ; candidates > 0; candidates-- {
		var a netip.Addr
		if len(b) == 0 {
			return nil, false
		}
		if a, b, ok = readAddress(b[1:], b[0]); !ok || len(b) < 2 {
			return nil, false
		}
		m.Candidates = append(m.Candidates, netip.AddrPortFrom(a, binary.BigEndian.Uint16(b)))
		b = b[2:]
	}
	return b, true
}

// readAddress reads an address of n octets: 4, 16, or none.
func readAddress(b []byte, n uint8) (a netip.Addr, rest []byte, ok bool) {
	if int(n) > len(b) {
		return a, nil, false
	}
	switch n {
	case 4:
		a = netip.AddrFrom4([4]byte(b))
	case 16:
		a = netip.AddrFrom16([16]byte(b))
	case 0:
	default:
		return a, nil, false
	}
	return a, b[n:], true
}
