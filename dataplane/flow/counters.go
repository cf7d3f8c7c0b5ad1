package flow

import "slices"

// What the ports of switches count (sFlow version 5; RFC 2863, RFC 3635): attributes of records of
// KindCounters. Numbers are totals since the device began to count.
var (
	CounterSource = vendor(Weir, 2100,
		"COUNTER_SOURCE", Unsigned32, "Number of what the counters are of, at its agent.")

	// InterfaceCounters are in the order in which agents tell them.
	InterfaceCounters = []*Field{
		vendor(Weir, 2101, "IF_INDEX", Unsigned32, "Number of the interface."),
		vendor(Weir, 2102, "IF_TYPE", Unsigned32, "Type of the interface, as IANA numbers them (ifType)."),
		vendor(Weir, 2103, "IF_SPEED", Unsigned64, "Speed of the interface, bits per second."),
		vendor(Weir, 2104, "IF_DIRECTION", Unsigned32, "Direction: 1 full duplex, 2 half duplex, 3 in, 4 out."),
		vendor(Weir, 2105, "IF_STATUS", Unsigned32, "Status in bits: 1 is wanted up, 2 is up."),
		vendor(Weir, 2106, "IF_IN_OCTETS", Unsigned64, "Octets received."),
		vendor(Weir, 2107, "IF_IN_UNICAST_PKTS", Unsigned32, "Unicast packets received."),
		vendor(Weir, 2108, "IF_IN_MULTICAST_PKTS", Unsigned32, "Multicast packets received."),
		vendor(Weir, 2109, "IF_IN_BROADCAST_PKTS", Unsigned32, "Broadcast packets received."),
		vendor(Weir, 2110, "IF_IN_DISCARDS", Unsigned32, "Packets received and discarded."),
		vendor(Weir, 2111, "IF_IN_ERRORS", Unsigned32, "Packets received with errors."),
		vendor(Weir, 2112,
			"IF_IN_UNKNOWN_PROTOCOLS", Unsigned32, "Packets received of a protocol that is not supported."),
		vendor(Weir, 2113, "IF_OUT_OCTETS", Unsigned64, "Octets sent."),
		vendor(Weir, 2114, "IF_OUT_UNICAST_PKTS", Unsigned32, "Unicast packets sent."),
		vendor(Weir, 2115, "IF_OUT_MULTICAST_PKTS", Unsigned32, "Multicast packets sent."),
		vendor(Weir, 2116, "IF_OUT_BROADCAST_PKTS", Unsigned32, "Broadcast packets sent."),
		vendor(Weir, 2117, "IF_OUT_DISCARDS", Unsigned32, "Packets discarded instead of being sent."),
		vendor(Weir, 2118, "IF_OUT_ERRORS", Unsigned32, "Packets not sent because of errors."),
		vendor(Weir, 2119,
			"IF_PROMISCUOUS", Unsigned32, "1 if the interface receives what is for others, 2 if not."),
	}
	// EthernetCounters, VLANCounters and ProcessorCounters are, too.
	EthernetCounters = []*Field{
		vendor(Weir, 2130, "ETH_ALIGNMENT_ERRORS", Unsigned32, "Frames with octets that are not whole."),
		vendor(Weir, 2131, "ETH_FCS_ERRORS", Unsigned32, "Frames with a wrong check sequence."),
		vendor(Weir, 2132, "ETH_SINGLE_COLLISIONS", Unsigned32, "Frames sent after one collision."),
		vendor(Weir, 2133, "ETH_MULTIPLE_COLLISIONS", Unsigned32, "Frames sent after more than one."),
		vendor(Weir, 2134, "ETH_SQE_TEST_ERRORS", Unsigned32, "Errors of the signal quality test."),
		vendor(Weir, 2135, "ETH_DEFERRED", Unsigned32, "Frames that waited for the medium."),
		vendor(Weir, 2136, "ETH_LATE_COLLISIONS", Unsigned32, "Collisions that came late."),
		vendor(Weir, 2137, "ETH_EXCESSIVE_COLLISIONS", Unsigned32, "Frames given up after collisions."),
		vendor(Weir, 2138,
			"ETH_MAC_TRANSMIT_ERRORS", Unsigned32, "Frames not sent because of errors of the device."),
		vendor(Weir, 2139, "ETH_CARRIER_ERRORS", Unsigned32, "Times that the carrier was lost."),
		vendor(Weir, 2140, "ETH_TOO_LONG", Unsigned32, "Frames received that were too long."),
		vendor(Weir, 2141,
			"ETH_MAC_RECEIVE_ERRORS", Unsigned32, "Frames not received because of errors of the device."),
		vendor(Weir, 2142, "ETH_SYMBOL_ERRORS", Unsigned32, "Times that a symbol was invalid."),
	}
	CounterVLAN  = vendor(Weir, 2150, "COUNTER_VLAN", Unsigned32, "VLAN that the counters are of.")
	VLANOctets   = vendor(Weir, 2151, "VLAN_OCTETS", Unsigned64, "Octets in the VLAN.")
	VLANCounters = []*Field{
		vendor(Weir, 2152, "VLAN_UNICAST_PKTS", Unsigned32, "Unicast packets in the VLAN."),
		vendor(Weir, 2153, "VLAN_MULTICAST_PKTS", Unsigned32, "Multicast packets in the VLAN."),
		vendor(Weir, 2154, "VLAN_BROADCAST_PKTS", Unsigned32, "Broadcast packets in the VLAN."),
		vendor(Weir, 2155, "VLAN_DISCARDS", Unsigned32, "Packets discarded in the VLAN."),
	}
	ProcessorCounters = []*Field{
		vendor(Weir, 2160,
			"CPU_5S_PERCENT", Unsigned32, "Load of the agent's processor in the last 5 seconds, per cent × 100."),
		vendor(Weir, 2161, "CPU_1M_PERCENT", Unsigned32, "In the last minute, per cent × 100."),
		vendor(Weir, 2162, "CPU_5M_PERCENT", Unsigned32, "In the last 5 minutes, per cent × 100."),
		vendor(Weir, 2163, "MEMORY_TOTAL", Unsigned64, "Memory of the agent, octets."),
		vendor(Weir, 2164, "MEMORY_FREE", Unsigned64, "Memory of the agent that is free, octets."),
	}
)

