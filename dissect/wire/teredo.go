package wire

// Teredo is what may stand before an IPv6 packet in Teredo: authentication and origin
// indications (RFC 4380, section 5.1.1). It may be empty.
type Teredo []byte

// AsTeredo splits b before the IPv6 header; whether there is one is not looked at.
func AsTeredo(b []byte) (h Teredo, rest []byte, ok bool) {
	n := 0
	if len(b) >= 4 && b[0] == 0 && b[1] == 1 { // authentication: client identifier and its check
		n = 4 + int(b[2]) + int(b[3]) + 8 + 1
	}
	if len(b) >= n+2 && b[n] == 0 && b[n+1] == 0 { // origin: port and address
		n += 8
	}
	if len(b) < n {
		return nil, nil, false
	}
	return Teredo(b[:n]), b[n:], true
}
