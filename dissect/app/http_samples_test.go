package app

import (
	"bytes"
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/weir-probe/weir/dataplane/flow"
)

// talkHTTP returns a conversation on port 80: lines of a script, each of which begins with > or <
// for the client or the server. \r\n is added where a line does not end in |.
func talkHTTP(name string, script ...string) conversation {
	c := says(name, 6, flow.Forward, nil)
	c.dstPort, c.turns = 80, nil
	for _, line := range script {
		dir := flow.Forward
		if line[0] == '<' {
			dir = flow.Reverse
		}
		text := line[1:]
		if !strings.HasSuffix(text, "|") {
			text += "\r\n"
		}
		octets := []byte(strings.TrimSuffix(text, "|"))
		if n := len(c.turns); n > 0 && c.turns[n-1].dir == dir {
			c.turns[n-1].octets = append(c.turns[n-1].octets, octets...)
			continue
		}
		c.turns = append(c.turns, turn{dir: dir, octets: octets})
	}
	return c
}

// httpSamples are what the recorded captures do not have.
func httpSamples() []conversation {
	return []conversation{
		talkHTTP("websocket",
			">GET /chat HTTP/1.1", ">Host: chat.example.com", ">Upgrade: websocket",
			">Connection: Upgrade", ">",
			"<HTTP/1.1 101 Switching Protocols", "<Upgrade: websocket", "<Connection: Upgrade", "<"),
		talkHTTP("lines that end in LF only",
			">GET / HTTP/1.1\nHost: a.example\n\n|", "<HTTP/1.1 200 OK\nContent-Length: 2\n\nok|",
			">GET /2 HTTP/1.1\nHost: a.example\n\n|", "<HTTP/1.1 404\n\n|"),
		talkHTTP("trailers and extensions of chunks",
			">GET / HTTP/1.1", ">Host: a.example", ">",
			"<HTTP/1.1 200 OK", "<Transfer-Encoding: gzip, chunked", "<", "<5;name=value", "<hello", "<0",
			"<Expires: never", "<",
			">HEAD / HTTP/1.1", ">", "<HTTP/1.1 200 OK", "<Transfer-Encoding: chunked", "<"),
	}
}

// http2Frames builds what one side of an HTTP/2 connection says.
type http2Frames struct {
	bytes.Buffer
	block bytes.Buffer
	codec *hpack.Encoder
}

func newHTTP2Frames() *http2Frames {
	f := &http2Frames{}
	f.codec = hpack.NewEncoder(&f.block)
	return f
}

func (f *http2Frames) frame(kind, flags uint8, stream uint32, content []byte) *http2Frames {
	n := len(content)
	f.Write([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags,
		byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)})
	f.Write(content)
	return f
}

// fields encodes pairs of names and values.
func (f *http2Frames) fields(pairs ...string) []byte {
	f.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		f.codec.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return bytes.Clone(f.block.Bytes())
}

func (f *http2Frames) headers(flags uint8, stream uint32, pairs ...string) *http2Frames {
	return f.frame(http2Headers, flags|http2FlagEndHeaders, stream, f.fields(pairs...))
}

// http2Samples are what the recorded captures do not have.
func http2Samples() []conversation {
	client, server := newHTTP2Frames(), newHTTP2Frames()
	client.WriteString(http2Preface)
	client.frame(http2Settings, 0, 0, nil)
	client.headers(http2FlagEndStream, 1, ":method", "GET", ":path", "/a?b",
		":authority", "www.example.co.uk:8080",
		"x-forwarded-for", "192.0.2.7", "x-forwarded-host", "shop.example.com", "via", "2 proxy",
		"cookie", "a=1", "cookie", "b=2")
	client.headers(http2FlagEndStream, 3, ":method", "GET", ":path", "/a?b",
		":authority", "www.example.co.uk:8080",
		"x-forwarded-for", "192.0.2.7", "cookie", "a=1")
	client.headers(0, 5, ":method", "POST", ":path", "/form", "host", "www.example.com",
		"content-type", "application/x-www-form-urlencoded")
	client.frame(http2Data, http2FlagEndStream|http2FlagPadded, 5, []byte("\x03user=ann\x00\x00\x00"))
	server.frame(http2Settings, 0, 0, []byte{0, 5, 0, 0, 0x80, 0})
	server.headers(0, 3, ":status", "103", "link", "</style.css>")
	server.headers(0, 3, ":status", "200", "content-type", "text/plain")
	server.frame(http2Data, 0, 3, []byte("hello"))
	server.headers(http2FlagEndStream, 3, "grpc-status", "0")
	server.headers(http2FlagEndStream, 1, ":status", "301", "location", "https://www.example.co.uk/",
		"server", "x")
	server.frame(http2Reset, 0, 5, []byte{0, 0, 0, 8})
	server.frame(http2GoAway, 0, 0, make([]byte, 8))
	c := says("crafted", 6, flow.Forward, nil)
	c.turns = []turn{
		{dir: flow.Forward, octets: client.Bytes()}, {dir: flow.Reverse, octets: server.Bytes()},
	}
	return []conversation{c}
}
