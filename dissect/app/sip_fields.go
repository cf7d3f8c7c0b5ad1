package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a message of SIP. Every message says SIPMethod, SIPCallID, SIPCSeq, both parties and
// their tags, so that an event whose request or response was not seen has them too.
var (
	SIPCallID = &flow.Field{
		Element: flow.Element{Label: "SIP_CALL_ID", ID: 130, PEN: flow.Ntop},
		Type:    flow.String, Width: 96,
		Doc: "Call-ID of the dialog, its first 128 octets.",
	}
	SIPCallingParty = &flow.Field{
		Element: flow.Element{Label: "SIP_CALLING_PARTY", ID: 131, PEN: flow.Ntop},
		Type:    flow.String, Width: 96,
		Doc: "URI in From without its parameters: who calls, or who speaks outside of a call.",
	}
	SIPCalledParty = &flow.Field{
		Element: flow.Element{Label: "SIP_CALLED_PARTY", ID: 132, PEN: flow.Ntop},
		Type:    flow.String, Width: 96,
		Doc: "URI in To without its parameters: who is called.",
	}
	SIPMethod = &flow.Field{
		Element: flow.Element{Label: "SIP_METHOD", ID: 280, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "Method of the request, of a response that in its CSeq.",
	}
	SIPRequestURI = &flow.Field{
		Element: flow.Element{Label: "SIP_REQUEST_URI", ID: 281, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "Request-URI, to whom a proxy passes the request, with its parameters.",
	}
	SIPCSeq = &flow.Field{
		Element: flow.Element{Label: "SIP_CSEQ", ID: 282, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Sequence number in CSeq, which orders the requests of one side of a dialog.",
	}
	SIPFromTag = &flow.Field{
		Element: flow.Element{Label: "SIP_FROM_TAG", ID: 283, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Tag in From, which whoever sends the request has chosen.",
	}
	SIPToTag = &flow.Field{
		Element: flow.Element{Label: "SIP_TO_TAG", ID: 284, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Tag in To, absent as long as there is no dialog; forked requests are answered with different ones.",
	}
	SIPBranch = &flow.Field{
		Element: flow.Element{Label: "SIP_BRANCH", ID: 285, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Branch of the topmost Via, which names the transaction of this hop (RFC 3261, section 17.1.3).",
	}
	SIPMaxForwards = &flow.Field{
		Element: flow.Element{Label: "SIP_MAX_FORWARDS", ID: 294, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Hops the request may still go, from Max-Forwards.",
	}
	SIPVias = &flow.Field{
		Element: flow.Element{Label: "SIP_VIAS", ID: 295, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of values of Via: the hops that the request has come.",
	}
	SIPRoutes = &flow.Field{
		Element: flow.Element{Label: "SIP_ROUTES", ID: 296, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of values of Route: the proxies that the request still has to pass, absent if none is named.",
	}
	SIPEvent = &flow.Field{
		Element: flow.Element{Label: "SIP_EVENT", ID: 302, PEN: flow.Weir},
		Type:    flow.String, Width: 32,
		Doc: "Event package of a subscription, notification or publication (RFC 6665).",
	}
	SIPReferTo = &flow.Field{
		Element: flow.Element{Label: "SIP_REFER_TO", ID: 300, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "URI in Refer-To: where a call is transferred (RFC 3515).",
	}
	SIPReplaces = &flow.Field{
		Element: flow.Element{Label: "SIP_REPLACES", ID: 301, PEN: flow.Weir},
		Type:    flow.String, Width: 128,
		Doc: "Replaces: Call-ID and tags of the dialog that this one takes the place of (RFC 3891).",
	}
	SIPInfoDTMF = &flow.Field{
		Element: flow.Element{Label: "SIP_INFO_DTMF", ID: 314, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "Tone that an INFO request carries, as 5, # or A.",
	}
)

// Who speaks, and what with.
var (
	SIPUAC = &flow.Field{
		Element: flow.Element{Label: "SIP_UAC", ID: 316, PEN: flow.Ntop},
		Type:    flow.String, Width: 96,
		Doc: "User-Agent of the request.",
	}
	SIPUAS = &flow.Field{
		Element: flow.Element{Label: "SIP_UAS", ID: 317, PEN: flow.Ntop},
		Type:    flow.String, Width: 96,
		Doc: "Server of the response, or else its User-Agent.",
	}
	SIPUACContact = &flow.Field{
		Element: flow.Element{Label: "SIP_UAC_CONTACT", ID: 288, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "First URI in Contact of the request: where its sender is reached.",
	}
	SIPUASContact = &flow.Field{
		Element: flow.Element{Label: "SIP_UAS_CONTACT", ID: 289, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "First URI in Contact of the response: where its sender is reached, or where to ask instead.",
	}
	SIPAssertedIdentity = &flow.Field{
		Element: flow.Element{Label: "SIP_ASSERTED_IDENTITY", ID: 290, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "First URI in P-Asserted-Identity: who the network says it is (RFC 3325).",
	}
	SIPAuthUser = &flow.Field{
		Element: flow.Element{Label: "SIP_AUTH_USER", ID: 291, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "User name in Authorization, or else in Proxy-Authorization.",
	}
	SIPExpires = &flow.Field{
		Element: flow.Element{Label: "SIP_EXPIRES", ID: 292, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Time that the request asks for, seconds: of its Contact, or else in Expires.",
	}
	SIPGrantedExpires = &flow.Field{
		Element: flow.Element{Label: "SIP_GRANTED_EXPIRES", ID: 293, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Time that the response grants, seconds: of its first Contact, or else in Expires.",
	}
)

// What other dialogs a message has to do with. An exchange that stands between two dialogs gives
// both the same value of one of these.
var (
	SIPSessionID = &flow.Field{
		Element: flow.Element{Label: "SIP_SESSION_ID", ID: 297, PEN: flow.Weir},
		Type:    flow.String, Width: 80,
		Doc: "Session-ID with the remote one behind it, the same in all dialogs of a session (RFC 7989).",
	}
	SIPXCID = &flow.Field{
		Element: flow.Element{Label: "SIP_X_CID", ID: 298, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "First of X-CID, X-Call-ID, X-Orig-Call-ID and X-Original-Call-ID: the call before an exchange.",
	}
	SIPInReplyTo = &flow.Field{
		Element: flow.Element{Label: "SIP_IN_REPLY_TO", ID: 299, PEN: flow.Weir},
		Type:    flow.String, Width: 96,
		Doc: "In-Reply-To: Call-IDs of the calls that this one returns.",
	}
	SIPChargingID = &flow.Field{
		Element: flow.Element{Label: "SIP_CHARGING_ID", ID: 303, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "The icid-value of P-Charging-Vector, the same on all hops of a call in an IMS (RFC 7315).",
	}
)

// What a response says.
var (
	SIPResponseCode = &flow.Field{
		Element: flow.Element{Label: "SIP_RESPONSE_CODE", Aliases: []string{"SIP_FAILURE_CODE"}, ID: 147, PEN: flow.Ntop},
		Type:    flow.Unsigned32,
		Doc:     "Status of the final response, absent as long as there is none.",
	}
	SIPReasonPhrase = &flow.Field{
		Element: flow.Element{Label: "SIP_REASON_PHRASE", ID: 286, PEN: flow.Weir},
		Type:    flow.String, Width: 48,
		Doc: "Reason phrase of the final response.",
	}
	SIPReasonCause = &flow.Field{
		Element: flow.Element{Label: "SIP_REASON_CAUSE", ID: 148, PEN: flow.Ntop},
		Type:    flow.Unsigned32,
		Doc:     "Cause in the first value of Reason, of the protocol that it names, mostly Q.850 (RFC 3326).",
	}
	SIPReasonText = &flow.Field{
		Element: flow.Element{Label: "SIP_REASON_TEXT", ID: 287, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "First value of Reason, with its protocol and text.",
	}
	SIPResponseRepeats = &flow.Field{
		Element: flow.Element{Label: "SIP_RESPONSE_RETRANSMISSIONS", ID: 313, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Times the final response to the INVITE was sent again before this ACK.",
	}
)

// When. A message says its own time in the field that is for messages of its kind.
var (
	SIPInviteTime        = sipTime("SIP_INVITE_TIME", 134, "the INVITE")
	SIPTryingTime        = sipTime("SIP_TRYING_TIME", 135, "the response 100 to the INVITE")
	SIPRingingTime       = sipTime("SIP_RINGING_TIME", 136, "the first response 180 to the INVITE")
	SIPInviteOKTime      = sipTime("SIP_INVITE_OK_TIME", 137, "the response to the INVITE that accepts it")
	SIPInviteFailureTime = sipTime("SIP_INVITE_FAILURE_TIME", 138, "the response to the INVITE that refuses it")
	SIPByeTime           = sipTime("SIP_BYE_TIME", 139, "the BYE")
	SIPByeOKTime         = sipTime("SIP_BYE_OK_TIME", 140, "the final response to the BYE")
	SIPCancelTime        = sipTime("SIP_CANCEL_TIME", 141, "the CANCEL")
	SIPCancelOKTime      = sipTime("SIP_CANCEL_OK_TIME", 142, "the final response to the CANCEL")

	SIPTryingAt   = sipMomentField("SIP_TRYING_AT", 304, "the response 100 to the INVITE")
	SIPRingingAt  = sipMomentField("SIP_RINGING_AT", 305, "the first response 180 to the INVITE")
	SIPProgressAt = sipMomentField("SIP_PROGRESS_AT", 306, "the first response 183 to the INVITE")
)

func sipTime(label string, id uint16, of string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Ntop},
		Type:    flow.DateTimeSeconds,
		Doc:     "Time of " + of + ", seconds.",
	}
}

// sipMomentField is for the times that no field of a transaction has.
func sipMomentField(label string, id uint16, of string) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: label, ID: id, PEN: flow.Weir},
		Type:    flow.DateTimeMicroseconds,
		Doc:     "Time of " + of + ", microseconds.",
	}
}

// Media that the bodies describe (RFC 8866). Each side says where it wants to receive.
var (
	SIPRTPCodecs = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_CODECS", ID: 133, PEN: flow.Ntop},
		Type:    flow.String, Width: 255,
		Doc: "Codecs of the request's media, or else of the response's, with semicolons between, each once.",
	}
	SIPRTPIPv4Src = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_IPV4_SRC_ADDR", ID: 143, PEN: flow.Ntop},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address where the sender of the request receives the first media that is in use.",
	}
	SIPRTPSrcPort = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_L4_SRC_PORT", ID: 144, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Port where the sender of the request receives it.",
	}
	SIPRTPIPv4Dst = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_IPV4_DST_ADDR", ID: 145, PEN: flow.Ntop},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address where the sender of the response receives the first media that is in use.",
	}
	SIPRTPDstPort = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_L4_DST_PORT", ID: 146, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Port where the sender of the response receives it.",
	}
	SIPRTPIPv6Src = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_IPV6_SRC_ADDR", ID: 309, PEN: flow.Weir},
		Type:    flow.IPv6Address,
		Doc:     "IPv6 address where the sender of the request receives the first media that is in use.",
	}
	SIPRTPIPv6Dst = &flow.Field{
		Element: flow.Element{Label: "SIP_RTP_IPV6_DST_ADDR", ID: 310, PEN: flow.Weir},
		Type:    flow.IPv6Address,
		Doc:     "IPv6 address where the sender of the response receives the first media that is in use.",
	}
	SIPConnections = &flow.Field{
		Element: flow.Element{Label: "SIP_C_IP", ID: 362, PEN: flow.Ntop},
		Type:    flow.String, Width: 128,
		Doc: "Addresses in the lines c= of the body, with semicolons between, each once.",
	}
	SIPUACMedia = &flow.Field{
		Element: flow.Element{Label: "SIP_UAC_MEDIA", ID: 307, PEN: flow.Weir},
		Type:    flow.OctetArray, Width: 255,
		Doc: "Media that the sender of the request receives, in the form that ReadMedia reads.",
	}
	SIPUASMedia = &flow.Field{
		Element: flow.Element{Label: "SIP_UAS_MEDIA", ID: 308, PEN: flow.Weir},
		Type:    flow.OctetArray, Width: 255,
		Doc: "Media that the sender of the response receives, in the form that ReadMedia reads.",
	}
	SIPUACMediaLines = &flow.Field{
		Element: flow.Element{Label: "SIP_UAC_MEDIA_LINES", ID: 311, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of lines m= in the body of the request; SIP_UAC_MEDIA may have had room for fewer.",
	}
	SIPUASMediaLines = &flow.Field{
		Element: flow.Element{Label: "SIP_UAS_MEDIA_LINES", ID: 312, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of lines m= in the body of the response; SIP_UAS_MEDIA may have had room for fewer.",
	}
)

// What is known of calls and of flows, not of a message.
var (
	SIPCallState = &flow.Field{
		Element: flow.Element{Label: "SIP_CALL_STATE", ID: 363, PEN: flow.Ntop},
		Type:    flow.String, Width: 16,
		Doc: "What became of the call.",
	}
	SIPRegisterMaxDelay = &flow.Field{
		Element: flow.Element{Label: "SIP_REGISTER_MAX_RRD", ID: 528, PEN: flow.Ntop},
		Type:    flow.Unsigned32, Scale: 1e6,
		Doc: "Greatest time from a REGISTER to its response, milliseconds.",
	}
	SIPRegisterOK = &flow.Field{
		Element: flow.Element{Label: "SIP_REGISTER_NUM_OK", ID: 529, PEN: flow.Ntop},
		Type:    flow.Unsigned8,
		Doc:     "REGISTER requests that were accepted.",
	}
	SIPRegisterOther = &flow.Field{
		Element: flow.Element{Label: "SIP_REGISTER_NUM_OTHER", ID: 530, PEN: flow.Ntop},
		Type:    flow.Unsigned8,
		Doc:     "REGISTER requests that were answered otherwise.",
	}
)

var sipFields = []*flow.Field{
	SIPMethod, SIPCallID, SIPCallingParty, SIPCalledParty, SIPCSeq, SIPFromTag, SIPToTag, SIPBranch,
	SIPRequestURI, SIPResponseCode, SIPReasonPhrase, SIPReasonCause, SIPReasonText, SIPResponseRepeats,
	SIPInviteTime, SIPTryingTime, SIPRingingTime, SIPInviteOKTime, SIPInviteFailureTime, SIPByeTime,
	SIPByeOKTime, SIPCancelTime, SIPCancelOKTime, SIPTryingAt, SIPRingingAt, SIPProgressAt,
	SIPUAC, SIPUAS, SIPUACContact, SIPUASContact, SIPAssertedIdentity, SIPAuthUser, SIPExpires,
	SIPGrantedExpires, SIPMaxForwards, SIPVias, SIPRoutes, SIPEvent, SIPReferTo, SIPReplaces, SIPInfoDTMF,
	SIPSessionID, SIPXCID, SIPInReplyTo, SIPChargingID,
	SIPRTPCodecs, SIPRTPIPv4Src, SIPRTPSrcPort, SIPRTPIPv4Dst, SIPRTPDstPort, SIPRTPIPv6Src, SIPRTPIPv6Dst,
	SIPConnections, SIPUACMedia, SIPUASMedia, SIPUACMediaLines, SIPUASMediaLines,
	SIPCallState, SIPRegisterMaxDelay, SIPRegisterOK, SIPRegisterOther,
}
