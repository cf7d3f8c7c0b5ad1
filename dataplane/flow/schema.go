package flow

import (
	"fmt"
	"strings"
)

// Schema is the set of fields a probe knows, compiled once from readable lists.
type Schema struct {
	Fields    []*Field
	byName    map[string]*Field // names, labels and aliases in lower case
	byElement map[[2]uint32]*Field
}

// Compile numbers the fields and indexes them. From a field with Rev or V6 it makes the
// fields of the opposite direction and of IPv6. It fails if a name or element is taken twice.
func Compile(sets ...[]*Field) (*Schema, error) {
	s := &Schema{byName: map[string]*Field{}, byElement: map[[2]uint32]*Field{}}
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
	if f.Rev != nil {
		r := *f
		r.Element, r.dir, r.Doc = *f.Rev, Reverse, "Opposite direction: "+f.Doc
		if f.Rev == ReverseIE {
			r.Element = f.Element.reverse()
		}
		return []*Field{f, &r}
	}
	if f.V6 != nil {
		six := *f
		six.Element, six.Type, six.only = *f.V6, IPv6Address, 6
		four := f
		four.only, four.twin, six.twin = 4, &six, four
		return []*Field{four, &six}
	}
	return []*Field{f}
}

// reverse names the element of the opposite direction (RFC 5103, section 6.1).
func (e *Element) reverse() Element {
	r := Element{Name: "reverse" + strings.ToUpper(e.Name[:1]) + e.Name[1:], ID: e.ID, PEN: RFC5103}
	if e.Label != "" {
		r.Label = "REVERSE_" + e.Label
	}
	return r
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
