package app

import "github.com/weir-probe/weir/dissect/wire"

// What may be wrong with a name. Each is the whole sentence that people see.
const (
	flawPointer = "a compressed name does not point back"
	flawHeader  = "a compressed name points into the header"
	flawLabel   = "a label is of a type that does not exist"
	flawLong    = "a name is longer than 255 octets"
	flawRuns    = "a compressed name does not end before what points to it"
)

// Lengths of a name with those of its labels, and of a label (RFC 1035, section 2.3.4).
const (
	maxName   = 255
	longLabel = 63
)

// maxSteps bounds the labels and pointers followed in a message outside of the names' own
// places. More than any sender needs for what is written out; names after that are skipped.
const maxSteps = 4096

// name consumes a name and writes it to t, which may be nil, without the final dot; the root is
// a dot. It reports whether the name is right. If it is not even known where it ends, r is short.
//
// A pointer must lead to before the part of the name that it ends. So every part is before the
// last, and the name ends.
func (d *dnsMessage) name(r *wire.Reader, t *dnsText) bool {
	start, mark := r.Pos(), t.len()
	w := dnsWalk{at: start, part: start, limit: start + r.Len(), end: -1, size: 1, mark: mark}
	for w.flaw == "" && !w.done {
		d.step(&w, t)
	}
	if w.end < 0 {
		r.Bytes(r.Len() + 1)
	} else {
		r.Skip(w.end - start)
	}
	if w.flaw != "" && w.flaw != pastEnd {
		d.fault(w.flaw)
	}
	if w.flaw != "" {
		t.cut(mark)
	}
	return w.flaw == ""
}

// pastEnd says that a name goes on after what is here.
const pastEnd = "."

// dnsWalk is a way along a name.
type dnsWalk struct {
	at    int // next octet
	part  int // where the part began that it is in
	limit int // where that part has to end
	end   int // where the name ends in its own place, -1 if not known
	size  int // octets of the name so far, with the root's
	mark  int // where its text begins
	flaw  string
	done  bool
}

// step goes on by a label or a pointer.
func (d *dnsMessage) step(w *dnsWalk, t *dnsText) {
	if w.end >= 0 {
		if d.steps--; d.steps < 0 {
			w.done = true
			t.cut(w.mark)
			return
		}
	}
	if w.at >= w.limit {
		w.past()
		return
	}
	switch c := int(d.b[w.at]); {
	case c == 0:
		w.ends(1)
		w.done = true
		if t != nil && t.n == w.mark {
			t.octet('.')
		}
	case c <= longLabel:
		if w.at+1+c > w.limit {
			w.past()
		} else if w.size += 1 + c; w.size > maxName {
			w.flaw = flawLong
		} else {
			w.label(d.b[w.at+1:w.at+1+c], t)
		}
	case c < 0xc0:
		w.flaw = flawLabel
	case w.at+2 > w.limit:
		w.past()
	default:
		w.jump(c&longLabel<<8 | int(d.b[w.at+1]))
	}
}

// past is told that the part does not end where it has to.
func (w *dnsWalk) past() {
	w.flaw = pastEnd
	if w.end >= 0 {
		w.flaw = flawRuns
	}
}

func (w *dnsWalk) ends(n int) {
	if w.end < 0 {
		w.end = w.at + n
	}
}

func (w *dnsWalk) label(b []byte, t *dnsText) {
	w.at += 1 + len(b)
	if t == nil {
		return
	}
	if t.n > w.mark {
		t.octet('.')
	}
	t.plain(b)
}

// jump follows a pointer.
func (w *dnsWalk) jump(to int) {
	w.ends(2)
	switch {
	case to >= w.part:
		w.flaw = flawPointer
	case to < headerLen:
		w.flaw = flawHeader
	}
	w.at, w.limit, w.part = to, w.part, to
}
