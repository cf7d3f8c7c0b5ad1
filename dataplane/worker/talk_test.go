package worker

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect/app"
)

// wireTap is the two ends of a connection whose packets are made one by one.
type wireTap struct {
	now    time.Duration
	seq    [2]uint32
	frames []nic.Frame
	port   uint16
}

func tap() *wireTap { return &wireTap{seq: [2]uint32{1000, 1 << 31}, port: 7001} }

// pkt returns the next packet from a side, without payload.
func (c *wireTap) pkt(side int, flags string) pkt {
	p := pkt{at: c.now, src: "a", dst: "b", sport: 40000, dport: c.port, flags: flags, seq: c.seq[side],
		ack: c.seq[1-side]}
	if side == 1 {
		p.src, p.dst, p.sport, p.dport = "b", "a", c.port, 40000
	}
	return p
}

func (c *wireTap) send(f ...nic.Frame) *wireTap {
	c.frames = append(c.frames, f...)
	c.now += 10 * time.Millisecond
	return c
}

func (c *wireTap) hello() *wireTap {
	s := c.pkt(0, "S")
	s.ack = 0
	c.seq[0]++
	c.send(s.frame())
	a := c.pkt(1, "SA")
	c.seq[1]++
	c.send(a.frame())
	return c.send(c.pkt(0, "A").frame())
}

// say sends a segment.
func (c *wireTap) say(side int, text string) *wireTap {
	p := c.pkt(side, "PA")
	c.seq[side] += uint32(len(expand(text)))
	return c.send(p.says(text))
}

// lose is say, but the packet is not seen.
func (c *wireTap) lose(side int, text string) *wireTap {
	c.seq[side] += uint32(len(expand(text)))
	return c
}

func (c *wireTap) bye() *wireTap {
	f := c.pkt(0, "FA")
	c.seq[0]++
	c.send(f.frame())
	f = c.pkt(1, "FA")
	c.seq[1]++
	return c.send(f.frame(), c.pkt(0, "A").frame())
}

func TestTransaction(t *testing.T) {
	c := tap().hello().say(0, "GET one\n").say(1, "OK 4 two\n").say(1, "{4}").say(0, "PUT 3 three\n123").
		say(1, "WAIT a moment\n").
		say(1, "OK 0 four\n").bye()
	b := watch(t, looking(), c.frames...)
	b.want("events", b.said(true),
		"ASKER=client LATENCY_USEC=10000 LINE_ASKED=one LINE_SAID=two PROTOCOL=line REQUEST_BYTES=8 "+
			"REQUEST_END=30ms "+
			"REQUEST_PKTS=1 REQUEST_START=30ms RESPONSE_BYTES=13 RESPONSE_END=50ms RESPONSE_PKTS=2 "+
			"RESPONSE_START=40ms STATE=complete",
		"ASKER=client INTERIM_RESPONSES=1 LATENCY_USEC=20000 LINE_ASKED=three LINE_SAID=four PROTOCOL=line "+
			"REQUEST_BYTES=15 REQUEST_END=60ms "+
			"REQUEST_PKTS=1 REQUEST_START=60ms RESPONSE_BYTES=10 RESPONSE_END=80ms RESPONSE_PKTS=1 "+
			"RESPONSE_START=80ms STATE=complete")
	b.want("flows", b.found(), "LINE_ASKED=one LINE_SAID=two TRANSACTIONS=2")
	if r := b.records[0]; r.Application != 1001 {
		t.Errorf("%+v", r.Hot)
	}
}

// What is said of flows does not depend on anything but what was said in them.
func TestTalk(t *testing.T) {
	for _, c := range talks {
		t.Run(c.name, func(t *testing.T) {
			conf := looking()
			if c.conf != nil {
				c.conf(&conf)
			}
			b := watch(t, conf, c.frames...)
			b.want("events", b.said(false), c.events...)
			b.want("flows", b.found(), c.flows...)
			for counter, want := range c.counts {
				if got := b.report.Counters[counter]; got != want {
					t.Errorf("%s is %d, want %d", CounterDocs[counter].Name, got, want)
				}
			}
		})
	}
}

// transaction is what an event of the line protocol says.
func answered(asked, said string, in, out string) string {
	return "ASKER=client LINE_ASKED=" + asked + " LINE_SAID=" + said + " PROTOCOL=line REQUEST_BYTES=" + in +
		" RESPONSE_BYTES=" + out + " STATE=complete"
}

