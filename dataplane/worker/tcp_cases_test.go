package worker

import (
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect"
)

// segment is one packet of a made-up connection.
type segment struct {
	reply  bool // from the responder
	at     time.Duration
	flags  uint16
	seq    uint32
	ack    uint32
	size   uint32
	window uint16
	id     uint32
	part   dissect.Fragment
}

func (g segment) packet() (dissect.Packet, flow.Dir) {
	p := dissect.Packet{
		Time: start + uint64(g.at), TCPFlags: g.flags, Seq: g.seq, Ack: g.ack, PayloadLen: g.size,
		Window: g.window, FragmentID: g.id, Octets: 40 + g.size, TTL: 64, HasTCP: true,
		Fragment: g.part,
	}
	p.Version, p.Proto = 4, 6
	if g.reply {
		return p, flow.Reverse
	}
	return p, flow.Forward
}

// start is when connections begin, boundary how long after that a tick does.
const (
	start    = 1_000_000_000_000_000_000
	boundary = 16<<repeatTick - start%(1<<repeatTick)
)

const milli = time.Millisecond

// handshake is a connection with a round trip of 10 + 40 milli that begins at sequence number
// seq on both sides.
func handshake(seq uint32) []segment {
	return []segment{
		{at: 0, flags: syn, seq: seq - 1, window: 64240},
		{at: 40 * milli, reply: true, flags: syn | ack, seq: seq - 1, ack: seq, window: 65160},
		{at: 50 * milli, flags: ack, seq: seq, ack: seq, window: 500},
	}
}

// send is payload of the initiator.
func send(at time.Duration, seq, size uint32) segment {
	return segment{at: at, flags: ack, seq: seq, ack: 1000, size: size, window: 500}
}

// confirm is an acknowledgement of the responder.
func confirm(at time.Duration, upto uint32) segment {
	return segment{reply: true, at: at, flags: ack, seq: 1000, ack: upto, window: 500}
}

