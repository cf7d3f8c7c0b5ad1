package app

import "bytes"

// Flaws of SIP messages. Those of addresses and bodies are beside what reads them.
const (
	flawSIPStart    = "SIP: neither a request nor a status line where one is due"
	flawSIPLine     = "SIP: white space in the start line where none belongs"
	flawSIPURI      = "SIP: a Request-URI without a scheme, in angle brackets, or with header fields"
	flawSIPVersion  = "SIP: a version that is not SIP/2.0"
	flawSIPStatus   = "SIP: a status that is not between 100 and 699"
	flawSIPEndless  = "SIP: header fields that do not end"
	flawSIPName     = "SIP: a header field without a colon, or whose name is none"
	flawSIPMissing  = "SIP: Via, From, To, Call-ID or CSeq is missing"
	flawSIPTwice    = "SIP: a header field that belongs there once is there again"
	flawSIPCSeq     = "SIP: a CSeq that is no number below 2147483648 and a method"
	flawSIPMethod   = "SIP: a CSeq whose method is not the request's"
	flawSIPNumber   = "SIP: a number in a header field that is none or too large"
	flawSIPBranch   = "SIP: a branch that is only the magic cookie"
	flawSIPLength   = "SIP: a Content-Length that is no number"
	flawSIPNoLength = "SIP: no Content-Length in a stream"
	flawSIPShort    = "SIP: a body that is shorter than its Content-Length"
)

// sipMethods begin the first request of a flow, wherever it goes: IANA's registry of methods.
var sipMethods = [...]string{
	"INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "PRACK", "SUBSCRIBE", "NOTIFY",
	"UPDATE", "MESSAGE", "REFER", "PUBLISH",
}

// sipSchemes are those of the URIs that the first request may go to, with their colons.
var sipSchemes = [...]string{"sip:", "sips:", "tel:", "urn:"}

const sipLongestMethod = 64

// sipHeader is a header field that is of interest.
type sipHeader uint8

const (
	sipOther sipHeader = iota
	sipVia
	sipFrom
	sipTo
	sipCallID
	sipCSeq
	sipMaxForwards
	sipContentLength // the last of those that may be there only once
	sipContentType
	sipContact
	sipUserAgent
	sipServer
	sipReason
	sipRoute
	sipAssertedIdentity
	sipExpires
	sipAuthorization
	sipProxyAuthorization
	sipSessionID
	sipXCID
	sipXCallID
	sipXOrigCallID
	sipXOriginalCallID
	sipInReplyTo
	sipChargingVector
	sipReferTo
	sipReplaces
	sipEvent
	sipContentEncoding
	sipHeaders
)

// sipHeaderNames has the names in lower case, and the compact forms of those that have one.
var sipHeaderNames = [sipHeaders]struct {
	name    string
	compact byte
}{
	sipVia: {"via", 'v'}, sipFrom: {"from", 'f'}, sipTo: {"to", 't'}, sipCallID: {"call-id", 'i'},
	sipCSeq: {"cseq", 0}, sipMaxForwards: {"max-forwards", 0}, sipContentLength: {"content-length", 'l'},
	sipContentType: {"content-type", 'c'}, sipContact: {"contact", 'm'}, sipUserAgent: {"user-agent", 0},
	sipServer: {"server", 0}, sipReason: {"reason", 0}, sipRoute: {"route", 0},
	sipAssertedIdentity: {"p-asserted-identity", 0}, sipExpires: {"expires", 0},
	sipAuthorization: {"authorization", 0}, sipProxyAuthorization: {"proxy-authorization", 0},
	sipSessionID: {"session-id", 0}, sipXCID: {"x-cid", 0}, sipXCallID: {"x-call-id", 0},
	sipXOrigCallID: {"x-orig-call-id", 0}, sipXOriginalCallID: {"x-original-call-id", 0},
	sipInReplyTo: {"in-reply-to", 0}, sipChargingVector: {"p-charging-vector", 0},
	sipReferTo: {"refer-to", 'r'}, sipReplaces: {"replaces", 0}, sipEvent: {"event", 'o'},
	sipContentEncoding: {"content-encoding", 'e'},
}

