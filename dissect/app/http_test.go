package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// told writes what was heard in a line: role, what it is about, what is skipped, what is wrong.
func told(m *heard) string {
	words := []string{m.Role}
	for _, label := range []string{"HTTP_METHOD", "HTTP_URL", "HTTP_RET_CODE", "HTTP_TERMINATOR"} {
		if v, ok := m.Fields[label]; ok {
			words = append(words, v)
		}
	}
	switch {
	case m.Skip == ToEnd:
		words = append(words, "+end")
	case m.Skip > 0:
		words = append(words, fmt.Sprint("+", m.Skip))
	}
	if m.Finish {
		words = append(words, "done")
	}
	if m.Flaw != "" {
		words = append(words, "!"+m.Flaw)
	}
	return strings.Join(words, " ")
}

// tells holds what HTTP says of a conversation, message by message.
func tells(t *testing.T, c conversation, want ...string) {
	t.Helper()
	var got []string
	o := drive(&c, &HTTP)
	for i := range o.messages {
		got = append(got, told(&o.messages[i]))
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("%s:\n%s\nwant:\n%s", c.name, a, b)
	}
	if len(o.faults) > 0 {
		t.Errorf("%s: %v", c.name, o.faults)
	}
}

// How long a body is depends on the request too (RFC 9112, section 6.3).
func TestHTTPBodies(t *testing.T) {
	const get, head, ok = ">GET / HTTP/1.1\r\n", ">HEAD / HTTP/1.1\r\n", "<HTTP/1.1 200 OK"
	tells(t, talkHTTP("a length", get, ok, "<Content-Length: 5", "<", "<hello|", get),
		"request GET /", "response 200 L +5 done", "request GET /")
	tells(t, talkHTTP("the same length twice", get, ok, "<Content-Length: 5, 5", "<Content-Length:5",
		"<", "<hello|"),
		"request GET /", "response 200 L +5 done")
	tells(t, talkHTTP("no length", get, ok, "<", "<hello"),
		"request GET /", "response 200 E +end")
	tells(t, talkHTTP("HEAD", head, ok, "<Content-Length: 5", "<", get, "<HTTP/1.0 304 x",
		"<Content-Length: 9", "<"),
		"request HEAD /", "response 200 N done", "request GET /", "response 304 N done")
	tells(t, talkHTTP("204", get, "<HTTP/1.1 204 No Content", "<Content-Length: 7", "<",
		"<HTTP/1.1 200 OK", "<"),
		"request GET /", "response 204 N done", "response 200 E +end")
	tells(t, talkHTTP("chunks", get, ok, "<Transfer-Encoding: chunked", "<", "<a;x=y", "<0123456789",
		"<1", "<x", "<0", "<"),
		"request GET /", "response 200 C", "part +10", "part +1", "part done")
	tells(t, talkHTTP("chunks of a request", ">POST / HTTP/1.1", ">Transfer-Encoding: chunked", ">",
		">2", ">ab", ">0",
		">", get, ok, "<Content-Length: 0", "<"),
		"request POST /", "part +2", "part", "request GET /", "response 200 L done")
	tells(t, talkHTTP("100", ">PUT / HTTP/1.1", ">Expect: 100-continue", ">Content-Length: 3", ">",
		"<HTTP/1.1 100 Continue", "<", ">abc|", "<HTTP/1.1 201 Created", "<Content-Length: 0", "<"),
		"request PUT / +3", "interim", "response 201 L done")
	tells(t, talkHTTP("HTTP/0.9", ">GET /old", "<<html>\n</html>"),
		"request GET /old", "response E +end")
	tells(t, talkHTTP("Shoutcast", get, "<ICY 200 OK", "<icy-name: x", "<", "<...|"),
		"request GET /", "response 200 E +end")
	tells(t, talkHTTP("empty lines between", get, ok, "<Content-Length: 0", "<", "<", ">", get, ok,
		"<Content-Length: 0", "<"),
		"request GET /", "response 200 L done", "request GET /", "response 200 L done")
	tells(t, talkHTTP("a connection that becomes something", ">GET / HTTP/1.1", ">Upgrade: foo", ">",
		"<HTTP/1.1 101 x", "<Upgrade: foo", "<", "<anything", ">anything"),
		"request GET /", "response 101 N done")
	tells(t, talkHTTP("a tunnel refused", ">CONNECT a.example:443 HTTP/1.1", ">", "<HTTP/1.1 407 x",
		"<Content-Length: 0", "<", get),
		"request CONNECT a.example:443", "response 407 L done", "request GET /")
	tells(t, talkHTTP("another version", ">GET / HTTP/2.0", ">", "<HTTP/1.1 505 x",
		"<Content-Length: 0", "<"),
		"request GET / !"+flawVersion, "response 505 L done")
}

