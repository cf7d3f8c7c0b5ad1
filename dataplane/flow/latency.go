package flow

// latencyFields are how long the network and the server took.
var latencyFields = []*Field{
	{
		Element: Element{Label: "CLIENT_NW_LATENCY_MS", ID: 123, PEN: Ntop,
			Aliases: []string{"CLIENT_NW_DELAY_MS"}},
		Type: Unsigned32, Scale: 2e6, slot: of(&rec.Latency.Client), has: hasClient,
		Doc: "One way between client and probe, milliseconds: half the round trip of SYN+ACK and ACK.",
	},
	{
		Element: Element{Label: "SERVER_NW_LATENCY_MS", ID: 124, PEN: Ntop,
			Aliases: []string{"SERVER_NW_DELAY_MS"}},
		Type: Unsigned32, Scale: 2e6, slot: of(&rec.Latency.Server), has: hasServer,
		Doc: "One way between probe and server, milliseconds: half the round trip of SYN and SYN+ACK.",
	},
	{
		Element: Element{Label: "APPL_LATENCY_MS", ID: 125, PEN: Ntop},
		Type:    Unsigned32, Scale: 1e6, slot: of(&rec.Latency.Application), has: hasResponse,
		Doc: "Time from the last packet of the first request to the first of its response, milliseconds.",
	},
	{
		Element: Element{Label: "CLIENT_RTT_USEC", ID: 20, PEN: Weir},
		Type:    Unsigned32, Scale: 1e3, slot: of(&rec.Latency.Client), has: hasClient,
		Doc: "Round trip between probe and client, microseconds.",
	},
	{
		Element: Element{Label: "SERVER_RTT_USEC", ID: 21, PEN: Weir},
		Type:    Unsigned32, Scale: 1e3, slot: of(&rec.Latency.Server), has: hasServer,
		Doc: "Round trip between probe and server, microseconds.",
	},
	{
		Element: Element{Label: "APPL_LATENCY_USEC", ID: 22, PEN: Weir},
		Type:    Unsigned32, Scale: 1e3, slot: of(&rec.Latency.Application), has: hasResponse,
		Doc: "Time from the last packet of the first request to the first of its response, microseconds.",
	},
}

func hasClient(r *Record, _ Dir) bool   { return r.Latency.Client != 0 }
func hasServer(r *Record, _ Dir) bool   { return r.Latency.Server != 0 }
func hasResponse(r *Record, _ Dir) bool { return r.Latency.Application != 0 }
