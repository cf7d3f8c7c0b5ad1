package subscriber

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Identities returns the fields that say who somebody is, for pseudonyms.
func Identities() []*flow.Field {
	return []*flow.Field{
		app.FlowUser, flow.SubscriberIMSI, flow.SubscriberMSISDN, flow.SubscriberIMEI, flow.SubscriberMAC,
		flow.SubscriberSession,
		app.RADIUSUser, app.RADIUSCalling, app.RADIUSIMSI, app.RADIUSIMEI, app.RADIUSSession, app.RADIUSMulti,
		app.RADIUSPairs, app.RADIUSReply,
		app.GTP0TID, app.GTP0MSISDN, app.GTP1IMSI, app.GTP1MSISDN, app.GTP1IMEI, app.GTP2IMSI, app.GTP2MSISDN,
		app.GTP2IMEI, app.PFCPIMSI, app.PFCPIMEI, app.PFCPNum,
		app.DiameterUser, app.DiameterSession, app.DiameterCalling, app.DiameterNames, app.DiameterFrom,
		app.DiameterCallee, app.DiameterIMSI, app.DiameterMSISDN, app.DiameterIMEI, app.DiameterPublic,
	}
}
