package app

import (
	"bytes"

	"github.com/weir-probe/weir/dataplane/flow"
)

// How many octets of attributes a message says. A transaction keeps less than two kilobytes, so
// what a request says must leave room for the response. What does not fit is counted.
const (
	sipRequestRoom  = 1100
	sipResponseRoom = 1750
)

// sipSpeech adds attributes to those of a message.
type sipSpeech struct {
	*flow.Attrs
	room int
}

// text says a text, up to a number of octets, unless it is empty.
func (a sipSpeech) text(f *flow.Field, text []byte, most int) {
	if len(text) == 0 {
		return
	}
	if text = cut(text, most); len(a.All())+4+len(text) > a.room {
		a.Dropped++
		return
	}
	a.Bytes(f, text)
}

// number says a number.
func (a sipSpeech) number(f *flow.Field, n uint64) {
	if len(a.All())+12 > a.room {
		a.Dropped++
		return
	}
	a.Uint(f, n)
}

// uri says a URI without its password.
func (a sipSpeech) uri(f *flow.Field, uri []byte) {
	var room [256]byte
	a.text(f, sipOpen(uri, room[:]), 96)
}

// decimal says a number that is given as text, if it is one of at most 32 bits.
func (a sipSpeech) decimal(h *sipHead, f *flow.Field, text []byte) {
	if len(text) == 0 {
		return
	}
	n, ok := decimal(text)
	limit := uint64(1<<32 - 1)
	if f.Type == flow.Unsigned8 {
		limit = 255
	}
	if !ok || n > limit {
		h.note(flawSIPNumber)
		return
	}
	a.number(f, n)
}

// tell says what the message is, with what its body tells.
func (t *sipTurn) tell(h *sipHead, x *sipBody) {
	a := sipSpeech{&t.Attrs, sipRequestRoom}
	if h.status != 0 {
		a.room = sipResponseRoom
	}
	a.text(SIPMethod, h.method, 32)
	a.text(SIPCallID, h.header[sipCallID], 128)
	if h.hasCSeq {
		a.number(SIPCSeq, h.cseq)
	}
	if h.status == 0 {
		t.request(h, a)
	} else {
		t.response(h, a)
	}
	a.uri(SIPCallingParty, sipBare(h.from.uri))
	a.uri(SIPCalledParty, sipBare(h.to.uri))
	a.text(SIPFromTag, sipParam(h.from.params, "tag"), 64)
	a.text(SIPToTag, sipParam(h.to.params, "tag"), 64)
	if h.status == 0 {
		x.tell(a, &sipSides[0])
		h.tellRequest(a)
	} else {
		x.tell(a, &sipSides[1])
		h.tellResponse(a)
	}
	h.tellLinks(a)
	h.note(x.flaw)
	h.note(x.sdp.flaw)
	if h.flaw != "" {
		t.Malformed(h.flaw)
	}
}

// request says what the request is to others.
func (t *sipTurn) request(h *sipHead, a sipSpeech) {
	key := h.key()
	if isWord(h.method, "ack") {
		t.acknowledge(h, key, a)
		return
	}
	e := t.memory.place(key, t.Time)
	if e.status != 0 { // it was answered
		t.Of(key)
		return
	}
	if !e.asked {
		e.asked, e.begun, e.after = true, t.Time, [sipMoments]uint32{}
	}
	t.Request(key)
	switch {
	case isWord(h.method, "invite"):
		a.number(SIPInviteTime, t.Time)
	case isWord(h.method, "bye"):
		a.number(SIPByeTime, t.Time)
	case isWord(h.method, "cancel"):
		a.number(SIPCancelTime, t.Time)
	}
}

// acknowledge says that an ACK came, unless it did before: it is sent again whenever the response
// is, and nobody answers it.
func (t *sipTurn) acknowledge(h *sipHead, key uint64, a sipSpeech) {
	e := t.memory.invited(key)
	if e == nil {
		t.Notice()
		return
	}
	one := uint32(hashOf(h.branch)>>32) ^ sipTagHash(h)
	if e.ack == one && e.ack != 0 {
		t.Of(key)
		return
	}
	e.ack = one
	t.Notice()
	if e.repeats > 0 {
		a.number(SIPResponseRepeats, uint64(e.repeats))
	}
}

func sipTagHash(h *sipHead) uint32 { return uint32(hashOf(sipParam(h.to.params, "tag"))) }

// response says what the response is to others, and when what came before it did.
func (t *sipTurn) response(h *sipHead, a sipSpeech) {
	key := h.key()
	e := t.memory.place(key, t.Time)
	switch tag := sipTagHash(h); {
	case h.status < 200 && e.status != 0:
		t.Of(key)
		return
	case h.status < 200:
		t.Interim(key)
		switch h.status {
		case 100:
			e.mark(sipTrying, t.Time)
		case 180:
			e.mark(sipRinging, t.Time)
		case 183:
			e.mark(sipProgress, t.Time)
		}
	case uint64(e.status) == h.status && e.tag == tag:
		t.Of(key)
		e.repeats = max(e.repeats+1, e.repeats)
		return
	default:
		t.Response(key)
		t.Finish()
		t.final(h, e, a)
		e.status, e.tag = uint16(min(h.status, 999)), tag
	}
	if isWord(h.method, "invite") {
		e.tellTimes(a)
	}
}

// final says what a final response is, and when.
func (t *sipTurn) final(h *sipHead, e *sipExchange, a sipSpeech) {
	e.mark(sipFinal, t.Time)
	a.number(SIPResponseCode, h.status)
	accepts := h.status < 300
	switch {
	case isWord(h.method, "invite") && accepts:
		a.number(SIPInviteOKTime, t.Time)
	case isWord(h.method, "invite"):
		a.number(SIPInviteFailureTime, t.Time)
	case isWord(h.method, "bye") && accepts:
		a.number(SIPByeOKTime, t.Time)
	case isWord(h.method, "cancel") && accepts:
		a.number(SIPCancelOKTime, t.Time)
	case isWord(h.method, "register"):
		t.memory.registered(e, h.status, t.Time)
	}
}

