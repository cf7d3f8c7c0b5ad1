package formats_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
)

// judged is how many flows the judges get.
const judged = 10_000

// netflow lists the formats that collectors know, with a template for each.
var netflow = []struct{ name, template string }{
	{"ipfix", flow.DefaultIPFIX},
	{"netflow9", flow.DefaultV9 + " %CLIENT_NW_LATENCY_MS %RETRANSMITTED_IN_PKTS %RETRANSMITTED_OUT_BYTES"},
	{"netflow5", flow.DefaultV5},
}

func options(t testing.TB, template string) export.FormatOptions {
	return export.FormatOptions{
		Template: exporttest.Template(t, exporttest.Schema(t), template), Boot: exporttest.Boot,
		Refresh: time.Minute, RefreshMessages: 20, OptionsInterval: time.Minute, Biflow: export.NProbe,
	}
}

// send exports the flows to a sink. alone gives every flow a message of its own.
func send(t *testing.T, f export.Format, s export.Sink, alone bool) {
	t.Helper()
	e := export.New(t.Name(), f, s, export.Options{Block: true})
	now := uint64(exporttest.Epoch + 60*time.Second)
	e.Tick(now)
	for i := range judged {
		e.Append(exporttest.Flow(i))
		if alone {
			now += uint64(time.Second)
			e.Tick(now)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func newFormat(t *testing.T, name string, o export.FormatOptions) export.Format {
	t.Helper()
	f, err := formats.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func address(a [16]byte) string { return netip.AddrFrom16(a).Unmap().String() }

func TestUnknown(t *testing.T) {
	_, err := formats.New("netflow7", export.FormatOptions{})
	if err == nil || !strings.Contains(err.Error(), "use one of ipfix netflow9 netflow5 json") {
		t.Errorf("unknown format says %v", err)
	}
	if f, err := formats.New("netflow9", options(t, "%TCP_LOST_IN_BYTES")); err == nil || f != nil {
		t.Errorf("bad template gives %v, %v", f, err)
	}
}
