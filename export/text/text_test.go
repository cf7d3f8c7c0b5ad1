package text

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// Every line has the columns of the line of labels, in whatever flow and whatever string.
func TestColumns(t *testing.T) {
	tpl := exporttest.Template(t, exporttest.Schema(t), "@FULL@")
	f, err := New(export.FormatOptions{Template: tpl, Size: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Open()(nil, nil)
	start := len(m)
	m = f.Begin(m, exporttest.Epoch)
	for i := range 30 {
		v := exporttest.Flow(i)
		var a flow.Attrs
		a.Bytes(flow.SrcCity, []byte("a|b\nc\r\td\u2028"))
		v.Attrs = a.All()
		var ok bool
		if m, ok = f.Append(m, v); !ok {
			t.Fatal("the flow does not fit")
		}
	}
	if start == 0 {
		t.Fatal("there is no line of labels")
	}
	lines := strings.Split(strings.TrimSuffix(string(f.Seal(m)), "\n"), "\n")
	if len(lines) != 31 {
		t.Fatalf("%d lines, want 31", len(lines))
	}
	labels := strings.Split(lines[0], "|")
	if len(labels) != f.plan.Fields() {
		t.Fatalf("%d labels for %d columns", len(labels), f.plan.Fields())
	}
	for i, line := range lines[1:] {
		values := strings.Split(line, "|")
		if len(values) != len(labels) {
			t.Fatalf("line %d has %d columns, want %d: %s", i, len(values), len(labels), line)
		}
		checkLine(t, f, exporttest.Flow(i), values)
	}
}

// checkLine compares the values of a line with those of the flow.
func checkLine(t *testing.T, f *Format, v *flow.View, values []string) {
	t.Helper()
	for c := range f.plan.Fields() {
		fd := f.plan.Field(c)
		val, ok := v.Value(fd)
		_, err := time.Parse("2006-01-02T15:04:05.000000", values[c])
		dated := fd.Type >= flow.DateTimeSeconds && fd.Type <= flow.DateTimeNanoseconds
		switch {
		case fd == flow.SrcCity: // the attribute of this test
			ok = values[c] == "a b c  d "
		case !ok:
			ok = values[c] == ""
		case dated:
			ok = err == nil
		default:
			ok = values[c] == string(fd.Text(nil, val))
		}
		if !ok {
			t.Errorf("%s is %q", fd.Key(), values[c])
		}
	}
}

// A template without fields is an error, a message is as long as it may be.
func TestLimits(t *testing.T) {
	if _, err := New(export.FormatOptions{Template: new(flow.Template)}); err == nil {
		t.Error("a template without fields is accepted")
	}
	tpl := exporttest.Template(t, exporttest.Schema(t), "%IPV4_SRC_ADDR")
	f, err := New(export.FormatOptions{Template: tpl, Size: 25})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Begin(nil, 0)
	n := 0
	for ok := true; ok && n < 100; n++ {
		m, ok = f.Append(m, exporttest.Flow(0))
	}
	if n != 3 || string(m) != "10.1.0.0|\n10.1.0.0|\n" {
		t.Errorf("message after %d flows is %q", n, m)
	}
}

// Comma-separated values are read by encoding/csv: the same number of columns in every line, a line
// for each flow, whatever the text.
func TestCSV(t *testing.T) {
	tpl := exporttest.Template(t, exporttest.Schema(t), "%IN_BYTES %SRC_IP_CITY %IPV4_SRC_ADDR %FLOW_START_MILLISECONDS")
	f, err := NewCSV(export.FormatOptions{Template: tpl})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": `""`, "a,b": `"a,b"`, `a"b`: `"a""b"`, "a\r\nb|\x00": `"a  b| "`, "\xff\u00e9": "\"\ufffd\u00e9\"",
	} {
		v := exporttest.Flow(0)
		var a flow.Attrs
		a.Text(flow.SrcCity, text)
		v.Attrs = a.All()
		line, _ := f.Append(f.Begin(nil, 0), v)
		if got, want := string(line), "1,5000,"+want+",10.1.0.0,,2023-11-14T23:13:20.000000\r\n"; got != want {
			t.Errorf("%q makes %q, want %q", text, got, want)
		}
		rows, err := csv.NewReader(bytes.NewReader(append(f.Open()(nil, nil), line...))).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[0]) != 6 || rows[0][0] != "SCHEMA_VERSION" {
			t.Errorf("%q is read as %q (%v)", text, rows, err)
		}
	}
	line, _ := f.Append(f.Begin(nil, 0), exporttest.Flow(2))
	if want := "1,5014,,,2001:db8::2,2023-11-14T23:13:20.014000\r\n"; string(line) != want {
		t.Errorf("without text %q, want %q", line, want)
	}
	if _, err := NewCSV(export.FormatOptions{Template: new(flow.Template)}); err == nil {
		t.Error("a template without fields is accepted")
	}
}
