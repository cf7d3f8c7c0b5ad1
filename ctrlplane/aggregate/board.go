package aggregate

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Limits of what looking may cost.
const (
	views  = 12   // at a time, besides those of the configuration
	good   = 1024 // rows of a view, in each window
	stale  = 10 * time.Minute
	keyMax = 8 // fields that tell rows apart
)

// ErrBusy says that people look at too many.
var ErrBusy = fmt.Errorf("%d other aggregates are looked at already; try again when one was not asked for in %v", views, stale)

// Question is what somebody wants to know. Two with the same Options are about the same rows, which are counted
// from the first time that somebody asks, and no longer if nobody has asked for a while.
type Question struct {
	Options
	Step  time.Duration // of the windows: one of Steps
	Steps int           // how many windows back; 0 is all
	Limit int           // rows
}

// Answer is the rows with most, of the latest windows together or one by one.
type Answer struct {
	Spec   *Spec
	Since  time.Time // when counting began
	From   time.Time
	To     time.Time
	Rows   []Row
	Others Sums // all that have no row
	Total  Sums
	Bound  uint64      // how much of the order's number somebody may have had at most who is in no row of the table
	Late   uint64      // records that were older than windows of a second are kept
	Points [][]Sums    // by row, of each window; of a series only
	Rest   []Sums      // of all others, of each window
	Times  []time.Time // when the windows begin
}

// Board has what people look at. It is an egress.Watcher; any goroutine may ask.
type Board struct {
	mu     sync.Mutex
	schema *flow.Schema
	views  []*view
	now    func() time.Time
}

// view is what somebody looks at.
type view struct {
	id      string
	options Options
	spec    *Spec
	series  *Series
	since   time.Time
	asked   time.Time
	stays   bool // the configuration has it
	key     []byte
}

// NewBoard returns one that nobody looks at.
func NewBoard(schema *flow.Schema) *Board { return &Board{schema: schema, now: time.Now} }

// Show implements egress.Watcher.
func (b *Board) Show(kind egress.Kind, v *flow.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.views {
		if w.spec.Wants(kind, v) {
			x := w.spec.Sum(kind, v)
			w.key = w.spec.Key(w.key[:0], v)
			w.series.Add(v.Last, w.key, &x)
		}
	}
}

// Tick implements egress.Watcher.
func (b *Board) Tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.views) > 0 {
		b.advance()
	}
}

// advance tells the views what time it is, and forgets those that nobody asks for.
func (b *Board) advance() {
	now := b.now()
	for _, w := range b.views {
		w.series.Advance(uint64(now.UnixNano()))
	}
	b.views = slices.DeleteFunc(b.views, func(w *view) bool { return !w.stays && now.Sub(w.asked) > stale })
}

// Configure has the aggregates of a configuration looked at, and no longer those of another.
func (b *Board) Configure(tables []Options) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.views {
		w.stays = false
	}
	for i := range tables {
		w, err := b.view(tables[i], true)
		if err != nil {
			return err
		}
		w.stays = true
	}
	return nil
}

// id is what makes rows others than those of another view.
func (o *Options) id() string {
	return fmt.Sprintf("%q %q %q %q %q %q %q", o.Name, o.By, o.Records, o.Filter, o.Sums, o.Most, o.Order)
}

// view returns the view of some options, which begins if there is none.
func (b *Board) view(o Options, configured bool) (*view, error) {
	now := b.now()
	for _, w := range b.views {
		if w.id == o.id() {
			w.asked = now
			return w, nil
		}
	}
	if len(o.By) > keyMax && !configured {
		return nil, fmt.Errorf("by has %d fields: name %d at most", len(o.By), keyMax)
	}
	s, err := o.Spec(b.schema)
	if err != nil {
		return nil, err
	}
	if b.others() >= views && !configured {
		return nil, ErrBusy
	}
	w := &view{id: o.id(), options: o, spec: s, series: NewSeries(s.Order, good), since: now, asked: now}
	w.series.Advance(uint64(now.UnixNano()))
	b.views = append(b.views, w)
	return w, nil
}

// others returns how many views the configuration does not have.
func (b *Board) others() (n int) {
	for _, w := range b.views {
		if !w.stays {
			n++
		}
	}
	return n
}

// Looked is something that is looked at.
type Looked struct {
	*Spec
	Since      time.Time
	Configured bool
}

// Looked returns everything that is looked at.
func (b *Board) Looked() (all []Looked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.views {
		all = append(all, Looked{w.spec, w.since, w.stays})
	}
	return all
}

// Options returns those of the aggregate of that name in the configuration.
func (b *Board) Options(name string) (o Options, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.views {
		if w.stays && w.spec.Name == name {
			return w.options, true
		}
	}
	return o, false
}

// window returns the times that a question is about.
func (q *Question) window(now time.Time) (from, to uint64, err error) {
	for _, l := range levels {
		if l.step == q.Step {
			n := uint64(q.Steps)
			if n == 0 || n > l.kept {
				n = l.kept
			}
			to = (uint64(now.UnixNano())/uint64(l.step) + 1) * uint64(l.step)
			return to - n*uint64(l.step), to, nil
		}
	}
	var words []string
	for _, s := range Steps() {
		words = append(words, strings.NewReplacer("m0s", "m", "h0m", "h").Replace(s.String()))
	}
	return 0, 0, fmt.Errorf("step %v is none: write %s", q.Step, strings.Join(words, ", "))
}

// Ask answers a question; points says that it is about each window, too.
func (b *Board) Ask(q Question, points bool) (a Answer, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	from, to, err := q.window(b.now())
	if err != nil {
		return a, err
	}
	w, err := b.view(q.Options, false)
	if err != nil {
		return a, err
	}
	sum := w.series.Sum(q.Step, from, to)
	a = Answer{
		Spec: w.spec, Since: w.since, From: moment(from), To: moment(to), Total: sum.Total(), Bound: sum.Bound(),
		Late: w.series.Late(),
	}
	a.Rows, a.Others = sum.Top(q.Limit)
	if points {
		a.each(w.series, q.Step, from, to)
	}
	return a, nil
}

// each adds what the rows had in each window.
func (a *Answer) each(s *Series, step time.Duration, from, to uint64) {
	a.Points = make([][]Sums, len(a.Rows))
	for at := from; at < to; at += uint64(step) {
		t := s.Sum(step, at, at+uint64(step))
		rest := t.Total()
		for i := range a.Rows {
			var x Sums
			if k, known := t.of[a.Rows[i].Key]; known {
				x = t.rows[k].Sums
				rest.take(&x)
			}
			a.Points[i] = append(a.Points[i], x)
		}
		a.Rest, a.Times = append(a.Rest, rest), append(a.Times, moment(at))
	}
}

// take takes sums off those of more. The greatest number stays.
func (s *Sums) take(o *Sums) {
	for d := range 2 {
		s.Octets[d] -= o.Octets[d]
		s.Packets[d] -= o.Packets[d]
	}
	s.Records -= o.Records
	for i := range o.More {
		s.More[i] -= o.More[i]
	}
}

func moment(ns uint64) time.Time { return time.Unix(0, int64(ns)).UTC() }
