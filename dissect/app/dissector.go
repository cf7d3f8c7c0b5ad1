package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Verdict is what a dissector makes of a message.
type Verdict uint8

const (
	Reject Verdict = iota // not this protocol; it is never asked again about this flow
	More                  // the message is not complete: asked again when it is longer
	Accept                // a message of this protocol; what was not consumed is the next one
	Done                  // as Accept, and nothing more is wanted of the flow
)

// Pairing is how requests meet responses.
type Pairing uint8

const (
	Unpaired Pairing = iota // there are no transactions, or each message is one
	InOrder                 // the n-th response answers the n-th request
	ByKey                   // a response has the key of its request
)

// Dissector understands one protocol.
//
// Parse is a pure function of the message, of m.State and of what it says by m's methods.
// Asked again with a longer message it starts over: until it returns Accept or Done nothing
// it said counts, and it writes State only when it is going to. It may be shown anything. It
// must not allocate.
//
// A new protocol is one file with such a value, and its name in All.
type Dissector struct {
	Name   string // in configuration, metrics, logs and the documentation
	Doc    string // one sentence
	Number uint16 // application number (see Application)

	TCP, UDP, SCTP []uint16 // where to expect it; hints, they prove nothing
	// First are the octets that the first message of a flow may begin with, whichever side says
	// it; the dissector is not shown others. Empty is any. A STARTTLS leads past it. Where the first octet
	// says nothing, they are those at another position, At; what ends before it is shown.
	First string
	At    int

	Fields []*flow.Field
	Pair   Pairing
	State  uintptr // octets of State it needs, at most MaxState
	Often  Often   // which of them most messages need
	Parse  func(m *Message) Verdict

	// Tentative says that it takes several datagrams to know the protocol: Parse may change State
	// when it says More of a datagram, and finds it so again with the next one of the flow, until
	// another dissector accepts one. No more than one of All is tentative.
	Tentative bool
	// Report says what State has measured since the last Report, when a record of the flow is made; more that
	// there is to be another one. It is for protocols that are measured on every packet; nil for others.
	Report func(state []byte, a *flow.Attrs, more bool)
}

// Often says which octets of State most messages need, so that they are loaded ahead of time: Head at the
// beginning, behind them Side for what the client says, and Apart further on as many for what the server
// does. Zero is none.
type Often struct{ Head, Side, Apart uintptr }

// octets returns those from one to another, for First.
func octets(from, to int) string {
	var all [256]byte
	for c := range all {
		all[c] = byte(c)
	}
	return string(all[from : to+1])
}

// MaxState is the most memory that a dissector may have for a flow.
const MaxState = 16 << 10

// MaxMessage is the longest message of a stream that is put together, in octets. Parse is
// shown a prefix of a longer one with Full set, and decides.
const MaxMessage = 20 << 10

// Message is a datagram, or what one side of a stream has said since its last message. A
// worker has one and reuses it. What it holds is borrowed for the call of Parse.
type Message struct {
	wire.Reader // what was said

	Dir              flow.Dir
	Begun, Time      uint64 // times of its first octet and of the last one that is here, nanoseconds since the Unix epoch
	SrcPort, DstPort uint16 // of the flow, in the initiator's orientation
	PPID             uint32 // payload protocol identifier of a message of SCTP; 0 if it is none, or does not say
	Stream           bool   // one side of a stream: the message may be longer than what is here
	Lost             bool   // octets of the stream before the message were not seen
	Full             bool   // the message will not get longer: MaxMessage octets are here
	Closed           bool   // the message will not get longer: this side has ended
	Cut              bool   // the datagram is longer: the rest was not captured, or is in other fragments

	State []byte // memory of this dissector for this flow, both directions; at first zero
	Attrs flow.Attrs
	Said  Said

	// Room is for Parse to put things together in: it is the worker's, and what is in it is lost
	// with the next call.
	Room [MaxMessage + 4<<10]byte
}

