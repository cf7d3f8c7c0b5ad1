package app

import (
	"encoding/binary"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// HTTP2 is HTTP/2 in clear (RFC 9113): with prior knowledge, or after an upgrade. A message is
// a frame, or all those that carry one header block; DATA is skipped.
var HTTP2 = Dissector{
	Name:   "http2",
	Doc:    "HTTP/2 in clear: requests and responses of every stream.",
	Number: 349,
	TCP:    []uint16{80, 8080, 50051},
	First:  "P\x00",
	Fields: []*flow.Field{
		httpMethod, httpURL, httpHost, httpSite, httpProtocol, httpUserAgent, httpReferer, httpRequestMIME,
		httpForwardedFor, httpForwardedHost, httpVia, httpCookie, httpRawCookie, httpPostParams, httpRequestBody,
		httpStatus, httpMIME, httpLocation, httpServer, httpContentLength, httpBody, httpTerminator, http2Error,
	},
	Pair:  ByKey,
	State: unsafe.Sizeof(http2State{}),
	Parse: parseHTTP2,
}

// http2State is what has to be known of a connection, most of it the dynamic tables.
type http2State struct {
	side    [2]http2Side
	table   [2]hpackTable
	streams [64]http2Stream // the latest ones
	next    uint8           // of streams, to be used again
}

// http2Side is one direction.
type http2Side struct {
	begun  bool   // it has said something
	client bool   // it has sent the preface
	torn   bool   // a header block goes on that was too long
	seek   bool   // frames were missed
	stale  bool   // so what the table holds cannot be relied upon
	most   uint32 // the longest frame it takes, 0 if it has not said
}

// http2Stream is a request and its response.
type http2Stream struct {
	id     uint32
	form   bool      // the body of the request is a form, which has not begun
	octets [2]uint64 // of the bodies
}

// Frame types and flags (RFC 9113, section 6).
const (
	http2Data = iota
	http2Headers
	http2Priority
	http2Reset
	http2Settings
	http2Push
	http2Ping
	http2GoAway
	http2Window
	http2Continuation

	http2FlagAck        = 1 // of SETTINGS and PING
	http2FlagEndStream  = 1
	http2FlagEndHeaders = 4
	http2FlagPadded     = 8
	http2FlagPriority   = 0x20

	http2HeaderSize   = 9
	http2DefaultFrame = 1 << 14
)

// Flaws of HTTP/2.
const (
	http2FlawPreface = "HTTP/2: something other than a SETTINGS frame at first"
	http2FlawLongest = "HTTP/2: a frame that is longer than the receiver takes"
	http2FlawSize    = "HTTP/2: a frame whose length its type does not allow"
	http2FlawStream  = "HTTP/2: a frame on a stream that its type does not allow"
	http2FlawPadding = "HTTP/2: padding that is longer than the frame"
	http2FlawOrder   = "HTTP/2: a header block that other frames interrupt, or that nothing begins"
	http2FlawTooLong = "HTTP/2: a header block that is too long to be looked at in full"
	http2FlawPseudo  = "HTTP/2: a status that is no number, or a request without a path"
)

const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// http2Frame is the begin of a frame.
type http2Frame struct {
	length uint32
	kind   uint8
	flags  uint8
	stream uint32
}

// http2FrameOf reads what at least 9 octets begin.
func http2FrameOf(b []byte) http2Frame {
	return http2Frame{
		uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]), b[3], b[4],
		binary.BigEndian.Uint32(b[5:]) &^ (1 << 31),
	}
}

// flaw returns what is wrong with the begin of a frame, which is at most so long.
func (f http2Frame) flaw(most uint32) string {
	n := f.length
	wrong := false
	switch f.kind {
	case http2Priority:
		wrong = n != 5
	case http2Reset, http2Window:
		wrong = n != 4
	case http2Settings:
		wrong = n%6 != 0 || f.flags&http2FlagAck != 0 && n != 0
	case http2Ping:
		wrong = n != 8
	case http2GoAway:
		wrong = n < 8
	}
	switch {
	case n > most:
		return http2FlawLongest
	case wrong:
		return http2FlawSize
	}
	switch f.kind {
	case http2Data, http2Headers, http2Priority, http2Reset, http2Push, http2Continuation:
		wrong = f.stream == 0
	case http2Settings, http2Ping, http2GoAway:
		wrong = f.stream != 0
	}
	if wrong {
		return http2FlawStream
	}
	return ""
}

