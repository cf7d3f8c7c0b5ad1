package worker

import (
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// said is a message without a transport.
type said struct {
	reply bool
	at    time.Duration
	size  uint32
}

var latencyCases = []struct {
	name    string
	said    []said
	want    time.Duration
	waiting bool
}{
	{
		"a request and its response",
		[]said{{at: 0, size: 9}, {true, 30 * milli, 9}},
		30 * milli, false,
	},
	{
		"a request in parts",
		[]said{{at: 0, size: 9}, {at: 5 * milli, size: 9}, {true, 30 * milli, 9}},
		25 * milli, false,
	},
	{
		"only the first exchange",
		[]said{{at: 0, size: 9}, {true, 30 * milli, 9}, {at: 40 * milli, size: 9}, {true, 41 * milli, 9}},
		30 * milli, false,
	},
	{
		"a greeting answers nothing",
		[]said{{true, 0, 9}, {at: 10 * milli, size: 9}, {true, 17 * milli, 9}},
		7 * milli, false,
	},
	{
		"no payload says nothing",
		[]said{{at: 0, size: 9}, {true, 10 * milli, 0}, {true, 20 * milli, 9}},
		20 * milli, false,
	},
	{
		"no response",
		[]said{{at: 0, size: 9}},
		0, true,
	},
	{
		"at once",
		[]said{{at: 5, size: 9}, {true, 5, 9}},
		1, false,
	},
	{
		"time goes backwards",
		[]said{{at: 5 * milli, size: 9}, {true, 4 * milli, 9}},
		0, false,
	},
}

func TestApplicationLatency(t *testing.T) {
	for _, c := range latencyCases {
		var l flow.Latency
		for _, s := range c.said {
			p := dissect.Packet{Time: 1e18 + uint64(s.at), PayloadLen: s.size}
			d := flow.Forward
			if s.reply {
				d = flow.Reverse
			}
			observeLatency(&p, d, &l)
		}
		if got := time.Duration(l.Application); got != c.want || (l.Request != 0) != c.waiting {
			t.Errorf("%s: %v, waiting %v, want %v, %v", c.name, got, l.Request != 0, c.want, c.waiting)
		}
	}
}

// What TCP sends again is no request and no response.
func TestApplicationLatencyOfTCP(t *testing.T) {
	var b [2]flow.TCP
	var l flow.Latency
	for _, g := range append(handshake(1000),
		send(60*milli, 1000, 100),
		send(260*milli, 1000, 100),
		segment{reply: true, at: 300 * milli, flags: ack, seq: 1000, ack: 1100, size: 10, window: 9},
	) {
		p, d := g.packet()
		observeTCP(&p, d, &b, &l)
	}
	if got := time.Duration(l.Application); got != 240*milli {
		t.Errorf("%v from the request to the response, want 240ms", got)
	}
}

// The latencies belong to the ends, whoever is taken for the initiator.
func TestHandshakeSeenFromTheOtherSide(t *testing.T) {
	var b [2]flow.TCP
	var l flow.Latency
	for _, g := range handshake(1000) {
		p, d := g.packet()
		observeTCP(&p, d^1, &b, &l)
	}
	if time.Duration(l.Server) != 10*milli || time.Duration(l.Client) != 40*milli {
		t.Errorf("client %v, server %v, want 40ms, 10ms", time.Duration(l.Client), time.Duration(l.Server))
	}
}
