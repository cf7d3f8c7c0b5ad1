package flow

import "strconv"

// routeFields are attributes that the control plane adds from what BGP speakers tell.
var routeFields = append(append([]*Field{BGPNextHopIPv4, BGPNextHopIPv6, NextAdjacentAS, PrevAdjacentAS},
	SrcASPath[:]...), DstASPath[:]...)

// How the addresses of a flow are reached.
var (
	BGPNextHopIPv4 = &Field{
		Element: Element{Name: "bgpNextHopIPv4Address", Label: "BGP_IPV4_NEXT_HOP", ID: 18,
			Aliases: []string{"IPV4_BGP_NEXT_HOP"}},
		Type: IPv4Address,
		Doc:  "Next hop of the route to the server's address, if it is an IPv4 address.",
	}
	BGPNextHopIPv6 = &Field{
		Element: Element{Name: "bgpNextHopIPv6Address", Label: "BGP_IPV6_NEXT_HOP", ID: 63},
		Type:    IPv6Address,
		Doc:     "Next hop of the route to the server's address, if it is an IPv6 address.",
	}
	NextAdjacentAS = &Field{
		Element: Element{Name: "bgpNextAdjacentAsNumber", Label: "BGP_NEXT_ADJACENT_ASN", ID: 128},
		Type:    Unsigned32,
		Doc:     "First autonomous system on the way to the server's address.",
	}
	PrevAdjacentAS = &Field{
		Element: Element{Name: "bgpPrevAdjacentAsNumber", Label: "BGP_PREV_ADJACENT_ASN", ID: 129},
		Type:    Unsigned32,
		Doc:     "First autonomous system on the way to the client's address.",
	}
	SrcASPath = asPath("SRC", "client", 290)
	DstASPath = asPath("DST", "server", 300)
)

// asPath returns fields for the begin of a path.
func asPath(side, end string, id uint16) (all [10]*Field) {
	for i := range all {
		n := strconv.Itoa(i + 1)
		all[i] = &Field{
			Element: Element{Label: side + "_AS_PATH_" + n, ID: id + uint16(i), PEN: Ntop},
			Type:    Unsigned32,
			Doc:     "Autonomous system " + n + " on the way to the " + end + "'s address, the nearest being the first.",
		}
	}
	return all
}