// What is wrong is said, and what can be understood nevertheless is.
func TestHTTPFlaws(t *testing.T) {
	const get, ok = ">GET / HTTP/1.1", "<HTTP/1.1 200 OK"
	for flaw, c := range map[string]conversation{
		flawTarget: talkHTTP("a space", ">GET /a b HTTP/1.1", ">"),
		flawColon:  talkHTTP("no colon", get, ">Host a.example", ">"),
		flawName: talkHTTP("white space before the colon", get,
			">Transfer-Encoding : chunked", ">"),
		flawFold:           talkHTTP("a fold", get, ">Referer: http://a.example/", "> b", ">"),
		flawNUL:            talkHTTP("a zero octet", get, ">Host: a\x00b", ">"),
		flawContentLength:  talkHTTP("no number", get, ">Content-Length: 0x10", ">"),
		flawContentLengths: talkHTTP("two numbers", get, ">Content-Length: 10", ">Content-Length: 11", ">"),
		flawTwoLengths: talkHTTP("both", get, ">Content-Length: 10", ">Transfer-Encoding: chunked",
			">"),
		flawCoding: talkHTTP("no end", get, ">Transfer-Encoding: gzip", ">"),
	} {
		o := drive(&c, &HTTP)
		if len(o.messages) != 1 || o.messages[0].Flaw != flaw || o.messages[0].Role != "request" ||
			o.messages[0].Fields["HTTP_METHOD"] != "GET" {
			t.Errorf("%s: %+v, want one request with %q", c.name, o.messages, flaw)
		}
	}
	tells(t, talkHTTP("a status", get, ">", "<HTTP/1.1 999 x", "<Content-Length: 0", "<"),
		"request GET /", "response 999 L done !"+flawStatus)
	tells(t, talkHTTP("lengths that differ", get, ">", ok, "<Content-Length: 1", "<Content-Length: 2",
		"<", "<12"),
		"request GET /", "response 200 E +end !"+flawContentLengths)
	rubbish := strings.Repeat("x", seekUnit-40)
	tells(t, talkHTTP("a chunk size", get, ">", ok, "<Transfer-Encoding: chunked", "<", "<zz",
		"<"+rubbish+ok[1:],
		"<Content-Length: 0", "<"),
		"request GET /", "response 200 C", "part !"+flawChunk, "response 200 L done")
	tells(t, talkHTTP("a chunk too long", get, ">", ok, "<Transfer-Encoding: chunked", "<", "<2",
		"<abc", "<HTTP/1.1 404 x", "<"),
		"request GET /", "response 200 C", "part +2", "part !"+flawChunkEnd, "response 404 E +end")
	tells(t, talkHTTP("no start", get, ">", "<hello", "<HTTP/1.1 200 OK", "<"),
		"request GET /", "part !"+flawStart, "response 200 E +end")
}

// Header fields that do not end within a message are given up.
func TestHTTPEndless(t *testing.T) {
	c := talkHTTP("endless", ">GET / HTTP/1.1", ">X: "+strings.Repeat("x", MaxMessage),
		">GET /2 HTTP/1.1", ">")
	o := drive(&c, &HTTP)
	if m := o.messages[0]; m.Role != "request" || m.Flaw != flawEndless || m.Octets != MaxMessage {
		t.Errorf("%+v, want a request without end", m)
	}
	if m := o.messages[len(o.messages)-1]; told(&m) != "request GET /2" {
		t.Errorf("%+v, want the next request", m)
	}
}

// Behind a hole it goes on with a start line, and with the last request that was not answered.
func TestHTTPLost(t *testing.T) {
	c := talkHTTP("lost", ">HEAD /1 HTTP/1.1", ">", ">GET /2 HTTP/1.1", ">", "<>HTTP/1.1 200 OK",
		"<Content-Length: 2", "<", "<ab|")
	c.turns[1].lost = 1000
	tells(t, c, "request HEAD /1", "request GET /2", "part", "response 200 L +2 done")
	c = talkHTTP("lost in chunks", ">GET /1 HTTP/1.1", ">", "<HTTP/1.1 200 OK",
		"<Transfer-Encoding: chunked", "<", "<5", "<ab|")
	c.turns = append(c.turns, turn{dir: flow.Reverse, lost: 100,
		octets: []byte("cdef\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")})
	tells(t, c, "request GET /1", "response 200 C", "part +5", "part", "response 200 E +end")
}

