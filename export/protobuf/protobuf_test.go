package protobuf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

var update = flag.Bool("update", false, "give new fields their numbers and write configs/weir.proto")

func everything(t testing.TB) *flow.Schema {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// grown returns numbering with the fields of s that it does not have yet.
func grown(t *testing.T, s *flow.Schema) string {
	t.Helper()
	all, err := read(numbering)
	if err != nil {
		t.Fatal(err)
	}
	lines := numbering
	for n, i := len(all), 0; i < len(s.Fields); i++ {
		f := s.Fields[i]
		if _, ok := all[f.Key()]; !ok {
			if n++; reserved(n) {
				t.Fatal("the numbers that are reserved are reached: number on from 20000")
			}
			lines += fmt.Sprintf("%d %s %s\n", n, f.Key(), kindOf(f))
		}
	}
	return lines
}

// Every field has a number, and those that had one keep it and their type; the page is the schema.
func TestDocumentsSchema(t *testing.T) {
	s := everything(t)
	if lines := grown(t, s); lines != numbering {
		if !*update {
			t.Fatalf("fields have no numbers: run this test with -update. They are:\n%s", lines[len(numbering):])
		}
		if err := os.WriteFile("numbers.txt", []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Skip("numbers.txt has new lines: run this test once more for the schema")
	}
	text, err := Schema(s)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "configs", "weir.proto")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != text {
		t.Errorf("%s is not what the fields say: run this test with -update and read the difference", path)
	}
}

// The first numbers were given out before anything was released and hold for ever: pinned is how
// many they are and the SHA-256 of their lines.
func TestNumbers(t *testing.T) {
	pinned := struct {
		lines int
		sum   string
	}{366, "06904e34b8f45bafc6ad16c85562d457f89ad619f1049a08b88ba40a671138e2"}
	lines := strings.SplitAfter(numbering, "\n")
	if len(lines) <= pinned.lines {
		t.Fatalf("there are only %d numbers, there were %d", len(lines)-1, pinned.lines)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines[:pinned.lines], "")))
	if hex.EncodeToString(sum[:]) != pinned.sum {
		t.Error("a number, a label or a type in numbers.txt has changed: only add lines at its end")
	}
	for _, bad := range []string{
		"2 A uint32\n", "1 A uint32\n3 B uint32\n", "1 A uint32\n1 B uint32\n", "1 A uint32\n2 A uint32\n",
		"1 A\n", "", "\n",
	} {
		if _, err := read(bad); err == nil {
			t.Errorf("numbers %q are accepted", bad)
		}
	}
	all, err := read("1 IN_BYTES uint32\n2 GONE string\n")
	if err != nil {
		t.Fatal(err)
	}
	s := everything(t)
	for name, want := range map[string]string{"IN_BYTES": "cannot become uint64", "OUT_BYTES": "has no number"} {
		if _, err := all.of(s.Named(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s says %v, want %q", name, err, want)
		}
	}
	if got := all.gone(); got != "  reserved 1, 2;\n" {
		t.Errorf("what is gone is %q", got)
	}
}

// compiled returns the type that the compiler makes of the schema.
func compiled(t testing.TB, schema string) protoreflect.MessageDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"weir.proto": schema}),
	}}
	files, err := c.Compile(t.Context(), "weir.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Messages().ByName("Record")
}

// expected returns the value of a field as a reader has it.
func expected(f *flow.Field, v flow.Value) any {
	switch {
	case f.Scale > 1:
		return float64(v.U) / float64(f.Scale)
	case f.Type == flow.Float64:
		return math.Float64frombits(v.U)
	case f.Type == flow.String:
		return strings.ToValidUTF8(string(v.B), "\ufffd")
	case v.B != nil:
		return v.B
	case f.Type == flow.DateTimeNanoseconds || f.Type == flow.ApplicationID:
		return v.U
	}
	var n uint64 // everything else as in JSON
	if _, err := fmt.Sscan(string(f.JSON(nil, v)), &n); err != nil {
		panic(err)
	}
	return n
}

// compare checks that a message has the values of a flow, those and no others.
func compare(t *testing.T, m *dynamicpb.Message, fields []*flow.Field, v *flow.View) {
	t.Helper()
	left := 0
	m.Range(func(protoreflect.FieldDescriptor, protoreflect.Value) bool { left++; return true })
	for _, f := range fields {
		d := m.Descriptor().Fields().ByName(protoreflect.Name(strings.ToLower(f.Key())))
		val, ok := v.Value(f)
		if m.Has(d) != ok {
			t.Errorf("%s is there: %v, want %v", f.Key(), m.Has(d), ok)
		}
		if ok {
			left--
			if got, want := m.Get(d).Interface(), expected(f, val); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s is %v, want %v", f.Key(), got, want)
			}
		}
	}
	if left != 0 {
		t.Errorf("the message has %d more fields", left)
	}
	if len(m.GetUnknown()) > 0 {
		t.Errorf("the reader does not know %x", m.GetUnknown())
	}
}

