package egress

import (
	"fmt"
	"io"
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Judge decides about records before exporters get them, as a policy does. It does not block and keeps
// nothing it is lent. One goroutine uses it.
type Judge interface {
	// Judge may add to the attributes, which are those of the record, and have further records exported
	// by emit.
	Judge(kind Kind, v *flow.View, a *flow.Attrs, emit func(kind Kind, v *flow.View)) Verdict
	Judged() Judged
}

// Verdict is what becomes of a record. The zero value has every exporter get it that wants it.
type Verdict struct {
	Drop bool
	To   []string // outputs that may get it; nil is all
}

// Judged is the account of a judge: Records are Passed and Dropped together.
type Judged struct {
	Records uint64            `json:"records"`
	Passed  uint64            `json:"passed"`
	Dropped map[string]uint64 `json:"dropped,omitempty"` // by reason
}

// judge asks about a record, if somebody decides.
func (e *Egress) judge(kind Kind, v *flow.View, a *flow.Attrs) Verdict {
	if e.Judge == nil || kind == Alerts || kind == Statistics {
		return Verdict{}
	}
	return e.Judge.Judge(kind, v, a, e.raise)
}

// raise takes a record of a judge.
func (e *Egress) raise(kind Kind, v *flow.View) {
	e.made++
	v.Kind, v.ID = kind.Of(), identifier(e.Seed, e.made)
	e.deliver(kind, v, Verdict{})
}

// lets reports whether the verdict lets an output have the record.
func (w *Verdict) lets(o *Output) bool {
	return !w.Drop && (w.To == nil || slices.Contains(w.To, o.Name))
}

// Lost returns the records dropped for any reason.
func (j *Judged) Lost() (n uint64) {
	for _, d := range j.Dropped {
		n += d
	}
	return n
}

func (j *Judged) print(w io.Writer) {
	fmt.Fprintf(w, "policy    %d records judged = %d passed", j.Records, j.Passed)
	for _, reason := range sortedKeys(j.Dropped) {
		fmt.Fprintf(w, " + %d dropped (%s)", j.Dropped[reason], reason)
	}
	fmt.Fprintln(w)
}
