package app

import "encoding/binary"

// headers reads a header block: a HEADERS or PUSH_PROMISE frame, and CONTINUATION frames.
func (t *http2Turn) headers(b []byte) Verdict {
	var all http2Block
	for at := 0; !all.ended; {
		if len(b) < at+http2HeaderSize {
			return t.tear(b, &all)
		}
		f := http2FrameOf(b[at:])
		if at > 0 && (f.kind != http2Continuation || f.stream != all.stream || f.flaw(t.longest()) != "") {
			all.flaw, all.torn = http2FlawOrder, true
			return t.block(b[:at], &all)
		}
		end := at + http2HeaderSize + int(f.length)
		if len(b) < end {
			return t.tear(b, &all)
		}
		if at == 0 {
			all.first(f)
		}
		all.ended = f.flags&http2FlagEndHeaders != 0
		at = end
		all.size = at
	}
	return t.block(b[:all.size], &all)
}

// http2Block is a header block.
type http2Block struct {
	stream uint32
	flags  uint8
	push   bool
	ended  bool
	torn   bool // some of it is missing
	size   int  // octets of the frames that are here in full
	flaw   string
}

func (x *http2Block) first(f http2Frame) {
	x.stream, x.flags, x.push = f.stream, f.flags, f.kind == http2Push
}

// tear gives up a header block that does not end: what is here in full is looked at, and what
// follows is left.
func (t *http2Turn) tear(b []byte, x *http2Block) Verdict {
	if !t.over {
		return More
	}
	if x.torn = true; t.Full {
		x.flaw = http2FlawTooLong
	}
	t.me.torn = true
	if x.size > 0 {
		return t.block(b[:x.size], x)
	}
	t.all.table[t.Dir].forget()
	if x.flaw != "" {
		t.Malformed(x.flaw)
	}
	f := http2FrameOf(b)
	t.me.torn = f.flags&http2FlagEndHeaders == 0
	return t.pass(min(len(b), http2HeaderSize+int(f.length)), f)
}

// block decodes the frames of a header block.
func (t *http2Turn) block(b []byte, x *http2Block) Verdict {
	r := hpackReader{table: &t.all.table[t.Dir], room: t.Room[MaxMessage:]}
	var ok bool
	if x.ended && len(b) == http2HeaderSize+int(http2FrameOf(b).length) {
		r.b, ok = x.content(b[http2HeaderSize:])
		t.decode(&r, x, ok)
	} else {
		t.gather(b, &r, x)
	}
	if x.flaw != "" {
		t.Malformed(x.flaw)
	}
	t.Skip(len(b))
	t.say(&r.head, x)
	return Accept
}

// gather decodes a block that is in more than one frame.
func (t *http2Turn) gather(b []byte, r *hpackReader, x *http2Block) {
	all := t.Room[:MaxMessage]
	n, ok := 0, true
	for at := 0; at < len(b); {
		f := http2FrameOf(b[at:])
		end := at + http2HeaderSize + int(f.length)
		content := b[at+http2HeaderSize : end]
		if at == 0 {
			content, ok = x.content(content)
		}
		n += copy(all[n:], content)
		at = end
	}
	r.b = all[:n]
	t.decode(r, x, ok)
}

// content returns what a first frame has of the block: padding, priority and the promised
// stream are none of it.
func (x *http2Block) content(b []byte) ([]byte, bool) {
	if x.flags&http2FlagPadded != 0 {
		if len(b) == 0 || int(b[0]) >= len(b) {
			return nil, false
		}
		b = b[1 : len(b)-int(b[0])]
	}
	fixed := 0
	if x.push {
		fixed = 4
	} else if x.flags&http2FlagPriority != 0 {
		fixed = 5
	}
	if len(b) < fixed {
		return nil, false
	}
	if x.push {
		x.stream = binary.BigEndian.Uint32(b) &^ (1 << 31)
	}
	return b[fixed:], true
}

