package flow_test

import (
	"flag"
	"os"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

var update = flag.Bool("update", false, "rewrite configs/fields.md")

// The page of fields is what the fields say: those of flows, of transactions and of protocols.
func TestDocumentsPage(t *testing.T) {
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../configs/fields.md"
	if *update {
		if err := os.WriteFile(path, []byte(s.Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != s.Markdown() {
		t.Errorf("%s is not what the fields say: run this test with -update and read the difference", path)
	}
}
