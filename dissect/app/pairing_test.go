package app

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// How transactions end, in the words of workers but for the first.
const (
	complete   = "transaction"
	unanswered = "unanswered"
	unasked    = "unasked"
	reset      = "reset"
	abandoned  = "abandoned"
	noticed    = "notice"
)

// exchange is a transaction that is not over.
type exchange struct {
	name            string // of the dissector
	key             uint64
	dir             flow.Dir // who asks
	asked, answered bool
	first           bool // of its flow
	fields          map[string]string
	aside           map[string]string // what interim responses said
}

// pair puts the message where it belongs: to a transaction, or to the flow.
func (r *driver) pair(d *Dissector, fields map[string]string) {
	m := &r.m
	s, said := &r.sides[m.Dir], &m.Said
	r.yieldTo(s)
	switch {
	case said.Role == Notice || said.Role != Part && d.Pair == Unpaired:
		r.events = append(r.events, event{d.Name, noticed, fields})
		merge(r.fields, fields)
	case said.Role == Request:
		r.request(d, s, fields)
	case said.Role == Response || said.Role == Interim:
		r.response(d, s, fields)
	case said.Key != 0 && d.Pair == ByKey:
		if s.owner = r.byKey(1-m.Dir, said.Key); s.owner == nil {
			s.owner = r.byKey(m.Dir, said.Key)
		}
		if s.owner != nil {
			r.tell(s.owner, fields)
		}
	case s.owner != nil:
		r.tell(s.owner, fields)
	default:
		merge(r.fields, fields)
	}
	e := s.owner
	switch {
	case e == nil:
	case said.Role == Response && !m.Stream:
		r.end(e, complete)
	case said.Finish && e.answered && m.Dir != e.dir:
		s.finish = true
	}
}

// yieldTo completes the response that was to be complete when the message in hand began.
func (r *driver) yieldTo(s *side) {
	if s.finish && s.owner != nil {
		r.end(s.owner, complete)
	}
	s.finish = false
}

func (r *driver) tell(e *exchange, fields map[string]string) {
	merge(e.fields, fields)
	if e.first {
		merge(r.fields, fields)
	}
}

// open returns a new transaction.
func (r *driver) open(d *Dissector, dir flow.Dir) *exchange {
	e := &exchange{name: d.Name, key: r.m.Said.Key, dir: dir, first: !r.began}
	e.fields, e.aside = map[string]string{}, map[string]string{}
	r.began = true
	r.waiting = append(r.waiting, e)
	return e
}

func (r *driver) request(d *Dissector, s *side, fields map[string]string) {
	m := &r.m
	if d.Pair == ByKey && !m.Stream {
		if e := r.byKey(m.Dir, m.Said.Key); e != nil && !e.answered {
			s.owner = nil // asked again
			return
		}
	}
	s.owner = r.open(d, m.Dir)
	s.owner.asked = true
	r.tell(s.owner, fields)
}

func (r *driver) response(d *Dissector, s *side, fields map[string]string) {
	m := &r.m
	e := r.answers(d)
	if m.Said.Role == Interim {
		if e == nil {
			merge(r.fields, fields)
			return
		}
		merge(e.aside, fields)
		s.owner = nil
		return
	}
	if s.owner != nil && s.owner != e && s.owner.answered && d.Pair == InOrder {
		r.end(s.owner, complete)
	}
	if e == nil {
		e = r.open(d, 1-m.Dir)
	}
	s.owner, e.answered = e, true
	r.tell(e, fields)
}

// answers returns the transaction that the message in hand responds to. Behind a hole in a
// stream it is to the last request.
func (r *driver) answers(d *Dissector) *exchange {
	m := &r.m
	if d.Pair == ByKey {
		return r.byKey(1-m.Dir, m.Said.Key)
	}
	var open []*exchange
	for _, e := range r.waiting {
		if e.dir != m.Dir && !e.answered {
			open = append(open, e)
		}
	}
	if len(open) == 0 {
		return nil
	}
	for ; m.Lost && m.Stream && len(open) > 1; open = open[1:] {
		r.end(open[0], unanswered)
	}
	return open[0]
}

// byKey returns the latest transaction with a key of those that dir asked.
func (r *driver) byKey(dir flow.Dir, key uint64) *exchange {
	for _, e := range slices.Backward(r.waiting) {
		if e.dir == dir && e.key == key {
			return e
		}
	}
	return nil
}

// end ends a transaction.
func (r *driver) end(e *exchange, how string) {
	if how == complete && !e.asked {
		how = unasked
	}
	r.tell(e, e.aside)
	r.events = append(r.events, event{e.name, how, e.fields})
	r.waiting = slices.DeleteFunc(slices.Clone(r.waiting), func(x *exchange) bool { return x == e })
	for i := range r.sides {
		if r.sides[i].owner == e {
			r.sides[i].owner, r.sides[i].finish = nil, false
		}
	}
}

// settle ends what a side had to do with that says no more.
func (r *driver) settle(dir flow.Dir, why string) {
	if e := r.sides[dir].owner; e != nil && e.answered {
		if why == reset && e.asked {
			r.end(e, why)
		} else {
			r.end(e, complete)
		}
	}
	for _, e := range r.waiting {
		if e.dir != dir && !e.answered {
			r.end(e, why)
		}
	}
}

// abandon ends all transactions.
func (r *driver) abandon(why string) {
	all := r.waiting
	for _, e := range all {
		if e.answered {
			r.end(e, complete)
		}
	}
	for _, dir := range []flow.Dir{flow.Forward, flow.Reverse} {
		for _, e := range all {
			if !e.answered && e.dir == dir {
				r.end(e, why)
			}
		}
	}
}

// merge adds what is not yet said.
func merge(dst, src map[string]string) {
	for k, v := range src {
		if _, ok := dst[k]; !ok {
			dst[k] = v
		}
	}
}