// counterFields are all of them.
var counterFields = slices.Concat([]*Field{CounterSource}, InterfaceCounters, EthernetCounters,
	[]*Field{CounterVLAN, VLANOctets}, VLANCounters, ProcessorCounters)

// OfCounters returns the fields of records of KindCounters.
func OfCounters() []*Field { return counterFields }

// What agents of sFlow say of a sampled packet besides its headers.
var (
	SamplePool  = vendor(Weir, 2010, "SAMPLE_POOL", Unsigned32, "Packets that the sampler has seen in all.")
	SampleDrops = vendor(Weir, 2011,
		"SAMPLE_DROPS", Unsigned32, "Samples that the agent could not send in all.")
	DiscardReason = vendor(Weir, 2012,
		"DISCARD_REASON", Unsigned32, "Why the packet was discarded, as sFlow numbers reasons.")
	IngressVNI = vendor(Weir, 2013,
		"INGRESS_VNI", Unsigned32, "Virtual network that the packet came in by.")
	EgressVNI   = vendor(Weir, 2014, "EGRESS_VNI", Unsigned32, "Virtual network that it left by.")
	SampledURL  = vendor(Weir, 2015, "SAMPLED_URL", String, "URL of the request, as the agent saw it.")
	SampledHost = vendor(Weir, 2016, "SAMPLED_HOST", String, "Host of the request, as the agent saw it.")
	DstUser     = vendor(Weir, 2017,
		"DST_USERNAME", String, "User of the destination, as the exporter knows it.")
	LocalPreference = vendor(Weir, 2018, "BGP_LOCAL_PREFERENCE", Unsigned32, "Local preference of the route.")
)

var sampleFields = []*Field{
	SamplePool, SampleDrops, DiscardReason, IngressVNI, EgressVNI, SampledURL, SampledHost, DstUser,
	LocalPreference,
}
