package egress

import (
	"context"
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/ctrlplane/kept"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
)

func position(t *testing.T, name string) int {
	t.Helper()
	for i, d := range app.All {
		if d.Name == name {
			return i
		}
	}
	t.Fatalf("there is no dissector %s", name)
	return 0
}

func TestParseRecords(t *testing.T) {
	dns, ssh := EventsOf(position(t, "dns")), EventsOf(position(t, "ssh"))
	for _, c := range []struct {
		kinds string
		want  Records
	}{
		{"", Only(Flows)}, {"flow", Only(Flows)}, {"event", Events()}, {"dns", Only(dns)},
		{"dns flow ssh", Only(Flows, dns, ssh)}, {"call statistics", Only(Calls, Statistics)},
	} {
		if got, err := ParseRecords(strings.Fields(c.kinds)); err != nil || got != c.want {
			t.Errorf("%q is %x, %v", c.kinds, got, err)
		}
	}
	_, err := ParseRecords([]string{"flow", "flows"})
	if err == nil || !strings.Contains(err.Error(), "flow event") {
		t.Errorf("an unknown kind says %v", err)
	}
	if Events().Has(Flows) || !Events().Has(dns) || Only(dns).Meets(Only(ssh, Flows)) || !Events().Meets(Only(ssh)) {
		t.Error("kinds overlap")
	}
	if last := EventsOf(len(app.All) - 1); last < EventsOf(0) || last.Of() != flow.KindEvent {
		t.Error("there are more dissectors than kinds of events")
	}
}

// sendEvent puts an event of a dissector into a ring.
func sendEvent(r *ring.Ring, protocol string, port uint16) {
	rec := flow.Record{}
	rec.Version, rec.Proto, rec.DstPort = 4, 17, port
	var a flow.Attrs
	if protocol != "" {
		a.Text(app.TransactionProtocol, protocol)
	}
	const size = int(unsafe.Sizeof(rec))
	b := r.Reserve(ring.Event, size+len(a.All()))
	*(*flow.Record)(unsafe.Pointer(&b[0])) = rec
	copy(b[size:], a.All())
}

// output is an exporter of JSON to memory, of some kinds of records.
func output(t *testing.T, schema *flow.Schema, kinds string) (*Output, *memory) {
	t.Helper()
	template, err := schema.Template("L4_DST_PORT TRANSACTION_PROTOCOL L7_PROTO_NAME")
	if err != nil {
		t.Fatal(err)
	}
	f, err := formats.New("json", export.FormatOptions{Template: template})
	if err != nil {
		t.Fatal(err)
	}
	set, err := ParseRecords(strings.Fields(kinds))
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	return NewOutput(kinds, set, nil).Add(export.New(kinds, f, m, export.Options{}), "-"), m
}

// Each exporter gets the kinds of records it wants, through the stages, and everything that
// comes out of the ring is accounted for.
func TestKinds(t *testing.T) {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	var outputs []*Output
	var got []*memory
	for _, kinds := range []string{"flow", "dns", "event", "flow dns", "ssh"} {
		o, m := output(t, schema, kinds)
		outputs, got = append(outputs, o), append(got, m)
	}
	r := newRing(t)
	sendFlow(r, 1)
	sendEvent(r, "dns", 80)
	sendEvent(r, "tls", 3)
	sendEvent(r, "gopher", 4) // of a dissector that this build does not have
	sendEvent(r, "", 5)
	copy(r.Reserve(ring.Event, 5), "short")
	r.Reserve(ring.Malformed, 5)
	r.Close()
	e := New([]Source{{Ring: r}}, []Stage{port{}}, outputs)
	e.Run()
	for _, o := range outputs {
		if err := o.Exporters()[0].Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	flow := `{"SCHEMA_VERSION":1,"L4_DST_PORT":1}`
	tls := `{"SCHEMA_VERSION":1,"L4_DST_PORT":3,"TRANSACTION_PROTOCOL":"tls"}`
	dns := `{"SCHEMA_VERSION":1,"L4_DST_PORT":80,"TRANSACTION_PROTOCOL":"dns","L7_PROTO_NAME":"HTTP"}`
	for i, want := range [][]string{{flow}, {dns}, {dns, tls}, {flow, dns}, nil} {
		if text := strings.TrimSuffix(got[i].String(), "\n"); text != strings.Join(want, "\n") {
			t.Errorf("%s got %s", outputs[i].Name, text)
		}
	}
	if s := e.Summary(); s.Taken != 1 || s.Events != 2 || s.Corrupt != 3 {
		t.Errorf("%d flows, %d events, %d corrupt", s.Taken, s.Events, s.Corrupt)
	}
}

// Malformed packets go to their keeper, and the summary says what became of them, and what
// the dissectors did.
func TestMalformed(t *testing.T) {
	k, err := kept.Open(kept.Options{
		Dir: t.TempDir(), Protocols: []string{"ssh", "dns"}, Wait: true, FileSize: 1 << 20, TotalSize: 1 << 30,
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newRing(t)
	f := worker.Kept{Time: 1e18, Wire: 60, Link: nic.Ethernet, Of: 1}
	f.Say("name points to itself")
	*(*worker.Kept)(unsafe.Pointer(&r.Reserve(ring.Malformed, int(unsafe.Sizeof(f))+60)[0])) = f
	copy(r.Reserve(ring.Malformed, 5), "short")
	var report worker.Report
	report.Dissectors[1] = worker.Dissected{Flows: 3, Messages: 5, Malformed: 1}
	*(*worker.Report)(unsafe.Pointer(&r.Reserve(ring.Stats, int(unsafe.Sizeof(report)))[0])) = report
	r.Close()
	e := New([]Source{{Ring: r}}, nil, nil)
	e.Malformed, e.Dissectors = k, app.All[:2]
	e.Run()
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	s := e.Summary()
	if a := s.Malformed.Protocols["dns"]; a != (kept.Account{Packets: 1, Saved: 1}) || s.Corrupt != 1 {
		t.Errorf("%+v, %d corrupt", s.Malformed, s.Corrupt)
	}
	if d := s.Dissected[app.All[1].Name]; d != (Dissected{3, 5, 1}) {
		t.Errorf("%+v", s.Dissected)
	}
	var text strings.Builder
	s.Print(&text)
	if !strings.Contains(text.String(), "malformed dns: 1 packets = 1 saved\n") {
		t.Error(text.String())
	}
}