// decode reads the fields. Once something cannot be decoded the table is unknown.
func (t *http2Turn) decode(r *hpackReader, x *http2Block, ok bool) {
	if t.me.stale {
		r.table.forget()
		t.me.stale = false
	}
	if !ok {
		r.flaw = http2FlawPadding
	}
	r.block()
	if r.flaw == hpackFlawBlock && x.torn {
		r.flaw = ""
	}
	if r.flaw != "" || x.torn {
		r.table.forget()
	}
	if x.flaw == "" {
		x.flaw = r.flaw
	}
}

// say says what a header block has told: a request, a response, or trailers.
func (t *http2Turn) say(h *httpHead, x *http2Block) {
	key := uint64(x.stream)
	ends := x.flags&http2FlagEndStream != 0 && !x.push
	s := t.all.stream(x.stream)
	h.protocol = http2Version
	status, ok := decimal(h.header[headerStatus])
	if h.header[headerStatus] != nil && !ok ||
		h.header[headerPath] == nil && h.header[headerMethod] != nil && !isWord(h.header[headerMethod], "connect") {
		h.note(http2FlawPseudo)
	}
	if h.flaw != "" && x.flaw == "" {
		t.Malformed(h.flaw)
	}
	switch {
	case h.header[headerMethod] != nil:
		s = t.all.open(x.stream)
		s.form = isForm(h.header[headerMIME])
		h.method, h.target, h.authority = h.header[headerMethod], h.header[headerPath], h.header[headerAuthority]
		t.Request(key)
		if h.sayRequest(&t.Attrs); x.push { // the client has not asked
			t.Notice()
		}
	case ok:
		h.status = status
		if t.Response(key); status < 200 {
			t.Interim(key)
		} else {
			h.sayResponse(&t.Attrs)
		}
		if s == nil {
			t.Attrs.Bytes(httpProtocol, http2Version)
		}
		if ends {
			t.ends(s, "N")
		}
		return
	default:
		t.Of(key)
	}
	if ends {
		t.ends(s, "F")
	}
}

var http2Version = []byte("HTTP/2")

// open begins to keep a stream, in the place of the one begun longest ago.
func (s *http2State) open(id uint32) *http2Stream {
	x := s.stream(id)
	if x == nil {
		x = &s.streams[s.next]
		s.next = uint8((int(s.next) + 1) % len(s.streams))
	}
	*x = http2Stream{id: id}
	return x
}

// resume looks for a frame of a stream that is known, or of the connection, where octets were
// lost. What the table held cannot be relied upon.
func (t *http2Turn) resume() Verdict {
	t.me.seek, t.me.stale = true, true
	b := t.Peek()
	for i := range min(len(b), seekUnit) {
		if len(b)-i < http2HeaderSize {
			return t.wander(b)
		}
		if !t.plausible(http2FrameOf(b[i:])) {
			continue
		}
		t.me.seek, t.me.torn = false, false
		if i > 0 {
			t.Skip(i)
			t.Pass()
			return Accept
		}
		return t.frame()
	}
	return t.wander(b)
}

// wander leaves octets behind that no frame begins in.
func (t *http2Turn) wander(b []byte) Verdict {
	if len(b) < seekUnit+http2HeaderSize && !t.over {
		return More
	}
	t.Skip(min(len(b), seekUnit))
	t.Pass()
	return Accept
}

// plausible reports whether a frame like f can be expected on this connection.
func (t *http2Turn) plausible(f http2Frame) bool {
	if f.kind > http2Continuation || f.flaw(http2DefaultFrame) != "" || f.flags&^0x2d != 0 {
		return false
	}
	if f.stream == 0 {
		return f.kind == http2Settings && f.flags == 0 || f.kind == http2Ping || f.kind == http2GoAway ||
			f.kind == http2Window
	}
	return f.kind != http2Continuation && t.all.stream(f.stream) != nil
}
