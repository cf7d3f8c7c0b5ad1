package app

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/weir-probe/weir/dissect/wire"
)

// Most numbers of a hello that are fingerprinted. IANA knows about 350 cipher suites and 60
// extensions.
const (
	mostCiphers = 512
	mostOthers  = 128
)

// fingerprintClient says JA3 and JA4 of a hello. It returns false if that has more of anything
// than a fingerprint is made of.
//
// JA3 is the MD5 of version, cipher suites, extensions, groups and point formats in decimal.
func fingerprintClient(m *Message, c *clientHello) bool {
	var ciphersOf [mostCiphers]uint16
	var extensionsOf, groupsOf, signaturesOf [mostOthers]uint16
	ciphers, ok1 := numbers(ciphersOf[:0], c.ciphers)
	extensions, ok2 := kinds(extensionsOf[:0], c.extensions)
	groups, ok3 := numbers(groupsOf[:0], c.groups)
	signatures, ok4 := numbers(signaturesOf[:0], c.signatures)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return false
	}
	var text [6 * (mostCiphers + 2*mostOthers + 255)]byte
	b := strconv.AppendUint(text[:0], uint64(c.version), 10)
	b = appendDecimals(append(b, ','), ciphers)
	b = appendDecimals(append(b, ','), extensions)
	b = appendDecimals(append(b, ','), groups)
	b = append(b, ',')
	for i, p := range c.points {
		if i > 0 {
			b = append(b, '-')
		}
		b = strconv.AppendUint(b, uint64(p), 10)
	}
	sayMD5(m, b, false)
	sayJA4(m, c, [3][]uint16{ciphers, extensions, signatures}, text[:0])
	return true
}

// fingerprintServer says JA3S: version, cipher suite and extensions.
func fingerprintServer(m *Message, version, cipher uint16, extensions wire.Reader) {
	var of [mostOthers]uint16
	all, ok := kinds(of[:0], extensions)
	if !ok {
		return
	}
	var text [6 * (mostOthers + 2)]byte
	b := strconv.AppendUint(text[:0], uint64(version), 10)
	b = strconv.AppendUint(append(b, ','), uint64(cipher), 10)
	b = appendDecimals(append(b, ','), all)
	sayMD5(m, b, true)
}

func sayMD5(m *Message, text []byte, server bool) {
	sum := md5.Sum(text)
	var digits [2 * md5.Size]byte
	hex.Encode(digits[:], sum[:])
	if server {
		m.Attrs.Bytes(JA3Server, digits[:])
	} else {
		m.Attrs.Bytes(JA3Client, digits[:])
	}
}

// numbers appends a list of two octets each, without those that mean nothing. It returns false
// if dst has no room for all.
func numbers(dst []uint16, list []byte) ([]uint16, bool) {
	for r := wire.Read(list); r.Len() >= 2; {
		n := r.U16()
		if grease(n) {
			continue
		}
		if len(dst) == cap(dst) {
			return dst, false
		}
		dst = append(dst, n)
	}
	return dst, true
}

// kinds is numbers for the types of extensions.
func kinds(dst []uint16, extensions wire.Reader) ([]uint16, bool) {
	for extensions.Len() > 0 {
		n := extensions.U16()
		extensions.Block16()
		if grease(n) {
			continue
		}
		if len(dst) == cap(dst) {
			return dst, false
		}
		dst = append(dst, n)
	}
	return dst, true
}

func appendDecimals(dst []byte, all []uint16) []byte {
	for i, n := range all {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = strconv.AppendUint(dst, uint64(n), 10)
	}
	return dst
}

// sayJA4 says the fingerprint of a client as FoxIO describes it (JA4, "TLS Client
// Fingerprinting"). lists are cipher suites, extensions and signature algorithms, the first two of
// which it sorts; text is room for what is hashed.
func sayJA4(m *Message, c *clientHello, lists [3][]uint16, text []byte) {
	ciphers, extensions, signatures := lists[0], lists[1], lists[2]
	var buf [36]byte
	b := append(buf[:0], byte(c.over))
	b = append(b, c.highest()...)
	if c.named {
		b = append(b, 'd')
	} else {
		b = append(b, 'i')
	}
	b = appendCount(b, len(ciphers))
	b = appendCount(b, len(extensions))
	b = c.appendFirstALPN(b)

	slices.Sort(ciphers)
	b = appendHash(append(b, '_'), appendSorted(text, ciphers, false))
	if len(extensions) == 0 {
		m.Attrs.Bytes(JA4Client, append(b, "_000000000000"...))
		return
	}
	slices.Sort(extensions)
	t := appendSorted(text, extensions, true)
	for i, n := range signatures {
		if i == 0 {
			t = append(t, '_')
		} else {
			t = append(t, ',')
		}
		t = appendCode(t, n)
	}
	m.Attrs.Bytes(JA4Client, appendHash(append(b, '_'), t))
}

// appendSorted appends numbers with commas between them; those of extensions without the two
// that the readable part of JA4 tells.
func appendSorted(dst []byte, all []uint16, extensions bool) []byte {
	start := len(dst)
	for _, n := range all {
		if extensions && (n == extensionServerName || n == extensionALPN) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = appendCode(dst, n)
	}
	return dst
}

// appendHash appends the first twelve digits of the SHA-256 of text, zeroes if there is none.
func appendHash(dst, text []byte) []byte {
	if len(text) == 0 {
		return append(dst, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(dst, sum[:6])
}

func appendCount(dst []byte, n int) []byte {
	n = min(n, 99)
	return append(dst, '0'+byte(n/10), '0'+byte(n%10))
}

// highest returns JA4's two characters for the highest version offered.
func (c *clientHello) highest() string {
	top := uint16(0)
	for r := wire.Read(c.versions); r.Len() >= 2; {
		v := r.U16()
		// Those of DTLS count downwards.
		if !grease(v) && (top == 0 || c.over != overDTLS && v > top || c.over == overDTLS && v < top) {
			top = v
		}
	}
	if top == 0 {
		top = c.version
	}
	switch top {
	case tls13:
		return "13"
	case tls12:
		return "12"
	case tls11:
		return "11"
	case tls10:
		return "10"
	case ssl3:
		return "s3"
	case ssl2:
		return "s2"
	case dtls13:
		return "d3"
	case dtls12:
		return "d2"
	case dtls10:
		return "d1"
	}
	return "00"
}

// appendFirstALPN appends first and last character of the first protocol offered, or of its
// hexadecimal form if they are not letters or digits.
func (c *clientHello) appendFirstALPN(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for r := wire.Read(c.alpn); r.Len() > 0; {
		name := r.Block8()
		b := name.Rest()
		if len(b) == 2 && grease(uint16(b[0])<<8|uint16(b[1])) {
			continue
		}
		if len(b) == 0 {
			break
		}
		first, last := b[0], b[len(b)-1]
		if !alphanumeric(first) || !alphanumeric(last) {
			first, last = digits[first>>4], digits[last&15]
		}
		return append(dst, first, last)
	}
	return append(dst, '0', '0')
}

var alphanumerics = []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

func alphanumeric(c byte) bool { return bytes.IndexByte(alphanumerics, c) >= 0 }
