package text

import (
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
	if len(labels) != len(f.columns) {
		t.Fatalf("%d labels for %d columns", len(labels), len(f.columns))
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
	for c, fd := range f.columns {
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
