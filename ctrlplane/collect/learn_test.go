package collect

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// What exporters say of their elements is kept, and after a restart these are fields.
func TestLearnt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "learnt.csv")
	keep := func(o *Options) { o.Learn = path }
	b := newBench(t, keep)
	describe := func(id uint16, kind byte, name string) []byte {
		return append(append(append([]byte{0, 0, 0xfd, 0xe7}, words(id)...), kind, byte(len(name))), name...)
	}
	options := set(3, words(300, 4, 2, 346, 4, 303, 2, 339, 1, 341, 65535)...)
	all := append(describe(7, 3, "theirLoad"), describe(8, 13, "theirName")...)
	all = append(append(all, describe(9, 4, "octetDeltaCount")...), describe(10, 200, "theirRiddle")...) // taken; no type
	all = append(append(all, describe(11, 3, "theirName")...), describe(12, 3, "two words")...)
	b.take(ipfixMessage(0, options, set(300, all...)), second)
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if want := "theirLoad,64999,7,unsigned32\ntheirName,64999,8,string\n"; err != nil || !strings.HasSuffix(string(text), ").\n"+want) {
		t.Fatalf("%v, the file is\n%s", err, text)
	}

	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := Learnt(path, schema)
	if err == nil {
		err = schema.Extend(fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	b = newBench(t, keep)
	b.schema = schema
	if b.c, err = New(b.c.o, schema, nil); err != nil {
		t.Fatal(err)
	}
	element := func(id, length uint16) []byte { return append(words(id|1<<15, length), 0, 0, 0xfd, 0xe7) }
	template := append(append(words(256, 2), element(7, 4)...), element(8, 65535)...)
	b.take(ipfixMessage(0, set(2, template...), set(256, 0, 0, 1, 0, 3, 'o', 'n', 'e')), second)
	if r := b.records[0]; r["theirLoad"] != "256" || r["theirName"] != "one" {
		t.Errorf("got %v", r)
	}
	again, err := Learnt(path, schema)
	if err != nil || len(again) != 0 {
		t.Errorf("%d elements are learnt that are fields, %v", len(again), err)
	}
	if none, err := Learnt(path+".none", schema); err != nil || none != nil {
		t.Errorf("without a file: %v, %v", none, err)
	}
}
