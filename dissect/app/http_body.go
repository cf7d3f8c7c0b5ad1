package app

import (
	"bytes"
	"slices"
)

// chunk reads a chunk size, or the last one with its trailers (RFC 9112, section 7.1).
func (t *httpTurn) chunk() Verdict {
	b := t.Peek()
	at := 0
	if t.me.phase == phaseNextChunk {
		if at = lineEnd(b); at < 0 {
			return t.astray(flawChunkEnd)
		}
		if at == 0 || at == len(b) {
			return t.wait(len(b))
		}
	}
	line, n := lineOf(b[at:])
	size, ok := chunkSize(line, n > 0)
	if !ok {
		return t.astray(flawChunk)
	}
	if n == 0 {
		if t.Full {
			return t.astray(flawChunk)
		}
		return t.wait(len(b))
	}
	at += n
	if size > 0 {
		t.Skip(at)
		t.Ahead(size)
		t.me.octets = max(t.me.octets+size, t.me.octets)
		t.me.phase = phaseNextChunk
		return Accept
	}
	end := emptyLine(b[at:])
	if end == 0 {
		if !t.over {
			return More
		}
		end = len(b) - at
		t.Malformed(flawEndless)
	}
	t.Skip(at + end)
	if t.me.phase = phaseHead; t.me.role == roleServer {
		t.Attrs.Uint(httpBody, t.me.octets)
		t.Finish()
	} else {
		t.Attrs.Uint(httpRequestBody, t.me.octets)
	}
	return Accept
}

// lineEnd returns the length of the line end that b begins with, 0 if there is too little to
// tell, -1 if there is none.
func lineEnd(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == '\n':
		return 1
	case b[0] != '\r':
		return -1
	case len(b) == 1:
		return 0
	case b[1] == '\n':
		return 2
	}
	return -1
}

// chunkSize reads a chunk size; an extension may follow. Of a line that is not whole the
// begin is looked at.
func chunkSize(line []byte, whole bool) (size uint64, ok bool) {
	n := 0
	for ; n < len(line); n++ {
		c := line[n] | 0x20
		switch {
		case isDigit(line[n]):
			size = size<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			size = size<<4 | uint64(c-'a'+10)
		case line[n] == ';' || line[n] == ' ' || line[n] == '\t' || line[n] == '\r':
			return size, n > 0 && n <= 15
		default:
			return 0, false
		}
	}
	return size, n <= 15 && (n > 0 || !whole)
}

// astray gives the framing of a body up.
func (t *httpTurn) astray(flaw string) Verdict {
	t.Malformed(flaw)
	t.me.lost = true
	return t.seek(0)
}

// form reads the begin of a form.
func (t *httpTurn) form() Verdict {
	b := t.Peek()
	want := int(min(t.me.octets, 255))
	if len(b) < want && !t.over {
		return More
	}
	want = min(want, len(b))
	t.Attrs.Bytes(httpPostParams, t.Bytes(want))
	t.Ahead(t.me.octets - uint64(want))
	t.me.phase = phaseHead
	return Accept
}

// seek leaves octets behind that are not understood, until a message begins that is not before
// octet from.
func (t *httpTurn) seek(from int) Verdict {
	t.me.phase = phaseSeek
	b := t.Peek()
	for i := from; i < min(len(b), seekUnit); i++ {
		switch l := t.begin(b, i); {
		case l == likeStart && !t.over:
			return More
		case l < likeRequest:
		case i == 0:
			t.me.phase = phaseHead
			return t.start()
		default:
			t.Skip(i)
			t.Pass()
			t.me.phase = phaseHead
			return Accept
		}
	}
	if len(b) < seekUnit && !t.over {
		return More
	}
	t.Skip(min(len(b), seekUnit))
	t.Pass()
	return Accept
}

// begin tells whether a message of this side begins at octet i. Requests begin lines.
func (t *httpTurn) begin(b []byte, i int) likeness {
	switch {
	case t.me.role != roleClient && b[i] == 'H':
		return likeStatus(b[i:])
	case t.me.role != roleServer && (i == 0 || b[i-1] == '\n'):
		return httpLike(b[i:])
	}
	return likeNothing
}

// simple reads a request of HTTP/0.9 (RFC 1945, section 4.1), of n octets. There is so little
// to it that it is believed only where HTTP is expected.
func (t *httpTurn) simple(line []byte, n int) Verdict {
	const get = "GET "
	target := bytes.Trim(line[min(len(get), len(line)):], " \t")
	if n == 0 || string(cut(line, len(get))) != get || len(target) == 0 || target[0] != '/' ||
		bytes.IndexByte(target, ' ') >= 0 || bytes.IndexByte(target, 0) >= 0 ||
		!slices.Contains(httpPorts, t.DstPort) {
		return Reject
	}
	h := httpHead{method: line[:len(get)-1], target: target, protocol: http09}
	t.Skip(n)
	t.me.role = roleClient
	t.Request(0)
	h.sayRequest(&t.Attrs)
	t.all.ask(askedSimple)
	return Accept
}

var http09 = []byte("HTTP/0.9")

// entity leaves the answer to a request of HTTP/0.9, which is nothing but a body.
func (t *httpTurn) entity() Verdict {
	t.all.answer(false)
	t.Response(0)
	t.Attrs.Text(httpTerminator, "E")
	t.Ahead(ToEnd)
	return Accept
}