// http2Turn is a message and the side that says it, changed only if the message is accepted.
type http2Turn struct {
	*Message
	all  *http2State
	me   http2Side
	over bool // there is no more of this message
}

func parseHTTP2(m *Message) Verdict {
	if !m.Stream {
		return Reject
	}
	s := Memory[http2State](m)
	t := http2Turn{Message: m, all: s, me: s.side[m.Dir], over: m.Full || m.Closed}
	known := t.me.begun || s.side[1-m.Dir].begun
	var v Verdict
	switch {
	case !t.me.begun && !(m.Lost && known):
		v = t.begin(known)
	case m.Lost || t.me.seek:
		v = t.resume()
	default:
		v = t.frame()
	}
	if v >= Accept {
		t.me.begun = true
		s.side[m.Dir] = t.me
	}
	return v
}

// begin reads what a side says first: the client's preface, or the server's SETTINGS.
func (t *http2Turn) begin(known bool) Verdict {
	b := t.Peek()
	n := min(len(b), len(http2Preface))
	if !t.all.side[1-t.Dir].client && string(b[:n]) == http2Preface[:n] {
		if n < len(http2Preface) {
			return More
		}
		t.Skip(n)
		t.me.client = true
		return Accept
	}
	if len(b) < http2HeaderSize {
		if !known && !maySettle(b) {
			return Reject
		}
		return t.short()
	}
	f := http2FrameOf(b)
	settles := f.kind == http2Settings && f.flags == 0 && f.flaw(6*32) == ""
	if known {
		if !settles {
			t.Malformed(http2FlawPreface)
		}
		return t.frame()
	}
	if !settles || !t.settled(b[http2HeaderSize:], f) {
		return Reject
	}
	if f.length == 0 && len(b) < 2*http2HeaderSize || len(b) < http2HeaderSize+int(f.length) {
		return t.short()
	}
	return t.frame()
}

// short asks for more of a message that is too short, or leaves it if that is all.
func (t *http2Turn) short() Verdict {
	if !t.over {
		return More
	}
	if !t.me.begun && !t.all.side[1-t.Dir].begun {
		return Reject
	}
	t.Rest()
	return Accept
}

// maySettle reports whether less than a frame header can begin SETTINGS.
func maySettle(b []byte) bool {
	const form = "\x00\x00.\x04\x00\x00\x00\x00\x00"
	for i, c := range b {
		if form[i] != '.' && c != form[i] {
			return false
		}
	}
	return true
}

// settled reports whether b can be the settings of frame f, or behind an empty one another
// frame. Nothing else tells yet that this is HTTP/2.
func (t *http2Turn) settled(b []byte, f http2Frame) bool {
	if f.length == 0 {
		if len(b) < http2HeaderSize {
			return true
		}
		next := http2FrameOf(b)
		return next.kind <= http2Continuation && next.flaw(http2DefaultFrame) == ""
	}
	for i := 0; i+6 <= min(len(b), int(f.length)); i += 6 {
		if id := binary.BigEndian.Uint16(b[i:]); id == 0 || id > 32 {
			return false
		}
	}
	return true
}

// longest returns the length of the longest frame that the other side takes.
func (t *http2Turn) longest() uint32 {
	other := &t.all.side[1-t.Dir]
	switch {
	case other.most != 0:
		return other.most
	case other.begun:
		return http2DefaultFrame
	}
	return 1<<24 - 1
}

