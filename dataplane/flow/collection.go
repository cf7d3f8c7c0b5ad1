package flow

// collectionFields are attributes that a collector gives the records it makes, and what is worked out
// of them.
var collectionFields = []*Field{
	ObservationDomain, SamplerID, SamplingOrigin, CollectedElements, ExportTime, ExportVersion, CollectedAt,
	{
		Element: Element{Label: "SCALED_IN_BYTES", ID: 2000, PEN: Weir},
		Type:    Unsigned64, calc: scaledOctets, from: pair(&rec.Octets),
		Doc: "IP octets from client to server times the sampling rate: what there would be without sampling.",
		Rev: &Element{Label: "SCALED_OUT_BYTES", ID: 2001, PEN: Weir},
	},
	{
		Element: Element{Label: "SCALED_IN_PKTS", ID: 2002, PEN: Weir},
		Type:    Unsigned64, calc: scaledPackets, from: pair(&rec.Packets),
		Doc: "Packets from client to server times the sampling rate: what there would be without sampling.",
		Rev: &Element{Label: "SCALED_OUT_PKTS", ID: 2003, PEN: Weir},
	},
}

// What a collector knows of a record.
var (
	ObservationDomain = told(149, "observationDomainId", "OBSERVATION_DOMAIN_ID", Unsigned32,
		"Observation domain of the exporter (IPFIX), its source identifier (NetFlow v9) or agent (sFlow).")
	SamplerID = told(48, "samplerId", "FLOW_SAMPLER_ID", Unsigned8,
		"Which of the exporter's samplers chose the packets; 255 is that or more.")
	SamplingOrigin = vendor(Weir, 2004, "SAMPLING_ORIGIN", String,
		"Who says what SAMPLING_INTERVAL is: data, header, options or configuration; absent without it.")
	CollectedElements = vendor(Weir, 2005, "COLLECTED_ELEMENTS", OctetArray,
		"Elements nobody here knows, as they came: enterprise, 4 octets; element, 2, with the highest bit set if "+
			"its length varies; length, 2; its octets; in IPFIX the elements themselves.")
	ExportTime = vendor(Weir, 2006, "EXPORT_TIME_MILLISECONDS", DateTimeMilliseconds,
		"When the exporter sent the record, by its clock, milliseconds since the epoch.")
	ExportVersion = vendor(Weir, 2007, "EXPORT_VERSION", Unsigned8,
		"Version of NetFlow that the record came in, 10 for IPFIX; of sFlow if FLOW_SOURCE is 2.")
	CollectedAt = &Field{
		Element: Element{Name: "collectionTimeMilliseconds", Label: "COLLECTION_TIME_MILLISECONDS", ID: 258},
		Type:    DateTimeMilliseconds, Doc: "When weir received the record, milliseconds since the epoch.",
	}
)

func scaledOctets(v *View, d Dir, _ []byte) (Value, bool)  { return v.scaled(v.Octets[d]), true }
func scaledPackets(v *View, d Dir, _ []byte) (Value, bool) { return v.scaled(v.Packets[d]), true }

// scaled multiplies with the sampling rate; of what nobody says is sampled everything was metered.
func (v *View) scaled(n uint64) Value {
	rate, ok := v.attr(SamplingInterval)
	if !ok || rate.U == 0 {
		return Value{U: n}
	}
	if n > ^uint64(0)/rate.U {
		return Value{U: ^uint64(0)}
	}
	return Value{U: n * rate.U}
}
