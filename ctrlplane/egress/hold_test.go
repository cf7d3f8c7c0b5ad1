package egress

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect/app"
)

// sendAt sends a flow that ended at a time.
func sendAt(r *ring.Ring, port uint16, last uint64) {
	rec := flow.Record{}
	rec.Version, rec.Proto, rec.DstPort, rec.Last = 4, 6, port, last
	*(*flow.Record)(unsafe.Pointer(&r.Reserve(ring.Flow, int(unsafe.Sizeof(rec)))[0])) = rec
}

// TestHold has records wait until what may explain them has come, in their order, and no longer than there
// is room.
func TestHold(t *testing.T) {
	size := int(unsafe.Sizeof(flow.Record{}))
	for _, c := range []struct {
		name  string
		room  int
		want  string
		early uint64
	}{
		{"enough room", 1 << 20, "ssh 1 2 3 4 5 6 7 8", 0},
		{"room for three", 3*size + 8, "1 2 3 4 5 ssh 6 7 8", 5},
		{"room for none", size - 8, "1 2 3 4 5 6 7 8 ssh", 0},
	} {
		schema, err := flow.Compile(append(flow.All(), app.Fields())...)
		if err != nil {
			t.Fatal(err)
		}
		o, m := output(t, schema, "flow ssh")
		r := newRing(t)
		e := New([]Source{{Ring: r}}, nil, []*Output{o})
		e.Offline, e.Hold = true, Hold{For: time.Second, Room: c.room, Prompt: Only(EventsOf(position(t, "ssh")))}
		for i := range 8 {
			sendAt(r, uint16(i+1), 1e18+uint64(i))
		}
		sendEvent(r, "ssh", 99)
		r.Close()
		e.Run()
		for _, x := range o.Exporters() {
			if err := x.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(m.String()), "\n") {
			_, port, _ := strings.Cut(line, `"L4_DST_PORT":`)
			port, _, _ = strings.Cut(port, ",")
			got = append(got, strings.Replace(strings.Trim(port, "}"), "99", "ssh", 1))
		}
		if s := strings.Join(got, " "); s != c.want || e.waiting.early != c.early {
			t.Errorf("%s: %s, want %s; %d early", c.name, s, c.want, e.waiting.early)
		}
	}
}

// TestHoldOffline lets records of captures go by the time of the packets, each once and in order.
func TestHoldOffline(t *testing.T) {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	o, m := output(t, schema, "flow")
	r := newRing(t)
	e := New([]Source{{Ring: r}}, nil, []*Output{o})
	e.Offline, e.Hold = true, Hold{For: 2 * time.Second, Room: 1 << 20}
	for i := range 6 { // three and three, which go at once
		last := uint64(1e18) + uint64(i/3)*5*uint64(time.Second)
		sendAt(r, uint16(i+1), last)
		if i%3 < 2 {
			continue
		}
		report := worker.Report{Time: last}
		*(*worker.Report)(unsafe.Pointer(&r.Reserve(ring.Stats, int(unsafe.Sizeof(report)))[0])) = report
		r.Commit()
		if e.Step(); e.holding()[0].N != 3 {
			t.Errorf("%d records wait after %d", e.holding()[0].N, i+1)
		}
	}
	r.Close()
	e.Run()
	for _, x := range o.Exporters() {
		if err := x.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for i, line := range strings.Split(strings.TrimSpace(m.String()), "\n") {
		if want := fmt.Sprintf(`"L4_DST_PORT":%d`, i+1); !strings.Contains(line, want) {
			t.Errorf("record %d is %s", i, line)
		}
	}
}

// TestHoldTime lets a record go once its time is over.
func TestHoldTime(t *testing.T) {
	r := newRing(t)
	e := New([]Source{{Ring: r}}, nil, nil)
	seen := 0
	e.stages = []Stage{stage(func() { seen++ })}
	e.Hold = Hold{For: 50 * time.Millisecond, Room: 1 << 20}
	sendAt(r, 1, uint64(time.Now().UnixNano()))
	r.Commit()
	e.Step()
	if seen != 0 || e.holding()[0].N != 1 {
		t.Errorf("%d enriched, %d wait", seen, e.holding()[0].N)
	}
	time.Sleep(60 * time.Millisecond)
	if e.Step(); seen != 1 || e.holding()[0].N != 0 {
		t.Errorf("%d enriched, %d wait", seen, e.holding()[0].N)
	}
}

type stage func()

func (s stage) Enrich(*flow.View, *flow.Attrs) { s() }
