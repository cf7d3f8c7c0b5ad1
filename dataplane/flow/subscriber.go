package flow

// Fields that say who is behind a record, attributes that the control plane adds. The name is
// FLOW_USER_NAME.
var (
	SubscriberIMSI    = subscriberText("SUBSCRIBER_IMSI", 1250, "IMSI of the subscriber behind the flow.")
	SubscriberMSISDN  = subscriberText("SUBSCRIBER_MSISDN", 1251, "Telephone number of the subscriber behind the flow.")
	SubscriberIMEI    = subscriberText("SUBSCRIBER_IMEI", 1252, "IMEI of the equipment of the subscriber behind the flow.")
	SubscriberAPN     = subscriberText("SUBSCRIBER_APN", 1253, "Access point name by which the subscriber behind the flow is connected.")
	SubscriberCell    = subscriberText("SUBSCRIBER_CELL", 1254, "Where the subscriber was: kind, country, network, area and cell.")
	SubscriberNAS     = subscriberText("SUBSCRIBER_NAS", 1255, "Network access server of the subscriber behind the flow.")
	SubscriberSession = subscriberText("SUBSCRIBER_SESSION", 1256, "Accounting session of the subscriber behind the flow.")
	SubscriberMAC     = subscriberText("SUBSCRIBER_MAC", 1257, "MAC address of the equipment of the subscriber behind the flow.")
)

// Fields of what was used. The client of the record is the subscriber: IN_BYTES are from him.
var (
	UsageOf = subscriberText("USAGE_OF", 858,
		"Whose usage it is: subscriber, group, which is everybody with the same APN and cell, or others, for whom there was no room.")
	UsageFlows = &Field{
		Element: Element{Label: "USAGE_FLOWS", ID: 1259, PEN: Weir}, Type: Unsigned64,
		Doc: "Records of flows that were counted.",
	}
	UsageSubscribers = &Field{
		Element: Element{Label: "USAGE_SUBSCRIBERS", ID: 1260, PEN: Weir}, Type: Unsigned64,
		Doc: "Subscribers of the group that have used something.",
	}
)

// OfUsage returns the fields of records of KindUsage besides times and counters.
func OfUsage() []*Field {
	return append([]*Field{UsageOf, UsageFlows, UsageSubscribers}, subscriberFields[:8]...)
}

func subscriberText(label string, id uint16, doc string) *Field {
	return &Field{Element: Element{Label: label, ID: id, PEN: Weir}, Type: String, Width: 32, Doc: doc}
}

var subscriberFields = []*Field{
	SubscriberIMSI, SubscriberMSISDN, SubscriberIMEI, SubscriberAPN, SubscriberCell, SubscriberNAS, SubscriberSession,
	SubscriberMAC, UsageOf, UsageFlows, UsageSubscribers,
}
