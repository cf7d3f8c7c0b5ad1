package app

import "bytes"

// Flaws of addresses.
const (
	flawSIPQuote   = "SIP: a quoted string that does not end"
	flawSIPBracket = "SIP: an address whose angle bracket is not closed, or with white space inside"
	flawSIPDisplay = "SIP: an address whose display name has to be quoted"
	flawSIPBare    = "SIP: an address with commas or header fields outside of angle brackets"
)

// sipAddress is the value of From, To or Contact. Octets are borrowed.
type sipAddress struct{ uri, params []byte }

// address reads the first value of a header field as an address.
func (h *sipHead) address(which sipHeader) (a sipAddress) {
	value := h.header[which]
	if which != sipFrom && which != sipTo {
		value = sipFirst(value)
	}
	a, flaw := sipAddressOf(value)
	if flaw != "" {
		h.note(flaw)
	}
	return a
}

// sipAddressOf reads a URI with or without angle brackets and display name, and what follows it
// (RFC 3261, section 20.10).
func sipAddressOf(v []byte) (a sipAddress, flaw string) {
	open, quoted := sipScan(v, "<")
	if open < 0 {
		if quoted {
			flaw = flawSIPQuote
		}
		end := bytes.IndexByte(v, ';')
		if end < 0 {
			end = len(v)
		}
		a = sipAddress{bytes.TrimRight(v[:end], " \t"), v[end:]}
		if bytes.ContainsAny(a.uri, ",?") {
			flaw = flawSIPBare
		}
		return a, flaw
	}
	if name := bytes.TrimSpace(v[:open]); len(name) > 0 && name[0] != '"' && bytes.ContainsAny(name, ",;:@") {
		flaw = flawSIPDisplay
	}
	v = v[open+1:]
	end := bytes.IndexByte(v, '>')
	if end < 0 {
		return sipAddress{uri: bytes.TrimSpace(v)}, flawSIPBracket
	}
	a = sipAddress{bytes.TrimSpace(v[:end]), v[end+1:]}
	if len(a.uri) != end {
		flaw = flawSIPBracket
	}
	return a, flaw
}

// sipScan returns where the first of some characters is that is not in a quoted string, -1 if
// there is none. open tells whether b ends in a quoted string.
func sipScan(b []byte, marks string) (at int, open bool) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case open && c == '\\':
			i++
		case c == '"':
			open = !open
		case !open:
			for k := range len(marks) {
				if c == marks[k] {
					return i, false
				}
			}
		}
	}
	return -1, open
}

// sipComma returns where the first value of a list ends: at a comma that is neither quoted nor
// in angle brackets.
func sipComma(b []byte) int {
	at := 0
	for {
		n, _ := sipScan(b[at:], ",<")
		if n < 0 {
			return len(b)
		}
		if at += n; b[at] == ',' {
			return at
		}
		end := bytes.IndexByte(b[at:], '>')
		if end < 0 {
			return len(b)
		}
		at += end
	}
}

// sipFirst returns the first value of a list.
func sipFirst(b []byte) []byte { return bytes.TrimSpace(b[:sipComma(b)]) }

// sipValues counts the values of a list.
func sipValues(b []byte) (n int) {
	for len(b) > 0 {
		n++
		b = b[min(sipComma(b)+1, len(b)):]
	}
	return n
}

// sipParamsOf returns what follows the first semicolon of a value, with it.
func sipParamsOf(v []byte) []byte {
	at, _ := sipScan(v, ";")
	if at < 0 {
		return nil
	}
	return v[at:]
}

// sipParam returns the value of a parameter, nil if it is not there. params are separated by
// semicolons or commas; the first may stand behind a word, as in credentials. The quotes around a
// value go.
func sipParam(params []byte, name string) []byte {
	for len(params) > 0 {
		end, _ := sipScan(params, ";,")
		if end < 0 {
			end = len(params)
		}
		one := bytes.TrimSpace(params[:end])
		params = params[min(end+1, len(params)):]
		equal := bytes.IndexByte(one, '=')
		if equal < 0 || !isWord(bytes.TrimRight(one[:equal], " \t"), name) {
			continue
		}
		value := bytes.TrimSpace(one[equal+1:])
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		return value
	}
	return nil
}

// sipWithoutUser returns what of a URI follows the user and the host's at sign, or all of it.
func sipWithoutUser(uri []byte) []byte { return uri[bytes.IndexByte(uri, '@')+1:] }

// sipBare returns a URI without parameters and header fields. Those of the user part, which ends
// with the at sign, stay.
func sipBare(uri []byte) []byte {
	host := bytes.IndexByte(uri, '@') + 1
	if end := bytes.IndexAny(uri[host:], ";?"); end >= 0 {
		return uri[:host+end]
	}
	return uri
}

// sipOpen returns a URI without the password that its user part may have, put together in room if
// it has one.
func sipOpen(uri, room []byte) []byte {
	at := bytes.IndexByte(uri, '@')
	if at < 0 {
		return uri
	}
	scheme := bytes.IndexByte(uri[:at], ':') + 1
	colon := bytes.IndexByte(uri[scheme:at], ':')
	if colon < 0 {
		return uri
	}
	n := copy(room, uri[:scheme+colon])
	n += copy(room[n:], uri[at:])
	return room[:n]
}
