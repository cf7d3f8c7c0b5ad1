package call

import (
	"cmp"

	"github.com/weir-probe/weir/dataplane/flow"
)

// call is a call, or a cycle of registration.
type call struct {
	id        uint64 // hash of its Call-ID
	open      bool
	registers bool
	why       ending   // once it is not open any more
	key       flow.Key // of the signalling, from the caller
	app       uint16
	how       flow.Confidence
	ignored   flow.KeyPart

	first, last uint64 // of signalling
	active      uint64 // when there was signalling or media last
	answered    moved  // the response that answerFields are of
	heard       uint64 // when the last flow of media ended that was heard of after the call
	at          [moments]uint64
	begun       uint64 // the begin of the transaction that ended it

	from     uint64    // hash of the caller's tag, 0 if the INVITE was not seen
	tags     [8]uint64 // hashes of tags of those who were called
	dialogs  uint32    // how many there were
	taken    [4]uint64 // hashes of tags of dialogs that were accepted
	ended    uint8     // bit i: the dialog of taken[i] was ended
	hops     [8]uint64 // hashes of pairs of endpoints
	hopCount uint32
	cseq     uint32 // of the last attempt to invite
	again    uint64 // hash of the number of the last INVITE inside
	updated  uint64 // of the last UPDATE
	code     uint32
	best     uint64 // hop that code is of
	lead     uint64 // hop that the first INVITE was seen on
	led      moved  // and when

	attempts, reinvites, updates, holds, referrals, repeats uint32

	hangup    side
	holding   [2]bool
	heldSince uint64
	held      uint64
	tones     [16]byte
	toned     uint8
	slowest   uint64 // response to a REGISTER
	ok, other uint32 // responses to REGISTER

	said   []byte   // attributes
	link   []byte   // what it has in common with another
	linked []byte   // Call-ID of that
	keys   []uint64 // under which it is in links
	ends   []uint32 // descriptions of endpoints
	sides  uint8    // bit side: it has described an endpoint
	flows  []uint32 // of media
}

// moved is when something was seen, and between whom.
type moved struct {
	at   uint64
	ends pair
}

// before reports whether m was seen before o, or at the same time between lesser endpoints, so that it
// does not matter which is heard of first. Nothing was seen before anything.
func (m *moved) before(o *moved) bool {
	if m.at != o.at || o.at == 0 {
		return o.at == 0 || m.at < o.at
	}
	return cmp.Or(m.ends[0].compare(&o.ends[0]), m.ends[1].compare(&o.ends[1])) < 0
}

// side is who takes part.
type side uint8

const (
	caller side = iota
	callee
	nobody
)

var sideNames = [...]string{caller: "caller", callee: "callee"}

// moment is something that happens to a call once.
type moment uint8

const (
	invited moment = iota
	trying
	ringing
	progress
	accepted
	refused
	bye
	byeOK
	cancelled
	cancelOK
	acknowledged
	moments
)

// earliest notes that something happened at a time, unless it did before. 0 is no time.
func (x *call) earliest(m moment, at uint64) {
	if at != 0 && (x.at[m] == 0 || at < x.at[m]) {
		x.at[m] = at
	}
}

// end returns when the call ended, 0 if it goes on.
func (x *call) end() uint64 {
	switch {
	case x.registers:
		return x.begun
	case x.at[bye] != 0 && x.over():
		return x.at[bye]
	case x.at[accepted] != 0:
		return 0
	case x.at[refused] != 0:
		return x.at[refused]
	}
	return 0
}

// over reports whether all dialogs that were accepted have ended, of those there is one at least.
func (x *call) over() bool {
	for i, tag := range x.taken {
		if tag != 0 && x.ended>>i&1 == 0 {
			return false
		}
	}
	return true
}

// ends the dialog with a tag; one that is not known is the only one.
func (x *call) endDialog(tag uint64) {
	known := false
	for i := range x.taken {
		if x.taken[i] == tag && tag != 0 {
			x.ended |= 1 << i
			known = true
		}
	}
	if !known && x.taken[1] == 0 {
		x.ended |= 1
	}
}

// remember adds v to a set that has room for some, and reports whether it is new. What there is
// no room for is new every time.
func remember(set []uint64, v uint64) bool {
	for i := range set {
		switch set[i] {
		case v:
			return false
		case 0:
			set[i] = v
			return true
		}
	}
	return true
}

// reset makes a call one that is not in use, with the memory it has.
func (x *call) reset() {
	*x = call{
		said: x.said[:0], link: x.link[:0], linked: x.linked[:0], keys: x.keys[:0], ends: x.ends[:0], flows: x.flows[:0],
	}
}

// ending is why a record is made.
type ending uint8

const (
	ended ending = iota
	timedOut
	evicted
	stopped
)

var endings = [...]struct {
	name  string
	count Counter
}{
	ended: {"ended", Ended}, timedOut: {"timeout", TimedOut}, evicted: {"evicted", Evicted},
	stopped: {"stopped", Stopped},
}

// outcome returns what became of a call, in our words and in nProbe's manner.
func (x *call) outcome() (ours, state string) {
	switch {
	case x.registers && x.ok > 0 && x.code < 300:
		return "registered", "REGISTERED"
	case x.registers:
		return "unregistered", "REGISTER_FAILED"
	case x.at[accepted] != 0 && x.end() != 0, x.at[bye] != 0:
		return "completed", "CALL_COMPLETED"
	case x.at[accepted] != 0:
		return "answered", "CALL_IN_PROGRESS"
	case x.at[cancelled] != 0:
		return "cancelled", "CALL_CANCELED"
	case x.code >= 300:
		return failure(x.code), "CALL_ERROR"
	case x.at[ringing] != 0 || x.at[progress] != 0:
		return "ringing", "CALL_RINGING"
	case x.at[trying] != 0:
		return "trying", "CALL_STARTED"
	}
	return "unanswered", "CALL_STARTED"
}

// failure says in a word what a final response means to a caller (RFC 3261, section 21).
func failure(code uint32) string {
	switch {
	case code == 486 || code == 600:
		return "busy"
	case code == 603 || code == 607:
		return "declined"
	case code == 408 || code == 480:
		return "unanswered"
	case code == 487:
		return "cancelled"
	case code < 400:
		return "redirected"
	case code == 401 || code == 407:
		return "challenged"
	case code >= 500 && code < 600:
		return "failed"
	}
	return "refused"
}