var tcpCases = []struct {
	name         string
	seq          uint32 // of the first octet; 0 for no handshake
	segments     []segment
	there, back  counts
	client, serv time.Duration
}{
	{
		name: "nothing remarkable", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), confirm(90*milli, 1100), send(91*milli, 1100, 100)},
	},
	{
		name: "the sequence wraps", seq: 0xfffffff0, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 0xfffffff0, 100), send(61*milli, 84, 100), send(300*milli, 0xfffffff0, 100),
		},
		there: counts{packets: 1, octets: 100},
	},
	{
		name: "lost downstream of the probe and sent again", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1100, 100), send(400*milli, 1000, 100)},
		there:    counts{packets: 1, octets: 100},
	},
	{
		name: "lost upstream of the probe and sent again", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1200, 100), send(400*milli, 1100, 100)},
		there:    counts{holes: 1, packets: 1, octets: 100},
	},
	{
		name: "lost upstream and asked for by duplicate acknowledgements, within the round trip",
		seq:  1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100), confirm(61*milli, 1100), send(61*milli, 1200, 100),
			confirm(62*milli, 1100), confirm(62*milli, 1100), send(63*milli, 1100, 100),
		},
		there: counts{holes: 1, packets: 1, octets: 100},
	},
	{
		name: "lost and never seen", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1250, 100)},
		there:    counts{holes: 1, lost: 150},
	},
	{
		name: "two segments change places", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), send(61*milli, 1000, 100)},
		there:    counts{holes: 1, late: 1},
	},
	{
		name: "three segments arrive backwards", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1200, 100), send(61*milli, 1100, 100), send(62*milli, 1000, 100)},
		there:    counts{holes: 1, late: 2},
	},
	{
		name: "four segments are shuffled", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 100), send(61*milli, 1300, 100),
			send(62*milli, 1000, 100), send(63*milli, 1200, 100),
		},
		there: counts{holes: 2, late: 2},
	},
	{
		name: "a late segment is not late twice", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), send(61*milli, 1000, 100), send(62*milli, 1000, 100)},
		there:    counts{holes: 1, late: 1, packets: 1, octets: 100},
	},
	{
		name: "what was acknowledged already cannot be late", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), confirm(61*milli, 1200), send(62*milli, 1000, 100)},
		there:    counts{holes: 1, packets: 1, octets: 100},
	},
	{
		name: "old and new octets in one segment", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(400*milli, 1050, 100), send(401*milli, 1150, 10)},
		there:    counts{packets: 1, octets: 50},
	},
	{
		name: "part of a gap is filled", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1300, 100), send(400*milli, 1100, 100)},
		there:    counts{holes: 1, lost: 200, packets: 1, octets: 100},
	},
	{
		name: "one segment fills three gaps and what is between", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 100), send(60*milli, 1300, 100), send(60*milli, 1500, 100),
			send(400*milli, 1000, 600),
		},
		there: counts{holes: 3, packets: 1, octets: 600},
	},
	{
		name: "of four gaps the lowest is given up", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 10), send(60*milli, 1210, 10), send(60*milli, 1320, 10), send(60*milli, 1430, 10),
			send(400*milli, 1000, 440),
		},
		there: counts{holes: 4, lost: 100, packets: 1, octets: 440},
	},
	{
		name: "SYN sent again before the answer", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 1000 * milli, flags: syn, seq: 999},
			{at: 1040 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 1050 * milli, flags: ack, seq: 1000, ack: 1000, window: 500},
		},
		there: counts{packets: 1},
	},
	{
		name: "SYN+ACK lost behind the probe", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 1000 * milli, flags: syn, seq: 999},
			{at: 1045 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 1055 * milli, flags: ack, seq: 1000, ack: 1000, window: 500},
		},
		there: counts{packets: 1}, back: counts{packets: 1},
	},
	{
		name: "refused",
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: rst | ack, ack: 1000},
		},
	},
	{
		name: "SYN with data that is sent again in full", serv: 40 * milli, client: 10 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999, size: 50},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 50 * milli, flags: ack, seq: 1000, ack: 1000, size: 50, window: 500},
		},
		there: counts{packets: 1, octets: 50},
	},
	{
		name: "keep-alives with and without an octet", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100), confirm(61*milli, 1100), send(9000*milli, 1099, 0), confirm(9001*milli, 1100),
			send(18000*milli, 1099, 1), confirm(18001*milli, 1100), send(27000*milli, 1100, 100),
		},
	},
	{
		name: "zero window, probes, and the window opens", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100),
			{reply: true, at: 61 * milli, flags: ack, seq: 1000, ack: 1100},
			send(300*milli, 1100, 1),
			{reply: true, at: 301 * milli, flags: ack, seq: 1000, ack: 1100},
			send(900*milli, 1100, 1), confirm(901*milli, 1100), send(902*milli, 1100, 100),
		},
		back: counts{zeroes: 2},
	},
	{
		name: "a zero-window probe is taken", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100),
			{reply: true, at: 61 * milli, flags: ack, seq: 1000, ack: 1100},
			send(300*milli, 1100, 1), confirm(301*milli, 1101), send(302*milli, 1101, 100),
		},
		back: counts{zeroes: 1},
	},
	{
		name: "an octet at the next number is data while the window is open", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 1), send(61*milli, 1001, 1), send(400*milli, 1000, 2)},
		there:    counts{packets: 1, octets: 2},
	},
	{
		name: "windows of SYN, FIN and RST are not zero windows", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 50 * milli, flags: fin | ack, seq: 1000, ack: 1000},
			{at: 60 * milli, reply: true, flags: rst, seq: 1000},
		},
	},
	{
		name: "FIN sent again", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: fin | ack, seq: 1000, ack: 1000, window: 1},
			{at: 400 * milli, flags: fin | ack, seq: 1000, ack: 1000, window: 1},
			{at: 500 * milli, flags: ack, seq: 1001, ack: 1000, window: 1},
		},
		there: counts{packets: 1},
	},
	{
		name: "RST with any number", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: rst, seq: 500000}, {at: 61 * milli, flags: rst | ack, seq: 900},
			send(62*milli, 1000, 10),
		},
	},
	{
		name:     "the beginning was not seen",
		segments: []segment{send(0, 5000, 100), send(1*milli, 5200, 100), send(2*milli, 5100, 100)},
		there:    counts{holes: 1, late: 1},
	},
	{
		name:     "what is before the first segment seen comes late, or again",
		segments: []segment{send(0, 5000, 100), send(1*milli, 4900, 100), send(400*milli, 4800, 100)},
		there:    counts{late: 1, packets: 1, octets: 100},
	},
	{
		name: "only the responder is seen",
		segments: []segment{
			{at: 0, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 20 * milli, reply: true, flags: ack, seq: 1000, ack: 1100, size: 10, window: 9},
			{at: 30 * milli, reply: true, flags: ack, seq: 1020, ack: 1100, size: 10, window: 9},
			{at: 31 * milli, reply: true, flags: ack, seq: 1010, ack: 1100, size: 10, window: 9},
		},
		back: counts{holes: 1, late: 1},
	},
	{
		name: "another connection on the same ports", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1000, 100),
			{at: 9000 * milli, flags: syn, seq: 700000},
			{at: 9001 * milli, reply: true, flags: syn | ack, seq: 800000, ack: 700001},
			{at: 9002 * milli, flags: ack, seq: 700001, ack: 800001, size: 5, window: 9},
		},
	},
	{
		name: "a number no window allows", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 100), send(61*milli, 1<<31, 100), send(62*milli, 1<<31+100, 100)},
	},
	{
		name: "late by less than a round trip", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1100, 100), send(100*milli, 1000, 100)},
		there:    counts{holes: 1, late: 1},
	},
	{
		name: "an octet again with new ones, as after a probe", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 1000, 1), send(400*milli, 1000, 100)},
	},
	{
		name: "a probe's octet is not taken and the next segment is lost", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{reply: true, at: 61 * milli, flags: ack, seq: 1000, ack: 1000},
			send(300*milli, 1000, 1), confirm(301*milli, 1000), send(302*milli, 1010, 10),
		},
		there: counts{holes: 1, lost: 10}, back: counts{zeroes: 1},
	},
	{
		name: "a gap where the sequence wraps", seq: 0xfffffff0, client: 10 * milli, serv: 40 * milli,
		segments: []segment{send(60*milli, 20, 100), send(400*milli, 0xfffffff0, 36)},
		there:    counts{holes: 1, packets: 1, octets: 36},
	},
	{
		name: "a gap four gigaoctets ago has no part in what has its numbers now", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 1<<29), send(61*milli, 1100+1<<29, 1<<29), send(62*milli, 1100+2<<29, 1<<29),
			send(63*milli, 1100+3<<29, 1<<29), send(64*milli, 1100+4<<29, 1<<29),
			send(65*milli, 1100+5<<29, 1<<29), send(66*milli, 1100+6<<29, 1<<29),
			send(67*milli, 1100+7<<29, 1<<29), send(400*milli, 1000, 100),
		},
		there: counts{holes: 1, lost: 100, packets: 1, octets: 100},
	},
	{
		name:     "what is before the first segment makes up for no loss after it",
		segments: []segment{send(0, 5000, 100), send(1*milli, 5200, 100), send(400*milli, 4900, 100)},
		there:    counts{holes: 1, lost: 100, packets: 1, octets: 100},
	},
	{
		name: "the middle one of three gaps is split and the lowest given up", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 10), send(60*milli, 1210, 10), send(60*milli, 1320, 10),
			send(400*milli, 1150, 10), send(401*milli, 1000, 100), send(402*milli, 1110, 40),
			send(403*milli, 1160, 50),
		},
		there: counts{holes: 3, lost: 200, packets: 4, octets: 200},
	},
	{
		name: "the highest of three gaps is split and the lowest given up", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			send(60*milli, 1100, 10), send(60*milli, 1210, 10), send(60*milli, 1320, 10),
			send(400*milli, 1250, 10), send(401*milli, 1000, 100), send(402*milli, 1110, 40),
		},
		there: counts{holes: 3, lost: 250, packets: 3, octets: 150},
	},
	{
		name: "the end of a fragmented segment is not known", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: ack, seq: 1000, ack: 1000, size: 100, window: 9, part: dissect.FirstFragment},
			send(61*milli, 1500, 100), send(62*milli, 1700, 100),
		},
		there: counts{holes: 1, lost: 100},
	},
	{
		name: "a stray SYN of the responder", client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 0, flags: syn, seq: 999},
			{at: 40 * milli, reply: true, flags: syn | ack, seq: 999, ack: 1000},
			{at: 45 * milli, reply: true, flags: syn, seq: 5},
			{at: 50 * milli, flags: ack, seq: 1000, ack: 1000, window: 500},
		},
	},
	{
		name: "copies on both sides of a tick, and one too late for a copy", seq: 1000,
		client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: boundary - 1, flags: ack, seq: 1000, ack: 1000, size: 9, window: 1, id: 7},
			{at: boundary, flags: ack, seq: 1000, ack: 1000, size: 9, window: 1, id: 7},
			{at: boundary + 1<<repeatTick, flags: ack, seq: 1000, ack: 1000, size: 9, window: 1, id: 7},
		},
		there: counts{copies: 1, packets: 1, octets: 9},
	},
	{
		name: "the probe sees packets twice", seq: 1000, client: 10 * milli, serv: 40 * milli,
		segments: []segment{
			{at: 60 * milli, flags: ack, seq: 1000, ack: 1000, size: 9, window: 0, id: 7},
			{at: 60 * milli, flags: ack, seq: 1000, ack: 1000, size: 9, window: 0, id: 7},
			{at: 61 * milli, flags: ack, seq: 1009, ack: 1000, size: 9, window: 0, id: 8},
			{at: 61 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 0, id: 9},
			{at: 62 * milli, flags: ack, seq: 1009, ack: 1000, size: 9, window: 0, id: 8},
			{at: 62 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 0, id: 9},
			{at: 62 * milli, flags: ack, seq: 1000, ack: 1000, size: 9, window: 0, id: 7},
			// The same octets with an identification of their own are sent again.
			{at: 400 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 1, id: 10},
			// Some send the identification again too, but not so soon.
			{at: 900 * milli, flags: ack, seq: 1018, ack: 1000, size: 9, window: 1, id: 10},
		},
		there: counts{copies: 4, zeroes: 3, packets: 2, octets: 18},
	},
}