// Said is what Parse found out besides attributes.
type Said struct {
	Role   Role
	Key    uint64
	Finish bool   // see Message.Finish
	Astray bool   // see Message.Pass
	Again  bool   // see Message.Continue
	Skip   uint64 // octets of the stream, after the message, that are not worth a look; ToEnd for all
	Flaw   string // what is wrong with it, empty if nothing; a constant, for counters and for people
	Number uint16 // see Message.Is
	Switch *Dissector
}

// Role is what a message is in a transaction.
type Role uint8

const (
	Part     Role = iota // none by itself: a chunk, a frame, a part of a handshake
	Request              //
	Response             // the final one
	Interim              // a response that is not the final one: 100 Continue, 180 Ringing
	Notice               // tells something worth an event at once, and has no counterpart
)

// ToEnd is a Skip over everything the side still says.
const ToEnd = ^uint64(0)

// Request says that the message asks something. key identifies the transaction if requests
// and responses are paired by key.
func (m *Message) Request(key uint64) { m.Said.Role, m.Said.Key = Request, key }

// Response says that the message answers the request with that key, or the first one open.
func (m *Message) Response(key uint64) { m.Said.Role, m.Said.Key = Response, key }

// Interim says that the message is a response that is not the last. Its attributes count for the
// transaction as far as no other message says the same.
func (m *Message) Interim(key uint64) { m.Said.Role, m.Said.Key = Interim, key }

// Notice says that the attributes are worth an event by themselves.
func (m *Message) Notice() { m.Said.Role = Notice }

// Of says that the message is a part of the transaction with that key, which is not 0.
// Dissectors that pair in order need not say it: theirs are parts of what their side said last.
func (m *Message) Of(key uint64) { m.Said.Role, m.Said.Key = Part, key }

// Finish says that with this message, and with what is skipped after it, the response is
// complete. A transaction whose response is not finished stays open until the stream ends or,
// if they are paired in order, the next response begins. Datagrams need not say it.
func (m *Message) Finish() { m.Said.Finish = true }

// Ahead says that the n octets of the stream after the message are of no interest: a body.
// They cost nothing, however many there are. ToEnd means all there will be.
func (m *Message) Ahead(n uint64) { m.Said.Skip = n }

// Continue says that another message follows this one in the same datagram. It is shown by itself.
func (m *Message) Continue() { m.Said.Again = true }

// Pass says that what is consumed was not understood, as it may be the rest of a message. If octets
// before it were not seen, that is said of the message behind it, too.
func (m *Message) Pass() { m.Said.Astray = true }

// Malformed says what is wrong with a message of this protocol. It is counted, and kept if
// so configured. The verdict still decides how to go on.
func (m *Message) Malformed(flaw string) { m.Said.Flaw = flaw }

// Is says which application the flow is, more precisely than the dissector's Number.
func (m *Message) Is(number uint16) { m.Said.Number = number }

// Become says that from the next message on the flow speaks another protocol: STARTTLS,
// Upgrade. A datagram of which nothing was consumed is the first one of the other.
func (m *Message) Become(d *Dissector) { m.Said.Switch = d }

// Memory returns State as a T, which must have no pointers. The dissector's State is the
// size of T.
func Memory[T any](m *Message) *T {
	var t T
	if uintptr(len(m.State)) < unsafe.Sizeof(t) {
		panic("app: a dissector whose State is smaller than what it keeps there")
	}
	return (*T)(unsafe.Pointer(&m.State[0]))
}

// Show prepares m for a message: octets, whose they are, and nothing said yet. The caller
// sets the other members.
func (m *Message) Show(octets []byte, dir flow.Dir) {
	m.Begin(octets)
	m.Said = Said{} // one after the other: assigned at once they go by way of the stack
	m.Dir = dir
	m.Attrs.Reset()
}

// Ask has d parse what m shows. A message that ends too soon is never rejected: it is More
// as long as it can get longer, and malformed when it cannot.
func (d *Dissector) Ask(m *Message) Verdict {
	v := d.Parse(m)
	if !m.Short() || v == Accept || v == Done {
		return v
	}
	if m.Cut || m.Stream && !m.Full && !m.Closed {
		return More
	}
	return Reject
}