func without(state, asked, in string) string {
	return "ASKER=client LINE_ASKED=" + asked + " PROTOCOL=line REQUEST_BYTES=" + in + " STATE=" + state
}

// dots is a long text as it is kept.
var dots = strings.Repeat(".", 255)

var talks = []struct {
	name   string
	conf   func(*Config)
	frames []nic.Frame
	events []string
	flows  []string
	counts map[Counter]uint64
}{
	{
		name:   "several messages in one segment, and responses that wait for their turn",
		frames: tap().hello().say(0, "GET a\nGET b\nGET c\n").say(1, "OK 0 x\nOK 3 y\n{3}OK 0 z\n").bye().frames,
		events: []string{answered("a", "x", "6", "7"), answered("b", "y", "6", "10"), answered("c", "z", "6",
			"7")},
		flows: []string{"LINE_ASKED=a LINE_SAID=x TRANSACTIONS=3"},
	},
	{
		name: "a message in many segments",
		frames: tap().hello().say(0, "G").say(0, "ET ").say(0, "ab").say(0, "c").say(0, "\nGE").say(0, "T d\n").
			say(1, "OK 10").say(1, " x\n{5}").say(1, "{4}").say(1, ".OK 0 y\n").bye().frames,
		events: []string{answered("abc", "x", "8", "18"), answered("d", "y", "6", "7")},
		flows:  []string{"LINE_ASKED=abc LINE_SAID=x TRANSACTIONS=2"},
	},
	{
		name: "a response that lasts as long as the stream",
		frames: tap().hello().say(0, "GET a\n").say(1, "OK * x\n").say(1, "{1000}").say(1, "GET nonsense\n").
			bye().frames,
		events: []string{answered("a", "x", "6", "1020")},
		flows:  []string{"LINE_ASKED=a LINE_SAID=x TRANSACTIONS=1"},
	},
	{
		name: "a body with holes",
		frames: tap().hello().say(0, "GET a\n").say(1, "OK 3000 x\n").lose(1, "{1000}").say(1, "{1000}").
			lose(1, "{1000}").
			say(1, "OK 0 unasked\n").bye().frames,
		events: []string{answered("a", "x", "6", "3010"),
			"ASKER=client LINE_SAID=unasked PROTOCOL=line RESPONSE_BYTES=13 STATE=unasked"},
		flows:  []string{"LINE_ASKED=a LINE_SAID=x TRANSACTIONS=2"},
		counts: map[Counter]uint64{StreamHoles: 0},
	},
	{
		name: "the beginning was not seen",
		frames: tap().lose(0, "x").say(0, "sense\n").say(0, "GET a\n").say(1, "of it\n").say(1, "OK 0 x\n").
			bye().frames,
		events: []string{"ASKER=client LINE_ASKED=a LINE_LOST=yes LINE_SAID=x LOST=1 PROTOCOL=line " +
			"REQUEST_BYTES=6 RESPONSE_BYTES=7 STATE=complete"},
		flows: []string{"LINE_ASKED=a LINE_LOST=yes LINE_SAID=x TRANSACTIONS=1"},
	},
	{
		name:   "only the client is seen",
		frames: tap().say(0, "GET a\n").say(0, "GET b\n").frames,
		events: []string{"ASKER=client LINE_ASKED=a LINE_LOST=yes LOST=1 PROTOCOL=line REQUEST_BYTES=6 " +
			"STATE=unanswered", without("unanswered", "b", "6")},
		flows: []string{"LINE_ASKED=a LINE_LOST=yes TRANSACTIONS=2"},
	},
	{
		name: "a hole that the peer acknowledges",
		frames: tap().hello().say(0, "GET a\n").lose(1, "OK 0 x\n").say(0, "GET b\n").say(1, "OK 0 y\n").
			say(0, "NOTE n\n").
			bye().frames,
		events: []string{without("unanswered", "a", "6"),
			"ASKER=client LINE_ASKED=b LINE_LOST=yes LINE_SAID=y LOST=1 PROTOCOL=line REQUEST_BYTES=6 " +
				"RESPONSE_BYTES=7 STATE=complete"},
		flows:  []string{"LINE_ASKED=a LINE_NOTED=n TRANSACTIONS=2"},
		counts: map[Counter]uint64{StreamHoles: 1},
	},
	{
		name: "a hole with more behind it than is held",
		frames: tap().hello().lose(0, "GET a\n").say(0, "GET b\n").say(0, "GET c\n").say(0, "GET d\n").say(0,
			"GET e\n").
			say(0, "GET f\n").say(0, "GET g\n").say(0, "GET h\n").frames,
		events: []string{"ASKER=client LINE_ASKED=b LINE_LOST=yes LOST=1 PROTOCOL=line REQUEST_BYTES=6 " +
			"STATE=unanswered",
			without("unanswered", "c", "6"), without("unanswered", "d", "6"), without("unanswered", "e", "6"),
			without("unanswered", "f", "6"), without("unanswered", "g", "6"), without("unanswered", "h", "6")},
		flows:  []string{"LINE_ASKED=b LINE_LOST=yes TRANSACTIONS=7"},
		counts: map[Counter]uint64{StreamHoles: 1, HoldFull: 1},
	},
	{
		name:   "a hole that is never filled, at the end",
		frames: tap().hello().say(0, "GET a\n").lose(1, "OK 0 x\n").say(1, "OK 0 y\n").frames,
		events: []string{"ASKER=client LINE_ASKED=a LINE_LOST=yes LINE_SAID=y LOST=1 PROTOCOL=line " +
			"REQUEST_BYTES=6 RESPONSE_BYTES=7 STATE=complete"},
		flows:  []string{"LINE_ASKED=a LINE_LOST=yes LINE_SAID=y TRANSACTIONS=1"},
		counts: map[Counter]uint64{StreamHoles: 1},
	},
	{
		name:   "the stream ends in the middle of a line",
		frames: tap().hello().say(0, "GET a\n").say(1, "OK 0 x").bye().frames,
		events: []string{answered("a", "x", "6", "6")},
		flows:  []string{"LINE_ASKED=a LINE_SAID=x TRANSACTIONS=1"},
	},
	{
		name: "reset",
		frames: func() []nic.Frame {
			c := tap().hello().say(0, "GET a\n")
			return c.send(c.pkt(1, "R").
				frame()).frames
		}(),
		events: []string{without("reset", "a", "6")},
		flows:  []string{"LINE_ASKED=a TRANSACTIONS=1"},
	},
	{
		name:   "another protocol from a response on",
		frames: tap().hello().say(0, "GET a\n").say(1, "SWITCH\n").say(0, "<one\n").say(1, "<two\n").bye().frames,
		events: []string{"ASKER=client LINE_ASKED=a PROTOCOL=line REQUEST_BYTES=6 RESPONSE_BYTES=7 " +
			"STATE=complete",
			"ASKER=client LINE_DIALECT=one PROTOCOL=dialect REQUEST_BYTES=5 STATE=notice",
			"ASKER=server LINE_DIALECT=two PROTOCOL=dialect REQUEST_BYTES=5 STATE=notice"},
		flows: []string{"LINE_ASKED=a LINE_DIALECT=one TRANSACTIONS=3"},
	},
	{
		name:   "nothing more is wanted",
		frames: tap().hello().say(0, "NOTE n\nGET a\nQUIT\nGET b\n").say(1, "OK 0 x\n").bye().frames,
		events: []string{without("abandoned", "a", "11")},
		flows:  []string{"LINE_ASKED=a LINE_NOTED=n TRANSACTIONS=1"},
	},
	{
		name:   "a dissector that needs more is waited for",
		frames: tap().hello().say(0, "GE").say(0, "T a\n").say(1, "OK 0 x\n").bye().frames,
		conf:   func(c *Config) { c.Dissectors = []*app.Dissector{lineDissector, hastyDissector} },
		events: []string{answered("a", "x", "6", "7")},
		flows:  []string{"LINE_ASKED=a LINE_SAID=x TRANSACTIONS=1"},
	},
	{
		name:   "what waited for a dissector that the other side's words rule out",
		frames: tap().hello().say(0, "GE").say(1, "GEx\n").say(0, "GEy").bye().frames,
		conf:   func(c *Config) { c.Dissectors = []*app.Dissector{lineDissector, hastyDissector} },
		events: []string{"ASKER=server PROTOCOL=hasty REQUEST_BYTES=4 STATE=notice",
			"ASKER=client PROTOCOL=hasty REQUEST_BYTES=2 STATE=notice",
			"ASKER=client PROTOCOL=hasty REQUEST_BYTES=3 STATE=notice"},
		flows: []string{"TRANSACTIONS=3"},
	},
	{
		name: "a hole that the peer acknowledges when more is held already",
		frames: tap().hello().say(0, "GET a\n").lose(1, "NOTE n\n").say(1, "OK 0 x\n").say(0, "GET b\n").
			say(1, "OK 0 y\n").bye().frames,
		events: []string{"ASKER=client LINE_ASKED=a LINE_LOST=yes LINE_SAID=x LOST=1 PROTOCOL=line " +
			"REQUEST_BYTES=6 RESPONSE_BYTES=7 STATE=complete", answered("b", "y", "6", "7")},
		flows:  []string{"LINE_ASKED=a LINE_LOST=yes LINE_SAID=x TRANSACTIONS=2"},
		counts: map[Counter]uint64{StreamHoles: 1},
	},
	{
		name: "a response behind a hole and what is not understood",
		frames: tap().hello().say(0, "GET a\nGET b\n").lose(1, "OK 0 x\n").say(1, "REST 1\n").say(1, "REST 2\n").
			say(1, "OK 0 y\n").say(0, "GET c\n").say(1, "OK 0 z\n").bye().frames,
		events: []string{without("unanswered", "a", "6"), "ASKER=client LINE_ASKED=b LINE_LOST=yes LINE_SAID=y " +
			"LOST=1 PROTOCOL=line REQUEST_BYTES=6 RESPONSE_BYTES=7 STATE=complete", answered("c", "z", "6", "7")},
		flows:  []string{"LINE_ASKED=a LINE_LOST=yes TRANSACTIONS=3"},
		counts: map[Counter]uint64{StreamHoles: 1},
	},
	{
		name: "segments from nowhere in a stream",
		frames: func() []nic.Frame {
			c := tap().hello().say(0, "GET a\n").say(1, "NOTE n\n")
			for _, far := range []uint32{1<<30 + 99, 1 << 31, 3<<30 - 99} {
				p := c.pkt(1, "PA")
				p.seq += far
				c.send(p.says("OK 0 forged\n"))
			}
			return c.say(1, "OK 0 x\n").bye().frames
		}(),
		events: []string{answered("a", "x", "6", "7")},
		flows:  []string{"LINE_ASKED=a LINE_NOTED=n LINE_SAID=x TRANSACTIONS=1"},
		counts: map[Counter]uint64{StreamJumps: 3},
	},
	{
		name: "segments from nowhere",
		frames: func() []nic.Frame {
			c := tap().hello().say(0, "GET a\n")
			for _, far := range []uint32{1<<30 + 99, 1 << 31, 3<<30 - 99} {
				p := c.pkt(1, "PA")
				p.seq += far
				c.send(p.says("OK 0 forged\n"))
			}
			return c.say(1, "OK 0 x\n").bye().frames
		}(),
		events: []string{answered("a", "x", "6", "7")},
		flows:  []string{"LINE_ASKED=a LINE_SAID=x TRANSACTIONS=1"},
		counts: map[Counter]uint64{StreamJumps: 3},
	},
	{
		name: "a segment of many messages, longer than one may be, that repeats octets",
		frames: func() []nic.Frame {
			c := tap().hello().say(0, "GET a").say(1, "NOTE ")
			c.seq[0] -= 3
			c.say(0, "T a\nGET b\nPUT 30000 c\n{30000}GET d\nGET {19000}\nGET e\n")
			c.seq[1] -= 2
			return c.say(1, "E {19000}\nOK 20 x\n{20}OK 20000 y\n{20000}OK 1 z\n.OK 0 v\nOK 0 w\nOK 0 u\n").
				bye().frames
		}(),
		events: []string{
			answered("a", "x", "6", "28"), answered("b", "y", "6", "20011"), answered("c", "z", "30012", "8"),
			answered("d", "v", "6", "7"), answered(dots, "w", "19005", "7"), answered("e", "u", "6", "7"),
		},
		flows: []string{"LINE_ASKED=a LINE_NOTED=" + dots + " LINE_SAID=x TRANSACTIONS=6"},
	},
	{
		name:   "nobody knows it",
		frames: tap().hello().say(0, "HELO a\n").say(1, "GET a\n").bye().frames,
		flows:  []string{""},
	},
}
