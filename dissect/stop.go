package dissect

// Stop says why dissection of a frame ended.
type Stop uint8

const (
	Complete Stop = iota
	NoTransport
	CutTransport
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
	Complete:     {"complete", "The headers were understood down to the transport."},
	NoTransport:  {"no_transport", "IP was metered; its protocol has no ports or is not known."},
	CutTransport: {"cut_transport", "IP was metered without ports: the frame ends inside the transport header, or that contradicts itself."},
	CutHeader:    {"cut_header", "The frame ends inside a header before or of IP."},
	BadHeader:    {"bad_header", "A header before or of IP contradicts itself."},
	NotIP:        {"not_ip", "The frame carries no IP: ARP, LLDP, PTP and the like."},
	LLC:          {"llc", "The frame is IEEE 802.3 with LLC or SNAP and carries no IP: STP, CDP, IS-IS."},
	UnknownLink:  {"unknown_link", "The link-layer type of the source is not supported."},
	TooDeep:      {"too_deep", "More than 16 headers are nested before the metered packet."},
}

// Refused reports whether the frame is not metered.
func (s Stop) Refused() bool { return s >= CutHeader }
