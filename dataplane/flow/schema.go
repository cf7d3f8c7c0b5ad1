package flow

import (
	"fmt"
	"slices"
	"strings"
)

// Schema is the set of fields a probe knows, compiled once from readable lists.
type Schema struct {
	Fields    []*Field
	byName    map[string]*Field // names, labels and aliases in lower case
	byElement map[[2]uint32]*Field
	byLegacy  map[uint16]*Field // by the element that nProbe has instead
}

// Compile numbers the fields and indexes them. From a field with Rev or V6 it makes the
// fields of the opposite direction and of IPv6. It fails if a name or element is taken twice.
func Compile(sets ...[]*Field) (*Schema, error) {
	s := &Schema{byName: map[string]*Field{}, byElement: map[[2]uint32]*Field{},
		byLegacy: map[uint16]*Field{}}
	for _, set := range sets {
		for _, f := range set {
			for _, f := range f.expand() {
				if err := s.add(f); err != nil {
					return nil, err
				}
			}
		}
	}
	return s, nil
}

// expand returns f followed by the fields made from it.
func (f *Field) expand() []*Field {
	f.name()
	made := []*Field{f}
	if f.V6 != nil {
		six := *f
		six.Element, six.only = *f.V6, 6
		if f.Type == IPv4Address {
			six.Type = IPv6Address
		}
		six.twin = f
		if f.twin == nil { // compiled before: keep the twin that others may hold
			f.only, f.twin = 4, &six
		}
		made = append(made, f.twin)
	}
	if f.Rev == nil {
		return made
	}
	for _, f := range made {
		r := *f
		r.Element, r.dir, r.Doc = *f.Rev, Reverse, otherSide.Replace(f.Doc)
		if f.Rev == ReverseIE {
			r.Element = f.Element.reverse()
		}
		made = append(made, &r)
	}
	if len(made) == 4 {
		made[2].twin, made[3].twin = made[3], made[2]
	}
	return made
}

// name gives the elements of f that have only a label a name made from it.
func (f *Field) name() {
	for _, e := range []*Element{&f.Element, f.Rev, f.V6} {
		if e != nil && e.Name == "" && e.Label != "" {
			e.Name = camel(e.Label)
		}
	}
}

// otherSide turns a sentence about one direction into one about the opposite.
var otherSide = strings.NewReplacer("client", "server", "server", "client")

// camel turns UPPER_CASE into lowerCamelCase.
func camel(label string) string {
	words := strings.Split(strings.ToLower(label), "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// reverse names the element of the opposite direction. Those of IANA have it under another
// enterprise number; other enterprises number it themselves (RFC 5103, section 6).
func (e *Element) reverse() Element {
	r := Element{Name: "reverse" + strings.ToUpper(e.Name[:1]) + e.Name[1:], ID: e.ID, PEN: RFC5103}
	if e.Label != "" {
		r.Label = opposite(e.Label)
	}
	if e.PEN != IANA {
		r.Name, r.PEN, r.ID = camel(r.Label), e.PEN, e.ID|ReverseBit
	}
	return r
}

// opposite makes the label of the opposite direction from that of one.
func opposite(label string) string {
	for _, w := range [...][2]string{{"IN", "OUT"}, {"CLIENT", "SERVER"}} {
		words := strings.Split(label, "_")
		if i := slices.Index(words, w[0]); i >= 0 {
			words[i] = w[1]
			return strings.Join(words, "_")
		}
	}
	return "REVERSE_" + label
}

func (s *Schema) add(f *Field) error {
	if f.Name == "" || f.ID == 0 {
		return fmt.Errorf("field %q has no name or no element", f.Name+f.Label)
	}
	ie := [2]uint32{f.PEN, uint32(f.ID)}
	if o := s.byElement[ie]; o != nil {
		return fmt.Errorf("fields %s and %s are both element %d/%d", o.Name, f.Name, f.PEN, f.ID)
	}
	s.byElement[ie] = f
	if f.Legacy != 0 {
		s.byLegacy[f.Legacy] = f
	}
	s.Fields = append(s.Fields, f)
	f.num = uint16(len(s.Fields))
	for _, name := range append([]string{f.Name, f.Label}, f.Aliases...) {
		key := strings.ToLower(name)
		if o := s.byName[key]; o != nil && o != f {
			return fmt.Errorf("fields %s and %s are both called %s", o.Name, f.Name, name)
		}
		if name != "" {
			s.byName[key] = f
		}
	}
	return nil
}

// Named returns the field with that IANA name, label or alias, or nil. Case does not matter.
func (s *Schema) Named(name string) *Field { return s.byName[strings.ToLower(name)] }

// Element returns the field of an IPFIX information element, or nil.
func (s *Schema) Element(pen uint32, id uint16) *Field {
	return s.byElement[[2]uint32{pen, uint32(id)}]
}

// Extend adds fields that people define themselves, before anybody uses the schema. It fails if a
// name or an element is taken.
func (s *Schema) Extend(fields []*Field) error {
	for _, f := range fields {
		if o := s.Element(f.PEN, f.ID); o != nil && o.Name == f.Name && o.Type == f.Type {
			continue // it was extended by the same before
		}
		if err := s.add(f); err != nil {
			return err
		}
	}
	return nil
}
