package worker_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect/app"
)

// said is what is said of a flow, as the golden files of dissect/app hold it.
type said struct {
	Flow        string            `json:"flow"`
	Application uint16            `json:"application"`
	Fields      map[string]string `json:"fields"`
	Events      []saidEvent       `json:"events"`
}

type saidEvent struct {
	Dissector string            `json:"dissector"`
	Kind      string            `json:"kind"`
	Fields    map[string]string `json:"fields"`
}

// TestGoldenCaptures holds that a worker says of the dissectors' captures what the golden files
// beside them say, which a driver made that has no limits, no blocks and no bursts.
func TestGoldenCaptures(t *testing.T) {
	files, err := filepath.Glob("../../dissect/app/testdata/*/*.pcap")
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file))+" "+filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(strings.TrimSuffix(file, ".pcap") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want []said
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			got := dissected(t, file)
			for _, w := range want {
				// Who opened a connection whose beginning was not seen is for workers to guess.
				if g := got[w.Flow]; g != nil || w.Application != 0 || len(w.Fields)+len(w.Events) > 0 {
					compare(t, g, w)
				}
				delete(got, w.Flow)
			}
			for name, g := range got {
				if g.Application != 0 || len(g.Events) > 0 {
					t.Errorf("%s is not in the golden file: %+v", name, g)
				}
			}
		})
	}
}

func compare(t *testing.T, got *said, want said) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no record", want.Flow)
		return
	}
	if want.Application != got.Application {
		t.Errorf("%s: application %d, want %d", want.Flow, got.Application, want.Application)
	}
	if len(want.Fields)+len(got.Fields) > 0 && !reflect.DeepEqual(got.Fields, want.Fields) {
		t.Errorf("%s: fields\n%v, want\n%v", want.Flow, got.Fields, want.Fields)
	}
	for i := range max(len(got.Events), len(want.Events)) {
		if i >= len(got.Events) || i >= len(want.Events) {
			t.Errorf("%s: %d events, want %d", want.Flow, len(got.Events), len(want.Events))
			return
		}
		if g, w := got.Events[i], want.Events[i]; !reflect.DeepEqual(g, w) {
			t.Errorf("%s: event %d is\n%+v, want\n%+v", want.Flow, i, g, w)
		}
	}
}

// dissected meters a capture and returns what is said of its flows by name.
func dissected(t *testing.T, file string) map[string]*said {
	t.Helper()
	if _, err := flow.Compile(append(flow.All(), app.Fields())...); err != nil {
		t.Fatal(err)
	}
	src, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := ring.Format(make([]byte, ring.Size(1<<24)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := worker.New(src, r, worker.Config{
		Flows: 10000, Idle: time.Hour, Active: time.Hour, Linger: time.Second, Lateness: time.Second, Seed: 1,
		Streams: 10000, StreamMemory: 1 << 24, Transactions: 10000, TransactionTimeout: time.Hour,
		Fragments: 100, FragmentTimeout: time.Minute, NoSwap: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for !src.Done() {
		w.Step(0)
	}
	w.Flush(0)
	all := map[string]*said{}
	var v flow.View
	for kind, msg := r.Next(); kind != ring.None; kind, msg = r.Next() {
		if kind == ring.Flow || kind == ring.Event {
			if !v.Load(msg) {
				t.Fatal("a message that cannot be read")
			}
			collect(all, kind, &v)
		}
	}
	return all
}

// TestInvitesInFragments reads INVITEs of telephones over LTE and their answers, which are longer than a
// packet: all of them describe media, at their ends. One answer is in fragments twice, as its tunnel's packets
// are, too, which are not joined.
func TestInvitesInFragments(t *testing.T) {
	root, err := filepath.Abs("../../../shared/captures")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(root, "*", "open5gs__volte.pcapng"))
	if len(files) == 0 {
		t.Skip("no captures in", root)
	}
	invites, cut := 0, 0
	for name, x := range dissected(t, files[0]) {
		for _, e := range x.Events {
			if e.Fields[app.SIPMethod.Key()] != "INVITE" || strings.HasSuffix(name, "/ 6") {
				continue
			}
			if invites++; e.Fields[app.SIPUACMedia.Key()] == "" {
				t.Errorf("%s: an INVITE without media: %v", name, e.Fields)
			}
			if e.Fields[app.SIPUASMedia.Key()] == "" {
				cut++
			}
		}
	}
	if invites != 5 || cut != 1 {
		t.Errorf("%d INVITEs over UDP, the answers to %d without media; want 5 and 1", invites, cut)
	}
}

// collect notes what a record or an event says.
func collect(all map[string]*said, kind ring.Kind, v *flow.View) {
	a, b := netip.AddrFrom16(v.Src).Unmap(), netip.AddrFrom16(v.Dst).Unmap()
	src, dst := netip.AddrPortFrom(a, v.SrcPort), netip.AddrPortFrom(b, v.DstPort)
	name := fmt.Sprintf("%v > %v / %d", src, dst, v.Proto)
	x := all[name]
	if x == nil {
		x = &said{Flow: name}
		all[name] = x
	}
	fields, about := map[string]string{}, map[string]string{}
	for _, f := range app.Fields() {
		if val, ok := v.Value(f); ok {
			to := fields
			if strings.HasPrefix(f.Label, "TRANSACTION") {
				to = about
			}
			to[f.Key()] = string(f.Text(nil, val))
		}
	}
	if kind == ring.Flow {
		x.Application, x.Fields = v.Hot.Application, fields
		if v.Confidence != flow.ByContent {
			x.Application = 0
		}
		return
	}
	how := about[app.TransactionState.Label]
	if how == "complete" {
		how = "transaction"
	}
	x.Events = append(x.Events, saidEvent{about[app.TransactionProtocol.Label], how, fields})
}
