package egress

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/ctrlplane/kept"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/sink"
)

// The page explains every counter of the summary.
func TestDocsMetrics(t *testing.T) {
	for _, page := range []struct {
		members reflect.Type
		docs    [][2]string
	}{
		{reflect.TypeFor[nic.Stats](), portDocs[:]}, {reflect.TypeFor[Dissected](), dissectorDocs[:]},
		{reflect.TypeFor[kept.Account](), malformedDocs[:]}, {reflect.TypeFor[Judged](), judgedDocs[:]},
		{reflect.TypeFor[sink.CommandStats](), commandDocs[:]},
	} {
		for i := range max(page.members.NumField(), len(page.docs)) {
			if name, _, _ := strings.Cut(page.members.Field(i).Tag.Get("json"), ","); name != page.docs[i][0] {
				t.Errorf("%v: counter %d is %s in the page, %s in the summary", page.members, i, page.docs[i][0], name)
			}
		}
	}
}

// memory is a sink that keeps what it is sent.
type memory struct{ bytes.Buffer }

func (m *memory) Send(_ context.Context, b []byte) error { m.Write(b); return nil }
func (m *memory) Close() error                           { return nil }

// port is a stage that names the flow's server port.
type port struct{}

func (port) Enrich(v *flow.View, a *flow.Attrs) {
	if v.DstPort == 80 {
		a.Text(flow.AppName, "HTTP")
	}
}

// TestEgress takes flows, reports and rubbish out of two rings and accounts for them.
func TestEgress(t *testing.T) {
	schema, err := flow.Compile(flow.All()...)
	if err != nil {
		t.Fatal(err)
	}
	template, err := schema.Template("L4_DST_PORT L7_PROTO_NAME SAMPLING_INTERVAL")
	if err != nil {
		t.Fatal(err)
	}
	f, err := formats.New("json", export.FormatOptions{Template: template})
	if err != nil {
		t.Fatal(err)
	}
	sink := &memory{}
	x := export.New("memory", f, sink, export.Options{})
	var facts flow.Attrs
	facts.Uint(flow.SamplingInterval, 10)
	rings := [2]*ring.Ring{newRing(t), newRing(t)}
	e := New([]Source{{Ring: rings[0], Facts: facts.All()}, {Ring: rings[1]}}, []Stage{port{}},
		[]*Output{NewOutput("memory", Only(Flows), nil).Add(x, "-")})
	sendFlow(rings[0], 80)
	sendFlow(rings[1], 81)
	copy(rings[1].Reserve(ring.Flow, 5), "short")
	copy(rings[1].Reserve(ring.Stats, 5), "short")
	var r worker.Report
	r.Counters[worker.Received], r.Counters[worker.Metered], r.Counters[worker.Refused] = 5, 3, 2
	r.Counters[worker.Exported], r.Stops[len(r.Stops)-1] = 2, 2
	*(*worker.Report)(unsafe.Pointer(&rings[0].Reserve(ring.Stats, int(unsafe.Sizeof(r)))[0])) = r
	for _, r := range rings {
		r.Commit()
		r.Close()
	}
	e.Run()
	if err := x.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := `{"SCHEMA_VERSION":1,"L4_DST_PORT":80,"L7_PROTO_NAME":"HTTP","SAMPLING_INTERVAL":10}` + "\n" +
		`{"SCHEMA_VERSION":1,"L4_DST_PORT":81}` + "\n"
	if got := sink.String(); got != want {
		t.Errorf("exported %s", got)
	}
	s := e.Summary()
	if s.Taken != 2 || s.Corrupt != 2 || s.Made() != 2 || s.Exporters[0].Exported != 2 {
		b, _ := json.Marshal(s)
		t.Errorf("summary %s", b)
	}
	var text strings.Builder
	s.Print(&text)
	if !strings.HasPrefix(text.String(), "packets   5 received = 3 metered + 2 refused (2 ") {
		t.Errorf("summary %s", text.String())
	}
}

func newRing(t *testing.T) *ring.Ring {
	t.Helper()
	r, err := ring.Format(make([]byte, ring.Size(1<<16)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sendFlow(r *ring.Ring, port uint16) {
	rec := flow.Record{}
	rec.Version, rec.Proto, rec.DstPort, rec.Last = 4, 6, port, uint64(time.Now().UnixNano())
	*(*flow.Record)(unsafe.Pointer(&r.Reserve(ring.Flow, int(unsafe.Sizeof(rec)))[0])) = rec
}
