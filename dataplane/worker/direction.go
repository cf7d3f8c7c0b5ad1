package worker

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/app"
)

// Protocol numbers (IANA).
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// direction returns the direction of the first packet of a flow. Who opened a connection
// sent a SYN; who is asked by ICMP has the port; who answers at a well-known port is the
// server; else who sent the first packet asked first.
func (w *Worker) direction(i int) flow.Dir {
	p := &w.packets[i]
	if w.conf.NoSwap {
		return flow.Forward
	}
	switch w.protos[i] {
	case protoICMP, protoICMPv6:
		return reverseIf(p.SrcPort != 0 && p.DstPort == 0)
	case protoTCP:
		if p.TCPFlags&syn != 0 {
			return reverseIf(p.TCPFlags&ack != 0)
		}
	case protoUDP, protoSCTP:
	default:
		return flow.Forward
	}
	return reverseIf(wellKnown(p.SrcPort) && !wellKnown(p.DstPort))
}

func reverseIf(yes bool) flow.Dir {
	if yes {
		return flow.Reverse
	}
	return flow.Forward
}

// wellKnown reports whether servers listen at a port: the system ports (RFC 6335) and
// registered ones where clients' own ports are seldom found.
func wellKnown(port uint16) bool {
	switch port {
	case 1080, 1194, 1433, 1434, 1521, 1645, 1646, 1701, 1719, 1720, 1723, 1812, 1813, 1883, // SOCKS … MQTT
		2049, 2055, 2083, 2123, 2152, 2181, 2375, 2376, 2379, 2905, // NFS … M3UA
		3128, 3205, 3260, 3268, 3269, 3306, 3389, 3478, 3868, // proxies … Diameter
		4369, 4500, 4567, 4739, 4789, 5000, 5004, 5060, 5061, 5222, 5269, 5353, 5355, // … LLMNR
		5432, 5671, 5672, 5683, 5684, 5900, 5985, 5986, // PostgreSQL … WinRM
		6081, 6343, 6379, 6443, 6514, 6653, 6667, 6697, 8000, 8008, 8080, 8081, 8088, 8333,
		8443, 8805, 8883, 8888, 9042, 9092, 9100, 9200, 9300, 9418, 9995, 9996,
		11211, 15672, 25565, 27017, 50051:
		return true
	}
	return port > 0 && port < 1024
}

// begin makes record w.flows[i] that of a new flow whose first packet is the i-th. It is
// in the table already.
func (w *Worker) begin(i int) {
	p, n := &w.packets[i], w.flows[i]
	if w.table.hot[n].Attrs != 0 {
		w.forget(n)
	}
	d := w.direction(i)
	r := &w.table.hot[n]
	*r = flow.Hot{Key: p.Key, First: p.Time, Last: p.Time, Ignored: w.conf.Ignore}
	if d == flow.Reverse {
		r.Key = p.Key.Reversed()
		if r.Key == p.Key { // both ends are the same
			d = flow.Forward
		}
	}
	w.dirs[i] = d
	if a := app.ByPort(r.Proto, r.SrcPort, r.DstPort); a != 0 {
		r.Application, r.Confidence = a, flow.ByPort
	}
	if w.interested(r, w.protos[i]) {
		r.Pending = 1
	}
	if w.table.cold != nil {
		w.table.cold[n] = flow.Cold{}
	}
	at, _ := w.deadline(n)
	w.table.expect(n, at)
	w.counts[Opened]++
}

// reopen makes the record of a flow that ended that of the flow the i-th packet begins.
// The two have the same key or its reverse.
func (w *Worker) reopen(i int) {
	n := w.flows[i]
	old := w.table.hot[n].Key
	w.begin(i)
	if w.table.hot[n].Key == old {
		return
	}
	for j := i + 1; j < w.n; j++ { // looked up by the old key
		if w.flows[j] == n {
			w.dirs[j] ^= 1
		}
	}
}

// Bits of Hot.State.
const (
	finForward   = 1 << flow.Forward // the initiator has sent FIN
	finReverse   = 1 << flow.Reverse
	ackForward   = 4 << flow.Forward // the initiator's FIN is acknowledged
	ackReverse   = 4 << flow.Reverse
	ended        = 16 // table.due says until when it lingers
	empty        = 32 // no packet came since the last record
	finished     = finForward | finReverse
	acknowledged = ackForward | ackReverse
)

// end follows the end of a connection: RST, or FINs that were both acknowledged. p has one
// of them, or one was seen before. What is metered as one flow but is many connections
// does not end with one of them.
func (w *Worker) end(n uint32, p *dissect.Packet, d flow.Dir) {
	r := &w.table.hot[n]
	if r.Ignored&aggregate != 0 || r.State&ended != 0 {
		return
	}
	peer := d ^ 1
	if p.TCPFlags&ack != 0 && r.State&(finForward<<peer) != 0 && uint8(p.Ack) == r.FIN[peer] {
		r.State |= ackForward << peer
	}
	if p.TCPFlags&fin != 0 {
		r.State |= finForward << d
		r.FIN[d] = uint8(p.Seq+p.PayloadLen) + 1
	}
	if p.TCPFlags&rst != 0 || r.State&acknowledged == acknowledged {
		r.State |= ended
		w.table.expect(n, p.Time+uint64(w.linger))
	}
}
