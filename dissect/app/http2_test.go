package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// between returns a conversation of an HTTP/2 client and server.
func between(name string, client, server []byte) conversation {
	c := says(name, 6, flow.Forward, client)
	c.turns = append(c.turns, turn{dir: flow.Reverse, octets: server})
	return c
}

// greeted returns what a client says at first.
func greeted() *http2Frames {
	f := newHTTP2Frames()
	f.WriteString(http2Preface)
	return f.frame(http2Settings, 0, 0, nil)
}

// tells2 holds what HTTP/2 says of a conversation, message by message, without SETTINGS.
func tells2(t *testing.T, c conversation, want ...string) {
	t.Helper()
	var got []string
	o := drive(&c, &HTTP2)
	for i := range o.messages {
		if s := told(&o.messages[i]); s != "part" {
			got = append(got, s)
		}
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("%s:\n%s\nwant:\n%s", c.name, a, b)
	}
	if len(o.faults) > 0 {
		t.Errorf("%s: %v", c.name, o.faults)
	}
}

var getPath = []string{":method", "GET", ":path", "/1", ":authority", "a.example"}

// What is wrong with a frame is said, and the next one is understood.
func TestHTTP2Flaws(t *testing.T) {
	for name, c := range map[string]struct {
		kind, flags uint8
		stream      uint32
		content     string
		want        string
	}{
		"a long frame": {http2Data, 0, 1, strings.Repeat("x", http2DefaultFrame+1),
			"part +16385 !" + http2FlawLongest},
		"a short PING":         {http2Ping, 0, 0, "1234567", "part +7 !" + http2FlawSize},
		"a setting cut":        {http2Settings, 0, 0, "12345", "part +5 !" + http2FlawSize},
		"DATA of no stream":    {http2Data, 0, 0, "x", "part +1 !" + http2FlawStream},
		"SETTINGS of a stream": {http2Settings, 0, 1, "", "part !" + http2FlawStream},
		"padding": {http2Data, http2FlagPadded, 1, "\x05abc",
			"part +4 !" + http2FlawPadding},
		"padding of fields": {http2Headers, http2FlagPadded | http2FlagEndHeaders, 1, "\x05abc",
			"part !" + http2FlawPadding},
		"CONTINUATION of nothing": {http2Continuation, http2FlagEndHeaders, 1, "x",
			"part +1 !" + http2FlawOrder},
		"an index": {http2Headers, http2FlagEndHeaders, 1, "\xbf",
			"part !" + hpackFlawIndex},
		"no path": {http2Headers, http2FlagEndHeaders, 1, "\x82",
			"request GET !" + http2FlawPseudo},
		"an unknown frame is none": {0x10, 0, 0, "abc", "part +3"},
	} {
		client, server := greeted(), newHTTP2Frames()
		server.frame(http2Settings, 0, 0, nil)
		both := between(name, client.Bytes(), server.Bytes())
		more := newHTTP2Frames().frame(c.kind, c.flags, c.stream, []byte(c.content))
		more.headers(http2FlagEndStream, 3, getPath...)
		both.turns = append(both.turns, turn{dir: flow.Forward, octets: more.Bytes()})
		tells2(t, both, c.want, "request GET /1")
	}
	tells2(t, between("a server of HTTP/1", greeted().Bytes(), []byte("HTTP/1.1 400 Bad Request\r\n\r\n")),
		"part +4740180 !"+http2FlawLongest)
}

// A header block may be in many frames, and longer than what is put together.
func TestHTTP2Continuation(t *testing.T) {
	f := greeted()
	block := f.fields(append(getPath, "user-agent", "agent")...)
	f.frame(http2Headers, http2FlagEndStream|http2FlagPriority, 1, append(make([]byte, 5), block[:2]...))
	for _, octet := range block[2:] {
		f.frame(http2Continuation, 0, 1, []byte{octet})
	}
	f.frame(http2Continuation, http2FlagEndHeaders, 1, nil)
	f.headers(http2FlagEndStream, 3, append(getPath, "user-agent", "agent")...)
	tells2(t, between("many", f.Bytes(), nil), "request GET /1", "request GET /1")

	f = greeted()
	f.frame(http2Headers, 0, 1, f.fields(getPath...))
	x := bytes.Repeat([]byte{0, 1, 'x', 2, 'y', 'y'}, 1000)
	for range 5 {
		f.frame(http2Continuation, 0, 1, x)
	}
	f.frame(http2Continuation, http2FlagEndHeaders, 1, x)
	f.headers(http2FlagEndStream, 3, ":method", "GET", ":path", "/2", ":authority", "a.example")
	tells2(t, between("too long", f.Bytes(), nil),
		"request GET /1 !"+http2FlawTooLong, "part +6000", "part +6000", "part +6000", "request GET /2")

	f = greeted()
	f.frame(http2Headers, 0, 1, f.fields(getPath...)).frame(http2Ping, 0, 0, make([]byte, 8))
	tells2(t, between("interrupted", f.Bytes(), nil), "request GET /1 !"+http2FlawOrder, "part +8")
}

