package session

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite configs/sessions.md")

// The page of sessions is what the code says.
func TestDocumentsPage(t *testing.T) {
	const path = "../../configs/sessions.md"
	if *update {
		if err := os.WriteFile(path, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != Page() {
		t.Errorf("%s is not what the code says: run this test with -update and read the difference", path)
	}
	for kind := Media; kind < kinds; kind++ {
		if kindDocs[kind] == "" {
			t.Errorf("%s is not explained", kind)
		}
	}
}
