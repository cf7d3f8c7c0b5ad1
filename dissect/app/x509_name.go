package app

import (
	"net/netip"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/weir-probe/weir/dissect/wire"
)

// Most octets of a text, and of the buffer it is made in: text is cut after it has grown too long.
const (
	mostText = 255
	textRoom = mostText + 65
)

// mostRDNs is the most relative names that a name is made of.
const mostRDNs = 32

// Tags of strings.
const (
	tagUTF8      = 0x0c
	tagNumeric   = 0x12
	tagPrintable = 0x13
	tagTeletex   = 0x14
	tagIA5       = 0x16
	tagVisible   = 0x1a
	tagUniversal = 0x1c
	tagBMP       = 0x1e
)

// nameTypes are the types of attributes in names, by their object identifiers (RFC 4514, section
// 3; RFC 4519; the others as everyone calls them).
var nameTypes = [...]struct{ id, name string }{
	{"\x55\x04\x03", "CN"},
	{"\x55\x04\x06", "C"},
	{"\x55\x04\x0a", "O"},
	{"\x55\x04\x0b", "OU"},
	{"\x55\x04\x07", "L"},
	{"\x55\x04\x08", "ST"},
	{"\x55\x04\x09", "STREET"},
	{"\x55\x04\x04", "SN"},
	{"\x55\x04\x05", "serialNumber"},
	{"\x55\x04\x0c", "title"},
	{"\x55\x04\x0d", "description"},
	{"\x55\x04\x0f", "businessCategory"},
	{"\x55\x04\x11", "postalCode"},
	{"\x55\x04\x2a", "givenName"},
	{"\x55\x04\x2b", "initials"},
	{"\x55\x04\x2e", "dnQualifier"},
	{"\x55\x04\x61", "organizationIdentifier"},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"},
	{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"},
	{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"},
	{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", "jurisdictionL"},
	{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", "jurisdictionST"},
	{"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", "jurisdictionC"},
}

// appendName appends a name in the form of RFC 4514: the last relative name first. The text is
// cut to mostText octets; dst has textRoom of capacity.
func appendName(dst, name []byte) (text []byte, ok bool) {
	var rdns [mostRDNs]wire.Reader
	n := 0
	for r := wire.Read(name); r.Len() > 0; n++ {
		rdn := expect(&r, tagSet)
		if r.Short() || n == mostRDNs {
			return dst, false
		}
		rdns[n] = rdn
	}
	for i := n - 1; i >= 0; i-- {
		rdn, between := rdns[i], byte(',')
		for rdn.Len() > 0 {
			pair := expect(&rdn, tagSequence)
			id := expect(&pair, tagOID)
			b := pair.Peek()
			tag, value := element(&pair)
			if pair.Short() || rdn.Short() || pair.Len() > 0 {
				return dst, false
			}
			if len(dst) > mostText {
				continue // but see that the rest is well formed
			}
			if len(dst) > 0 {
				dst = append(dst, between)
			}
			dst = appendPair(dst, id.Rest(), b, tag, value)
			between = '+'
		}
	}
	return cutText(dst), true
}

// cutText cuts a text between characters.
func cutText(b []byte) []byte {
	if len(b) <= mostText {
		return b
	}
	n := mostText
	for n > mostText-utf8.UTFMax && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}

// appendPair appends type and value of an attribute; encoded is the value with tag and length.
func appendPair(dst, id, encoded []byte, tag uint8, value wire.Reader) []byte {
	known := ""
	for i := range nameTypes {
		if string(id) == nameTypes[i].id {
			known = nameTypes[i].name
		}
	}
	if known == "" {
		dst = append(appendOID(dst, id), '=')
	} else {
		dst = append(append(dst, known...), '=')
	}
	switch tag {
	case tagUTF8, tagNumeric, tagPrintable, tagTeletex, tagIA5, tagVisible, tagUniversal, tagBMP:
		if known != "" {
			return appendString(dst, tag, value)
		}
	}
	dst = append(dst, '#')
	for _, c := range encoded {
		if len(dst) > mostText {
			break
		}
		dst = appendOctet(dst, c)
	}
	return dst
}

// appendString appends a string with those characters escaped that RFC 4514, section 2.4, wants
// so, and those that are not text.
func appendString(dst []byte, tag uint8, value wire.Reader) []byte {
	for first := true; value.Len() > 0 && len(dst) <= mostText; first = false {
		octet := byte(0)
		if b := value.Peek(); len(b) > 0 {
			octet = b[0]
		}
		c := character(tag, &value)
		switch {
		case c == utf8.RuneError:
			dst = appendOctet(append(dst, '\\'), octet)
		case c < ' ' || c == 0x7f:
			dst = appendOctet(append(dst, '\\'), byte(c))
		case c == '"' || c == '+' || c == ',' || c == ';' || c == '<' || c == '>' || c == '\\',
			first && c == '#', c == ' ' && (first || value.Len() == 0):
			dst = append(dst, '\\', byte(c))
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}

// character consumes a character of a string. It is utf8.RuneError, and an octet, if there is none.
func character(tag uint8, r *wire.Reader) rune {
	switch {
	case tag == tagTeletex:
		return rune(r.U8()) // Latin 1, in practice
	case tag == tagUniversal && r.Len() >= 4:
		if c := rune(r.U32()); utf8.ValidRune(c) {
			return c
		}
		return ' '
	case tag == tagBMP && r.Len() >= 2:
		c := rune(r.U16())
		if b := r.Peek(); utf16.IsSurrogate(c) && len(b) >= 2 {
			if d := utf16.DecodeRune(c, rune(b[0])<<8|rune(b[1])); d != utf8.RuneError {
				r.U16()
				return d
			}
		}
		if utf16.IsSurrogate(c) {
			return ' '
		}
		return c
	case tag == tagUniversal || tag == tagBMP:
		r.U8()
		return utf8.RuneError
	}
	c, n := utf8.DecodeRune(r.Peek())
	r.Skip(n)
	return c
}

// appendOID appends an object identifier with dots (X.690, section 8.19), cut when it is long.
func appendOID(dst, id []byte) []byte {
	var arc uint64
	first := true
	for _, c := range id {
		if len(dst) > mostText-40 || arc >= 1<<56 {
			break
		}
		arc = arc<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if first {
			top := min(arc/40, 2)
			dst = append(dst, '0'+byte(top))
			arc -= 40 * top
		}
		dst = strconv.AppendUint(append(dst, '.'), arc, 10)
		arc, first = 0, false
	}
	return dst
}

// Tags of GeneralName (RFC 5280, section 4.2.1.6).
const (
	tagEmail   = 0x81
	tagDNS     = 0x82
	tagURI     = 0x86
	tagAddress = 0x87
)

// appendAltNames appends the names a certificate is for, as many as fit.
func appendAltNames(dst, names []byte) (text []byte, ok bool) {
	full := false
	for r := wire.Read(names); r.Len() > 0; {
		tag, body := element(&r)
		if r.Short() {
			return dst, false
		}
		b := body.Rest()
		var address [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")]byte
		switch tag {
		case tagEmail, tagDNS, tagURI:
		case tagAddress:
			a, ok := netip.AddrFromSlice(b)
			if !ok {
				return dst, false
			}
			b = a.AppendTo(address[:0])
		default:
			continue
		}
		full = full || len(dst)+1+len(b) > mostText
		if full || len(b) == 0 {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b...)
	}
	return dst, true
}
