package app

import "bytes"

// flawSIPBoundary is a multipart body that cannot be taken apart.
const flawSIPBoundary = "SIP: a multipart body without its boundary"

// sipBodyKind is what a body is, as far as it is read.
type sipBodyKind uint8

const (
	bodyOther sipBodyKind = iota
	bodySDP
	bodyParts
	bodyTone  // one character (RFC 6086 has no say; application/dtmf)
	bodyRelay // lines, Signal=5 and Duration=160 (application/dtmf-relay)
)

// sipBodyTypes are the media types of the bodies that are read, in lower case.
var sipBodyTypes = [...]struct {
	name string
	kind sipBodyKind
}{
	{"application/sdp", bodySDP}, {"application/dtmf", bodyTone}, {"application/dtmf-relay", bodyRelay},
	{"multipart/mixed", bodyParts}, {"multipart/alternative", bodyParts}, {"multipart/related", bodyParts},
}

// bodyKind returns what the body of a message is. What is compressed is not read.
func (h *sipHead) bodyKind() sipBodyKind {
	if coding := h.header[sipContentEncoding]; len(coding) > 0 && !isWord(coding, "identity") {
		return bodyOther
	}
	return sipBodyKindOf(h.header[sipContentType])
}

func sipBodyKindOf(mime []byte) sipBodyKind {
	if i := bytes.IndexByte(mime, ';'); i >= 0 {
		mime = mime[:i]
	}
	mime = bytes.TrimSpace(mime)
	for i := range sipBodyTypes {
		if isWord(mime, sipBodyTypes[i].name) {
			return sipBodyTypes[i].kind
		}
	}
	return bodyOther
}

// sipBody is what was learnt from a body.
type sipBody struct {
	sdp  sdpReader
	tone [1]byte // 0 for none
	flaw string
}

// read reads a body.
func (x *sipBody) read(kind sipBodyKind, mime, b []byte) {
	switch kind {
	case bodySDP:
		x.sdp.read(b)
	case bodyParts:
		x.parts(mime, b, 2)
	case bodyTone:
		x.signal(b)
	case bodyRelay:
		x.relay(b)
	}
}

// parts reads the parts of a multipart body (RFC 2046, section 5.1), which may have parts
// themselves, depth deep. Of several descriptions of media the first counts.
func (x *sipBody) parts(mime, b []byte, depth int) {
	boundary := sipParam(sipParamsOf(mime), "boundary")
	if len(boundary) == 0 || len(boundary) > 70 {
		x.flaw = flawSIPBoundary
		return
	}
	at := sipBoundary(b, boundary)
	if at < 0 {
		x.flaw = flawSIPBoundary
	}
	for at >= 0 {
		_, n := lineOf(b[at:])
		b = b[at+max(n, 1):]
		at = sipBoundary(b, boundary)
		part := b
		if at >= 0 {
			part = b[:at]
		}
		x.part(part, depth)
		if n == 0 {
			return
		}
	}
}

// sipBoundary returns where the line is that begins with two hyphens and a boundary, -1 if there
// is none.
func sipBoundary(b, boundary []byte) int {
	for at := 0; ; {
		line := b[at:]
		if len(line) > 2+len(boundary) && line[0] == '-' && line[1] == '-' &&
			bytes.Equal(line[2:2+len(boundary)], boundary) {
			return at
		}
		n := bytes.IndexByte(line, '\n')
		if n < 0 {
			return -1
		}
		at += n + 1
	}
}

// part reads one part: header fields, an empty line and a body.
func (x *sipBody) part(b []byte, depth int) {
	var mime []byte
	for {
		line, n := lineOf(b)
		if n == 0 {
			return
		}
		if b = b[n:]; len(line) == 0 {
			break
		}
		if colon := bytes.IndexByte(line, ':'); colon > 0 &&
			sipHeaderNamed(bytes.TrimRight(line[:colon], " \t")) == sipContentType {
			mime = bytes.TrimSpace(line[colon+1:])
		}
	}
	switch kind := sipBodyKindOf(mime); {
	case kind == bodyParts && depth > 1:
		x.parts(mime, b, depth-1)
	case kind == bodySDP && x.sdp.lines == 0:
		x.sdp.read(b)
	}
}

// relay finds the signal.
func (x *sipBody) relay(b []byte) {
	for len(b) > 0 {
		line, n := lineOf(b)
		if equal := bytes.IndexByte(line, '='); equal > 0 && isWord(bytes.TrimSpace(line[:equal]), "signal") {
			x.signal(line[equal+1:])
			return
		}
		if n == 0 {
			return
		}
		b = b[n:]
	}
}

// signal reads a tone, which may also be given by its number as an event of RFC 4733.
func (x *sipBody) signal(b []byte) {
	const events = "0123456789*#ABCD"
	b = bytes.TrimSpace(b)
	switch number, ok := decimal(b); {
	case ok && number < uint64(len(events)):
		x.tone[0] = events[number]
	case len(b) == 1 && bytes.IndexByte(sipTones, b[0]) >= 0:
		x.tone[0] = b[0]
		if b[0] >= 'a' {
			x.tone[0] -= 'a' - 'A'
		}
	}
}

var sipTones = []byte("*#ABCDabcd")