// Another implementation reads every field of every flow by the schema.
func TestRoundTrip(t *testing.T) {
	s := everything(t)
	schema, err := Schema(s)
	if err != nil {
		t.Fatal(err)
	}
	typ := compiled(t, schema)
	tpl := exporttest.Template(t, s, "@FULL@")
	f, err := New(export.FormatOptions{Template: tpl, Size: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	flows := make([]*flow.View, 60)
	m := f.Begin(nil, 0)
	for i := range flows {
		v := exporttest.Flow(i)
		var a flow.Attrs
		a.Text(flow.SrcCity, strings.Repeat("x\xff", i*2)+"é")
		a.Text(flow.ProbeName, "")
		a.Uint(flow.SrcAS, 1<<32-1)
		v.Attrs, flows[i] = a.All(), v
		m, _ = f.Append(m, v)
	}
	r := bytes.NewReader(f.Seal(m))
	for _, v := range flows {
		got := dynamicpb.NewMessage(typ)
		if err := protodelim.UnmarshalFrom(r, got); err != nil {
			t.Fatal(err)
		}
		compare(t, got, tpl.Version(v.Version), v)
	}
	if err := protodelim.UnmarshalFrom(r, dynamicpb.NewMessage(typ)); err != io.EOF {
		t.Errorf("behind the last message: %v", err)
	}
}

// Lengths of all sizes are in front of what they count, in as few octets as can be.
func TestPrefix(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, 1 << 21} {
		body := bytes.Repeat([]byte{7}, n)
		got := prefix(append([]byte("before"+room), body...), len("before"))
		want := append(binary.AppendUvarint([]byte("before"), uint64(n)), body...)
		if !bytes.Equal(got, want) {
			t.Errorf("length %d: %d octets, want %d", n, len(got), len(want))
		}
	}
}

// The compiler of the reference implementation takes the schema and reads what was written.
func TestProtoc(t *testing.T) {
	protoc, err := exec.LookPath("protoc")
	if err != nil {
		t.Skip("protoc is not installed")
	}
	s := everything(t)
	schema, err := Schema(s)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "weir.proto"), []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	tpl := exporttest.Template(t, s, "%IN_BYTES %CLIENT_NW_LATENCY_MS %SRC_AS")
	f, err := New(export.FormatOptions{Template: tpl})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := f.Append(f.Begin(nil, 0), exporttest.Flow(0))
	cmd := exec.Command(protoc, "-I", dir, "--decode", "weir.Record", "weir.proto")
	cmd.Stdin = bytes.NewReader(m[1:]) // it reads no lengths
	out, err := cmd.CombinedOutput()
	const want = "in_bytes: 5000\nclient_nw_latency_ms: 6\nschema_version: 1\n"
	if err != nil || !sameLines(string(out), want) {
		t.Errorf("protoc reads %q (%v), want %q", out, err, want)
	}
}

func sameLines(a, b string) bool {
	seen := map[string]int{}
	for line := range strings.Lines(a) {
		seen[line]++
	}
	for line := range strings.Lines(b) {
		seen[line]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}

// Whatever octets a text has, the reader takes the message.
func FuzzText(f *testing.F) {
	s := everything(f)
	schema, err := Schema(s)
	if err != nil {
		f.Fatal(err)
	}
	typ := compiled(f, schema)
	format, err := New(export.FormatOptions{Template: exporttest.Template(f, s, "%SRC_IP_CITY")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("a\xff"))
	f.Add(bytes.Repeat([]byte{0x80}, 200))
	f.Fuzz(func(t *testing.T, octets []byte) {
		v := exporttest.Flow(0)
		var a flow.Attrs
		a.Bytes(flow.SrcCity, octets)
		v.Attrs = a.All()
		m, _ := format.Append(format.Begin(nil, 0), v)
		got := dynamicpb.NewMessage(typ)
		if err := protodelim.UnmarshalFrom(bytes.NewReader(m), got); err != nil || proto.Size(got) == 0 {
			t.Errorf("%q makes %x: %v", octets, m, err)
		}
	})
}
