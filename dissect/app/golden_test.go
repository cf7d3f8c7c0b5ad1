package app

import (
	"bytes"
	"encoding/json"
	command "flag" // dissectors have a flag of their own
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = command.Bool("update", false, "rewrite the golden files")

// golden is what is said of a conversation, as golden files hold it.
type golden struct {
	Flow        string            `json:"flow"`
	Application uint16            `json:"application,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"`
	Events      []event           `json:"events,omitempty"`
}

// TestGolden compares what all dissectors say of the captures in testdata with the file beside
// each, NAME.json.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var all []golden
		for _, c := range conversations(t, file) {
			o := drive(c, All...)
			all = append(all, golden{c.name, o.application, o.fields, o.events})
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "\t")
		if err := e.Encode(all); err != nil {
			t.Fatal(err)
		}
		got := b.Bytes()
		path := strings.TrimSuffix(file, ".pcap") + ".json"
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%s: %v: write it with -update and read it", file, err)
		} else if string(want) != string(got) {
			t.Errorf("%s is not what is said of the capture; -update rewrites it, read the difference", path)
		}
	}
}
