package collect

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Structured data (RFC 6313): lists of values, and of records of templates. What such records say is
// said of the flow they are in.
const (
	basicList            = 291
	subTemplateList      = 292
	subTemplateMultiList = 293

	maxLists = 4 // inside each other
)

// lists reads the structured data of the record in hand.
func (w *Worker) lists(s *session, depth int) {
	lists := w.a.Lists
	w.a.Lists = [4]flow.List{}
	for _, l := range lists {
		if l.ID == 0 || len(l.Octets) == 0 {
			continue
		}
		ok := false
		switch {
		case depth == maxLists:
		case l.ID == basicList:
			ok = w.basic(s, l.Octets, depth)
		case l.ID == subTemplateList:
			ok = w.subRecords(s, l.Octets, false, depth)
		default:
			ok = w.subRecords(s, l.Octets, true, depth)
		}
		if !ok {
			w.counts.add(ListsBad, 1)
		}
	}
}

// basic reads a list of values of one element: a semantic, the element, its length. Each is read as a record of a
// template of nothing else.
func (w *Worker) basic(s *session, b []byte, depth int) bool {
	be := binary.BigEndian
	if len(b) < 5 {
		return false
	}
	of := flow.Specifier{ID: be.Uint16(b[1:]), Length: be.Uint16(b[3:])}
	values := b[5:]
	if of.ID&(1<<15) != 0 {
		if len(b) < 9 {
			return false
		}
		of.ID, of.PEN, values = of.ID&^(1<<15), be.Uint32(b[5:]), b[9:]
	}
	if of.Length == 0 {
		return len(values) == 0
	}
	in := w.registry.inlet([]flow.Specifier{of}, flow.Convention(s.convention.Load()))
	ignored, ok := w.a.Ignored, true
	for ok && len(values) > 0 {
		values, ok = in.Read(values, &w.a)
		ignored &= w.a.Ignored
	}
	w.a.Ignored = ignored
	if w.a.Lists[0].ID != 0 {
		w.lists(s, depth+1)
	}
	return ok
}

// subRecords reads records of templates: one template for all of a subTemplateList, one for each run
// of records in a subTemplateMultiList.
func (w *Worker) subRecords(s *session, b []byte, multi bool, depth int) bool {
	be := binary.BigEndian
	b = b[1:] // the semantic
	for len(b) >= 2 {
		id, of := be.Uint16(b), b[2:]
		b = nil
		if multi {
			if len(of) < 2 {
				return false
			}
			n := int(be.Uint16(of)) // of the run with its header
			if n < 4 || n-2 > len(of) {
				return false
			}
			of, b = of[2:n-2], of[n-2:]
		}
		if len(of) == 0 {
			continue
		}
		t := s.template(id)
		if t == nil || !w.subRecord(s, t, of, depth) {
			return false
		}
	}
	return len(b) == 0
}

func (w *Worker) subRecord(s *session, t *template, b []byte, depth int) bool {
	ignored := w.a.Ignored
	for len(b) >= t.inlet.Shortest() {
		rest, ok := t.inlet.Read(b, &w.a)
		if ignored &= w.a.Ignored; !ok {
			break
		}
		b = rest
		if w.a.Lists[0].ID != 0 {
			w.lists(s, depth+1)
		}
	}
	w.a.Ignored = ignored
	return len(b) == 0
}