// Only the number of requests is kept of those beyond the 64 whose kind is.
func TestHTTPPipeline(t *testing.T) {
	var s httpState
	kinds := func(i int) httpAsked {
		if i%3 == 0 && i < len(s.asked) {
			return askedHead
		}
		return askedNothing
	}
	for i := range 100 {
		s.ask(kinds(i))
	}
	for i := range 100 {
		if got := s.answer(false); got != kinds(i) {
			t.Errorf("request %d is %d, want %d", i, got, kinds(i))
		}
	}
	if s.answer(false) != askedNothing || s.waiting != 0 || s.overflow != 0 {
		t.Errorf("%d requests left, %d beyond", s.waiting, s.overflow)
	}
}

func TestHTTPHost(t *testing.T) {
	for _, c := range [][3]string{
		{"www.example.com:8080", "www.example.com", "example.com"},
		{"bbc.co.uk", "bbc.co.uk", "bbc.co.uk"}, {"news.bbc.co.uk", "news.bbc.co.uk", "bbc.co.uk"},
		{"a.b.example.de", "a.b.example.de", "example.de"}, {"co.uk", "co.uk", "co.uk"},
		{"localhost:80", "localhost", ""}, {"192.0.2.1:80", "192.0.2.1", ""},
		{"[2001:db8::1]:80", "2001:db8::1", ""}, {"2001:db8::1", "2001:db8::1", ""},
		{"example.", "example.", ""}, {".", ".", ""}, {"", "", ""}, {"[", "[", ""}, {":", "", ""},
	} {
		host := withoutPort([]byte(c[0]))
		if site := siteOf(host); string(host) != c[1] || string(site) != c[2] {
			t.Errorf("%q: host %q, site %q, want %q and %q", c[0], host, site, c[1], c[2])
		}
	}
}

// A target is a path, a URL, a host with a port, or an asterisk.
func TestHTTPTarget(t *testing.T) {
	for _, c := range [][4]string{
		{"GET", "/a?b=http://c/", "/a?b=http://c/", ""},
		{"GET", "http://user:pw@a.example:80/b?c", "/b?c", "a.example:80"},
		{"GET", "http://a.example", "/", "a.example"},
		{"GET", "http://a.example?q=/", "?q=/", "a.example"},
		{"OPTIONS", "*", "*", ""},
		{"CONNECT", "a.example:443", "a.example:443", "a.example:443"},
	} {
		h := httpHead{method: []byte(c[0])}
		h.aim([]byte(c[1]))
		if string(h.target) != c[2] || string(h.authority) != c[3] {
			t.Errorf("%s: target %q, authority %q, want %q and %q", c[1], h.target, h.authority, c[2], c[3])
		}
	}
}

// What begins otherwise is refused at the first octet that differs.
func TestHTTPNot(t *testing.T) {
	for octets, want := range map[string]Verdict{
		"G": More, "GET": More, "GET ": More, "GET / HTTP/1.": More, "GET / HTTP/1.1\r\n": More,
		"\x00":              More,
		"UPDATEREDIRECTREF": More, "HTTP": More, "HTTP/1.1 2": More, "H": More, "HEAD": More,
		"X": Reject, "GEX": Reject, "get": Reject, "GET\r\n": Reject, "GETS /": Reject, "HTTP/2": Reject,
		"HTTP/1.1 x": Reject, "\x16\x03\x01": Reject, "\x00\x01": Reject,
		"\r\nGET / HTTP/1.1\r\n\r\n":  Reject,
		"OPTIONS sip:a@b SIP/2.0\r\n": Reject, "OPTIONS rtsp://a RTSP/1.0\r\n": Reject,
		"GET key\r\n":  Reject,
		"GET /key\r\n": Reject, "HTTP/1.1 200OK\r\n\r\n": Reject, "PRI * HTTP/2.0\r\n": Reject,
	} {
		var m Message
		m.Show([]byte(octets), flow.Forward)
		m.State, m.Stream = make([]byte, HTTP.State), true
		if v := HTTP.Ask(&m); v != want {
			t.Errorf("%q: verdict %d, want %d", octets, v, want)
		}
	}
	c := talkHTTP("datagram", ">GET / HTTP/1.1", ">")
	if c.proto = 17; len(drive(&c, &HTTP).messages) > 0 {
		t.Error("a datagram is taken for HTTP")
	}
}