// Behind a hole it goes on with the next frame of a stream that is known; what the table held
// is not known any more.
func TestHTTP2Lost(t *testing.T) {
	f := greeted()
	f.headers(http2FlagEndStream, 1, getPath...)
	before := bytes.Clone(f.Bytes())
	f.Reset()
	f.WriteString("some of a frame that was lost")
	f.frame(http2Window, 0, 1, make([]byte, 4))
	f.headers(http2FlagEndStream, 3, getPath...)
	f.headers(http2FlagEndStream, 5, ":method", "GET", ":path", "/5", ":authority", "a.example")
	c := says("lost", 6, flow.Forward, before)
	c.turns = append(c.turns, turn{dir: flow.Forward, octets: f.Bytes(), lost: 100})
	tells2(t, c, "request GET /1", "part +4", "request GET !"+http2FlawPseudo, "request GET /5")
	for _, m := range drive(&c, &HTTP2).messages {
		if m.Key == 5 && m.Fields["HTTP_HOST"] != "" {
			t.Errorf("%+v: the host is in an entry that is not known any more", m)
		}
	}
}

// The server may be the first to speak, and then must be recognised by its settings alone.
func TestHTTP2Begin(t *testing.T) {
	settings := func(content ...byte) string {
		return newHTTP2Frames().frame(http2Settings, 0, 0, content).String()
	}
	window := newHTTP2Frames().frame(http2Window, 0, 0, []byte{0, 0, 1, 0}).String()
	for octets, want := range map[string]Verdict{
		http2Preface: Accept, http2Preface[:5]: More, "PRI * HTTP/1.1\r\n\r\n": Reject,
		settings(0, 3, 0, 0, 0, 1): Accept, settings(0, 3, 0, 0, 0, 1)[:12]: More,
		settings(0, 0, 0, 0, 0, 1): Reject, settings(1, 0, 0, 0, 0, 1): Reject,
		settings(): More, settings() + window: Accept,
		settings() + "\x00\x00\x00\x00\x00\x00\x00\x00\x00": Reject,
		"\x00": More, "\x00\x00\x00\x04\x01": Reject, "\x00\x01": Reject,
		"\x00\x00\x06\x04\x00\x00\x00\x00\x01": Reject,
		"GET / HTTP/1.1\r\n":                   Reject,
	} {
		var m Message
		m.Show([]byte(octets), flow.Reverse)
		m.State, m.Stream = make([]byte, HTTP2.State), true
		if v := HTTP2.Ask(&m); v != want {
			t.Errorf("%q: verdict %d, want %d", octets, v, want)
		}
	}
}

// Of more streams than are kept bodies are not counted, and everything else is said.
func TestHTTP2Streams(t *testing.T) {
	client, server := greeted(), newHTTP2Frames()
	server.frame(http2Settings, 0, 0, nil)
	const streams = 200
	for i := range uint32(streams) {
		client.headers(http2FlagEndStream, 2*i+1, getPath...)
	}
	for i := range uint32(streams) {
		server.headers(0, 2*i+1, ":status", "200")
		server.frame(http2Data, http2FlagEndStream, 2*i+1, []byte("abc"))
	}
	c := between("streams", client.Bytes(), server.Bytes())
	o := drive(&c, &HTTP2)
	counted := 0
	for _, e := range o.events {
		if e.Kind != complete || e.Fields["HTTP_RET_CODE"] != "200" {
			t.Fatalf("%+v", e)
		}
		if e.Fields["HTTP_BODY_BYTES"] == "3" {
			counted++
		}
	}
	if kept := len(http2State{}.streams); len(o.events) != streams || counted != kept {
		t.Errorf("%d transactions, %d bodies counted, want %d and %d", len(o.events), counted, streams,
			kept)
	}
}
