package app

import "bytes"

// Flaws of HTTP/1 messages.
const (
	flawStart          = "HTTP: neither a request nor a status line where one is due"
	flawTarget         = "HTTP: white space in the target of a request"
	flawVersion        = "HTTP: a version that is none of HTTP/1"
	flawStatus         = "HTTP: a status that is not between 100 and 599"
	flawEndless        = "HTTP: header fields that do not end"
	flawColon          = "HTTP: a header field without a colon"
	flawName           = "HTTP: a header field whose name is empty or ends in white space"
	flawFold           = "HTTP: a header field that begins with white space"
	flawNUL            = "HTTP: a zero octet in a header field"
	flawContentLength  = "HTTP: a Content-Length that is no number"
	flawContentLengths = "HTTP: more than one Content-Length, and they differ"
	flawTwoLengths     = "HTTP: a Content-Length in a message that has a transfer coding"
	flawCoding         = "HTTP: a request whose last transfer coding is not chunked"
	flawChunk          = "HTTP: a chunk size that is no number"
	flawChunkEnd       = "HTTP: a chunk that is longer or shorter than its size"
)

// httpMethods begin the first request of a connection; later ones may have any. They are
// IANA's (HTTP Method Registry), and those of UPnP and of purging caches.
var httpMethods = [...]string{
	"GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE", "PROPFIND", "PROPPATCH",
	"MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN",
	"CHECKOUT", "LABEL", "LINK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKREDIRECTREF", "MKWORKSPACE",
	"ORDERPATCH", "QUERY", "REBIND", "UNBIND", "UNCHECKOUT", "UNLINK", "UPDATE", "UPDATEREDIRECTREF",
	"VERSION-CONTROL", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH", "PURGE",
}

const longestMethod = len("UPDATEREDIRECTREF")

// likeness tells what octets look like the begin of.
type likeness uint8

const (
	likeNothing likeness = iota
	likeStart            // they are too few to tell
	likeRequest
	likeResponse
)

// httpLike tells what b begins.
func httpLike(b []byte) likeness {
	if len(b) == 0 {
		return likeStart
	}
	if b[0] == 'H' {
		if l := likeStatus(b); l != likeNothing {
			return l
		}
	}
	if b[0] < 'A' || b[0] > 'Z' {
		return likeNothing
	}
	n := bytes.IndexByte(b[:min(len(b), longestMethod+1)], ' ')
	for _, method := range httpMethods {
		if n >= 0 && string(b[:n]) == method {
			return likeRequest
		}
		if n < 0 && len(b) <= len(method) && string(b) == method[:len(b)] {
			return likeStart
		}
	}
	return likeNothing
}

// likeStatus tells whether b begins a status line, as HTTP/1.1 200.
func likeStatus(b []byte) likeness {
	const form = "HTTP/1.d ddd"
	for i := range min(len(b), len(form)) {
		if form[i] == 'd' {
			if b[i] < '0' || b[i] > '9' {
				return likeNothing
			}
		} else if b[i] != form[i] {
			return likeNothing
		}
	}
	if len(b) < len(form) {
		return likeStart
	}
	return likeResponse
}

// lineOf returns the first line of b without its end, and its length with it, 0 if it has no
// end.
func lineOf(b []byte) (line []byte, n int) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, 0
	}
	n = i + 1
	if i > 0 && b[i-1] == '\r' {
		i--
	}
	return b[:i], n
}

// emptyLine returns the length of b up to the end of its first empty line, 0 if there is none.
// b begins with a line.
func emptyLine(b []byte) int {
	for at := 0; ; {
		line, n := lineOf(b[at:])
		if n == 0 {
			return 0
		}
		at += n
		if len(line) == 0 {
			return at
		}
	}
}

// request reads a request line. It returns false if line is not one.
func (h *httpHead) request(line []byte) bool {
	at := bytes.IndexByte(line, ' ')
	end := bytes.LastIndexByte(line, ' ')
	if at <= 0 || end <= at || !isToken(line[:at]) {
		return false
	}
	h.method, h.protocol = line[:at], line[end+1:]
	if !isVersion(h.protocol) {
		return false
	}
	if h.protocol[5] != '1' {
		h.note(flawVersion)
	}
	target := bytes.Trim(line[at:end], " \t")
	if bytes.IndexByte(target, ' ') >= 0 {
		h.note(flawTarget)
	}
	if len(target) == 0 {
		return false
	}
	h.aim(target)
	return true
}

// aim takes a target apart: it is a path, or a URL, or an asterisk, or a host and port (RFC
// 9112, section 3.2).
func (h *httpHead) aim(target []byte) {
	h.target = target
	if isWord(h.method, "connect") {
		h.authority = target
		return
	}
	i := bytes.Index(target[:min(len(target), 16)], colonSlashes)
	if i <= 0 || target[0] == '/' {
		return
	}
	rest := target[i+len(colonSlashes):]
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	h.authority, h.target = rest[:end], rest[end:]
	if len(h.target) == 0 {
		h.target = slash
	}
	if at := bytes.LastIndexByte(h.authority, '@'); at >= 0 {
		h.authority = h.authority[at+1:]
	}
}

