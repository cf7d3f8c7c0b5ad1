package flow

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func compiled(t testing.TB) *Schema {
	t.Helper()
	s, err := Compile(All()...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// root returns the directory of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// reference reads a file of facts that is not part of the repository.
func reference(t testing.TB, name string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(root(t), "..", "shared", "reference", name))
	if err != nil {
		t.Skip("reference is not here: ", err)
	}
	defer f.Close()
	return readCSV(t, csv.NewReader(f))
}

func readCSV(t testing.TB, r *csv.Reader) [][]string {
	t.Helper()
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	return rows
}

func TestDocuments(t *testing.T) {
	s := compiled(t)
	rows := readCSV(t, csv.NewReader(strings.NewReader(s.CSV())))
	if len(rows) != len(s.Fields)+1 {
		t.Errorf("CSV has %d rows, want a header and %d", len(rows), len(s.Fields))
	}
	for i, f := range s.Fields {
		if got := rows[i+1]; got[0] != f.Label || got[len(got)-1] != f.Doc {
			t.Errorf("row %d of the CSV is %q, not %s", i+1, got, f.Key())
		}
	}
}

// Names and sentences follow rules, so that JSON keys look alike and pages read well.
func TestProse(t *testing.T) {
	for _, f := range compiled(t).Fields {
		if f.Label == "" || f.Label != strings.ToUpper(f.Label) {
			t.Errorf("%s: label is %q, want one in upper case", f.Name, f.Label)
		}
		doc := f.Doc
		if len(doc) < 8 || !strings.HasSuffix(doc, ".") || strings.Contains(doc, ". ") ||
			strings.ToUpper(doc[:1]) != doc[:1] || strings.ContainsAny(doc, "\n|") {
			t.Errorf("%s: %q is not one sentence", f.Key(), doc)
		}
		if f.Rev != nil && doc == otherSide.Replace(doc) {
			t.Errorf("%s: %q does not say of which direction", f.Key(), doc)
		}
		if f.Type.Size() == 0 && f.Width == 0 {
			t.Errorf("%s: a %s needs a width for NetFlow v9", f.Key(), f.Type)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	x := func(id uint16, e Element) *Field {
		e.ID = id
		return &Field{Element: e}
	}
	for _, c := range []struct {
		want string
		set  []*Field
	}{
		{"fields x and y are both element 0/1", []*Field{x(1, Element{Name: "x"}), x(1, Element{Name: "y"})}},
		{"fields x and x are both called x", []*Field{x(1, Element{Name: "x"}), x(2, Element{Name: "x"})}},
		{"fields x and y are both called X",
			[]*Field{x(1, Element{Name: "x"}), x(2, Element{Name: "y", Label: "X"})}},
		{"fields a and bB are both called B_B",
			[]*Field{x(1, Element{Name: "a", Aliases: []string{"b_b"}}), x(2, Element{Label: "B_B"})}},
		{`field "x" has no name or no element`, []*Field{x(0, Element{Name: "x"})}},
		{`field "" has no name or no element`, []*Field{x(1, Element{})}},
		{"fields x and z are both element 7/9",
			[]*Field{{Element: Element{Name: "x", PEN: 7, ID: 9}, Rev: &Element{Name: "z", PEN: 7, ID: 9}}}},
		{"fields x and x6 are both element 0/12",
			[]*Field{{Element: Element{Name: "x", ID: 12}, V6: &Element{Name: "x6", ID: 12}}}},
	} {
		if _, err := Compile(c.set); err == nil || err.Error() != c.want {
			t.Errorf("Compile says %v, want %s", err, c.want)
		}
	}
}

// Compiling again must not disturb the first schema: number and twin are kept in the fields.
func TestCompileTwice(t *testing.T) {
	a, b := compiled(t), compiled(t)
	for i, f := range a.Fields {
		g := b.Fields[i]
		if f.Key() != g.Key() || f.Number() != g.Number() || int(f.Number()) != i+1 {
			t.Errorf("field %d is %s number %d, then %s number %d", i, f.Key(), f.Number(), g.Key(), g.Number())
		}
		for s, f := range map[*Schema]*Field{a: f, b: g} {
			if f.Twin() != nil && (f.Twin().Twin() != f || s.Named(f.Twin().Name) != f.Twin()) {
				t.Errorf("the twin of %s is not its twin in the same schema", f.Key())
			}
		}
	}
}

func TestElements(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct {
		name   string
		pen    uint32
		id     uint16
		legacy uint16
	}{
		{"IN_BYTES", 0, 1, 0}, {"octetDeltaCount", 0, 1, 0}, {"src_to_dst_bytes", 0, 1, 0},
		{"OUT_BYTES", RFC5103, 1, 23}, {"reverseOctetDeltaCount", RFC5103, 1, 23},
		{"postOctetDeltaCount", RFC5103, 1, 23},
		{"OUT_PKTS", RFC5103, 2, 24}, {"DST_TOS", RFC5103, 5, 55}, {"DST_VLAN", RFC5103, 58, 59},
		{"OUT_L2_BYTES", RFC5103, 352, 0}, {"reverseLayer2OctetDeltaCount", RFC5103, 352, 0},
		{"L7_PROTO", Ntop, 118, 0}, {"l7Proto", Ntop, 118, 0},
		{"TCP_HOLES_IN", Weir, 4, 0}, {"TCP_HOLES_OUT", Weir, 4 | ReverseBit, 0},
		{"SERVER_INITIAL_TCP_FLAGS", Weir, 2 | ReverseBit, 0},
		{"icmpTypeCodeIPv6", 0, 139, 0}, {"reverseIcmpTypeCodeIPv6", RFC5103, 139, 0},
	} {
		f := s.Named(c.name)
		if f == nil {
			t.Errorf("%s is unknown", c.name)
			continue
		}
		if f.PEN != c.pen || f.ID != c.id || f.Legacy != c.legacy {
			t.Errorf("%s is %d/%d, legacy %d", c.name, f.PEN, f.ID, f.Legacy)
		}
		if s.Element(c.pen, c.id) != f {
			t.Errorf("element %d/%d is not %s", c.pen, c.id, c.name)
		}
	}
	if s.Named("") != nil || s.Named("nothing") != nil || s.Element(1, 1) != nil {
		t.Error("what does not exist was found")
	}
	six := s.Named("reverseIcmpTypeCodeIPv6")
	if six.Twin() != s.Named("reverseIcmpTypeCodeIPv4") || !six.For(6) || six.For(4) || six.Type != Unsigned16 {
		t.Error("the reverse of a field with a twin is not the twin of the reverse")
	}
}
