package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of messages of BGP.
var (
	BGPMessage = bgpText("BGP_MESSAGE", 940, 16, "Type of the BGP message.")
	BGPPeerAS  = bgpNumber("BGP_PEER_AS", 941, flow.Unsigned32,
		"Number of the autonomous system that opens the session.")
	BGPHoldTime = bgpNumber("BGP_HOLD_TIME", 943, flow.Unsigned16,
		"Time without messages after which the session is over, seconds.")
	BGPCapabilities = bgpText("BGP_CAPABILITIES", 944, 255,
		"What the BGP speaker can do, with semicolons between: names, and numbers of what has none here.")
	BGPASPath = bgpText("BGP_AS_PATH", 945, 255,
		"Autonomous systems that the routes came through, the nearest first; {} is a set, () a confederation.")
	BGPNextHop  = bgpText("BGP_NEXT_HOP", 946, 39, "Address that traffic for the routes is to be sent to.")
	BGPOrigin   = bgpText("BGP_ORIGIN", 947, 10, "Where the routes come from: IGP, EGP or incomplete.")
	BGPPrefixes = bgpText("BGP_PREFIXES", 948, 255,
		"Prefixes announced, with semicolons between, as many as fit.")
	BGPPrefixCount = bgpNumber("BGP_PREFIX_COUNT", 949, flow.Unsigned32, "Number of prefixes announced.")
	BGPWithdrawn   = bgpText("BGP_WITHDRAWN", 950, 255,
		"Prefixes withdrawn, with semicolons between, as many as fit.")
	BGPGone        = bgpNumber("BGP_WITHDRAWN_COUNT", 951, flow.Unsigned32, "Number of prefixes withdrawn.")
	BGPCommunities = bgpText("BGP_COMMUNITIES", 952, 255,
		"Communities of the routes, with blanks between, as many as fit.")
	BGPLocalPref = bgpNumber("BGP_LOCAL_PREF", 953, flow.Unsigned32, "Local preference of the routes.")
	BGPMED       = bgpNumber("BGP_MED", 954, flow.Unsigned32, "Multi-exit discriminator of the routes.")
	BGPError     = bgpText("BGP_ERROR", 955, 64, "Why the BGP session ends, by name.")
	BGPErrorCode = bgpNumber("BGP_ERROR_CODE", 956, flow.Unsigned8, "Why the BGP session ends, as a number.")
	BGPErrorSub  = bgpNumber("BGP_ERROR_SUBCODE", 957, flow.Unsigned8, "The same, more precisely.")
	BGPErrorText = bgpText("BGP_ERROR_TEXT", 958, 255,
		"What the operator says about the end of the BGP session (RFC 9003).")
	BGPFamily = bgpText("BGP_FAMILY", 959, 24,
		"Address family of the routes, if the message says it: address/kind.")
	BGPIdentifier = &flow.Field{
		Element: flow.Element{Label: "BGP_IDENTIFIER", ID: 942, PEN: flow.Weir},
		Type:    flow.IPv4Address,
		Doc:     "Identifier of the BGP speaker.",
	}
)

func bgpText(label string, id uint16, width uint8, doc string) *flow.Field {
	f := bgpNumber(label, id, flow.String, doc)
	f.Width = width
	return f
}

func bgpNumber(label string, id uint16, kind flow.Type, doc string) *flow.Field {
	return &flow.Field{Element: flow.Element{Label: label, ID: id, PEN: flow.Weir}, Type: kind, Doc: doc}
}

// All of them; those of routes are apart.
var (
	bgpRoutes = []*flow.Field{
		BGPASPath, BGPNextHop, BGPOrigin, BGPFamily, BGPPrefixes, BGPPrefixCount, BGPWithdrawn, BGPGone,
		BGPCommunities, BGPLocalPref, BGPMED,
	}
	bgpFields = append([]*flow.Field{
		BGPMessage, BGPPeerAS, BGPIdentifier, BGPHoldTime, BGPCapabilities,
		BGPError, BGPErrorCode, BGPErrorSub, BGPErrorText,
	}, bgpRoutes...)
)
