package flow

// statisticsFields are what weir says of itself: attributes of records of KindStatistics. Counters
// are totals since the dataplane began.
var statisticsFields = []*Field{
	{
		Element: Element{Name: "observationTimeMilliseconds", Label: "OBSERVATION_TIME_MILLISECONDS", ID: 323},
		Type:    DateTimeMilliseconds, calc: statisticsTime,
		Doc: "When the statistics were made, in milliseconds since the Unix epoch.",
	},
	StatisticsOf, StatisticsName,
	MeteringProcess, PacketTotal, OctetTotal, ObservedFlows, IgnoredPackets, DroppedPackets,
	ReceivedPackets, SampledOutPackets, FilteredPackets, RefusedPackets, ActiveFlows, FlowCapacity,
	RingFullRecords, RingFullEvents, TransactionTotal, LookedInto,
	ExportingProcess, ExportedOctets, ExportedMessages, ExportedRecords, NotSentRecords, GivenRecords,
	UnwantedRecords, PendingRecords, SpooledRecords, SpooledOctets, OldestRecord, SendRetries,
	SendFailures, ExporterPaused, LastError,
	CollectedMessages, CollectedOctets, CollectedRecords, CollectedLost, CollectedTemplates, CollectedLast,
	CollectedSilent,
}

// OfStatistics returns the fields of records of KindStatistics.
func OfStatistics() []*Field {
	return append(statisticsFields[:len(statisticsFields):len(statisticsFields)],
		ExporterIPv4, ExporterIPv6, ObservationDomain)
}

func statisticsTime(v *View, _ Dir, _ []byte) (Value, bool) {
	return Value{U: v.Last}, v.Kind == KindStatistics
}

// Whose statistics they are.
var (
	StatisticsOf = &Field{
		Element: Element{Label: "STATISTICS_OF", ID: 430, PEN: Weir},
		Type:    String, Width: 64,
		Doc: "What the statistics are of: worker, exporter, or collector, which is an exporter it collects from.",
	}
	StatisticsName = &Field{
		Element: Element{Label: "STATISTICS_NAME", ID: 431, PEN: Weir},
		Type:    String, Width: 64,
		Doc: "Name of the worker, exporter or collector that the statistics are of.",
	}
)

