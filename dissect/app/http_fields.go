package app

import (
	"crypto/sha256"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Fields of HTTP, of any version.
var (
	httpURL = &flow.Field{
		Element: flow.Element{Label: "HTTP_URL", ID: 180, PEN: flow.Ntop, ECS: "url.original"},
		Type:    flow.String, Width: 128,
		Doc: "Path and query of the request, without scheme and host if those were given too.",
	}
	httpStatus = &flow.Field{
		Element: flow.Element{Label: "HTTP_RET_CODE", ID: 181, PEN: flow.Ntop, ECS: "http.response.status_code"},
		Type:    flow.Unsigned16,
		Doc:     "Status of the response.",
	}
	httpReferer = &flow.Field{
		Element: flow.Element{Label: "HTTP_REFERER", ID: 182, PEN: flow.Ntop, ECS: "http.request.referrer"},
		Type:    flow.String, Width: 128,
		Doc: "The request's Referer.",
	}
	httpUserAgent = &flow.Field{
		Element: flow.Element{Label: "HTTP_USER_AGENT", Aliases: []string{"HTTP_UA"}, ID: 183, PEN: flow.Ntop,
			ECS: "user_agent.original"},
		Type: flow.String, Width: 255,
		Doc: "The request's User-Agent.",
	}
	httpMIME = &flow.Field{
		Element: flow.Element{Label: "HTTP_MIME", ID: 184, PEN: flow.Ntop, ECS: "http.response.mime_type"},
		Type:    flow.String, Width: 128,
		Doc: "The response's Content-Type, with its parameters.",
	}
	httpHost = &flow.Field{
		Element: flow.Element{Label: "HTTP_HOST", ID: 187, PEN: flow.Ntop, ECS: "url.domain"},
		Type:    flow.String, Width: 64,
		Doc: "Host that was asked, without the port.",
	}
	httpMethod = &flow.Field{
		Element: flow.Element{Label: "HTTP_METHOD", ID: 360, PEN: flow.Ntop, ECS: "http.request.method"},
		Type:    flow.String, Width: 8,
		Doc: "Method of the request.",
	}
	httpSite = &flow.Field{
		Element: flow.Element{Label: "HTTP_SITE", ID: 361, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "Domain of the host that was asked: its last two labels, or " +
			"three where the last but one is like co in co.uk.",
	}
	httpForwardedFor = &flow.Field{
		Element: flow.Element{Label: "HTTP_X_FORWARDED_FOR", ID: 460, PEN: flow.Ntop},
		Type:    flow.String, Width: 128,
		Doc: "The request's X-Forwarded-For: for whom proxies asked.",
	}
	httpVia = &flow.Field{
		Element: flow.Element{Label: "HTTP_VIA", ID: 461, PEN: flow.Ntop},
		Type:    flow.String, Width: 128,
		Doc: "Via of the request, or of the response: the proxies between.",
	}
	httpProtocol = &flow.Field{
		Element: flow.Element{Label: "HTTP_PROTOCOL", ID: 140, PEN: flow.Weir, ECS: "http.version"},
		Type:    flow.String, Width: 8,
		Doc: "Version of HTTP, as HTTP/1.1.",
	}
	httpLocation = &flow.Field{
		Element: flow.Element{Label: "HTTP_LOCATION", ID: 141, PEN: flow.Weir},
		Type:    flow.String, Width: 128,
		Doc: "The response's Location.",
	}
	httpCookie = &flow.Field{
		Element: flow.Element{Label: "HTTP_COOKIE", ID: 142, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "The first 64 bits of the SHA-256 hash of the request's Cookie, in hexadecimal.",
	}
	httpRawCookie = &flow.Field{
		Element: flow.Element{Label: "HTTP_COOKIE_RAW", ID: 143, PEN: flow.Weir},
		Type:    flow.String, Width: 255,
		Doc: "The request's Cookie itself, which may be as good as a password.",
	}
	httpContentLength = &flow.Field{
		Element: flow.Element{Label: "HTTP_CONTENT_LENGTH", ID: 144, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "The response's Content-Length in octets, also where there is no body, as for HEAD.",
	}
	httpBody = &flow.Field{
		Element: flow.Element{Label: "HTTP_BODY_BYTES", ID: 145, PEN: flow.Weir, ECS: "http.response.body.bytes"},
		Type:    flow.Unsigned64,
		Doc:     "Octets of the response's body: announced by its length, or counted if it came in pieces.",
	}
	httpRequestMIME = &flow.Field{
		Element: flow.Element{Label: "HTTP_REQUEST_MIME", ID: 146, PEN: flow.Weir, ECS: "http.request.mime_type"},
		Type:    flow.String, Width: 128,
		Doc: "The request's Content-Type.",
	}
	httpRequestBody = &flow.Field{
		Element: flow.Element{Label: "HTTP_REQUEST_BODY_BYTES", ID: 147, PEN: flow.Weir,
			ECS: "http.request.body.bytes"},
		Type: flow.Unsigned64,
		Doc:  "Octets of the request's body, as those of the response's.",
	}
	httpTerminator = &flow.Field{
		Element: flow.Element{Label: "HTTP_TERMINATOR", ID: 148, PEN: flow.Weir},
		Type:    flow.String, Width: 1,
		Doc: "What ends the response: L a length, C a last chunk, F a last frame, N no body follows, E the end " +
			"of the connection, R a reset.",
	}
	httpPostParams = &flow.Field{
		Element: flow.Element{Label: "HTTP_POST_PARAMS", ID: 149, PEN: flow.Weir},
		Type:    flow.String, Width: 255,
		Doc: "The first 255 octets of a form that was sent, which may hold passwords.",
	}
	httpServer = &flow.Field{
		Element: flow.Element{Label: "HTTP_SERVER", ID: 150, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "The response's Server.",
	}
	httpForwardedHost = &flow.Field{
		Element: flow.Element{Label: "HTTP_X_FORWARDED_HOST", ID: 151, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "The request's X-Forwarded-Host: whom the client had asked before a balancer asked this server.",
	}
	httpUpgrade = &flow.Field{
		Element: flow.Element{Label: "HTTP_UPGRADE", ID: 152, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "Protocol that the connection changed to.",
	}
	http2Error = &flow.Field{
		Element: flow.Element{Label: "HTTP2_ERROR", ID: 153, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Code with which a stream or the connection was ended (RFC 9113, section 7).",
	}
)

// httpHeader is a header field that is of interest.
type httpHeader uint8

const (
	headerOther httpHeader = iota
	headerHost
	headerUserAgent
	headerReferer
	headerMIME
	headerCookie
	headerForwardedFor
	headerForwardedHost
	headerVia
	headerLocation
	headerServer
	headerUpgrade
	headerLength
	headerCoding
	headerMethod // of HTTP/2, as the following
	headerPath
	headerAuthority
	headerStatus
	httpHeaders
)

var httpHeaderNames = [httpHeaders]string{
	headerHost: "host", headerUserAgent: "user-agent", headerReferer: "referer", headerMIME: "content-type",
	headerCookie: "cookie", headerForwardedFor: "x-forwarded-for", headerForwardedHost: "x-forwarded-host",
	headerVia: "via", headerLocation: "location", headerServer: "server", headerUpgrade: "upgrade",
	headerLength: "content-length", headerCoding: "transfer-encoding",
	headerMethod: ":method", headerPath: ":path", headerAuthority: ":authority", headerStatus: ":status",
}

// headerNamed finds a header field. Case does not matter.
func headerNamed(name []byte) httpHeader {
	for h := headerOther + 1; h < httpHeaders; h++ {
		if isWord(name, httpHeaderNames[h]) {
			return h
		}
	}
	return headerOther
}

// isWord reports whether b is a word, which is in lower case, in either case.
func isWord(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// httpHead is what the first part of a message says, whatever the version of HTTP. Octets are
// borrowed.
type httpHead struct {
	method, target []byte // of a request
	authority      []byte // host and port that the target gave
	protocol       []byte
	status         uint64 // of a response

	header    [httpHeaders][]byte // the first of each name
	length    uint64              // Content-Length
	hasLength bool
	chunked   bool // the last transfer coding is chunked
	coded     bool // there is a transfer coding
	flaw      string
}

// note keeps the first flaw.
func (h *httpHead) note(flaw string) {
	if h.flaw == "" {
		h.flaw = flaw
	}
}

// httpText is the longest text that is kept of fields that should not crowd out others.
const httpText = 128

// sayRequest says what a request has told, what matters most first: room is limited.
func (h *httpHead) sayRequest(a *flow.Attrs) {
	host := h.authority
	if len(host) == 0 {
		host = h.header[headerHost]
	}
	host = withoutPort(host)
	sayText(a, httpMethod, cut(h.method, 24))
	sayText(a, httpURL, h.target)
	sayText(a, httpHost, host)
	sayText(a, httpProtocol, h.protocol)
	sayText(a, httpUserAgent, h.header[headerUserAgent])
	sayText(a, httpReferer, h.header[headerReferer])
	sayText(a, httpForwardedFor, h.header[headerForwardedFor])
	sayText(a, httpVia, cut(h.header[headerVia], httpText))
	sayText(a, httpRequestMIME, cut(h.header[headerMIME], httpText))
	sayText(a, httpForwardedHost, cut(h.header[headerForwardedHost], httpText))
	sayText(a, httpSite, cut(siteOf(host), httpText))
	if cookie := h.header[headerCookie]; len(cookie) > 0 {
		sayCookie(a, cookie)
	}
}

func sayCookie(a *flow.Attrs, cookie []byte) {
	const digits = "0123456789abcdef"
	sum, text := sha256.Sum256(cookie), [16]byte{}
	for i := range text {
		text[i] = digits[sum[i/2]>>(4*(1-i%2))&15]
	}
	a.Bytes(httpCookie, text[:])
	a.Bytes(httpRawCookie, cookie)
}

// sayResponse says what a response has told.
func (h *httpHead) sayResponse(a *flow.Attrs) {
	a.Uint(httpStatus, h.status)
	sayText(a, httpMIME, cut(h.header[headerMIME], httpText))
	sayText(a, httpLocation, h.header[headerLocation])
	sayText(a, httpServer, cut(h.header[headerServer], httpText))
	sayText(a, httpVia, cut(h.header[headerVia], httpText))
	if h.hasLength {
		a.Uint(httpContentLength, h.length)
	}
}

// sayText says a text, unless it is empty.
func sayText(a *flow.Attrs, f *flow.Field, text []byte) {
	if len(text) > 0 {
		a.Bytes(f, text)
	}
}

func cut(b []byte, n int) []byte { return b[:min(len(b), n)] }
