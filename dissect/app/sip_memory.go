package app

import (
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// sipMemory is what is remembered of a flow.
type sipMemory struct {
	maxDelay  uint64 // from a REGISTER to its response, nanoseconds
	ok, other uint32 // responses to REGISTER
	known     bool
	astray    [2]bool // a side that is not understood until a message begins
	exchanges [40]sipExchange
}

// sipExchange is a transaction: its requests, and what was answered. It is remembered after its
// end too, to tell what is sent again from what is new.
type sipExchange struct {
	key     uint64
	begun   uint64 // time of the request, or of the first response if that was not seen
	after   [sipMoments]uint32
	tag     uint32 // hash of the tag in To of the final response
	ack     uint32 // hash of what tells the last ACK from others
	repeats uint16 // final responses sent again
	status  uint16 // of the final response, 0 as long as there is none
	asked   bool   // the request was seen
}

// sipMoment is something that happens in a transaction. When it did is kept in microseconds after
// the begin, plus 1; 0 is not yet.
type sipMoment uint8

const (
	sipTrying sipMoment = iota
	sipRinging
	sipProgress
	sipFinal
	sipMoments
)

// sipMemorable is how long whatever is sent again may follow: the time that a server waits for an
// ACK, or absorbs requests (RFC 3261, section 17.2: 64 times T1).
const sipMemorable = 32 * time.Second

// find returns the transaction with a key, nil if none is known.
func (s *sipMemory) find(key uint64) *sipExchange {
	for i := range s.exchanges {
		if e := &s.exchanges[i]; e.key == key {
			return e
		}
	}
	return nil
}

// invited returns the last INVITE with the first half of a key: the ACK of a response that
// accepts it has a branch of its own.
func (s *sipMemory) invited(key uint64) (last *sipExchange) {
	for i := range s.exchanges {
		e := &s.exchanges[i]
		if e.key>>32 == key>>32 && e.status != 0 && (last == nil || e.begun > last.begun) {
			last = e
		}
	}
	return last
}

// place returns the transaction with a key, a new one if it is not known or long over. The oldest
// makes room for it.
func (s *sipMemory) place(key, now uint64) *sipExchange {
	if e := s.find(key); e != nil {
		if e.over(now) {
			*e = sipExchange{key: key, begun: now}
		}
		return e
	}
	oldest := &s.exchanges[0]
	for i := range s.exchanges {
		if e := &s.exchanges[i]; e.begun < oldest.begun {
			oldest = e
		}
	}
	*oldest = sipExchange{key: key, begun: now}
	return oldest
}

// over reports whether the transaction ended so long ago that nothing belongs to it any more.
func (e *sipExchange) over(now uint64) bool {
	return e.status != 0 && now > e.time(sipFinal)+uint64(sipMemorable)
}

// mark notes when something happened, unless it has happened before.
func (e *sipExchange) mark(what sipMoment, now uint64) {
	if e.after[what] == 0 {
		e.after[what] = uint32(min((max(now, e.begun)-e.begun)/1e3, 1<<32-2)) + 1
	}
}

// time returns when something happened, 0 if it has not.
func (e *sipExchange) time(what sipMoment) uint64 {
	if e.after[what] == 0 {
		return 0
	}
	return e.begun + uint64(e.after[what]-1)*1e3
}

// registered counts a final response to REGISTER.
func (s *sipMemory) registered(e *sipExchange, status, now uint64) {
	if status < 300 {
		s.ok = max(s.ok+1, s.ok)
	} else {
		s.other = max(s.other+1, s.other)
	}
	if e.asked && now > e.begun {
		s.maxDelay = max(s.maxDelay, now-e.begun)
	}
}

// key identifies the transaction (RFC 3261, section 17.1.3): by Call-ID and CSeq in the first half,
// in which a CANCEL has a method of its own and an ACK that of the INVITE, and by the branch in the
// other, or by the tag in From where there is none that can be trusted.
func (h *sipHead) key() uint64 {
	const prime = 1099511628211 // of FNV-1a, as in hashOf
	method := h.method
	if isWord(method, "ack") {
		method = sipInvite
	}
	hop := h.branch
	if len(hop) <= len(sipCookie) || string(hop[:len(sipCookie)]) != sipCookie {
		hop = sipParam(h.from.params, "tag")
	}
	dialog := ((hashOf(h.header[sipCallID])^h.cseq)*prime ^ hashOf(method)) * prime
	return max(dialog>>32<<32|hashOf(hop)>>32, 1)
}

var sipInvite = []byte("INVITE")

// reportSIP says what was counted of registrations, and begins anew.
func reportSIP(state []byte, a *flow.Attrs, _ bool) {
	s := (*sipMemory)(unsafe.Pointer(unsafe.SliceData(state)))
	if s.ok+s.other == 0 {
		return
	}
	a.Uint(SIPRegisterOK, uint64(s.ok))
	a.Uint(SIPRegisterOther, uint64(s.other))
	if s.maxDelay > 0 {
		a.Uint(SIPRegisterMaxDelay, s.maxDelay)
	}
	s.ok, s.other, s.maxDelay = 0, 0, 0
}