// Of a worker.
var (
	MeteringProcess = &Field{
		Element: Element{Name: "meteringProcessId", Label: "METERING_PROCESS_ID", ID: 143},
		Type:    Unsigned32,
		Doc:     "Number of the worker, from 1.",
	}
	PacketTotal = &Field{
		Element: Element{Name: "packetTotalCount", Label: "PACKET_TOTAL", ID: 86},
		Type:    Unsigned64,
		Doc:     "Packets counted in flows since the worker began.",
	}
	OctetTotal = &Field{
		Element: Element{Name: "octetTotalCount", Label: "OCTET_TOTAL", ID: 85},
		Type:    Unsigned64,
		Doc:     "Octets of IP in them.",
	}
	ObservedFlows = &Field{
		Element: Element{Name: "observedFlowTotalCount", Label: "OBSERVED_FLOW_TOTAL", ID: 163},
		Type:    Unsigned64,
		Doc:     "Flows that began since the worker did.",
	}
	IgnoredPackets = &Field{
		Element: Element{Name: "ignoredPacketTotalCount", Label: "IGNORED_PKTS_TOTAL", ID: 164},
		Type:    Unsigned64,
		Doc:     "Frames handed over but not metered: refused, filtered or not sampled.",
	}
	DroppedPackets = &Field{
		Element: Element{Name: "droppedPacketTotalCount", Label: "DROPPED_PKTS_TOTAL", ID: 135},
		Type:    Unsigned64,
		Doc:     "Frames lost before the worker: missed by the port, for want of buffers, or damaged.",
	}
	ReceivedPackets = &Field{
		Element: Element{Label: "RECEIVED_PKTS_TOTAL", ID: 432, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Frames handed over to the worker.",
	}
	SampledOutPackets = &Field{
		Element: Element{Label: "SAMPLED_OUT_PKTS_TOTAL", ID: 433, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Frames left out by sampling.",
	}
	FilteredPackets = &Field{
		Element: Element{Label: "FILTERED_PKTS_TOTAL", ID: 434, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Frames that the capture filter refused.",
	}
	RefusedPackets = &Field{
		Element: Element{Label: "REFUSED_PKTS_TOTAL", ID: 435, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Frames without a packet that can be metered.",
	}
	ActiveFlows = &Field{
		Element: Element{Label: "ACTIVE_FLOWS", ID: 436, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Flows in the table of the worker.",
	}
	FlowCapacity = &Field{
		Element: Element{Label: "FLOW_CAPACITY", ID: 437, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Flows that the table can hold.",
	}
	RingFullRecords = &Field{
		Element: Element{Label: "RING_FULL_RECORDS_TOTAL", ID: 438, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Records of flows lost because their ring was full.",
	}
	RingFullEvents = &Field{
		Element: Element{Label: "RING_FULL_EVENTS_TOTAL", ID: 439, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Events lost because their ring was full.",
	}
	TransactionTotal = &Field{
		Element: Element{Label: "TRANSACTION_TOTAL", ID: 440, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Transactions and notices that were seen.",
	}
	LookedInto = &Field{
		Element: Element{Label: "STREAMS_ACTIVE", ID: 441, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Flows that are looked into, or of which something was found.",
	}
)

// Of an exporter.
var (
	ExportingProcess = &Field{
		Element: Element{Name: "exportingProcessId", Label: "EXPORTING_PROCESS_ID", ID: 144},
		Type:    Unsigned32,
		Doc:     "Number of the exporter, from 1, in the order of the configuration.",
	}
	ExportedOctets = &Field{
		Element: Element{Name: "exportedOctetTotalCount", Label: "TOTAL_BYTES_EXP", ID: 40},
		Type:    Unsigned64,
		Doc:     "Octets of the messages that the exporter delivered.",
	}
	ExportedMessages = &Field{
		Element: Element{Name: "exportedMessageTotalCount", Label: "TOTAL_PKTS_EXP", ID: 41},
		Type:    Unsigned64,
		Doc:     "Messages that the exporter delivered.",
	}
	ExportedRecords = &Field{
		Element: Element{Name: "exportedFlowRecordTotalCount", Label: "TOTAL_FLOWS_EXP", ID: 42},
		Type:    Unsigned64,
		Doc:     "Records that the exporter delivered.",
	}
	NotSentRecords = &Field{
		Element: Element{Name: "notSentFlowTotalCount", Label: "NOT_SENT_FLOW_TOTAL", ID: 166},
		Type:    Unsigned64,
		Doc:     "Records that the exporter dropped, for any reason.",
	}
	GivenRecords = &Field{
		Element: Element{Label: "EXPORTER_RECORDS_TOTAL", ID: 445, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Records given to the exporter: delivered, dropped, pending or spooled.",
	}
	UnwantedRecords = &Field{
		Element: Element{Label: "EXPORTER_FILTERED_TOTAL", ID: 446, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Records that the filter of the exporter left out.",
	}
	PendingRecords = &Field{
		Element: Element{Label: "EXPORTER_PENDING", ID: 447, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Records in memory that are neither delivered nor dropped yet.",
	}
	SpooledRecords = &Field{
		Element: Element{Label: "EXPORTER_SPOOLED", ID: 448, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Records that wait on disk.",
	}
	SpooledOctets = &Field{
		Element: Element{Label: "EXPORTER_SPOOLED_BYTES", ID: 449, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Octets that wait on disk.",
	}
	OldestRecord = &Field{
		Element: Element{Label: "EXPORTER_OLDEST_MSEC", ID: 450, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Age of the oldest record that waits, in milliseconds.",
	}
	SendRetries = &Field{
		Element: Element{Label: "EXPORTER_RETRIES_TOTAL", ID: 451, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Attempts to deliver a message after the first.",
	}
	SendFailures = &Field{
		Element: Element{Label: "EXPORTER_FAILURES_TOTAL", ID: 452, PEN: Weir},
		Type:    Unsigned64,
		Doc:     "Attempts to deliver a message that failed.",
	}
	ExporterPaused = &Field{
		Element: Element{Label: "EXPORTER_PAUSED", ID: 453, PEN: Weir},
		Type:    Unsigned8,
		Doc:     "1 if the exporter is paused, 0 if not.",
	}
	LastError = &Field{
		Element: Element{Label: "EXPORTER_LAST_ERROR", ID: 454, PEN: Weir},
		Type:    String, Width: 64,
		Doc: "Why the last attempt that failed did.",
	}
)

// Of an exporter, and one of its observation domains, that a collector collects from.
var (
	CollectedMessages = vendor(Weir, 2165, "COLLECTED_MESSAGES_TOTAL", Unsigned64, "Messages that came from the exporter.")
	CollectedOctets   = vendor(Weir, 2166, "COLLECTED_BYTES_TOTAL", Unsigned64, "Octets of them.")
	CollectedRecords  = vendor(Weir, 2167, "COLLECTED_RECORDS_TOTAL", Unsigned64, "Records in them.")
	CollectedLost     = vendor(Weir, 2168, "COLLECTED_LOST_TOTAL", Unsigned64,
		"Records, or messages of NetFlow v9 and sFlow, that its sequence numbers say are missing.")
	CollectedTemplates = vendor(Weir, 2169, "COLLECTED_TEMPLATES", Unsigned32, "Templates of it that are known.")
	CollectedLast      = vendor(Weir, 2170, "COLLECTED_LAST_MILLISECONDS", DateTimeMilliseconds,
		"When it sent last, milliseconds since the Unix epoch.")
	CollectedSilent = vendor(Weir, 2171, "COLLECTED_SILENT", Unsigned8,
		"1 if it has not sent anything for so long as is worth a word, 0 if it has.")
)
