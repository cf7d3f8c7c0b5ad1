package flow

// tcpFields are what the two sides of a TCP connection did. See the worker for the definitions.
var tcpFields = []*Field{
	{
		Element: Element{Name: "tcpControlBits", Label: "TCP_FLAGS", ID: 6},
		Type:    Unsigned16, calc: allTCPFlags, has: isTCP, from: pair(&rec.TCPFlags),
		Doc: "Union of the TCP control bits of both directions.",
	},
	{
		Element: Element{Label: "CLIENT_TCP_FLAGS", ID: 78, PEN: Ntop},
		Type:    Unsigned8, calc: tcpFlags, has: hasSegments, from: pair(&rec.TCPFlags),
		Doc: "Union of the lower eight TCP control bits of the packets from client to server.",
		Rev: &Element{Label: "SERVER_TCP_FLAGS", ID: 79, PEN: Ntop},
	},
	{
		Element: Element{Label: "CLIENT_INITIAL_TCP_FLAGS", ID: 2, PEN: Weir},
		Type:    Unsigned8, slot: tcp(&rec.TCP[0].InitialFlags), has: hasInitial, Rev: ReverseIE,
		Doc: "TCP control bits of the first packet from client to server.",
	},
	{
		Element: Element{Label: "RETRANSMITTED_IN_PKTS", ID: 109, PEN: Ntop},
		Type:    Unsigned32, slot: tcp(&rec.TCP[0].RetransmittedPackets), has: isConnection,
		Doc: "TCP segments sent again from client to server.",
		Rev: &Element{Label: "RETRANSMITTED_OUT_PKTS", ID: 110, PEN: Ntop},
	},
	{
		Element: Element{Label: "RETRANSMITTED_IN_BYTES", ID: 127, PEN: Ntop},
		Type:    Unsigned32, slot: tcp(&rec.TCP[0].RetransmittedOctets), has: isConnection,
		Doc: "Octets of TCP payload sent again from client to server.",
		Rev: &Element{Label: "RETRANSMITTED_OUT_BYTES", ID: 128, PEN: Ntop},
	},
	{
		Element: Element{Label: "OOORDER_IN_PKTS", ID: 111, PEN: Ntop},
		Type:    Unsigned32, slot: tcp(&rec.TCP[0].OutOfOrder), has: isConnection,
		Doc: "TCP segments from client to server that came after later ones.",
		Rev: &Element{Label: "OOORDER_OUT_PKTS", ID: 112, PEN: Ntop},
	},
	{
		Element: Element{Label: "DUPLICATE_IN_PKTS", ID: 3, PEN: Weir},
		Type:    Unsigned32, slot: tcp(&rec.TCP[0].Duplicates), has: isConnection, Rev: ReverseIE,
		Doc: "Packets from client to server that the probe saw twice, as a mirror port makes them.",
	},
	{
		Element: Element{Label: "TCP_HOLES_IN", ID: 4, PEN: Weir},
		Type:    Unsigned32, slot: tcp(&rec.TCP[0].Holes), has: isConnection, Rev: ReverseIE,
		Doc: "Gaps that opened in the TCP sequence from client to server.",
	},
	{
		Element: Element{Label: "TCP_LOST_IN_BYTES", ID: 5, PEN: Weir},
		Type:    Unsigned64, slot: tcp(&rec.TCP[0].LostOctets), has: isConnection, Rev: ReverseIE,
		Doc: "Octets of the TCP sequence from client to server that the probe never saw.",
	},
	{
		Element: Element{Label: "TCP_ZERO_WINDOWS_IN", ID: 6, PEN: Weir},
		Type:    Unsigned32, slot: tcp(&rec.TCP[0].ZeroWindows), has: isConnection, Rev: ReverseIE,
		Doc: "TCP segments in which the client announced that it can take no more.",
	},
	{
		Element: Element{Label: "TCP_WIN_MIN_IN", ID: 415, PEN: Ntop},
		Type:    Unsigned16, slot: tcp(&rec.TCP[0].WindowMin), has: hasWindow,
		Doc: "Smallest TCP window the client announced, octets before scaling, SYNs left out.",
		Rev: &Element{Label: "TCP_WIN_MIN_OUT", ID: 419, PEN: Ntop},
	},
	{
		Element: Element{Label: "TCP_WIN_MAX_IN", ID: 416, PEN: Ntop},
		Type:    Unsigned16, slot: tcp(&rec.TCP[0].WindowMax), has: hasWindow,
		Doc: "Largest TCP window the client announced, octets before scaling, SYNs left out.",
		Rev: &Element{Label: "TCP_WIN_MAX_OUT", ID: 420, PEN: Ntop},
	},
	{
		Element: Element{Label: "TCP_WIN_MSS_IN", ID: 417, PEN: Ntop},
		Type:    Unsigned16, slot: tcp(&rec.TCP[0].MSS), has: hasMSS,
		Doc: "TCP maximum segment size the client announced, octets.",
		Rev: &Element{Label: "TCP_WIN_MSS_OUT", ID: 421, PEN: Ntop},
	},
	{
		Element: Element{Label: "TCP_WIN_SCALE_IN", ID: 418, PEN: Ntop},
		Type:    Unsigned8, calc: windowScale, needs: BlockTCP, has: hasScale,
		Doc: "TCP window scale the client announced: how many bits its windows are shifted.",
		Rev: &Element{Label: "TCP_WIN_SCALE_OUT", ID: 422, PEN: Ntop},
	},
	OSHint,
}

// OSHint is an attribute of the SYN's layout.
var OSHint = &Field{
	Element: Element{Label: "L7_OS_HINT", ID: 7, PEN: Weir, Aliases: []string{"OS_HINT"}},
	Type:    String, Width: 16, needs: BlockTCP,
	Doc: "Operating system of the client, guessed from its SYN.",
}

// isConnection is false where several connections are counted as one flow: their segments
// were not looked at.
func isConnection(r *Record, d Dir) bool {
	return isTCP(r, d) && r.Ignored&(KeyAddresses|KeyPorts) == 0
}

func isTCP(r *Record, _ Dir) bool       { return r.Proto == protoTCP && r.Ignored&KeyProto == 0 }
func hasSegments(r *Record, d Dir) bool { return isTCP(r, d) && r.Packets[d] > 0 }
func hasInitial(r *Record, d Dir) bool  { return isTCP(r, d) && r.TCP[d].Seen&SeenPacket != 0 }
func hasWindow(r *Record, d Dir) bool   { return isTCP(r, d) && r.TCP[d].Seen&SeenWindow != 0 }
func hasMSS(r *Record, d Dir) bool      { return isTCP(r, d) && r.TCP[d].MSS != 0 }
func hasScale(r *Record, d Dir) bool    { return isTCP(r, d) && r.TCP[d].Scale != 0 }

func allTCPFlags(v *View, _ Dir, _ []byte) (Value, bool) {
	return Value{U: uint64(v.TCPFlags[Forward] | v.TCPFlags[Reverse])}, true
}

func tcpFlags(v *View, d Dir, _ []byte) (Value, bool) {
	return Value{U: uint64(v.TCPFlags[d] & 0xff)}, true
}

func windowScale(v *View, d Dir, _ []byte) (Value, bool) {
	return Value{U: uint64(v.TCP[d].Scale - 1)}, true
}