// sipHeaderNamed finds a header field. Case does not matter.
func sipHeaderNamed(name []byte) sipHeader {
	for h := sipOther + 1; h < sipHeaders; h++ {
		n := &sipHeaderNames[h]
		if len(name) == 1 && name[0]|0x20 == n.compact || isWord(name, n.name) {
			return h
		}
	}
	return sipOther
}

// sipHead is a message up to its body. Octets are borrowed.
type sipHead struct {
	method, uri []byte // of a request; method also of a response, from CSeq
	status      uint64 // of a response, otherwise 0
	phrase      []byte

	header       [sipHeaders][]byte // the first of each name
	vias, routes int                // values of Via and Route
	cseq, length uint64
	hasCSeq      bool
	hasLength    bool
	flaw         string

	from, to sipAddress
	branch   []byte
}

// note keeps the first flaw.
func (h *sipHead) note(flaw string) {
	if h.flaw == "" {
		h.flaw = flaw
	}
}

// sipLike tells what b begins. With any, a request may have any method and go anywhere.
func sipLike(b []byte, any bool) likeness {
	const version = "SIP/"
	n := bytes.IndexByte(b[:min(len(b), sipLongestMethod+1)], ' ')
	if n < 0 {
		return min(sipWordLike(b, any), likeStart)
	}
	word := b[:n]
	if len(word) > len(version) && string(word[:len(version)]) == version {
		return likeResponse
	}
	if any && n > 0 && isSIPToken(word) {
		return likeRequest
	}
	if sipWordLike(word, false) != likeRequest {
		return likeNothing
	}
	return sipSchemeLike(b[n+1:])
}

// sipWordLike tells what a first word, which may go on, begins.
func sipWordLike(b []byte, any bool) likeness {
	const version = "SIP/2.0"
	if len(b) <= len(version) && string(b) == version[:len(b)] {
		return likeStart
	}
	for _, method := range sipMethods {
		if len(b) <= len(method) && string(b) == method[:len(b)] {
			if len(b) == len(method) {
				return likeRequest
			}
			return likeStart
		}
	}
	if any && isSIPToken(b) && len(b) <= sipLongestMethod {
		return likeStart
	}
	return likeNothing
}

// sipSchemeLike tells whether b begins with a scheme of URIs that requests go to.
func sipSchemeLike(b []byte) likeness {
	for _, scheme := range sipSchemes {
		n := min(len(b), len(scheme))
		if isWord(b[:n], scheme[:n]) {
			if n == len(scheme) {
				return likeRequest
			}
			return likeStart
		}
	}
	return likeNothing
}

// isSIPToken reports whether b consists of the characters of a token (RFC 3261, section 25.1).
func isSIPToken(b []byte) bool {
	for _, c := range b {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && !isDigit(c) && bytes.IndexByte(sipTokenMarks, c) < 0 {
			return false
		}
	}
	return true
}

var sipTokenMarks = []byte("-.!%*_+`'~")

// isSIPVersion reports whether b is a version of SIP, as SIP/2.0.
func isSIPVersion(b []byte) bool {
	return len(b) >= 7 && isWord(b[:4], "sip/") && isDigit(b[4]) && b[5] == '.' && isDigit(b[6]) && len(b) == 7
}

// start reads a start line. It returns false if line is none.
func (h *sipHead) start(line []byte) bool {
	at := bytes.IndexByte(line, ' ')
	if at <= 0 {
		return false
	}
	if isSIPVersion(line[:at]) {
		return h.statusLine(line[:at], line[at+1:])
	}
	if n := len(bytes.TrimRight(line, " \t")); n < len(line) {
		h.note(flawSIPLine)
		line = line[:n]
	}
	end := bytes.LastIndexByte(line, ' ')
	version := line[end+1:]
	if end <= at || !isSIPVersion(version) || !isSIPToken(line[:at]) || at > sipLongestMethod {
		return false
	}
	h.version(version)
	h.method, h.uri = line[:at], bytes.Trim(line[at:end], " \t")
	if at+1+len(h.uri) != end || bytes.ContainsAny(h.uri, " \t") {
		h.note(flawSIPLine)
	}
	if bytes.IndexByte(h.uri, ':') <= 0 || h.uri[0] == '<' || bytes.IndexByte(sipWithoutUser(h.uri), '?') >= 0 {
		h.note(flawSIPURI)
	}
	return len(h.uri) > 0
}

