package worker

import (
	"slices"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
)

// datagrams returns the packets of a conversation: "> text" from the client, "< text" to it,
// one every 10 ms. "+5s" lets time pass.
func datagrams(says ...string) (frames []nic.Frame) {
	now := time.Duration(0)
	for _, text := range says {
		p := pkt{at: now, src: "a", dst: "b", sport: 40000, dport: 7002}
		switch text[0] {
		case '+':
			d, err := time.ParseDuration(text[1:])
			if err != nil {
				panic(err)
			}
			now += d
			continue
		case '<':
			p.src, p.dst, p.sport, p.dport = "b", "a", 7002, 40000
		}
		frames = append(frames, p.says(text[2:]))
		now += 10 * time.Millisecond
	}
	return frames
}

func keyed(asked, said, state, octets string) string {
	if said != "" {
		said = " KEY_SAID=" + said
	}
	return "ASKER=client KEY_ASKED=" + asked + said + " PROTOCOL=key " + octets + " STATE=" + state
}

const (
	both = "REQUEST_BYTES=3 RESPONSE_BYTES=3"
	one  = "REQUEST_BYTES=3"
)

var exchangesOfKeys = []struct {
	name   string
	conf   func(*Config)
	says   []string
	events []string
	flows  []string
	counts map[Counter]uint64
}{
	{
		name:   "responses in another order",
		says:   []string{"> Q1a", "> Q2b", "< R2x", "< R1y"},
		events: []string{keyed("b", "x", "complete", both), keyed("a", "y", "complete", both)},
		flows:  []string{"KEY_ASKED=a KEY_SAID=y TRANSACTIONS=2"},
	},
	{
		name: "both ask with the same key",
		says: []string{"> Q1a", "< Q1b", "> R1x", "< R1y"},
		events: []string{"ASKER=server KEY_ASKED=b KEY_SAID=x PROTOCOL=key " + both + " STATE=complete",
			keyed("a", "y", "complete", both)},
		flows: []string{"KEY_ASKED=a KEY_SAID=y TRANSACTIONS=2"},
	},
	{
		name: "asked again, and answered twice",
		says: []string{"> Q1a", "> Q1a", "> Q1a", "< R1x", "< R1z"},
		events: []string{
			"ASKER=client KEY_ASKED=a KEY_SAID=x PROTOCOL=key " + both + " RETRANSMISSIONS=2 STATE=complete",
			"ASKER=client KEY_SAID=z PROTOCOL=key RESPONSE_BYTES=3 STATE=unasked",
		},
		flows: []string{"KEY_ASKED=a KEY_SAID=x TRANSACTIONS=2"},
	},
	{
		name: "interim and notice",
		says: []string{"> Q1a", "< I1", "> N0n", "< R1x"},
		events: []string{
			"ASKER=client KEY_SAID=n PROTOCOL=key REQUEST_BYTES=3 STATE=notice",
			"ASKER=client INTERIM_RESPONSES=1 KEY_ASKED=a KEY_SAID=x PROTOCOL=key " + both + " STATE=complete",
		},
		flows: []string{"KEY_ASKED=a KEY_SAID=n TRANSACTIONS=2"},
	},
	{
		name: "the final response speaks for the transaction",
		says: []string{"> Q1a", "< I1100", "< I1180", "< R1200", "> Q2b", "< I2100", "< I2180"},
		events: []string{
			"ASKER=client INTERIM_RESPONSES=2 KEY_ASKED=a KEY_SAID=200 PROTOCOL=key REQUEST_BYTES=3 RESPONSE_BYTES=5 " +
				"STATE=complete",
			"ASKER=client INTERIM_RESPONSES=2 KEY_ASKED=b KEY_SAID=100 PROTOCOL=key " + one + " STATE=unanswered",
		},
		flows: []string{"KEY_ASKED=a KEY_SAID=200 TRANSACTIONS=2"},
	},
	{
		name: "the flow says what interim responses did only when there is no other",
		conf: func(c *Config) { c.Active = time.Second },
		says: []string{"> Q1a", "< I1180", "+2s", "< I1183", "+2s", "< I1183", "+2s"},
		events: []string{
			"ASKER=client INTERIM_RESPONSES=3 KEY_ASKED=a KEY_SAID=180 PROTOCOL=key " + one + " STATE=unanswered",
		},
		flows: []string{"KEY_ASKED=a", "KEY_ASKED=a", "KEY_ASKED=a KEY_SAID=180 TRANSACTIONS=1"},
	},
	{
		name: "the response comes too late by nothing",
		says: []string{"> Q1a", "+4990ms", "< R1x", "> Q2b", "+4989ms", "< R2y"},
		events: []string{keyed("a", "", "unanswered", one),
			"ASKER=client KEY_SAID=x PROTOCOL=key RESPONSE_BYTES=3 STATE=unasked", keyed("b", "y", "complete",
				both)},
		flows: []string{"KEY_ASKED=a TRANSACTIONS=3"},
	},
	{
		name: "it rings longer than the timeout, while others come and go",
		conf: func(c *Config) { c.Idle, c.Active = time.Hour, time.Hour },
		says: []string{"> Q1a", "< Q1e", "< I1", "> I1", "+8s", "> Q2b", "+6s", "> Q3c", "< I3", "< R3z", "+160s", "> Q4d",
			"< R1x", "+4s", "> R1y"},
		events: []string{
			keyed("b", "", "unanswered", one),
			"ASKER=client INTERIM_RESPONSES=1 KEY_ASKED=c KEY_SAID=z PROTOCOL=key " + both + " STATE=complete",
			"ASKER=client INTERIM_RESPONSES=1 KEY_ASKED=a KEY_SAID=x PROTOCOL=key " + both + " STATE=complete",
			"ASKER=server INTERIM_RESPONSES=1 KEY_ASKED=e KEY_SAID=y PROTOCOL=key " + both + " STATE=complete",
			keyed("d", "", "unanswered", one),
		},
		flows: []string{"KEY_ASKED=a KEY_SAID=x TRANSACTIONS=5"},
	},
	{
		name: "it rings for too long",
		conf: func(c *Config) { c.Idle, c.Active = time.Hour, time.Hour },
		says: []string{"> Q1a", "> Q2b", "< I1", "< I2", "+170s", "< I1", "+20s", "> ?", "+165s", "< R1x"},
		events: []string{
			"ASKER=client INTERIM_RESPONSES=1 KEY_ASKED=b PROTOCOL=key " + one + " STATE=unanswered",
			"ASKER=client INTERIM_RESPONSES=2 KEY_ASKED=a PROTOCOL=key " + one + " STATE=unanswered",
			"ASKER=client KEY_SAID=x PROTOCOL=key RESPONSE_BYTES=3 STATE=unasked",
		},
		flows: []string{"KEY_ASKED=a TRANSACTIONS=3"},
	},
	{
		name: "no response",
		says: []string{"> Q1a", "> Q2b", "+1s", "> Q3c"},
		events: []string{keyed("a", "", "unanswered", one), keyed("b", "", "unanswered", one), keyed("c", "",
			"unanswered", one)},
		flows: []string{"KEY_ASKED=a TRANSACTIONS=3"},
	},
	{
		name:   "told at the request",
		conf:   func(c *Config) { c.Early = 1 << 3 },
		says:   []string{"> Q1a", "< R1x"},
		events: []string{keyed("a", "", "open", one)},
		flows:  []string{"KEY_ASKED=a KEY_SAID=x TRANSACTIONS=1"},
	},
	{
		name: "over active timeouts",
		conf: func(c *Config) { c.Active = time.Second },
		says: []string{"> Q1a", "< R1x", "> Q2b", "+2s", "< R2y", "> Q3c", "< R3z"},
		events: []string{keyed("a", "x", "complete", both), keyed("b", "y", "complete", both), keyed("c", "z",
			"complete", both)},
		flows: []string{"KEY_ASKED=a KEY_SAID=x TRANSACTIONS=1", "KEY_ASKED=a KEY_SAID=x TRANSACTIONS=2"},
	},
	{
		name: "foreign datagrams",
		says: []string{"> Q1a", "> ?", "> ?", "> ?", "> ?", "> ?", "> ?", "> ?", "< R1x", "> ?", "> ?",
			"> ?", "> ?", "> ?", "> ?", "> ?", "> ?", "< R1y"},
		events: []string{keyed("a", "x", "complete", both)},
		flows:  []string{"KEY_ASKED=a KEY_SAID=x TRANSACTIONS=1"},
		counts: map[Counter]uint64{GaveUp: 1},
	},
	{
		name:   "nobody knows it, and done",
		says:   []string{"> ?", "> Q1a", "+60s", "> D", "> Q1a"},
		flows:  []string{"", ""},
		counts: map[Counter]uint64{GaveUp: 0},
	},
	{
		name:   "undecided",
		says:   append(slices.Repeat([]string{"> ~1"}, undecided), "> Q1a"),
		flows:  []string{""},
		counts: map[Counter]uint64{BudgetOver: 1},
	},
	{
		name: "more open than there is room for",
		conf: func(c *Config) { c.Transactions = 2 },
		says: []string{"> Q1a", "> Q2b", "> Q3c", "< R3z", "< R1x"},
		events: []string{keyed("a", "", "unanswered", one), keyed("c", "z", "complete", both),
			"ASKER=client KEY_SAID=x PROTOCOL=key RESPONSE_BYTES=3 STATE=unasked", keyed("b", "", "unanswered",
				one)},
		flows:  []string{"KEY_ASKED=a TRANSACTIONS=4"},
		counts: map[Counter]uint64{TransactionsEarly: 1},
	},
}

func TestDatagrams(t *testing.T) {
	for _, c := range exchangesOfKeys {
		t.Run(c.name, func(t *testing.T) {
			conf := looking()
			if c.conf != nil {
				c.conf(&conf)
			}
			b := watch(t, conf, datagrams(c.says...)...)
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

// What is not answered is told when its time is over, though the flow goes on.
func TestUnansweredInTime(t *testing.T) {
	frames := datagrams("> Q1a", "+4s", "> Q2b")
	src := &turn{next: frames}
	b := newBench(t, src, looking())
	b.Step(0)
	for at := time.Duration(0); at < 12*time.Second; at += 100 * time.Millisecond {
		b.Step(epoch + uint64(at))
		b.drain()
		want := 0
		for _, asked := range []time.Duration{0, 4010 * time.Millisecond} {
			if at > asked+6*time.Second { // the timeout and Config.Lateness
				want++
			}
		}
		if n := len(b.events); n < want || at < 5*time.Second && n > 0 {
			t.Fatalf("%d events after %v", n, at)
		}
	}
	if len(b.records) != 0 {
		t.Error("the flow has ended")
	}
}