// frame reads a frame, or a header block.
func (t *http2Turn) frame() Verdict {
	b := t.Peek()
	if len(b) < http2HeaderSize {
		return t.short()
	}
	f := http2FrameOf(b)
	if flaw := f.flaw(t.longest()); flaw != "" {
		t.Malformed(flaw)
		return t.pass(http2HeaderSize, f)
	}
	if t.me.torn && f.kind != http2Continuation {
		t.Malformed(http2FlawOrder)
		t.me.torn = false
	}
	switch f.kind {
	case http2Data:
		return t.data(b, f)
	case http2Headers, http2Push:
		return t.headers(b)
	case http2Reset, http2GoAway, http2Settings:
		return t.control(b, f)
	case http2Continuation:
		if !t.me.torn {
			t.Malformed(http2FlawOrder)
		}
		t.me.torn = t.me.torn && f.flags&http2FlagEndHeaders == 0
	}
	return t.pass(http2HeaderSize, f)
}

// pass consumes the n first octets of a frame and skips the others.
func (t *http2Turn) pass(n int, f http2Frame) Verdict {
	t.Skip(n)
	t.Ahead(uint64(http2HeaderSize) + uint64(f.length) - uint64(n))
	return Accept
}

// control reads a frame of which all matters.
func (t *http2Turn) control(b []byte, f http2Frame) Verdict {
	if n := http2HeaderSize + min(int(f.length), 6*64); len(b) < n {
		return t.short()
	}
	p := b[http2HeaderSize:]
	switch f.kind {
	case http2Reset:
		t.Of(uint64(f.stream))
		t.Attrs.Uint(http2Error, uint64(binary.BigEndian.Uint32(p)))
		t.Attrs.Text(httpTerminator, "R")
		t.Finish()
	case http2GoAway:
		if code := binary.BigEndian.Uint32(p[4:]); code != 0 {
			t.Attrs.Uint(http2Error, uint64(code))
		}
	case http2Settings:
		for i := 0; i+6 <= int(f.length) && i+6 <= len(p) && i < 6*64; i += 6 {
			const maxFrameSize = 5
			if v := binary.BigEndian.Uint32(p[i+2:]); binary.BigEndian.Uint16(p[i:]) == maxFrameSize {
				t.me.most = max(v, http2DefaultFrame)
			}
		}
	}
	return t.pass(http2HeaderSize+min(int(f.length), 6*64), f)
}

// stream returns what is kept of a stream, nil if it is not known any more.
func (s *http2State) stream(id uint32) *http2Stream {
	for i := range s.streams {
		if s.streams[i].id == id {
			return &s.streams[i]
		}
	}
	return nil
}

// data reads the begin of a DATA frame.
func (t *http2Turn) data(b []byte, f http2Frame) Verdict {
	n, octets := http2HeaderSize, uint64(f.length)
	if f.flags&http2FlagPadded != 0 {
		if len(b) <= n && f.length > 0 {
			return t.short()
		}
		if f.length == 0 || uint32(b[n]) >= f.length {
			t.Malformed(http2FlawPadding)
			return t.pass(n, f)
		}
		octets -= 1 + uint64(b[n])
		n++
	}
	s := t.all.stream(f.stream)
	if s != nil && s.form && octets > 0 {
		want := int(min(octets, 255))
		if len(b) < n+want && !t.over {
			return More
		}
		want = min(want, len(b)-n)
		t.Attrs.Bytes(httpPostParams, b[n:n+want])
		s.form = false
		n += want
	}
	t.Of(uint64(f.stream))
	if s != nil {
		s.octets[t.Dir] += octets
	}
	if f.flags&http2FlagEndStream != 0 {
		t.ends(s, "F")
	}
	return t.pass(n, f)
}

// ends says that this side of a stream is complete.
func (t *http2Turn) ends(s *http2Stream, how string) {
	if t.isClient() {
		if s != nil && s.octets[t.Dir] > 0 {
			t.Attrs.Uint(httpRequestBody, s.octets[t.Dir])
		}
		return
	}
	if s != nil {
		t.Attrs.Uint(httpBody, s.octets[t.Dir])
	}
	t.Attrs.Text(httpTerminator, how)
	t.Finish()
}

// isClient tells whose turn it is. If no preface was seen clients are those who began.
func (t *http2Turn) isClient() bool {
	return t.me.client || !t.all.side[1-t.Dir].client && t.Dir == flow.Forward
}
