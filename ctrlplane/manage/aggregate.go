package manage

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Aggregate is something that records are summed up by.
type Aggregate struct {
	Name       string    `json:"name,omitempty" doc:"In the configuration; none if somebody asked for it."`
	By         []string  `json:"by" doc:"Fields that rows are told apart by."`
	Since      time.Time `json:"since" doc:"When counting began."`
	Configured bool      `json:"configured" doc:"Whether the configuration has it."`
}

// AggregateSums are of records.
type AggregateSums struct {
	In         uint64            `json:"in_octets" doc:"From clients to servers."`
	Out        uint64            `json:"out_octets"`
	InPackets  uint64            `json:"in_packets"`
	OutPackets uint64            `json:"out_packets"`
	Records    uint64            `json:"records"`
	Sums       map[string]uint64 `json:"sums,omitempty" doc:"Of the fields that sums names."`
	Greatest   *uint64           `json:"greatest,omitempty" doc:"Of the field that greatest names."`
}

// AggregateRow is a row of those with most.
type AggregateRow struct {
	Key     map[string]any `json:"key" doc:"Values of the fields, but for those that are absent."`
	Missing uint64         `json:"missing" doc:"How much of the order's number may be among the others."`
	AggregateSums
	Points []AggregateSums `json:"points,omitempty" doc:"Of each window of a series."`
}

// AggregateTop is the rows with most.
type AggregateTop struct {
	By     []string        `json:"by"`
	Since  time.Time       `json:"since" doc:"When counting began."`
	From   time.Time       `json:"from"`
	To     time.Time       `json:"to"`
	Rows   []AggregateRow  `json:"rows"`
	Others AggregateSums   `json:"others" doc:"Everything without a row: rows and others are the total."`
	Total  AggregateSums   `json:"total"`
	Bound  uint64          `json:"bound" doc:"What somebody without a row may have had, but for those cut off."`
	Late   uint64          `json:"late" doc:"Records that were older than windows of a second are kept."`
	Times  []time.Time     `json:"times,omitempty" doc:"When the windows of a series begin."`
	Rest   []AggregateSums `json:"rest,omitempty" doc:"Everything without a row, in each window of a series."`
}

func aggregates(r *request) (any, error) {
	all := []Aggregate{}
	for _, l := range r.s.probe.Board.Looked() {
		all = append(all, Aggregate{l.Name, labels(l.By), l.Since.UTC(), l.Configured})
	}
	return all, nil
}

func labels(fields []*flow.Field) (all []string) {
	for _, f := range fields {
		all = append(all, f.Key())
	}
	return all
}

func aggregateTop(r *request) (any, error)    { return r.aggregate(false) }
func aggregateSeries(r *request) (any, error) { return r.aggregate(true) }

func (r *request) aggregate(points bool) (any, error) {
	q, err := r.question()
	if err != nil {
		return nil, err
	}
	a, err := r.s.probe.Board.Ask(q, points)
	switch {
	case errors.Is(err, aggregate.ErrBusy):
		return nil, refuse(http.StatusServiceUnavailable, "%v", err)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	out := AggregateTop{
		By: labels(a.Spec.By), Since: a.Since.UTC(), From: a.From, To: a.To, Rows: []AggregateRow{},
		Others: summed(a.Spec, &a.Others), Total: summed(a.Spec, &a.Total), Bound: a.Bound, Late: a.Late,
		Times: a.Times,
	}
	for i := range a.Rows {
		row := AggregateRow{Key: map[string]any{}, Missing: a.Rows[i].Missing,
			AggregateSums: summed(a.Spec, &a.Rows[i].Sums)}
		a.Spec.Values(a.Rows[i].Key, func(f *flow.Field, v flow.Value) {
			row.Key[f.Key()] = json.RawMessage(f.JSON(nil, v))
		})
		if points {
			row.Points = summedAll(a.Spec, a.Points[i])
		}
		out.Rows = append(out.Rows, row)
	}
	if points {
		out.Rest = summedAll(a.Spec, a.Rest)
	}
	return out, nil
}

// question reads what somebody wants to know.
func (r *request) question() (q aggregate.Question, err error) {
	u := r.URL.Query()
	words := func(name string) []string {
		return strings.FieldsFunc(strings.Join(u[name], ","), func(c rune) bool {
			return strings.ContainsRune(", %", c)
		})
	}
	q.Options = aggregate.DefaultOptions()
	if name := u.Get("name"); name != "" {
		var known bool
		if q.Options, known = r.s.probe.Board.Options(name); !known {
			return q, refuse(http.StatusNotFound, "there is no aggregate %q; /v1/aggregates lists them", name)
		}
	} else {
		q.By, q.Records, q.Sums = words("by"), words("kind"), words("sums")
		q.Filter, q.Most = u.Get("filter"), strings.TrimPrefix(u.Get("greatest"), "%")
		if order := u.Get("order"); order != "" {
			q.Order = order
		}
	}
	if err := q.Check(); err != nil {
		return q, refuse(http.StatusBadRequest, "%v", err)
	}
	q.Step = time.Minute
	if text := u.Get("step"); text != "" {
		if q.Step, err = time.ParseDuration(text); err != nil || !slices.Contains(aggregate.Steps(), q.Step) {
			return q, refuse(http.StatusBadRequest, "step is %q; give 1s, 1m or 1h", text)
		}
	}
	if q.Steps, err = r.number("steps", 2, 128); err != nil {
		return q, err
	}
	q.Limit, err = r.number("limit", 20, 1000)
	return q, err
}

// summed says sums by the names of their fields.
func summed(s *aggregate.Spec, x *aggregate.Sums) AggregateSums {
	out := AggregateSums{x.Octets[0], x.Octets[1], x.Packets[0], x.Packets[1], x.Records, nil, nil}
	for i, f := range s.Sums {
		if out.Sums == nil {
			out.Sums = map[string]uint64{}
		}
		out.Sums[f.Key()] = aggregate.Scaled(f, x.More[i])
	}
	if s.Most != nil {
		n := aggregate.Scaled(s.Most, x.Most)
		out.Greatest = &n
	}
	return out
}

func summedAll(s *aggregate.Spec, all []aggregate.Sums) (out []AggregateSums) {
	for i := range all {
		out = append(out, summed(s, &all[i]))
	}
	return out
}
