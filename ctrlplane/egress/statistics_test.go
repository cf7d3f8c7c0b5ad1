package egress

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
)

// Statistics are records of their own, of every worker and every exporter, and nothing that is
// about a flow is in them.
func TestStatistics(t *testing.T) {
	schema, err := flow.Compile(flow.All()...)
	if err != nil {
		t.Fatal(err)
	}
	f, err := formats.New("json", export.FormatOptions{Template: &flow.Template{Fields: schema.Fields}})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	x := export.New("log", f, m, export.Options{})
	flows := newShare(t, "collector", Replicate, nil)
	r := newRing(t)
	e := New([]Source{{Name: "lan/0", Ring: r}}, nil,
		[]*Output{NewOutput("log", Only(Statistics), nil).Add(x, "-"), flows.Output})
	e.Every = time.Nanosecond
	sendFlow(r, 80)
	report(r)
	r.Close()
	e.Run()
	flows.close(t)
	if err := x.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(m.String()), "\n")
	if len(lines)%3 != 0 || len(lines) == 0 {
		t.Fatalf("%d records of a worker and two exporters", len(lines))
	}
	last := lines[len(lines)-3:]
	for i, want := range []map[string]any{
		{"STATISTICS_OF": "worker", "STATISTICS_NAME": "lan/0", "METERING_PROCESS_ID": 1.0, "PACKET_TOTAL": 3.0,
			"IGNORED_PKTS_TOTAL": 2.0, "DROPPED_PKTS_TOTAL": 7.0, "RECEIVED_PKTS_TOTAL": 5.0, "RECORD_KIND": "statistics"},
		{"STATISTICS_OF": "exporter", "STATISTICS_NAME": "log", "EXPORTING_PROCESS_ID": 1.0},
		{"STATISTICS_OF": "exporter", "STATISTICS_NAME": "collector", "EXPORTER_RECORDS_TOTAL": 1.0,
			"NOT_SENT_FLOW_TOTAL": 0.0, "EXPORTER_PAUSED": 0.0},
	} {
		var got map[string]any
		if err := json.Unmarshal([]byte(last[i]), &got); err != nil {
			t.Fatal(err)
		}
		for key, value := range want {
			if got[key] != value {
				t.Errorf("record %d: %s is %v, want %v", i, key, got[key], value)
			}
		}
		for _, key := range []string{"IPV4_SRC_ADDR", "L4_SRC_PORT", "PROTOCOL", "SRC_VLAN", "COMMUNITY_ID"} {
			if v, there := got[key]; there {
				t.Errorf("record %d: %s is %v", i, key, v)
			}
		}
	}
	if n := flows.Exporters()[0].Counters().Records.Load(); n != 1 {
		t.Errorf("%d records went to an exporter of flows", n)
	}
}

// report has a worker report 5 packets, of which 3 were metered.
func report(r *ring.Ring) {
	var w worker.Report
	w.Counters[worker.Received], w.Counters[worker.Metered], w.Counters[worker.Refused] = 5, 3, 2
	w.NIC.Missed, w.NIC.Errors = 6, 1
	*(*worker.Report)(unsafe.Pointer(&r.Reserve(ring.Stats, int(unsafe.Sizeof(w)))[0])) = w
}

// Another set of outputs takes over between two steps, and an egress that has ended takes none.
func TestReplace(t *testing.T) {
	before, after := newShare(t, "a", Replicate, nil), newShare(t, "b", Replicate, nil)
	r := newRing(t)
	sendFlow(r, 1)
	r.Commit()
	e := New([]Source{{Ring: r}}, nil, []*Output{before.Output})
	e.Step()
	done := make(chan bool)
	go func() {
		done <- e.Replace(func(old []*Output) []*Output {
			if len(old) != 1 || old[0] != before.Output {
				t.Errorf("there were %d outputs", len(old))
			}
			return []*Output{after.Output}
		})
	}()
	for replaced := false; !replaced; {
		select {
		case replaced = <-done:
		default:
			e.Step()
		}
	}
	sendFlow(r, 2)
	sendFlow(r, 3)
	r.Close()
	e.Run()
	if a, b := before.records()[0], after.records()[0]; a != 1 || b != 2 {
		t.Errorf("%d and %d records", a, b)
	}
	if e.Replace(func(old []*Output) []*Output { return nil }) {
		t.Error("an egress that has ended took other outputs")
	}
	if s := e.Published(); s == nil || s.Taken != 3 || s.Exporters[0].Name != "b" {
		t.Errorf("the last account is %+v", s)
	}
	before.close(t)
	after.close(t)
}
