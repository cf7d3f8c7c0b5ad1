// Package ecs writes flows as documents of the Elastic Common Schema.
package ecs

import (
	"errors"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/json"
)

// Format writes a document per record, each on a line.
type Format struct {
	export.Sequence
	objects [2][flow.Kinds]*json.Object // IPv4, IPv6
}

// New returns a format that writes the fields of o.Template at their paths and what else the schema
// asks for.
func New(o export.FormatOptions) (*Format, error) {
	if len(o.Template.Fields) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	f := &Format{Sequence: export.NewSequence(o)}
	for i, version := range [2]uint8{4, 6} {
		fields := o.Template.Version(version)
		for kind := range flow.Kinds {
			object, err := json.NewObject(document(fields, flow.Kind(kind)), false)
			if err != nil {
				return nil, err
			}
			f.objects[i][kind] = object
		}
	}
	return f, nil
}

// document returns the members of a document about a kind of records.
func document(fields []*flow.Field, kind flow.Kind) (all []json.Member) {
	taken := map[string]bool{}
	for i := range members {
		m := &members[i]
		if m.kinds>>kind&1 != 0 {
			taken[m.path] = true
			all = append(all, json.Member{Path: m.path, Fields: flow.Labelled(fields, m.labels), Form: m.form})
		}
	}
	for _, f := range fields {
		p := placeOf(f)
		if taken[p.path] {
			continue
		}
		all = append(all, json.Member{Path: p.path, Fields: []*flow.Field{f}, Form: p.form})
		if other := otherName(p.path); other != "" {
			all = append(all, json.Member{Path: other, Fields: []*flow.Field{f}, Form: p.form})
		}
	}
	return all
}

// otherName returns the path under which the schema wants a value once more: the source of a flow is
// its client. It is empty if there is none.
func otherName(path string) string {
	for _, roles := range [2][2]string{{"source.", "client."}, {"destination.", "server."}} {
		if name, ok := strings.CutPrefix(path, roles[0]); ok {
			switch name {
			case "ip", "port", "bytes", "packets":
				return roles[1] + name
			}
		}
	}
	return ""
}

// Append adds a line.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	family := 0
	if v.Version == 6 {
		family = 1
	}
	start := len(dst)
	return f.Fit(append(f.objects[family][v.Kind].Append(dst, v), '\n'), start)
}
