package worker

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// Latencies, measured at the probe.
//
//   - Server: from the last SYN before the first SYN+ACK to that; the round trip between
//     the probe and whoever answers.
//   - Client: from the last SYN+ACK to the first acknowledgement after it, with or without
//     data, of whoever sent the SYN; the round trip between the probe and it.
//   - When SYN and SYN+ACK were sent once, or only the SYN again before it was answered,
//     Client+Server is ACK less last SYN, Wireshark's initial round-trip time. When the
//     SYN+ACK was sent again, Wireshark's also includes the wait for that, or begins at a SYN
//     whose answer was on its way already; these do not. A SYN refused with RST has no
//     network latency here: the RST need not come from the end it claims to come from. Nor
//     has a connection of which one direction passes elsewhere.
//   - Application: from the last payload of the initiator before the responder's first
//     payload to that. A responder that speaks first is not measured by its greeting, but
//     by the first thing it says after being spoken to. What was retransmitted is neither
//     a request nor a response. Each record measures the first exchange that ends in it.
//
// A connection on the same ports later in a flow does not change what was measured. A
// latency of less than a nanosecond is said to be one, since 0 is unmeasured; time that
// goes backwards is not measured.

// observeHandshake measures the network latencies. p has SYN, or it comes while a SYN+ACK
// is not acknowledged.
func observeHandshake(p *dissect.Packet, d flow.Dir, l *flow.Latency) {
	switch p.TCPFlags & (syn | ack | rst) {
	case syn:
		if l.Client|l.Server|l.SYNACK == 0 {
			l.SYN, l.Opener = p.Time, d
		}
	case syn | ack:
		near, far := ends(d^1, l)
		if *near != 0 || l.SYN != 0 && l.Opener == d {
			return
		}
		l.SYNACK, l.Opener = p.Time, d^1
		if *far == 0 && l.SYN != 0 {
			*far = since(l.SYN, p.Time)
		}
	case ack:
		if d == l.Opener && l.SYNACK != 0 {
			near, _ := ends(d, l)
			*near = since(l.SYNACK, p.Time)
			l.SYNACK = 0
		}
	}
}

// ends returns the latency between the probe and the end that sends in direction d, and
// that of the other end.
func ends(d flow.Dir, l *flow.Latency) (near, far *uint64) {
	if d == flow.Forward {
		return &l.Client, &l.Server
	}
	return &l.Server, &l.Client
}

// observeLatency measures the application latency. p carries payload that was not seen
// before, or is not TCP.
func observeLatency(p *dissect.Packet, d flow.Dir, l *flow.Latency) {
	if p.PayloadLen == 0 {
		return
	}
	if d == flow.Forward {
		l.Request = p.Time
		return
	}
	if l.Request != 0 && l.Application == 0 {
		l.Application = since(l.Request, p.Time)
	}
	l.Request = 0
}

// since returns the nanoseconds from one time to a later one, at least 1; 0 if it is not later.
func since(from, to uint64) uint64 {
	if to < from {
		return 0
	}
	return max(to-from, 1)
}
