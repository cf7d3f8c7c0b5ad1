package enrich

import (
	"bytes"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// What is withheld is gone from the record, and nothing else is.
func TestWithhold(t *testing.T) {
	if _, err := flow.Compile(flow.All()...); err != nil {
		t.Fatal(err)
	}
	var a, want flow.Attrs
	a.Text(flow.AppName, "HTTP")
	a.Text(flow.AppCategory, "secret")
	a.Text(flow.ProbeName, "p")
	want.Text(flow.AppName, "HTTP")
	want.Text(flow.ProbeName, "p")
	Withhold{flow.AppCategory}.Enrich(nil, &a)
	if !bytes.Equal(a.All(), want.All()) {
		t.Errorf("left are %q", a.All())
	}
}
