package call

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

var signalFields = [signalCount]*flow.Field{
	sipMethod: app.SIPMethod, sipCallID: app.SIPCallID, sipCSeq: app.SIPCSeq, sipFromTag: app.SIPFromTag,
	sipToTag: app.SIPToTag, sipCode: app.SIPResponseCode, sipUACMedia: app.SIPUACMedia, sipUASMedia: app.SIPUASMedia,
	sipInviteTime: app.SIPInviteTime, sipTryingTime: app.SIPTryingTime, sipRingingTime: app.SIPRingingTime,
	sipProgressTime: app.SIPProgressAt, sipOKTime: app.SIPInviteOKTime, sipFailureTime: app.SIPInviteFailureTime,
	sipByeTime: app.SIPByeTime, sipByeOKTime: app.SIPByeOKTime, sipCancelTime: app.SIPCancelTime,
	sipCancelOKTime: app.SIPCancelOKTime, sipResponseRepeats: app.SIPResponseRepeats, sipInfoTone: app.SIPInfoDTMF,
	sipSessionID: app.SIPSessionID, sipXCID: app.SIPXCID, sipChargingID: app.SIPChargingID,
	sipInReplyTo: app.SIPInReplyTo, sipAsker: app.TransactionAsker, sipBegin: app.TransactionRequestBegin,
	sipResponse: app.TransactionResponseBegin, sipRepeats: app.TransactionRepeats, sipLatency: app.TransactionLatency,
}

// beginFields are what a record takes from the first transaction of its call that says it.
var beginFields = []*flow.Field{
	app.SIPCallID, app.SIPCallingParty, app.SIPCalledParty, app.SIPFromTag, app.SIPRequestURI, app.SIPUAC,
	app.SIPUACContact, app.SIPAssertedIdentity, app.SIPAuthUser, app.SIPExpires, app.SIPReplaces, app.SIPSessionID,
	app.SIPXCID, app.SIPInReplyTo, app.SIPChargingID, app.SIPRTPCodecs, app.SIPConnections, app.SIPRTPIPv4Src,
	app.SIPRTPIPv6Src, app.SIPRTPSrcPort,
	flow.ExporterIPv4, flow.ExporterIPv6, flow.ProbeIPv4, flow.ProbeIPv6, flow.ProbeName, flow.FlowSource,
	flow.AppName, flow.AppCategory,
}

// answerFields are what it takes from the last one that says it.
var answerFields = []*flow.Field{
	app.SIPToTag, app.SIPUAS, app.SIPUASContact, app.SIPGrantedExpires, app.SIPReasonPhrase,
	app.SIPRTPIPv4Dst, app.SIPRTPIPv6Dst, app.SIPRTPDstPort,
}

// reasonFields are why a call ended, of the transaction that ended it.
var reasonFields = []*flow.Field{app.SIPReasonCause, app.SIPReasonText}

// placeFields are what stages say of both ends, which change places with them.
var placeFields = [...][2]*flow.Field{
	{flow.SrcCountry, flow.DstCountry}, {flow.SrcCity, flow.DstCity}, {flow.SrcLongitude, flow.DstLongitude},
	{flow.SrcLatitude, flow.DstLatitude}, {flow.SrcAS, flow.DstAS}, {flow.SrcASName, flow.DstASName},
}

// Fields returns what a record of a call may have besides its endpoints and times.
func Fields() (all []*flow.Field) {
	all = append(all, flow.OfCalls()...)
	for _, list := range [][]*flow.Field{
		{app.SIPCallState, app.SIPResponseCode}, beginFields, answerFields, reasonFields, {app.SIPReferTo},
		{
			app.SIPInviteTime, app.SIPTryingTime, app.SIPRingingTime, app.SIPInviteOKTime, app.SIPInviteFailureTime,
			app.SIPByeTime, app.SIPByeOKTime, app.SIPCancelTime, app.SIPCancelOKTime,
			app.SIPTryingAt, app.SIPRingingAt, app.SIPProgressAt,
			app.SIPRegisterMaxDelay, app.SIPRegisterOK, app.SIPRegisterOther,
		},
		mediaSaid,
	} {
		for _, f := range list {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}