var colonSlashes, slash = []byte("://"), []byte("/")

// isVersion reports whether b is a version of HTTP, as HTTP/1.1.
func isVersion(b []byte) bool {
	return len(b) == 8 && string(b[:5]) == "HTTP/" && b[6] == '.' && isDigit(b[5]) && isDigit(b[7])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isToken reports whether b can be a method.
func isToken(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || c == ':' || c == '/' {
			return false
		}
	}
	return len(b) <= 32
}

// response reads a status line. ICY is what Shoutcast servers say for HTTP/1.0.
func (h *httpHead) response(line []byte) bool {
	at := bytes.IndexByte(line, ' ')
	if at < 0 || !isVersion(line[:at]) && string(line[:at]) != "ICY" {
		return false
	}
	h.protocol = line[:at]
	if at == 8 && h.protocol[5] != '1' {
		h.note(flawVersion)
	}
	rest := bytes.TrimLeft(line[at:], " ")
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return false
	}
	status, ok := decimal(rest[:3])
	if h.status = status; ok && (status < 100 || status > 599) {
		h.note(flawStatus)
	}
	return ok
}

// fields reads header fields up to an empty line, or all of b.
func (h *httpHead) fields(b []byte) {
	last := headerOther
	start := 0
	for at := 0; at < len(b); {
		line, n := lineOf(b[at:])
		if len(line) == 0 {
			return
		}
		if line[0] == ' ' || line[0] == '\t' {
			h.fold(b[start:at+len(line)], last)
		} else {
			last = h.field(line)
		}
		if last != headerOther && line[0] != ' ' && line[0] != '\t' {
			start = at + len(httpHeaderNames[last]) + 1
		}
		if n == 0 {
			return
		}
		at += n
	}
}

// fold continues the value of a header field, which now is all of b.
func (h *httpHead) fold(b []byte, last httpHeader) {
	h.note(flawFold)
	if last != headerOther {
		h.header[last] = bytes.Trim(b, " \t\r\n")
	}
}

// field reads one line. It returns which field it is if it is the first of its name.
func (h *httpHead) field(line []byte) httpHeader {
	if bytes.IndexByte(line, 0) >= 0 {
		h.note(flawNUL)
	}
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		h.note(flawColon)
		return headerOther
	}
	name, value := line[:colon], bytes.Trim(line[colon+1:], " \t")
	if colon == 0 || name[colon-1] == ' ' || name[colon-1] == '\t' {
		h.note(flawName)
	}
	which := headerNamed(name)
	switch which {
	case headerLength:
		h.measure(value)
	case headerCoding:
		if isWord(value, "identity") {
			break
		}
		h.coded = true
		if i := bytes.LastIndexByte(value, ','); i >= 0 {
			value = bytes.Trim(value[i+1:], " \t")
		}
		h.chunked = isWord(value, "chunked")
	}
	if h.header[which] != nil {
		return headerOther
	}
	h.header[which] = value
	return which
}

// measure reads a Content-Length. The same number may be there more than once (RFC 9112,
// section 6.3).
func (h *httpHead) measure(value []byte) {
	for len(value) > 0 {
		one := value
		if i := bytes.IndexByte(value, ','); i >= 0 {
			one, value = value[:i], value[i+1:]
		} else {
			value = nil
		}
		n, ok := decimal(bytes.Trim(one, " \t"))
		switch {
		case !ok:
			h.note(flawContentLength)
			return
		case h.hasLength && n != h.length:
			h.note(flawContentLengths)
		default:
			h.length, h.hasLength = n, true
		}
	}
}

// decimal returns a number of at most 18 digits.
func decimal(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// withoutPort returns a host without its port. Brackets around an IPv6 address go too.
func withoutPort(host []byte) []byte {
	if len(host) > 0 && host[0] == '[' {
		if i := bytes.IndexByte(host, ']'); i > 0 {
			return host[1:i]
		}
		return host
	}
	if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host, ':') == i {
		return host[:i]
	}
	return host
}

// secondLevels are labels below which some countries give names away.
var secondLevels = [...]string{
	"ac", "co", "com", "edu", "gob", "gov", "go", "mil", "net", "ne", "nom", "org", "or",
}

// siteOf returns the domain that a host belongs to, nil for an address or a single label.
func siteOf(host []byte) []byte {
	last := bytes.LastIndexByte(host, '.')
	if last <= 0 || last == len(host)-1 || isDigit(host[last+1]) || bytes.IndexByte(host, ':') >= 0 {
		return nil
	}
	second := bytes.LastIndexByte(host[:last], '.') + 1
	if second == 0 {
		return host
	}
	if len(host)-last == 3 {
		for _, label := range secondLevels {
			if isWord(host[second:last], label) {
				return host[bytes.LastIndexByte(host[:second-1], '.')+1:]
			}
		}
	}
	return host[second:]
}
