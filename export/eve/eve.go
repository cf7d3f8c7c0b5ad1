// Package eve writes records as Suricata's EVE: flows, and what dissectors find as events.
package eve

import (
	"slices"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/json"
)

// Format writes an object per flow or event, each on a line.
type Format struct {
	export.Sequence
	flows    *json.Object
	events   []event
	others   *json.Object // events of protocols that nothing is known of
	protocol *flow.Plan   // the field that says of which protocol an event is
}

// event is how the events of a dissector are written.
type event struct {
	protocol string
	object   *json.Object
}

// New returns a format that makes what it can of the fields of o.Template: see Template.
func New(o export.FormatOptions) (*Format, error) {
	f := &Format{Sequence: export.NewSequence(o)}
	fields := everyVersion(o.Template)
	var err error
	if f.flows, err = object("flow", fields, flowMembers[:]); err != nil {
		return nil, err
	}
	if f.others, err = object("event", fields, nil); err != nil {
		return nil, err
	}
	for _, d := range app.All {
		typ, members := membersOf(d)
		o, err := object(typ, fields, members)
		if err != nil {
			return nil, err
		}
		f.events = append(f.events, event{d.Name, o})
	}
	f.protocol = flow.NewPlan([]*flow.Field{app.TransactionProtocol})
	return f, nil
}

// everyVersion returns the fields of t for both IP versions.
func everyVersion(t *flow.Template) []*flow.Field {
	all := flow.Template{}
	for _, f := range slices.Concat(t.Version(4), t.Version(6)) {
		all.Add(f)
	}
	return all.Fields
}

// Template returns the fields of s that objects are made of.
func Template(s *flow.Schema) *flow.Template {
	t := &flow.Template{}
	add := func(members []member) {
		for i := range members {
			for _, label := range strings.Fields(members[i].labels) {
				if f := s.Named(label); f != nil {
					t.Add(f)
				}
			}
		}
	}
	add(common[:])
	add(flowMembers[:])
	for _, d := range app.All {
		_, members := membersOf(d)
		add(members)
	}
	return t
}

// object returns an object for one type of events.
func object(typ string, fields []*flow.Field, members []member) (*json.Object, error) {
	var all []json.Member
	for _, m := range slices.Concat(common[:], members) {
		if m.path == "event_type" {
			m.form = json.Constant(`"` + typ + `"`)
		}
		found := flow.Labelled(fields, m.labels)
		if m.labels != "" && len(found) == 0 && !m.always {
			continue
		}
		all = append(all, json.Member{Path: m.path, Fields: found, Form: m.form})
	}
	return json.NewObject(all, false)
}

// Takes refuses records that have no counterpart.
func (f *Format) Takes(v *flow.View) bool { return v.Kind == flow.KindFlow || v.Kind == flow.KindEvent }

// Append adds a line.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	o := f.flows
	if v.Kind == flow.KindEvent {
		o = f.event(v)
	}
	start := len(dst)
	return f.Fit(append(o.Append(dst, v), '\n'), start)
}

// event returns how an event is written.
func (f *Format) event(v *flow.View) *json.Object {
	f.protocol.Read(v)
	if name, ok := f.protocol.Value(0); ok {
		for i := range f.events {
			if f.events[i].protocol == string(name.B) {
				return f.events[i].object
			}
		}
	}
	return f.others
}
