// Package json writes flows as lines of JSON, and has what other formats need that do so too.
package json

import (
	"errors"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format writes an object per flow, each on a line. What a flow does not have is left out.
type Format struct {
	export.Sequence
	objects [2]*Object // IPv4, IPv6
}

// New returns a format that writes the version of the schema and the fields of o.Template under
// their labels.
func New(o export.FormatOptions) (*Format, error) { return build(o, (*flow.Field).Key) }

// NewNumeric returns a format that writes the same under the numbers of information elements, as
// nProbe does: those of other enterprises than IANA behind the number of the enterprise and a dot,
// and those of the opposite direction that nProbe has others for as nProbe does.
func NewNumeric(o export.FormatOptions) (*Format, error) { return build(o, number) }

func number(f *flow.Field) string {
	switch {
	case f.Legacy != 0:
		return strconv.Itoa(int(f.Legacy))
	case f.PEN == flow.IANA:
		return strconv.Itoa(int(f.ID))
	}
	return strconv.Itoa(int(f.PEN)) + "." + strconv.Itoa(int(f.ID))
}

func build(o export.FormatOptions, key func(*flow.Field) string) (*Format, error) {
	if len(o.Template.Fields) == 0 {
		return nil, errors.New("template has no fields: add some")
	}
	f := &Format{Sequence: export.NewSequence(o)}
	for i, version := range [2]uint8{4, 6} {
		var members []Member
		for _, fd := range export.Versioned(o.Template.Version(version)) {
			members = append(members, Member{Path: key(fd), Fields: []*flow.Field{fd}})
		}
		object, err := NewObject(members, true)
		if err != nil {
			return nil, err
		}
		f.objects[i] = object
	}
	return f, nil
}

// Append adds a line.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	o := f.objects[0]
	if v.Version == 6 {
		o = f.objects[1]
	}
	start := len(dst)
	return f.Fit(append(o.Append(dst, v), '\n'), start)
}
