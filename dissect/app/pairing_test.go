package app

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// transaction is a request whose response is not complete.
type transaction struct {
	key      uint64
	fields   map[string]string
	dir      flow.Dir // who spoke of it last
	answered bool
	asked    bool
}

// pair puts the message where it belongs: to a transaction, or to the flow.
func (r *driver) pair(d *Dissector, fields map[string]string) {
	said := &r.m.Said
	if said.Role != Part && d.Pair == Unpaired || said.Role == Notice {
		r.events = append(r.events, event{d.Name, "notice", fields})
		merge(r.fields, fields)
		return
	}
	t := r.find(d, said)
	switch said.Role {
	case Part:
		if t != nil {
			merge(t.fields, fields)
		} else {
			merge(r.fields, fields)
		}
		if t != nil && said.Finish {
			r.close(t)
		}
	case Request:
		r.open = append(r.open, &transaction{key: said.Key, fields: fields, dir: r.m.Dir, asked: true})
	case Interim:
		if t != nil {
			merge(t.fields, fields)
		}
	case Response:
		if t == nil {
			t = &transaction{key: said.Key, fields: map[string]string{}}
			r.open = append(r.open, t)
		}
		merge(t.fields, fields)
		t.answered, t.dir = true, r.m.Dir
		if said.Finish || !r.m.Stream {
			r.close(t)
		}
	}
}

// find returns the transaction that a message belongs to. The response before, if it was not
// finished, is by the one that begins.
func (r *driver) find(d *Dissector, said *Said) *transaction {
	if said.Role == Part {
		for _, t := range slices.Backward(r.open) {
			if t.dir == r.m.Dir {
				return t
			}
		}
		return nil
	}
	if said.Role == Response || said.Role == Interim {
		for _, t := range slices.Clone(r.open) {
			if t.answered {
				r.close(t)
			}
		}
	}
	i := slices.IndexFunc(r.open, func(t *transaction) bool { return d.Pair == InOrder || t.key == said.Key })
	if i < 0 || said.Role == Request {
		return nil
	}
	return r.open[i]
}

// close ends a transaction.
func (r *driver) close(t *transaction) {
	if i := slices.Index(r.open, t); i >= 0 {
		r.open = slices.Delete(slices.Clone(r.open), i, i+1)
	}
	kind := "transaction"
	switch {
	case !t.answered:
		kind = "unanswered"
	case !t.asked:
		kind = "unasked"
	}
	r.events = append(r.events, event{r.owner.Name, kind, t.fields})
	merge(r.fields, t.fields)
}
