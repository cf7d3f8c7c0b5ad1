package flow

import "strings"

// Fields of calls, attributes of records of KindCall, besides those of SIP and RTP. A direction IN is
// from the caller to the called party, OUT the opposite; the record's client is the caller.
var (
	CallOutcome = &Field{
		Element: Element{Label: "CALL_OUTCOME", ID: 390, PEN: Weir},
		Type:    String, Width: 16,
		Doc: "What became of it: trying, ringing, answered, completed, cancelled, busy, declined, redirected, " +
			"challenged, refused, failed, unanswered, registered, unregistered or media.",
	}
	CallSetupDelay = callTime("CALL_POST_DIAL_DELAY_USEC", 391,
		"Time from the first INVITE to the first sign of the called party: 180, 183 or a final response (RFC 6076)")
	CallRingTime = callTime("CALL_RING_TIME_USEC", 392, "Time from the first 180 to what ended the ringing")
	CallDuration = callTime("CALL_DURATION_USEC", 393, "Time from the response that accepted the call to the BYE")
	CallHangUp   = &Field{
		Element: Element{Label: "CALL_HANGUP", ID: 394, PEN: Weir},
		Type:    String, Width: 8,
		Doc: "Who ended the call by BYE or CANCEL: caller or callee.",
	}
	CallDialogs  = callCount("CALL_DIALOGS", 395, "Tags in To of responses: more than one if the call was forked.")
	CallAttempts = callCount("CALL_ATTEMPTS", 396,
		"INVITEs, each with a number of its own, until the call was accepted or given up.")
	CallInvites  = callCount("CALL_REINVITES", 397, "INVITEs inside the call.")
	CallUpdates  = callCount("CALL_UPDATES", 398, "UPDATE requests.")
	CallHolds    = callCount("CALL_HOLDS", 399, "Times that a side put the call on hold.")
	CallHoldTime = callTime("CALL_HOLD_TIME_USEC", 400, "Time that the call was on hold")
	CallReferred = callCount("CALL_REFERRALS", 401, "REFER requests that were accepted: transfers.")
	CallRepeats  = callCount("CALL_RETRANSMISSIONS", 402,
		"Requests and final responses of the call that were sent again.")
	CallLink = &Field{
		Element: Element{Label: "CALL_LINK_ID", ID: 403, PEN: Weir},
		Type:    String, Width: 96,
		Doc: "What the call has in common with that on the other side of an exchange.",
	}
	CallLinked = &Field{
		Element: Element{Label: "CALL_LINKED_CALL_ID", ID: 404, PEN: Weir},
		Type:    String, Width: 96,
		Doc: "Call-ID of the call on the other side of an exchange.",
	}
	CallHops  = callCount("CALL_HOPS", 405, "Pairs of endpoints between which the signalling was seen.")
	CallFlows = callCount("CALL_MEDIA_FLOWS", 406, "Flows of media that belong to the call.")
	CallEnd   = &Field{
		Element: Element{Label: "CALL_RECORD_REASON", ID: 407, PEN: Weir},
		Type:    String, Width: 12,
		Doc: "Why the record was made: ended, timeout if nothing more came, evicted for want of room, or " +
			"stopped with weir.",
	}
	CallInvitedAt   = callMoment("CALL_INVITE_AT", 408, "the first INVITE")
	CallAcceptedAt  = callMoment("CALL_OK_AT", 409, "the response to the INVITE that accepts it")
	CallRefusedAt   = callMoment("CALL_FAILURE_AT", 410, "the final response to the INVITE that refuses it")
	CallByeAt       = callMoment("CALL_BYE_AT", 411, "the BYE")
	CallByeOKAt     = callMoment("CALL_BYE_OK_AT", 412, "the final response to the BYE")
	CallCancelAt    = callMoment("CALL_CANCEL_AT", 413, "the CANCEL")
	CallCancelOKAt  = callMoment("CALL_CANCEL_OK_AT", 414, "the final response to the CANCEL")
	CallAckAt       = callMoment("CALL_ACK_AT", 415, "the first ACK")
	CallCallerMedia = &Field{
		Element: Element{Label: "CALL_CALLER_MEDIA", ID: 416, PEN: Weir},
		Type:    String, Width: 255,
		Doc: "Endpoints where the caller wanted to receive media, with spaces between, the first ones.",
	}
	CallCalleeMedia = &Field{
		Element: Element{Label: "CALL_CALLEE_MEDIA", ID: 417, PEN: Weir},
		Type:    String, Width: 255,
		Doc: "Endpoints where the called party wanted to receive media, with spaces between, the first ones.",
	}
	CallTranslated = &Field{
		Element: Element{Label: "CALL_MEDIA_TRANSLATED", ID: 418, PEN: Weir},
		Type:    Unsigned8,
		Doc: "1 if media came from or went to an endpoint that nobody had described, as behind NAT, else 0;" +
			" absent without media.",
	}
	CallInfoTones = &Field{
		Element: Element{Label: "CALL_INFO_DTMF", ID: 419, PEN: Weir},
		Type:    String, Width: 16,
		Doc: "Digits that were sent in INFO requests, the first 16.",
	}
	CallRegisterDelay = callTime("CALL_REGISTER_DELAY_USEC", 420,
		"Greatest time from a REGISTER to its response (RFC 6076)")
	CallLost = callSides("CALL_*_LOSS_PERCENT", 421, Field{
		Type: Float64, Doc: "Lost packets of media in per cent of those expected"})
)

func callTime(label string, id uint16, doc string) *Field {
	return &Field{
		Element: Element{Label: label, ID: id, PEN: Weir},
		Type:    Unsigned64, Scale: 1e3, Doc: doc + ", microseconds.",
	}
}

func callCount(label string, id uint16, doc string) *Field {
	return &Field{Element: Element{Label: label, ID: id, PEN: Weir}, Type: Unsigned32, Doc: doc}
}

func callMoment(label string, id uint16, of string) *Field {
	return &Field{
		Element: Element{Label: label, ID: id, PEN: Weir},
		Type:    DateTimeMicroseconds, Doc: "Time of " + of + ", microseconds.",
	}
}

func callSides(label string, id uint16, like Field) (sides [2]*Field) {
	for d := range sides {
		f := like
		f.Element = Element{Label: strings.Replace(label, "*", [2]string{"IN", "OUT"}[d], 1), ID: id + uint16(d), PEN: Weir}
		f.Doc += [2]string{" from the caller to the called party.", " from the called party to the caller."}[d]
		sides[d] = &f
	}
	return sides
}

var callFields = []*Field{
	CallOutcome, CallSetupDelay, CallRingTime, CallDuration, CallHangUp, CallDialogs, CallAttempts, CallInvites,
	CallUpdates, CallHolds, CallHoldTime, CallReferred, CallRepeats, CallLink, CallLinked, CallHops, CallFlows,
	CallEnd, CallInvitedAt, CallAcceptedAt, CallRefusedAt, CallByeAt, CallByeOKAt, CallCancelAt, CallCancelOKAt,
	CallAckAt, CallCallerMedia, CallCalleeMedia, CallTranslated, CallInfoTones, CallRegisterDelay,
	CallLost[Forward], CallLost[Reverse],
}

// OfCalls returns the fields of records of KindCall besides those of SIP and RTP.
func OfCalls() []*Field { return callFields }
