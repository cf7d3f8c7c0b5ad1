package flow

// exportFields are attributes that say who metered a flow and how. They are the same for all
// flows of a source; the control plane adds them from the configuration.
var exportFields = []*Field{
	Direction, SamplingInterval, SamplingAlgorithm, SamplingPacketInterval, SamplingPacketSpace,
	ExporterIPv4, ExporterIPv6, ProbeIPv4, ProbeIPv6, ProbeName, EngineType, EngineID, FlowSource,
}

// How packets were observed and selected.
var (
	Direction = &Field{
		Element: Element{Name: "flowDirection", Label: "DIRECTION", ID: 61, ECS: "network.direction"},
		Type:    Unsigned8,
		Doc:     "Direction at the interface: 0 received, 1 sent.",
	}
	SamplingInterval = &Field{
		Element: Element{Name: "samplingInterval", Label: "SAMPLING_INTERVAL", ID: 34},
		Type:    Unsigned32,
		Doc:     "One packet in so many was metered.",
	}
	SamplingAlgorithm = &Field{
		Element: Element{Name: "samplingAlgorithm", Label: "SAMPLING_ALGORITHM", ID: 35},
		Type:    Unsigned8,
		Doc:     "How packets were chosen: 1 deterministic, 2 random.",
	}
	SamplingPacketInterval = &Field{
		Element: Element{Name: "samplingPacketInterval", Label: "SAMPLING_PACKET_INTERVAL", ID: 305},
		Type:    Unsigned32,
		Doc:     "Packets metered in a row (RFC 5477).",
	}
	SamplingPacketSpace = &Field{
		Element: Element{Name: "samplingPacketSpace", Label: "SAMPLING_PACKET_SPACE", ID: 306},
		Type:    Unsigned32,
		Doc:     "Packets left out between those metered in a row (RFC 5477).",
	}
)

// Who metered the flow.
var (
	ExporterIPv4 = &Field{
		Element: Element{Name: "exporterIPv4Address", Label: "EXPORTER_IPV4_ADDRESS", ID: 130, ECS: "observer.ip"},
		Type:    IPv4Address,
		Doc:     "IPv4 address of the exporter the flow was collected from, or of the probe.",
	}
	ExporterIPv6 = &Field{
		Element: Element{Name: "exporterIPv6Address", Label: "EXPORTER_IPV6_ADDRESS", ID: 131, ECS: "observer.ip"},
		Type:    IPv6Address,
		Doc:     "IPv6 address of the exporter the flow was collected from, or of the probe.",
	}
	ProbeIPv4 = &Field{
		Element: Element{Label: "NPROBE_IPV4_ADDRESS", ID: 471, PEN: Ntop, ECS: "observer.ip"},
		Type:    IPv4Address,
		Doc:     "IPv4 address of the probe.",
	}
	ProbeIPv6 = &Field{
		Element: Element{Label: "NPROBE_IPV6_ADDRESS", ID: 60, PEN: Weir, ECS: "observer.ip"},
		Type:    IPv6Address,
		Doc:     "IPv6 address of the probe.",
	}
	ProbeName = &Field{
		Element: Element{Label: "NPROBE_INSTANCE_NAME", ID: 122, PEN: Ntop,
			Aliases: []string{"FLOW_SERVER_NAME"}, ECS: "observer.name"},
		Type: String, Width: 32,
		Doc: "Name of the probe.",
	}
	EngineType = &Field{
		Element: Element{Name: "engineType", Label: "ENGINE_TYPE", ID: 38},
		Type:    Unsigned8,
		Doc:     "Type of the flow engine, as configured.",
	}
	EngineID = &Field{
		Element: Element{Name: "engineId", Label: "ENGINE_ID", ID: 39},
		Type:    Unsigned8,
		Doc:     "Number of the flow engine, as configured.",
	}
	FlowSource = &Field{
		Element: Element{Label: "FLOW_SOURCE", ID: 579, PEN: Ntop},
		Type:    Unsigned8,
		Doc:     "Where the flow comes from: 0 packets, 1 NetFlow or IPFIX, 2 sFlow.",
	}
)
