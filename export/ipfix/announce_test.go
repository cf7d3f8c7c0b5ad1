package ipfix

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
)

// Templates are repeated by time and by number of messages, and not otherwise.
func TestRefresh(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*export.FormatOptions)
		step   uint64 // between messages
		want   int    // of 10 messages, how many have flow templates
	}{
		{"never", func(o *export.FormatOptions) {}, second, 1},
		{"time", func(o *export.FormatOptions) { o.Refresh = 3 * time.Second }, second, 4},
		{"messages", func(o *export.FormatOptions) { o.RefreshMessages = 5 }, second, 3},
		{"every message", func(o *export.FormatOptions) { o.RefreshMessages = 1 }, second, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			dialects(t, flow.DefaultV9, c.change, func(w *writer, d *decoder) {
				w.append(exporttest.Flow(0))
				w.seal()
				first := len(w.messages) - 1 // the one before it only explains
				for range 9 {
					w.now += c.step
					w.append(exporttest.Flow(0))
					w.seal()
				}
				with := 0
				for i, m := range w.messages {
					before := d.explained
					d.message(m)
					if i >= first && d.explained > before {
						with++
					}
				}
				if with != c.want {
					t.Errorf("%d messages of 10 have templates, want %d", with, c.want)
				}
			})
		})
	}
}

// A lost message has everything explained again, but not for every one of many.
func TestExplain(t *testing.T) {
	dialects(t, flow.DefaultV9, nil, func(w *writer, d *decoder) {
		for i := range 20 {
			w.now += second / 10
			if i > 0 {
				w.f.Explain()
			}
			w.append(exporttest.Flow(0))
			w.seal()
		}
		with := 0
		for _, m := range w.messages {
			before := d.explained
			if d.message(m); d.explained > before {
				with++
			}
		}
		if with < 3 || with > 5 { // at the start, on introduction, and once a second
			t.Errorf("%d of %d messages have templates", with, len(w.messages))
		}
	})
}

func count(c *export.Counters) {
	c.Messages.Store(3)
	c.Exported.Store(300)
	c.Octets.Store(3000)
	c.Dropped[export.QueueFull].Store(30)
	c.IgnoredPackets.Store(13)
	c.LostPackets.Store(14)
}

// Options say how packets were sampled, how much was exported, and what the elements are.
func TestOptions(t *testing.T) {
	change := func(o *export.FormatOptions) { o.Sampling, o.OptionsInterval = 100, 10*time.Second }
	dialects(t, "%IN_BYTES %CLIENT_NW_LATENCY_MS %SRC_IP_CITY", change, func(w *writer, d *decoder) {
		w.append(exporttest.Flow(0))
		w.seal()
		count(w.f.o.Counters)
		w.now += 10 * second
		w.append(exporttest.Flow(0))
		w.decode(d)
		last := map[element]uint64{} // of the last record with it
		names := map[string][3]uint64{}
		times := map[element]int{}
		for _, r := range d.records {
			for e := range r.values {
				if r.option {
					u, _ := r.uint(e[0], e[1])
					last[e] = u
					times[e]++
				}
			}
			if name, ok := r.values[element{0, elementName}]; ok {
				pen, _ := r.uint(0, elementEnterprise)
				id, _ := r.uint(0, elementID)
				typ, _ := r.uint(0, elementType)
				names[string(name)] = [3]uint64{pen, id, typ}
			}
		}
		want := map[uint32]uint64{selectorAlgorithm: 1, samplingInterval: 1, samplingSpace: 99,
			exportedMessages: 3, exportedFlows: 300, exportedOctets: 3000,
			notSentFlows: 30, ignoredPackets: 13, droppedPackets: 14}
		if d.v9 {
			want = map[uint32]uint64{netflow9Interval: 100, netflow9Algorithm: 1, exportedMessages: 3,
				exportedFlows: 300, exportedOctets: 3000}
		}
		for id, u := range want {
			if e := (element{0, id}); last[e] != u || times[e] != 2 {
				t.Errorf("option %d is %d (%d times), want %d twice", id, last[e], times[e], u)
			}
		}
		const wanted = "map[clientNwLatencyMs:[35632 123 3] srcIpCity:[35632 102 13]]"
		if elements := fmt.Sprint(names); !d.v9 && elements != wanted {
			t.Errorf("type information is %s, want %s", elements, wanted)
		}
	})
}

// A connection begins with all that is needed to read what follows, whenever it begins.
func TestPreface(t *testing.T) {
	dialects(t, flow.DefaultV9, nil, func(w *writer, d *decoder) {
		open := w.f.Open()
		for i := range 50 {
			w.append(exporttest.Flow(i))
		}
		w.seal()
		for i := range w.messages {
			again := newDecoder(t, d.v9)
			header := again.message(open(nil, w.messages[i]))
			if header[2] != 7 || header[0] != uint32(w.now/1e9) {
				t.Errorf("header of what opens a connection is %v", header)
			}
			for _, m := range w.messages[i:] {
				again.message(m)
			}
		}
	})
}
