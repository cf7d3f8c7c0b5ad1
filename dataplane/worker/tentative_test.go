package worker

import (
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/app"
)

// meterDissector counts datagrams, and is sure only after three:
//
//	C, W, Q: counted; the last two another dissector may want
//	E: done; S: what follows has keys
var meterDissector = &app.Dissector{
	Name: "meter", Doc: "Counted datagrams.", Number: 1004, UDP: []uint16{7003}, SCTP: []uint16{7003},
	Fields: []*flow.Field{keySaid, keyCount}, State: unsafe.Sizeof(meterMemory{}), Parse: parseMeter,
	Tentative: true, Report: reportMeter, First: "CWQES",
}

type meterMemory struct {
	counted uint32
	seen    uint8
	_       [1000]byte
	end     uint8 // as seen
}

func parseMeter(m *app.Message) app.Verdict {
	s := app.Memory[meterMemory](m)
	if s.seen != s.end {
		panic("the state is not what was left there")
	}
	kind := m.U8()
	m.Rest()
	switch {
	case kind == 'C' || kind == 'W' || kind == 'Q':
		s.counted++
		s.seen = min(s.seen+1, 3)
		s.end = s.seen
		if m.Attrs.Text(keySaid, "more"); s.seen < 3 {
			return app.More
		}
		m.Attrs.Reset()
		return app.Accept
	case kind == 'E' && s.seen == 3:
		return app.Done
	case kind == 'S' && s.seen == 3:
		m.Become(keyDissector)
		return app.Accept
	}
	return app.Reject
}

func reportMeter(state []byte, a *flow.Attrs, _ bool) {
	s := (*meterMemory)(unsafe.Pointer(unsafe.SliceData(state)))
	a.Uint(keyCount, uint64(s.counted))
	s.counted = 0
}

// counting is the configuration of these tests. The tentative dissector is the first, and yet asked
// last.
func counting() Config {
	conf := looking()
	conf.Dissectors = append([]*app.Dissector{meterDissector}, conf.Dissectors...)
	return conf
}

func TestTentative(t *testing.T) {
	for _, c := range []struct {
		name   string
		conf   func(*Config)
		says   []string
		number uint16
		events []string
		flows  []string
		counts map[Counter]uint64
	}{
		{
			name: "three decide", number: 1004,
			says:  []string{"> C", "< C", "> C", "> C", "> ?", "> C"},
			flows: []string{"KEY_COUNT=5"},
		},
		{name: "two do not", says: []string{"> C", "< C"}, flows: []string{""}},
		{name: "the second is none", says: []string{"> C", "> ?", "> C", "> C", "> C"}, flows: []string{""}},
		{
			name: "another dissector that waited, too, knows it", number: 1003,
			says:   []string{"> W1", "> W1", "> Q1a", "< R1x", "> C"},
			events: []string{keyed("a", "x", "complete", both)},
			flows:  []string{"KEY_ASKED=a KEY_SAID=x TRANSACTIONS=1"},
		},
		{
			name: "parts", number: 1004, conf: func(c *Config) { c.Active = time.Second },
			says:  []string{"> C", "> C", "> C", "> C", "+2s", "< C", "> C", "+2s", "< C"},
			flows: []string{"KEY_COUNT=4", "KEY_COUNT=2", "KEY_COUNT=1"},
		},
		{
			name: "undecided over parts", number: 1004, conf: func(c *Config) { c.Active = time.Second },
			says:  []string{"> C", "> C", "+2s", "> C", "> C"},
			flows: []string{"", "KEY_COUNT=4"},
		},
		{
			name: "done before the record", number: 1004, conf: func(c *Config) { c.Active = time.Second },
			says:  []string{"> C", "> C", "> C", "> E", "> C", "> Q1a", "+2s", "> C"},
			flows: []string{"KEY_COUNT=3", ""},
		},
		{
			name: "another protocol", number: 1003,
			says:   []string{"> C", "> C", "> C", "> S", "> Q1a", "< R1x"},
			events: []string{keyed("a", "x", "complete", both)},
			flows:  []string{"KEY_ASKED=a KEY_COUNT=3 KEY_SAID=x TRANSACTIONS=1"},
		},
		{
			name: "too many datagrams that do not tell",
			conf: func(c *Config) { c.Dissectors = []*app.Dissector{neverDissector, keyDissector} },
			says: append(datagramsOf("> C", undecided), "> C", "> Q1a"), flows: []string{""},
			counts: map[Counter]uint64{BudgetOver: 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := counting()
			if c.conf != nil {
				c.conf(&conf)
			}
			b := watch(t, conf, datagrams(c.says...)...)
			b.want("events", b.said(false), c.events...)
			b.want("flows", b.found(), c.flows...)
			if last := b.records[len(b.records)-1]; last.Application != c.number {
				t.Errorf("application %d, want %d", last.Application, c.number)
			}
			for counter, want := range c.counts {
				if got := b.report.Counters[counter]; got != want {
					t.Errorf("%s is %d, want %d", CounterDocs[counter].Name, got, want)
				}
			}
		})
	}
}

