package flow

import "testing"

func compiled(t testing.TB) *Schema {
	t.Helper()
	s, err := Compile(All()...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompile(t *testing.T) {
	s := compiled(t)
	for _, text := range []string{DefaultNProbe, DefaultV5, DefaultV9, DefaultIPFIX, DefaultJSON, DefaultTable,
		DefaultNtopng, "@FULL@"} {
		if _, err := s.Template(text); err != nil {
			t.Error(err)
		}
	}
}
