package dissect

// Stop says why dissection of a frame ended.
type Stop uint8

const (
	Complete Stop = iota
	NoTransport
	CutTransport
	InnerNotIP
	InnerRefused
	CutHeader // the first refusal
	BadHeader
	NotIP
	LLC
	UnknownLink
	TooDeep
	Stops
)

// StopDocs names and explains every Stop; metrics and documentation come from it.
var StopDocs = [Stops]struct{ Name, Doc string }{
	Complete: {"complete", "The headers were understood down to the transport."},
	NoTransport: {"no_transport", "IP was metered without ports: its protocol has none, is not known " +
		"or is encrypted, or the packet is a later fragment."},
	CutTransport: {"cut_transport", "IP was metered, without ports unless they are there: the frame ends " +
		"inside what follows the IP header, or that contradicts itself or is nested too deep."},
	InnerNotIP: {"inner_not_ip",
		"The packet around a tunnel was metered: what the tunnel carries is not IP."},
	InnerRefused: {"inner_refused",
		"The packet around a tunnel was metered: what the tunnel carries is cut, " +
			"contradicts itself or is nested too deep."},
	CutHeader: {"cut_header", "The frame ends inside a header before or of IP."},
	BadHeader: {"bad_header", "A header before or of IP contradicts itself."},
	NotIP: {"not_ip", "The frame carries no IP, or none that can be read: ARP, LLDP, PTP, MACsec " +
		"and the like."},
	LLC:         {"llc", "The frame is IEEE 802.3 with LLC or SNAP and carries no IP: STP, CDP, IS-IS."},
	UnknownLink: {"unknown_link", "The link-layer type of the source is not supported."},
	TooDeep:     {"too_deep", "More than 16 headers are nested before the first IP header."},
}

// Refused reports whether the frame is not metered. A frame with a valid IP header never is.
func (s Stop) Refused() bool { return s >= CutHeader }

// inner returns the Stop of a tunnel whose content was refused because of s.
func (s Stop) inner() Stop {
	if s == NotIP || s == LLC {
		return InnerNotIP
	}
	return InnerRefused
}
