package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// HTTP is HTTP/1.0 and 1.1 (RFC 9112). Bodies are skipped by their length or chunk by chunk,
// so they cost nothing.
var HTTP = Dissector{
	Name:   "http",
	Doc:    "HTTP/1.0 and 1.1: requests and responses, in any number and order, on any port.",
	Number: 7,
	TCP:    httpPorts,
	First:  "ABCDGHLMNOPQRSTUV\x00", // of methods and versions, and what keeps TCP alive
	Fields: []*flow.Field{
		httpMethod, httpURL, httpHost, httpSite, httpProtocol, httpUserAgent, httpReferer, httpRequestMIME,
		httpForwardedFor, httpForwardedHost, httpVia, httpCookie, httpRawCookie, httpPostParams, httpRequestBody,
		httpStatus, httpMIME, httpLocation, httpServer, httpContentLength, httpBody, httpTerminator, httpUpgrade,
	},
	Pair:  InOrder,
	State: unsafe.Sizeof(httpState{}),
	Parse: parseHTTP,
}

var httpPorts = []uint16{80, 3128, 8000, 8008, 8080, 8081, 8888}

// Applications that HTTP can turn out to be.
const (
	numberConnect   = 130
	numberProxy     = 131
	numberWebSocket = 251
)

// httpState is what has to be known of a connection.
type httpState struct {
	side [2]httpSide
	// asked holds what was asked and not yet answered, the first at head, because how long
	// a response is depends on it. Of more than there is room for only the number is kept.
	asked    [64]httpAsked
	head     uint8
	waiting  uint32
	overflow uint32
}

// httpAsked is a kind of request.
type httpAsked uint8

const (
	askedNothing httpAsked = iota // nothing that matters, or nothing at all
	askedHead
	askedConnect
	askedSimple // in HTTP/0.9, which has no responses, only bodies
)

// httpSide is one direction.
type httpSide struct {
	octets uint64 // of the body, as far as it was counted, or left of a form
	role   httpRole
	phase  httpPhase
	lost   bool // messages may have been missed
}

// httpRole is what a side has shown itself to be.
type httpRole uint8

const (
	roleUnknown httpRole = iota
	roleClient
	roleServer
)

// httpPhase is what comes next.
type httpPhase uint8

const (
	phaseHead      httpPhase = iota
	phaseChunk               // a chunk size
	phaseNextChunk           // a line end that belongs to the chunk before, and a chunk size
	phaseForm                // a body that is a form
	phaseSeek                // octets that are not understood, until something begins
)

// seekUnit is how many octets are looked at together for something to begin. It is fixed, so
// that it does not matter how a stream is cut into segments.
const seekUnit = 1024

// httpTurn is a message and the side that says it, changed only if the message is accepted.
type httpTurn struct {
	*Message
	all   *httpState
	me    httpSide
	known bool // it is HTTP, as an earlier message has shown
	over  bool // there is no more of this message
}

func parseHTTP(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	s := Memory[httpState](m)
	t := httpTurn{Message: m, all: s, me: s.side[m.Dir], over: m.Full || m.Closed}
	if other := s.side[1-m.Dir].role; t.me.role == roleUnknown && other != roleUnknown {
		t.me.role = roleClient + roleServer - other
	}
	t.known = t.me.role != roleUnknown
	if m.Lost && t.known {
		t.me.phase, t.me.lost = phaseSeek, true
	}
	v := t.parse()
	if v >= Accept {
		s.side[m.Dir] = t.me
	}
	return v
}

func (t *httpTurn) parse() Verdict {
	switch t.me.phase {
	case phaseChunk, phaseNextChunk:
		return t.chunk()
	case phaseForm:
		return t.form()
	case phaseSeek:
		return t.seek(0)
	}
	return t.start()
}

// start reads a request or a response up to its body.
func (t *httpTurn) start() Verdict {
	b := t.Peek()
	blank := 0
	for t.known && blank < len(b) && (b[blank] == '\r' || b[blank] == '\n') {
		blank++
	}
	if !t.known && len(b) > 0 && b[0] == 0 {
		blank = 1 // a keep-alive of TCP, if the begin of the stream was not seen
	}
	if rest := b[blank:]; len(rest) > 0 {
		return t.line(rest, blank)
	}
	return t.wait(len(b))
}

// wait asks for more, or consumes the n octets that do not begin anything if there is no more.
func (t *httpTurn) wait(n int) Verdict {
	switch {
	case !t.over:
		return More
	case !t.known:
		return Reject
	}
	t.Skip(n)
	return Accept
}

// line looks at what b begins with. blank octets before it belong to the message.
func (t *httpTurn) line(b []byte, blank int) Verdict {
	like := httpLike(b)
	if like == likeNothing {
		if !t.known {
			return Reject
		}
		if t.all.waiting > 0 && t.all.asked[t.all.head] == askedSimple && t.me.role == roleServer {
			return t.entity()
		}
		if !t.possible(b) {
			t.Malformed(flawStart)
			return t.seek(1)
		}
	}
	line, n := lineOf(b)
	if n == 0 && !t.over {
		return More
	}
	var h httpHead
	server := t.me.role == roleServer || t.me.role == roleUnknown && like == likeResponse
	if server && !h.response(line) || !server && !h.request(line) {
		if !t.known {
			return t.simple(line, n)
		}
		t.Malformed(flawStart)
		return t.seek(1)
	}
	t.me.role = roleClient
	if server {
		t.me.role = roleServer
	}
	return t.rest(&h, b, blank)
}