func datagramsOf(text string, n int) (all []string) {
	for range n {
		all = append(all, text)
	}
	return all
}

// neverDissector is tentative, and never sure.
var neverDissector = &app.Dissector{
	Name: "never", Doc: "Never sure.", UDP: []uint16{7003}, Tentative: true, State: 1,
	Parse: func(m *app.Message) app.Verdict {
		m.State[0]++
		return app.More
	},
}

// Without room for what a tentative dissector remembers, it is not asked again; others are.
func TestTentativeNoRoom(t *testing.T) {
	hungry := *meterDissector
	hungry.State = app.MaxState
	conf := counting()
	conf.Dissectors, conf.StreamMemory = []*app.Dissector{&hungry, keyDissector}, largest
	var frames []nic.Frame
	for i := range uint16(4) {
		for _, text := range []string{"W1", "C", "C", "Q1a"} {
			p := pkt{at: time.Duration(len(frames)) * ms, src: "a", dst: "b", sport: 40000 + i, dport: 7002}
			if i < 2 && text == "Q1a" {
				continue
			}
			if i >= 2 && text == "C" {
				continue
			}
			frames = append(frames, p.says(text))
		}
	}
	b := watch(t, conf, frames...)
	b.want("flows", b.found(), "KEY_COUNT=3", "KEY_COUNT=3", "TRANSACTIONS=1", "TRANSACTIONS=1")
	if c := b.report.Counters; c[StateNoRoom] != 2 || c[AttrsNoRoom] != 4 {
		t.Errorf("%d flows and %d attributes without room, want 2 and 4", c[StateNoRoom], c[AttrsNoRoom])
	}
}

// What is measured of a connection that another follows is not lost, and tentative dissectors are
// as others in streams.
func TestReportOfStreams(t *testing.T) {
	line := *lineDissector
	line.Report = func(state []byte, a *flow.Attrs, _ bool) {
		s := (*lineMemory)(unsafe.Pointer(unsafe.SliceData(state)))
		a.Uint(keyCount, uint64(s.lines))
		s.lines = 0
	}
	line.Fields, line.Tentative = append(line.Fields, keyCount), true
	conf := counting()
	conf.Dissectors = []*app.Dissector{&line, hastyDissector, dialectDissector}
	c := tap().hello().say(0, "NO").say(0, "TE a\n").say(1, "NOTE b\n").say(0, "NOTE c\n")
	c.seq = [2]uint32{7000, 1 << 20}
	b := watch(t, conf, c.hello().frames...)
	b.want("flows", b.found(), "KEY_COUNT=3 LINE_NOTED=a")
	b = watch(t, conf, c.say(0, "NOTE d\n").bye().frames...)
	b.want("flows", b.found(), "KEY_COUNT=1 LINE_NOTED=a")
	b = watch(t, conf, tap().hello().say(0, "NOTE a\n").say(0, "QUIT\n").bye().frames...)
	b.want("flows", b.found(), "KEY_COUNT=2 LINE_NOTED=a")
}

// None of this allocates.
func TestTentativeAllocates(t *testing.T) {
	conf := counting()
	conf.Active = time.Second
	frames := datagrams("> C", "> C", "> C", "+2s", "> C", "> W1", "> E", "> C")
	frames = append(frames, datagrams("+100s", "> W1", "> W1", "> Q1a", "< R1x")...)
	src := &turn{}
	b := newBench(t, src, conf)
	n := testing.AllocsPerRun(20, func() {
		src.next = frames
		b.Step(0)
		discard(b.ring)
		for i := range frames {
			frames[i].Time += 1000e9
		}
	})
	if n != 0 || b.counts[RingFull] != 0 || b.counts[Events] < 20 || b.index[0].Flows < 20 {
		t.Errorf("%v allocations, %v", n, b.counts)
	}
}