func (h *sipHead) version(v []byte) {
	if !isWord(v, "sip/2.0") {
		h.note(flawSIPVersion)
	}
}

// statusLine reads a status line behind its version. The phrase may be empty.
func (h *sipHead) statusLine(version, rest []byte) bool {
	h.version(version)
	digits := 0
	for digits < len(rest) && isDigit(rest[digits]) {
		digits++
	}
	var ok bool
	h.status, ok = decimal(rest[:digits])
	if !ok || digits < len(rest) && rest[digits] != ' ' && rest[digits] != '\t' {
		return false
	}
	if h.status < 100 || h.status > 699 {
		h.note(flawSIPStatus)
	}
	h.phrase = bytes.Trim(rest[digits:], " \t")
	return h.status > 0
}

// fields reads header fields up to an empty line, or all of b. None of them is folded.
func (h *sipHead) fields(b []byte) {
	for len(b) > 0 {
		line, n := lineOf(b)
		if len(line) == 0 {
			break
		}
		h.field(line)
		if n == 0 {
			break
		}
		b = b[n:]
	}
	h.finish()
}

// field reads one line. White space may stand before the colon.
func (h *sipHead) field(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		h.note(flawSIPName)
		return
	}
	name, value := bytes.TrimRight(line[:colon], " \t"), bytes.Trim(line[colon+1:], " \t\r")
	if len(name) == 0 || !isSIPToken(name) {
		h.note(flawSIPName)
		return
	}
	which := sipHeaderNamed(name)
	switch which {
	case sipVia:
		h.vias += sipValues(value)
	case sipRoute:
		h.routes += sipValues(value)
	}
	switch {
	case h.header[which] == nil:
		h.header[which] = value
	case which >= sipFrom && which <= sipContentLength:
		h.note(flawSIPTwice)
	}
}

// finish reads the values of which more than the text matters, and notes what is missing.
func (h *sipHead) finish() {
	for which := sipVia; which <= sipCSeq; which++ {
		if len(h.header[which]) == 0 {
			h.note(flawSIPMissing)
		}
	}
	h.from, h.to = h.address(sipFrom), h.address(sipTo)
	h.sequence(h.header[sipCSeq])
	h.branch = sipParam(sipParamsOf(sipFirst(h.header[sipVia])), "branch")
	if len(h.branch) == len(sipCookie) && string(h.branch) == sipCookie {
		h.note(flawSIPBranch)
	}
	if value := h.header[sipContentLength]; value != nil {
		if h.length, h.hasLength = decimal(value); !h.hasLength {
			h.note(flawSIPLength)
		}
	}
}

// sipCookie begins the branches that name transactions (RFC 3261, section 8.1.1.7).
const sipCookie = "z9hG4bK"

// sequence reads CSeq.
func (h *sipHead) sequence(value []byte) {
	n := 0
	for n < len(value) && isDigit(value[n]) {
		n++
	}
	digits := bytes.TrimLeft(value[:n], "0")
	if len(digits) == 0 && n > 0 {
		digits = value[n-1 : n]
	}
	method := bytes.TrimLeft(value[n:], " \t")
	number, ok := decimal(digits)
	h.hasCSeq = ok && number < 1<<32
	switch {
	case len(value) == 0: // noted as missing
	case !ok || number >= 1<<31 || len(method) == 0 || !isSIPToken(method):
		h.note(flawSIPCSeq)
	case h.status == 0 && !bytes.Equal(method, h.method):
		h.note(flawSIPMethod)
	}
	h.cseq = number
	if h.status != 0 {
		h.method = cut(method, sipLongestMethod)
	}
}