// tellTimes says when an INVITE was sent and what came before the response in hand.
func (e *sipExchange) tellTimes(a sipSpeech) {
	if e.asked {
		a.number(SIPInviteTime, e.begun)
	}
	if at := e.time(sipTrying); at != 0 {
		a.number(SIPTryingTime, at)
		a.number(SIPTryingAt, at)
	}
	if at := e.time(sipRinging); at != 0 {
		a.number(SIPRingingTime, at)
		a.number(SIPRingingAt, at)
	}
	if at := e.time(sipProgress); at != 0 {
		a.number(SIPProgressAt, at)
	}
}

// tellRequest says what only requests have, what matters most first.
func (h *sipHead) tellRequest(a sipSpeech) {
	a.uri(SIPRequestURI, h.uri)
	a.text(SIPUAC, h.header[sipUserAgent], 96)
	a.uri(SIPUACContact, sipBare(h.address(sipContact).uri))
	a.text(SIPBranch, h.branch, 64)
	a.text(SIPAuthUser, h.authUser(), 64)
	a.decimal(h, SIPExpires, h.expires())
	a.decimal(h, SIPMaxForwards, h.header[sipMaxForwards])
	if h.vias > 0 {
		a.number(SIPVias, uint64(min(h.vias, 1<<16-1)))
	}
	if h.routes > 0 {
		a.number(SIPRoutes, uint64(min(h.routes, 1<<16-1)))
	}
	a.uri(SIPReferTo, h.address(sipReferTo).uri)
	a.text(SIPReplaces, h.header[sipReplaces], 128)
	a.text(SIPEvent, sipWord(h.header[sipEvent]), 32)
}

// tellResponse says what only responses have.
func (h *sipHead) tellResponse(a sipSpeech) {
	if h.status >= 200 {
		a.text(SIPReasonPhrase, h.phrase, 48)
	}
	server := h.header[sipServer]
	if len(server) == 0 {
		server = h.header[sipUserAgent]
	}
	a.text(SIPUAS, server, 96)
	a.uri(SIPUASContact, sipBare(h.address(sipContact).uri))
	if h.status >= 200 && h.status < 300 {
		a.decimal(h, SIPGrantedExpires, h.expires())
	}
	a.text(SIPBranch, h.branch, 64)
}

// tellLinks says what a message has to do with others, and why it came.
func (h *sipHead) tellLinks(a sipSpeech) {
	if value := h.header[sipReason]; len(value) > 0 {
		first := sipFirst(value)
		a.decimal(h, SIPReasonCause, sipParam(sipParamsOf(first), "cause"))
		a.text(SIPReasonText, first, 64)
	}
	a.uri(SIPAssertedIdentity, sipBare(h.address(sipAssertedIdentity).uri))
	a.text(SIPSessionID, h.header[sipSessionID], 80)
	for which := sipXCID; which <= sipXOriginalCallID; which++ {
		if value := h.header[which]; len(value) > 0 {
			a.text(SIPXCID, value, 96)
			break
		}
	}
	a.text(SIPInReplyTo, h.header[sipInReplyTo], 96)
	a.text(SIPChargingID, sipParam(h.header[sipChargingVector], "icid-value"), 64)
}

// sipWord returns what stands before the parameters of a value.
func sipWord(v []byte) []byte { return bytes.TrimSpace(v[:len(v)-len(sipParamsOf(v))]) }

// expires returns the time that is asked for or granted.
func (h *sipHead) expires() []byte {
	if contact := h.header[sipContact]; len(contact) > 0 {
		if own := sipParam(h.address(sipContact).params, "expires"); own != nil {
			return own
		}
	}
	return h.header[sipExpires]
}

// authUser returns the user name of credentials.
func (h *sipHead) authUser() []byte {
	for which := sipAuthorization; which <= sipProxyAuthorization; which++ {
		_, params := word(h.header[which])
		if user := sipParam(params, "username"); len(user) > 0 {
			return user
		}
	}
	return nil
}

// sipSide has the fields in which one side says where it receives.
type sipSide struct{ media, lines, ipv4, ipv6, port *flow.Field }

var sipSides = [2]sipSide{
	{SIPUACMedia, SIPUACMediaLines, SIPRTPIPv4Src, SIPRTPIPv6Src, SIPRTPSrcPort},
	{SIPUASMedia, SIPUASMediaLines, SIPRTPIPv4Dst, SIPRTPIPv6Dst, SIPRTPDstPort},
}

// tell says what the body has told.
func (x *sipBody) tell(a sipSpeech, side *sipSide) {
	if x.tone[0] != 0 {
		a.text(SIPInfoDTMF, x.tone[:], 1)
	}
	s := &x.sdp
	if s.lines == 0 {
		return
	}
	a.text(side.media, s.media[:s.size], len(s.media))
	a.number(side.lines, uint64(s.lines))
	switch {
	case s.address.Is4():
		four := s.address.As4()
		a.text(side.ipv4, four[:], len(four))
		a.number(side.port, uint64(s.port))
	case s.address.Is6():
		sixteen := s.address.As16()
		a.text(side.ipv6, sixteen[:], len(sixteen))
		a.number(side.port, uint64(s.port))
	}
	a.text(SIPRTPCodecs, s.codecs.bytes(), sdpCodecRoom)
	a.text(SIPConnections, s.addresses.bytes(), sdpAddressRoom)
}
