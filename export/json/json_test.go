package json

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// Every field of every flow, judged by encoding/json: valid, the right values, absent ones absent.
func TestJSON(t *testing.T) {
	tpl := exporttest.Template(t, exporttest.Schema(t), "@FULL@")
	f, err := New(export.FormatOptions{Template: tpl, Size: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Begin(nil, exporttest.Epoch)
	const n = 30
	for i := range n {
		var ok bool
		if m, ok = f.Append(m, exporttest.Flow(i)); !ok {
			t.Fatal("the flow does not fit")
		}
	}
	lines := bytes.Split(bytes.TrimSuffix(f.Seal(m), []byte("\n")), []byte("\n"))
	if len(lines) != n {
		t.Fatalf("%d lines, want %d", len(lines), n)
	}
	for i, line := range lines {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		v := exporttest.Flow(i)
		for _, fd := range tpl.Version(v.Version) {
			val, ok := v.Value(fd)
			want := ""
			if ok {
				want = string(fd.JSON(nil, val))
			}
			if got := string(object[fd.Key()]); got != want {
				t.Errorf("flow %d: %s is %s, want %s", i, fd.Key(), got, want)
			}
			delete(object, fd.Key())
		}
		if len(object) > 0 {
			t.Errorf("flow %d also has %v", i, object)
		}
	}
}

// Strings come from the network; whatever they hold, the line is one valid object.
func TestHostileStrings(t *testing.T) {
	tpl := exporttest.Template(t, exporttest.Schema(t), "%SRC_IP_CITY")
	hostile := []string{
		"", "\"},{\"x\":\"", "a\nb", "\x00\x1f\x7f", "\xff\xfe", "\u2028é\\", strings.Repeat("x", 255),
	}
	for _, s := range hostile {
		f, err := New(export.FormatOptions{Template: tpl})
		if err != nil {
			t.Fatal(err)
		}
		v := exporttest.Flow(0)
		var a flow.Attrs
		a.Bytes(flow.SrcCity, []byte(s))
		v.Attrs = a.All()
		m, _ := f.Append(f.Begin(nil, 0), v)
		var object map[string]any
		err = json.Unmarshal(m, &object)
		if err != nil || len(object) != 2 || bytes.Count(m, []byte("\n")) != 1 {
			t.Errorf("%q makes %s (%v)", s, m, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); s != "\xff\xfe" && object["SRC_IP_CITY"] != want {
			t.Errorf("%q comes back as %q", s, object["SRC_IP_CITY"])
		}
	}
}

// A message is not longer than asked for, but a longer line gets one of its own.
func TestSize(t *testing.T) {
	tpl := exporttest.Template(t, exporttest.Schema(t), "%IPV4_SRC_ADDR")
	f, err := New(export.FormatOptions{Template: tpl, Size: 100}) // two lines
	if err != nil {
		t.Fatal(err)
	}
	m := f.Begin([]byte{}, 0)
	n := 0
	for {
		next, ok := f.Append(m, exporttest.Flow(0))
		if !ok {
			if !bytes.Equal(next, m) {
				t.Errorf("a refused flow leaves %q", next)
			}
			break
		}
		m, n = next, n+1
	}
	if n != 2 || len(m) > 100 {
		t.Errorf("%d flows in %d octets", n, len(m))
	}
	if f, err = New(export.FormatOptions{Template: tpl, Size: 5}); err != nil {
		t.Fatal(err)
	}
	if m, ok := f.Append(f.Begin(nil, 0), exporttest.Flow(0)); !ok || len(m) < 10 {
		t.Errorf("a long line makes %q", m)
	}
}

// JSON has no infinity: such a value is absent.
func TestFinite(t *testing.T) {
	for x, want := range map[float64]bool{1.5: true, math.Inf(1): false, math.Inf(-1): false, 0: true} {
		if got := finite(math.Float64bits(x)); got != want {
			t.Errorf("finite(%v) is %v", x, got)
		}
	}
	if finite(math.Float64bits(math.NaN())) {
		t.Error("NaN is finite")
	}
}

func TestNothing(t *testing.T) {
	if _, err := New(export.FormatOptions{Template: new(flow.Template)}); err == nil {
		t.Error("a template without fields is accepted")
	}
	tpl := exporttest.Template(t, exporttest.Schema(t), "%SRC_IP_CITY")
	f, err := New(export.FormatOptions{Template: tpl})
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := f.Append(f.Begin(nil, 0), exporttest.Flow(0)); string(m) != `{"SCHEMA_VERSION":1}`+"\n" {
		t.Errorf("a flow with nothing to say is %q", m)
	}
}