// rest reads the header fields of h, which b begins with, and says what was told.
func (t *httpTurn) rest(h *httpHead, b []byte, blank int) Verdict {
	line, n := lineOf(b)
	size := n
	if n > 0 && len(b) > n {
		size += emptyLine(b[n:])
	}
	ended := size > n
	if !ended {
		if !t.over {
			return More
		}
		h.note(flawEndless)
		size = len(b)
	}
	h.fields(b[min(max(n, len(line)), size):size])
	t.Skip(blank + size)
	t.me.octets, t.me.phase = 0, phaseHead
	v := Accept
	if t.me.role == roleServer {
		v = t.respond(h)
	} else {
		t.request(h)
	}
	if h.flaw != "" {
		t.Malformed(h.flaw)
	}
	if !ended {
		t.me.phase, t.Said.Skip, t.Said.Finish = phaseSeek, 0, false
	}
	return v
}

// possible reports whether b can begin a message of a connection that is known to be HTTP.
func (t *httpTurn) possible(b []byte) bool {
	if t.me.role == roleClient {
		return b[0] > ' ' && b[0] < 0x7f
	}
	const version, shoutcast = "HTTP/", "ICY "
	return string(cut(b, len(version))) == version[:min(len(b), len(version))] ||
		string(cut(b, len(shoutcast))) == shoutcast[:min(len(b), len(shoutcast))]
}

// request says what was asked and finds the end of its body.
func (t *httpTurn) request(h *httpHead) {
	t.Request(0)
	h.sayRequest(&t.Attrs)
	kind := askedNothing
	switch {
	case string(h.method) == "HEAD":
		kind = askedHead
	case string(h.method) == "CONNECT":
		kind = askedConnect
		t.Is(numberConnect)
	case len(h.authority) > 0:
		t.Is(numberProxy)
	}
	t.all.ask(kind)
	h.contradictions()
	switch {
	case h.chunked:
		t.me.phase = phaseChunk
	case h.coded:
		h.note(flawCoding)
		t.me.phase = phaseSeek
	case h.hasLength && h.length > 0:
		t.Attrs.Uint(httpRequestBody, h.length)
		if t.me.octets = h.length; isForm(h.header[headerMIME]) {
			t.me.phase = phaseForm
		} else {
			t.Ahead(h.length)
		}
	}
}

// isForm reports whether a content type is that of the parameters of a form.
func isForm(mime []byte) bool {
	const form = "application/x-www-form-urlencoded"
	return len(mime) >= len(form) && isWord(mime[:len(form)], form)
}

// contradictions notes what can be understood in two ways.
func (h *httpHead) contradictions() {
	if h.coded && h.hasLength {
		h.note(flawTwoLengths)
	}
}

// respond says what was answered and finds the end of its body (RFC 9112, section 6.3).
func (t *httpTurn) respond(h *httpHead) Verdict {
	if h.status < 200 && h.status != 101 {
		t.Interim(0) // of which nothing is said: what is said first stays
		return Accept
	}
	h.sayResponse(&t.Attrs)
	if t.all.waiting == 0 { // the request, which was not seen, has not said it
		sayText(&t.Attrs, httpProtocol, h.protocol)
	}
	kind := t.all.answer(t.me.lost)
	t.me.lost = false
	t.Response(0)
	h.contradictions()
	switch {
	case h.status == 101:
		return t.upgrade(h)
	case kind == askedConnect && h.status < 300:
		t.none()
		t.Become(&TLS) // most likely; what else it can be is not known
	case kind == askedHead || h.status == 204 || h.status == 304:
		t.none()
	case h.chunked:
		t.me.phase = phaseChunk
		t.Attrs.Text(httpTerminator, "C")
	case h.hasLength && !h.coded && h.flaw != flawContentLengths:
		t.Attrs.Uint(httpBody, h.length)
		t.Attrs.Text(httpTerminator, "L")
		t.Ahead(h.length)
		t.Finish()
	default:
		t.Attrs.Text(httpTerminator, "E")
		t.Ahead(ToEnd)
	}
	return Accept
}

// none says that the response has no body.
func (t *httpTurn) none() {
	t.Attrs.Uint(httpBody, 0)
	t.Attrs.Text(httpTerminator, "N")
	t.Finish()
}

// upgrade hands the connection over to another protocol.
func (t *httpTurn) upgrade(h *httpHead) Verdict {
	t.none()
	to := h.header[headerUpgrade]
	sayText(&t.Attrs, httpUpgrade, cut(to, 32))
	switch {
	case isWord(to, "h2c"):
		t.Become(&HTTP2)
		return Accept
	case isWord(to, "websocket"):
		t.Is(numberWebSocket)
	}
	return Done
}

// ask appends a request to those that are not answered.
func (s *httpState) ask(kind httpAsked) {
	if int(s.waiting) == len(s.asked) {
		s.overflow = max(s.overflow+1, s.overflow)
		return
	}
	s.asked[(int(s.head)+int(s.waiting))%len(s.asked)] = kind
	s.waiting++
}

// answer removes the first request that is not answered. If responses were lost it is the
// last one: clients that have more than one open are rare.
func (s *httpState) answer(lost bool) (kind httpAsked) {
	if s.waiting == 0 {
		return askedNothing
	}
	if lost && s.overflow == 0 {
		over := s.waiting - 1
		s.head, s.waiting = uint8((uint32(s.head)+over)%uint32(len(s.asked))), 1
	}
	kind = s.asked[s.head]
	s.head = uint8((int(s.head) + 1) % len(s.asked))
	if s.waiting--; s.overflow > 0 {
		s.overflow--
		s.ask(askedNothing)
	}
	return kind
}
