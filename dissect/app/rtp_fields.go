package app

import (
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Fields of media over RTP, as a flow's record has them. Those in pairs are indexed by flow.Dir: IN
// is what the client sends, OUT what the server does. A direction may carry several streams; counts
// are of all of them, and what only one can have is of the one with the most packets.
var (
	RTPPackets = rtpSides("RTP_*_PKTS", 320, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of RTP"})
	RTPOctets = rtpSides("RTP_*_OCTETS", 322, flow.Field{
		Type: flow.Unsigned64, Doc: "Octets of media in packets of RTP, without headers and padding,"})
	RTPSource = rtpSides("RTP_*_SSRC", 324, flow.Field{
		Type: flow.Unsigned32, Doc: "SSRC of the stream"})
	RTPLostPackets = rtpSides("RTP_*_LOST_PKTS", 326, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of RTP whose sequence numbers never came"})
	RTPDuplicates = rtpSides("RTP_*_DUPLICATE_PKTS", 328, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of RTP that came more than once, without the first,"})
	RTPReordered = rtpSides("RTP_*_REORDERED_PKTS", 330, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of RTP that came behind one with a higher sequence number"})
	RTPJitter = rtpSides("RTP_*_JITTER_USEC", 332, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3, Doc: "Mean of the jitter after each packet (RFC 3550, A.8), microseconds,"})
	RTPMaxJitter = rtpSides("RTP_*_MAX_JITTER_USEC", 334, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3, Doc: "Greatest jitter after a packet (RFC 3550, A.8), microseconds,"})
	RTPMaxDelta = rtpSides("RTP_*_MAX_DELTA_USEC", 336, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3, Doc: "Longest time between packets of a talkspurt, microseconds,"})
	RTPMeanDelta = rtpSides("RTP_*_MEAN_DELTA_USEC", 338, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3, Doc: "Mean time between packets of a talkspurt, microseconds,"})
	RTPTransit = rtpSides("RTP_*_TRANSIT_USEC", 340, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3,
		Doc: "Greatest one-way delay of the stream's packets less the least, microseconds,"})
	RTPLossRuns = rtpSides("RTP_*_LOSS_RUNS", 342, flow.Field{
		Type: flow.Unsigned32, Doc: "Gaps of lost packets in a row"})
	RTPMaxLossRun = rtpSides("RTP_*_MAX_LOSS_RUN", 344, flow.Field{
		Type: flow.Unsigned32, Doc: "Most packets lost in a row"})
	RTPBurstRatio = rtpSides("RTP_*_BURST_RATIO", 346, flow.Field{
		Type: flow.Float64, Doc: "BurstR of ITU-T G.107: mean length of gaps, by what it were if losses were random,"})
	RTPCodec = rtpSides("RTP_*_CODEC", 348, flow.Field{
		Type: flow.String, Width: 16, Doc: "Codec of the payload type, as RFC 3551 assigns them, or as SDP says,"})
	RTPTalkspurts = rtpSides("RTP_*_TALKSPURTS", 350, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets with the marker bit, which begin a talkspurt or end a picture,"})
	RTPComfortNoise = rtpSides("RTP_*_COMFORT_NOISE_PKTS", 352, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of comfort noise (RFC 3389)"})
	RTPSourceChanges = rtpSides("RTP_*_SSRC_CHANGES", 354, flow.Field{
		Type: flow.Unsigned32, Doc: "Streams with a new SSRC after the first"})
	RTPClock = rtpSides("RTP_*_CLOCK_HZ", 2260, flow.Field{
		Type: flow.Unsigned32,
		Doc:  "Clock that jitter is measured with, that of the payload type or as timestamps tell, hertz,"})
)

// What people would think of the media, by the E-model (ITU-T G.107), for codecs whose impairment is known.
var (
	RTPRating = rtpSides("RTP_*_R_VALUE", 356, flow.Field{
		Type: flow.Float64, Doc: "Transmission rating R of the whole, 0 to 100,"})
	RTPRatingWorst = rtpSides("RTP_*_R_WORST", 358, flow.Field{
		Type: flow.Float64, Doc: "Least transmission rating R of an interval of 10 seconds"})
	RTPMOS = rtpSides("RTP_*_MOS_VALUE", 360, flow.Field{
		Type: flow.Float64, Doc: "Mean opinion score by R (MOS-CQE), 1 to 4.5,"})
	RTPRatingMean = rtpSides("RTP_*_R_MEAN", 362, flow.Field{
		Type: flow.Float64, Doc: "Mean of the transmission ratings R of intervals of 10 seconds"})
	RTPBothRating = &flow.Field{
		Element: flow.Element{Label: "RTP_R_VALUE", ID: 364, PEN: flow.Weir},
		Type:    flow.Float64, Doc: "Mean of the transmission ratings R of both directions.",
	}
	RTPBothMOS = &flow.Field{
		Element: flow.Element{Label: "RTP_MOS_VALUE", ID: 379, PEN: flow.Weir},
		Type:    flow.Float64, Doc: "Mean of the mean opinion scores of both directions.",
	}
)

// What RTCP says. A report is about what its sender has received: IN is what is said of the client's stream.
var (
	RTCPPackets = rtpSides("RTCP_*_PKTS", 366, flow.Field{
		Type: flow.Unsigned32, Doc: "Datagrams of RTCP"})
	RTCPName = rtpSides("RTCP_*_CNAME", 368, flow.Field{
		Type: flow.String, Width: 64, Doc: "Canonical name (CNAME) that RTCP gives"})
	RTCPLost = rtpSides("RTCP_*_LOST_PKTS", 370, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets of the stream that its receiver missed, by its last report,"})
	RTCPJitter = rtpSides("RTCP_*_JITTER_USEC", 372, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3,
		Doc: "Jitter that the stream's receiver saw, by its last report, microseconds,"})
	RTCPRating = rtpSides("RTCP_*_R_FACTOR", 374, flow.Field{
		Type: flow.Unsigned8, Doc: "Rating R that the receiver of the stream reports (RFC 3611, section 4.7.5)"})
	RTCPMOS = rtpSides("RTCP_*_MOS", 376, flow.Field{
		Type: flow.Unsigned8, Doc: "Listening quality that the receiver reports (RFC 3611, section 4.7.5), MOS × 10,"})
	RTCPBye = &flow.Field{
		Element: flow.Element{Label: "RTCP_BYE_TIME", ID: 365, PEN: flow.Weir},
		Type:    flow.DateTimeMicroseconds, Doc: "Time of the first BYE of RTCP, microseconds.",
	}
	RTPRoundTrip = &flow.Field{
		Element: flow.Element{Label: "RTP_RTT_USEC", ID: 378, PEN: flow.Weir},
		Type:    flow.Unsigned32, Scale: 1e3,
		Doc: "Last round-trip time between both ends that reports of RTCP tell, microseconds.",
	}
	RTPKeying = &flow.Field{
		Element: flow.Element{Label: "RTP_KEYING", ID: 380, PEN: flow.Weir},
		Type:    flow.String, Width: 8,
		Doc: "How the keys were agreed that the media is encrypted with, dtls or zrtp, absent if it is not known to be.",
	}
)

// The same by nProbe's names, in its units.
var (
	RTPFirstSeq = rtpNtop("RTP_FIRST_SEQ", 150, "First sequence number of the client's stream, or else of the server's.")
	RTPFirstTS  = rtpNtop("RTP_FIRST_TS", 151, "First timestamp of the client's stream, or else of the server's.")
	RTPLastSeq  = rtpNtop("RTP_LAST_SEQ", 152, "Last sequence number of the client's stream, or else of the server's.")
	RTPLastTS   = rtpNtop("RTP_LAST_TS", 153, "Last timestamp of the client's stream, or else of the server's.")
	RTPSSRC     = rtpNtop("RTP_SSRC", 437, "SSRC of the client's stream, or else of the server's.")

	RTPJitterNtop = rtpPair("RTP_*_JITTER", [2]uint16{154, 155}, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3, Doc: "Mean jitter, milliseconds × 1000,"})
	RTPLostNtop = rtpPair("RTP_*_PKT_LOST", [2]uint16{156, 157}, flow.Field{
		Type: flow.Unsigned32, Scale: 1e3, Doc: "Lost packets in per cent of those expected"})
	RTPPayloadType = rtpPair("RTP_*_PAYLOAD_TYPE", [2]uint16{161, 158}, flow.Field{
		Type: flow.Unsigned8, Doc: "Payload type of the stream, that of most packets,"})
	RTPMaxDeltaNtop = rtpPair("RTP_*_MAX_DELTA", [2]uint16{159, 160}, flow.Field{
		Type: flow.Unsigned32, Scale: 1e4, Doc: "Longest time between packets of a talkspurt, milliseconds × 100,"})
	RTPTransitNtop = rtpPair("RTP_*_TRANSIT", [2]uint16{381, 382}, flow.Field{
		Type: flow.Unsigned32, Scale: 1e4, Doc: "Greatest one-way delay less the least, milliseconds × 100,"})
	RTPDiscarded = rtpPair("RTP_*_PKT_DROP", [2]uint16{430, 431}, flow.Field{
		Type: flow.Unsigned32, Doc: "Packets that are too late for a jitter buffer of 60 ms"})
	RTPMOSNtop = rtpPair("RTP_*_MOS", [2]uint16{370, 432}, flow.Field{
		Type: flow.Unsigned32, Doc: "Mean opinion score × 100"})
	RTPRatingNtop = rtpPair("RTP_*_R_FACTOR", [2]uint16{371, 433}, flow.Field{
		Type: flow.Unsigned32, Doc: "Transmission rating R × 100"})
	RTPBothMOSNtop    = rtpNtop("RTP_MOS", 434, "Mean opinion score × 100, mean of both directions.")
	RTPBothRatingNtop = rtpNtop("RTP_R_FACTOR", 436, "Transmission rating R × 100, mean of both directions.")

	RTPRoundTripNtop = &flow.Field{
		Element: flow.Element{Label: "RTP_RTT", ID: 380, PEN: flow.Ntop},
		Type:    flow.Unsigned32, Scale: 1e6,
		Doc: "Last round-trip time between both ends that reports of RTCP tell, milliseconds.",
	}
	RTPTones = &flow.Field{
		Element: flow.Element{Label: "RTP_DTMF_TONES", ID: 395, PEN: flow.Ntop},
		Type:    flow.String, Width: 16,
		Doc: "Digits of both directions that were sent as telephone events (RFC 4733), the first 16.",
	}
	// RTPCallID is known to whoever sees the signalling too; no dissector says it.
	RTPCallID = &flow.Field{
		Element: flow.Element{Label: "RTP_SIP_CALL_ID", ID: 348, PEN: flow.Ntop},
		Type:    flow.String, Width: 64,
		Doc: "Call-ID of the call that the media belongs to.",
	}
)

func rtpNtop(label string, id uint16, doc string) *flow.Field {
	return &flow.Field{Element: flow.Element{Label: label, ID: id, PEN: flow.Ntop}, Type: flow.Unsigned32, Doc: doc}
}

// rtpSides makes the fields of both directions, whose numbers follow each other, of one.
func rtpSides(label string, id uint16, like flow.Field) [2]*flow.Field {
	like.PEN = flow.Weir
	return rtpPair(label, [2]uint16{id, id + 1}, like)
}

// rtpPair does so for any numbers, nProbe's unless like says otherwise.
func rtpPair(label string, ids [2]uint16, like flow.Field) (sides [2]*flow.Field) {
	if like.PEN == 0 {
		like.PEN = flow.Ntop
	}
	for d := range sides {
		f := like
		f.Label, f.ID = strings.Replace(label, "*", [2]string{"IN", "OUT"}[d], 1), ids[d]
		f.Doc += [2]string{" from client to server.", " from server to client."}[d]
		sides[d] = &f
	}
	return sides
}

// rtpFields are those that the flow of media may have.
var rtpFields = fieldsOf(
	[][2]*flow.Field{
		RTPPackets, RTPOctets, RTPSource, RTPLostPackets, RTPDuplicates, RTPReordered, RTPDiscarded,
		RTPJitter, RTPMaxJitter, RTPMaxDelta, RTPMeanDelta, RTPTransit, RTPLossRuns, RTPMaxLossRun, RTPBurstRatio,
		RTPCodec, RTPTalkspurts, RTPComfortNoise, RTPSourceChanges, RTPClock, RTPRating, RTPRatingMean, RTPRatingWorst, RTPMOS,
		RTPJitterNtop, RTPLostNtop, RTPPayloadType, RTPMaxDeltaNtop, RTPTransitNtop, RTPMOSNtop, RTPRatingNtop,
		RTCPPackets, RTCPName, RTCPLost, RTCPJitter, RTCPRating, RTCPMOS, T38Packets, T38LostPackets,
	},
	RTPFirstSeq, RTPFirstTS, RTPLastSeq, RTPLastTS, RTPSSRC, RTPBothMOSNtop, RTPBothRatingNtop,
	RTPBothRating, RTPBothMOS,
	RTPRoundTrip, RTPRoundTripNtop, RTPTones, RTCPBye, RTPKeying, RTPCallID,
)

func fieldsOf(pairs [][2]*flow.Field, others ...*flow.Field) (all []*flow.Field) {
	for _, p := range pairs {
		all = append(all, p[0], p[1])
	}
	return append(all, others...)
}
