package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a transaction of STUN, which ICE and TURN are made of. User names are not said.
var (
	STUNMethod = &flow.Field{
		Element: flow.Element{Label: "STUN_METHOD", ID: 381, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "Method: Binding, or of TURN Allocate, Refresh, CreatePermission or ChannelBind.",
	}
	STUNError = &flow.Field{
		Element: flow.Element{Label: "STUN_ERROR_CODE", ID: 382, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Error code of the response, absent if it is a success.",
	}
	STUNSoftware = &flow.Field{
		Element: flow.Element{Label: "STUN_SOFTWARE", ID: 383, PEN: flow.Weir},
		Type:    flow.String, Width: 64,
		Doc: "Software that the response or the request was made by.",
	}
	STUNMappedIPv4 = &flow.Field{
		Element: flow.Element{Label: "STUN_MAPPED_IPV4_ADDR", ID: 384, PEN: flow.Weir},
		Type:    flow.IPv4Address,
		Doc:     "IPv4 address that the asker has in the eyes of the server.",
	}
	STUNMappedIPv6 = &flow.Field{
		Element: flow.Element{Label: "STUN_MAPPED_IPV6_ADDR", ID: 385, PEN: flow.Weir},
		Type:    flow.IPv6Address,
		Doc:     "IPv6 address that the asker has in the eyes of the server.",
	}
	STUNMappedPort = &flow.Field{
		Element: flow.Element{Label: "STUN_MAPPED_PORT", ID: 386, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Port that the asker has in the eyes of the server.",
	}
	STUNRelayed = &flow.Field{
		Element: flow.Element{Label: "STUN_RELAYED_ADDRESS", ID: 387, PEN: flow.Weir},
		Type:    flow.String, Width: 48,
		Doc: "Address and port that TURN relays for the asker.",
	}
	STUNPeer = &flow.Field{
		Element: flow.Element{Label: "STUN_PEER_ADDRESS", ID: 388, PEN: flow.Weir},
		Type:    flow.String, Width: 48,
		Doc: "Address and port of the peer that is reached by TURN.",
	}
	STUNRole = &flow.Field{
		Element: flow.Element{Label: "STUN_ICE_ROLE", ID: 389, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "Role of the asker in ICE: controlling, which chooses the pair, nominating, as it chooses it, or controlled.",
	}
)

var stunFields = []*flow.Field{
	STUNMethod, STUNError, STUNSoftware, STUNMappedIPv4, STUNMappedIPv6, STUNMappedPort, STUNRelayed, STUNPeer, STUNRole,
}
