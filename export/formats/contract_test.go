package formats_test

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
)

// texts are fields whose values come from the network or from configurations.
const texts = "%IPV4_SRC_ADDR %IN_BYTES %SRC_IP_CITY %L7_PROTO_NAME %NPROBE_INSTANCE_NAME %OUT_BYTES"

// hostile are texts that try to end a record, a column or a string before their time.
var hostile = []string{
	"", " ", "-", "(empty)", "a\nb", "\r\n", "\t", "|", ",", `"`, `""`, `\`, `\n`, "\x00", "\x1f\x7f", "\xff\xfe",
	"é\u2028", `","X":"`, `"},{"`, "]}", "#fields\ta", "\n#types", "\x0a\x00\x00",
	strings.Repeat("\n", 300), strings.Repeat(`"`, 255),
}

// formatOf returns a format with the template, or its own fields if they are fixed.
func formatOf(t testing.TB, format *formats.Format, template string, size int) export.Format {
	t.Helper()
	s := exporttest.Schema(t)
	o := export.FormatOptions{Boot: exporttest.Boot, Size: size}
	switch {
	case format.Fixed != nil:
		o.Template = format.Fixed(s)
	case format.Name == "netflow9": // which has no numbers for some
		o.Template = exporttest.Template(t, s, flow.DefaultV9+" %SRC_IP_CITY %L7_PROTO_NAME")
	default:
		o.Template = exporttest.Template(t, s, template)
	}
	f, err := format.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// texted returns a flow whose texts are what is given. Attributes have no limit here but that of
// their length of 16 bits.
func texted(i int, text string) *flow.View {
	v := exporttest.Flow(i)
	for _, f := range []*flow.Field{flow.SrcCity, flow.AppName, flow.ProbeName} {
		text := text[:min(len(text), 1<<16-1)]
		v.Attrs = binary.NativeEndian.AppendUint16(v.Attrs, f.Number())
		v.Attrs = binary.NativeEndian.AppendUint16(v.Attrs, uint16(len(text)))
		v.Attrs = append(v.Attrs, text...)
	}
	return v
}

// framed checks that octets are n whole records, one behind the other.
func framed(format *formats.Format, octets []byte, n int) error {
	switch {
	case strings.HasPrefix(format.Name, "json"), format.Name == "ecs", format.Name == "eve", format.Name == "zeek-json":
		for line := range bytes.Lines(octets) {
			var object map[string]any
			if err := json.Unmarshal(line, &object); err != nil {
				return fmt.Errorf("%w in %q", err, line)
			}
		}
	case format.Name == "csv":
		rows, err := csv.NewReader(bytes.NewReader(octets)).ReadAll()
		if err != nil || len(rows) != n {
			return fmt.Errorf("%d rows, want %d (%w)", len(rows), n, err)
		}
	case format.Name == "protobuf":
		for ; n > 0; n-- {
			size, prefix := binary.Uvarint(octets)
			if prefix <= 0 || size > uint64(len(octets)-prefix) {
				return fmt.Errorf("length %d of %d octets", size, len(octets)-prefix)
			}
			octets = octets[prefix+int(size):]
		}
		if len(octets) > 0 {
			return fmt.Errorf("%d octets behind the last record", len(octets))
		}
		return nil
	case !format.Lines:
		return nil // has readers of its own
	}
	if got := bytes.Count(octets, []byte("\n")); got != n && format.Name != "table" {
		return fmt.Errorf("%d lines, want %d, in %q", got, n, octets[:min(len(octets), 300)])
	}
	return nil
}

// appendTo adds a flow, to another message if it does not fit, and returns what was sealed before.
func appendTo(t testing.TB, f export.Format, m []byte, v *flow.View) (open, sealed []byte) {
	t.Helper()
	for range 8 {
		before := bytes.Clone(m)
		next, ok := f.Append(m, v)
		if ok {
			return next, sealed
		}
		if !bytes.Equal(next, before) {
			t.Fatalf("a refused flow leaves %d octets of %d", len(next), len(before))
		}
		sealed = append(sealed, f.Seal(next)...)
		m = f.Begin(nil, exporttest.Epoch)
	}
	t.Fatal("the flow is never taken")
	return nil, nil
}

// Every format does what export.Format says, and no text breaks its records.
func TestContract(t *testing.T) {
	long := strings.Repeat("x\n\"\xff", 1<<14)
	for i := range formats.All {
		format := &formats.All[i]
		t.Run(format.Name, func(t *testing.T) {
			f := formatOf(t, format, texts, 0)
			_, explains := f.(export.Explainer)
			if got := f.Seal(f.Begin([]byte("before"), exporttest.Epoch)); !explains && string(got) != "before" {
				t.Errorf("an empty message is %q", got)
			}
			m, records := f.Begin(nil, exporttest.Epoch), 0
			var sealed, all []byte
			for i, text := range append(hostile, long) {
				v := texted(i, text)
				if s, ok := f.(export.Selective); ok && !s.Takes(v) {
					continue
				}
				m, sealed = appendTo(t, f, m, v)
				all = append(all, sealed...)
				records++
			}
			all = append(all, f.Seal(m)...)
			if err := framed(format, all, records); err != nil {
				t.Error(err)
			}
		})
	}
}

// Records of formats that say so can be taken apart at their ends, and each is whole.
func TestSeparable(t *testing.T) {
	for i := range formats.All {
		format := &formats.All[i]
		f := formatOf(t, format, texts, 1<<16-1)
		if s, ok := f.(export.Separable); !ok || !s.Separable() {
			continue
		}
		m := f.Begin([]byte("before"), exporttest.Epoch)
		start := len(m)
		for i, text := range hostile {
			var ok bool
			if m, ok = f.Append(m, texted(i, text)); !ok {
				t.Fatalf("%s: flow %d does not fit", format.Name, i)
			}
			if err := framed(format, m[start:], 1); err != nil {
				t.Errorf("%s: record %d: %v", format.Name, i, err)
			}
			start = len(m)
		}
		if sealed := f.Seal(m); len(sealed) != start {
			t.Errorf("%s: sealing adds %d octets", format.Name, len(sealed)-start)
		}
	}
}

// Messages are not longer than asked for, unless they hold one record that is.
func TestSizes(t *testing.T) {
	const size = 1000
	for i := range formats.All {
		format := &formats.All[i]
		f := formatOf(t, format, texts, size)
		if format.Name == "table" {
			continue // aligned when sealed
		}
		m := f.Begin(nil, exporttest.Epoch)
		for i := range 200 {
			v := exporttest.Flow(i)
			if s, ok := f.(export.Selective); ok && !s.Takes(v) {
				continue
			}
			next, ok := f.Append(m, v)
			if !ok {
				if next = f.Seal(next); len(next) > size {
					t.Errorf("%s: message of %d octets, %d were allowed", format.Name, len(next), size)
				}
				next, _ = appendTo(t, f, f.Begin(nil, exporttest.Epoch), v)
			}
			m = next
		}
	}
}

// FuzzFormats has every format write a flow with an arbitrary text and arbitrary attributes.
func FuzzFormats(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, []byte{1, 0, 4, 0, 1, 2, 3, 4}, uint8(0))
	}
	var all []export.Format
	for i := range formats.All {
		all = append(all, formatOf(f, &formats.All[i], texts, 1<<16-1))
	}
	f.Fuzz(func(t *testing.T, text string, attrs []byte, kind uint8) {
		v := texted(int(kind), text)
		v.Kind = flow.Kind(int(kind) % flow.Kinds)
		v.Attrs = append(v.Attrs, attrs...)
		for i, format := range all {
			if s, ok := format.(export.Selective); ok && !s.Takes(v) {
				continue
			}
			m, sealed := appendTo(t, format, format.Begin(nil, exporttest.Epoch), v)
			if err := framed(&formats.All[i], append(sealed, format.Seal(m)...), 1); err != nil {
				t.Errorf("%s: %v", formats.All[i].Name, err)
			}
		}
	})
}
