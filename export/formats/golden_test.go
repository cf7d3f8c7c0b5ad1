package formats_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
)

var update = flag.Bool("update", false, "write the golden files anew")

// messages exports flows 0 to n-1, as a stream if the format knows streams.
func messages(t *testing.T, f export.Format, n int) (all [][]byte) {
	t.Helper()
	var open func(dst, next []byte) []byte
	if o, ok := f.(export.Opener); ok {
		open = o.Open()
	}
	var m []byte
	seal := func() {
		if m = f.Seal(m); len(m) > 0 {
			if open != nil && len(all) == 0 {
				all = append(all, open(nil, m))
			}
			all = append(all, m)
		}
		m = nil
	}
	for i, tries := 0, 0; i < n; {
		if m == nil {
			m = f.Begin([]byte{}, exporttest.Epoch+5e9)
		}
		v, ok := exporttest.Flow(i), false
		if s, picky := f.(export.Selective); picky && !s.Takes(v) {
			i++
			continue
		}
		if m, ok = f.Append(m, v); ok {
			i, tries = i+1, 0
			continue
		}
		if tries++; tries > 8 {
			t.Fatalf("flow %d is never taken", i)
		}
		seal()
	}
	seal()
	return all
}

// The octets of every format are pinned: what changes them is seen in review.
func TestGolden(t *testing.T) {
	const template = `%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %IN_PKTS %IN_BYTES
		%OUT_PKTS %OUT_BYTES %FIRST_SWITCHED %FLOW_END_MILLISECONDS %TCP_FLAGS %SRC_VLAN
		%CLIENT_NW_LATENCY_MS %SRC_IP_CITY`
	for _, format := range formats.All {
		if format.Name == "table" {
			continue // for eyes; its own package looks after it
		}
		t.Run(format.Name, func(t *testing.T) {
			o := options(t, template)
			if format.Fixed != nil {
				o.Template = format.Fixed(exporttest.Schema(t))
			}
			o.Domain, o.Sampling = 7, 10
			var got []byte
			for _, m := range messages(t, newFormat(t, format.Name, o), 6) {
				if !format.Lines {
					m = []byte(hex.Dump(m) + "\n")
				}
				got = append(got, m...)
			}
			file := filepath.Join("testdata", format.Name+".golden")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s changed; if that is right use -update. It is now:\n%s", file, got)
			}
		})
	}
}

// No format allocates when it adds a flow.
func TestAllocations(t *testing.T) {
	for _, format := range formats.All {
		f := newFormat(t, format.Name, options(t, flow.DefaultV9))
		messages(t, f, 60) // until every template is made
		v := exporttest.Flow(0)
		m := f.Begin(make([]byte, 0, 1<<16), exporttest.Epoch)
		if n := testing.AllocsPerRun(500, func() {
			var ok bool
			if m, ok = f.Append(m, v); !ok {
				m = f.Begin(f.Seal(m)[:0], exporttest.Epoch)
			}
		}); n != 0 {
			t.Errorf("%s: Append allocates %v times", format.Name, n)
		}
	}
}
