package flow

// Dir is the direction of a packet within its flow.
type Dir uint8

const (
	Forward Dir = iota // from the initiator (RFC 5103, section 2)
	Reverse            // towards it
)

// Key identifies a flow, in the initiator's orientation. It has no padding, so
// it can be compared and hashed as 48 plain bytes.
//
// ICMP has no ports. Its key holds type×256+code of the query in the port of
// the endpoint that is asked, and 0 in the other, so that a reply finds its query.
type Key struct {
	Src, Dst         [16]byte // IPv4 addresses are v4-mapped
	SrcPort, DstPort uint16
	VLAN             uint16 // outermost 802.1Q VLAN identifier, 0 for none
	Proto            uint8  // IANA protocol number
	Version          uint8  // 4 or 6
	Tunnel           uint32 // identifier of the innermost tunnel if it is the same both ways (VNI, VSID), else 0
	Ingress          uint32 // interface, 0 unless configured to be part of the key
}

// Reversed returns the key of the opposite direction.
func (k *Key) Reversed() Key {
	return Key{
		Src: k.Dst, Dst: k.Src, SrcPort: k.DstPort, DstPort: k.SrcPort,
		VLAN: k.VLAN, Proto: k.Proto, Version: k.Version, Tunnel: k.Tunnel, Ingress: k.Ingress,
	}
}

// Hot is the part of a flow that every packet changes: two cache lines, no
// pointers. Arrays of two are indexed by Dir.
type Hot struct {
	Key
	First, Last uint64 // nanoseconds since the Unix epoch

	Octets   [2]uint64 // IP octets, headers included, of the metered packets
	Packets  [2]uint64
	TCPFlags [2]uint16 // union of the control bits
	TOS      [2]uint8  // IPv4 TOS or IPv6 traffic class of the first packet
	MinTTL   [2]uint8  // IPv4 TTL or IPv6 hop limit; 0 before the first packet of a direction
	MaxTTL   [2]uint8

	Application uint16 // application number (L7_PROTO), 0 unknown
	Pending     uint8  // the worker's: 1 if a dissector still wants to see payload
	Collected   uint8  // 1: others metered the flow, and the record says itself what it knows (see Said)
	_           [2]uint8
	Attrs       uint32     // the worker's: what is known of its payload, 0 for nothing
	End         EndReason  // 0 while the flow lives
	State       uint8      // the worker's; see worker
	Ignored     KeyPart    // parts of the key that were not looked at: absent, not zero
	Confidence  Confidence // how the application was found
	FIN         [2]uint8   // the worker's: low octet of the sequence number behind the FIN
	Start       [2]uint16  // the worker's: low octets of the sequence number behind the SYN
	Begun       uint8      // the worker's: bit Dir: Start is valid
}

// Record is one flow as it is handed over: the hot part and every cold block.
// The cold blocks are grouped by what has to be touched together; a block that no
// template asks for is not maintained (see Blocks).
type Record struct {
	Hot
	Cold
}

// Cold holds the blocks, each a whole number of cache lines.
type Cold struct {
	Link
	Sizes
	Timing
	Rate
	TCP     [2]TCP
	Latency Latency
	Outer   Outer
}

// Link is what layer 2 and the first packets said, 64 bytes.
type Link struct {
	L2Octets       [2]uint64 // frame octets on the wire, without FCS
	MPLS           [3]uint32 // label stack entries (RFC 3032), outermost first, label in the upper 20 bits
	FlowLabel      [2]uint32 // IPv6 flow label of the first packet, 20 bits
	Ingress        [2]uint32 // interface that received the first packet of a direction
	SrcMAC, DstMAC [6]byte   // of the first packet in the initiator's orientation
	CVLAN          uint16    // inner VLAN identifier of a double tag
	ICMP           [2]uint16 // type×256+code of the first packet of a direction
	HasICMP        uint8     // bit Dir: ICMP is valid
	HasMAC         uint8     // 1: the MAC addresses are valid
}

// Sizes is the distribution of packet sizes and TTLs, both directions together,
// and the extremes per direction: 128 bytes.
type Sizes struct {
	Size      [6]uint32 // IP length ≤128, ≤256, ≤512, ≤1024, ≤1514, more
	TTL       [10]uint32
	MinLen    [2]uint32 // IP length of the smallest packet, 0 before the first
	MaxLen    [2]uint32
	Fragments [2]uint32 // packets that were fragments
	// ECN counts, per direction, packets marked Congestion Experienced (RFC 3168).
	ECN [2]uint32
	// Entropy of the first payload octets seen in a direction, bits per octet × 1000, plus 1; 0 unmeasured.
	Entropy [2]uint16
	_       [28]uint8
}

// Timing is when packets of each direction came: 128 bytes.
type Timing struct {
	DirFirst, DirLast [2]uint64 // nanoseconds since the Unix epoch, 0 for no packet
	IATSum            [2]uint64 // sum of inter-arrival times, microseconds
	IATSquares        [2]uint64 // sum of their squares, saturating
	IATMin, IATMax    [2]uint32 // microseconds
	IATCount          [2]uint32
	_                 [40]uint8
}

// Rate is the throughput in whole seconds of the flow's own clock, IP octets:
// 64 bytes. A second without packets counts as a minimum of 0.
type Rate struct {
	Second   uint64    // nanoseconds of the start of the second being filled
	Octets   [2]uint64 // in that second
	Max, Min [2]uint32 // octets per second over completed seconds; valid if Seconds > 0
	Seconds  uint32    // completed seconds
	_        [20]uint8
}

// TCP is what one direction of a connection did: 128 bytes. See worker/tcp.go
// for the definitions.
type TCP struct {
	RetransmittedOctets  uint64 // TCP payload octets
	LostOctets           uint64 // sequence space never seen: lost before the probe
	TopTime              uint64 // when the highest sequence number was seen, ns
	AckTime              uint64 // when this direction's last acknowledgement was seen, ns
	RetransmittedPackets uint32
	OutOfOrder           uint32
	Duplicates           uint32 // the same packet seen again by the probe
	Holes                uint32 // gaps opened in the sequence
	ZeroWindows          uint32
	NextSeq, Ack         uint32 // highest sequence number + length; last acknowledgement
	Options              uint32 // layout of the options of the SYN: a kind per nibble, first in the lowest
	SYNSeq               uint32 // sequence number of the SYN
	Reported             uint32 // NextSeq at the last cut: gaps below it belong to an earlier record
	Gaps                 [3]Gap // sequence space not seen yet, ascending
	Recent               [3]uint32
	WindowMin, WindowMax uint16 // as in the header, not scaled; SYN and RST not counted
	Window               uint16 // of the last packet
	MSS                  uint16 // 0 not announced
	SYNWindow            uint16
	SYNLength            uint16 // IP length of the SYN
	Seen                 TCPSeen
	Scale                uint8 // window scale shift + 1; 0 not announced
	SYNTTL               uint8
	SYNFlags             SYNFlags
	InitialFlags         uint8 // control bits of the first segment of the direction
	DupAcks              uint8
	Open                 uint8 // gaps in Gaps
	_                    uint8
}

// Gap is a hole in the sequence space, [From, To), empty if equal.
type Gap struct{ From, To uint32 }

// TCPSeen says which members of TCP are valid.
type TCPSeen uint8

const (
	SeenPacket   TCPSeen = 1 << iota // InitialFlags
	SeenSYN                          // SYNSeq, SYNWindow, SYNLength, SYNTTL, SYNFlags, Options
	SeenWindow                       // WindowMin, WindowMax
	SeenSequence                     // NextSeq, TopTime
	SeenAck                          // Ack, AckTime, Window
	SeenProbe                        // the last octet seen was a zero-window probe at NextSeq
	SeenCut                          // Reported
)

// SYNFlags is what was said in the headers of a SYN beside its options.
type SYNFlags uint8

const (
	SYNDontFragment SYNFlags = 1 << iota // IPv4 don't fragment
	SYNIdentified                        // the IPv4 identification was not 0
	SYNECN                               // ECE and CWR were set (RFC 3168, section 6.1.1)
	SYNPayload                           // the SYN carried data (RFC 7413)
	SYNVersion6                          // it came over IPv6
)

// Latency is measured in nanoseconds; 0 is unmeasured. 64 bytes.
type Latency struct {
	SYN, SYNACK uint64 // when they were last seen; 0 for SYNACK once it was acknowledged
	Request     uint64 // last payload of the initiator that was not yet answered
	Client      uint64 // SYN+ACK to ACK: round trip between probe and initiator
	Server      uint64 // SYN to SYN+ACK: round trip between probe and responder
	Application uint64 // last request payload to first response payload
	Opener      Dir    // who sent the SYN; valid if SYN or SYNACK is
	_           [15]uint8
}

// Outer is the tunnel that carried the metered packet, the innermost one if
// there are several: 64 bytes.
type Outer struct {
	Src, Dst         [16]byte // of the first packet in the initiator's orientation
	ID               [2]uint32
	Session          [2]uint32
	SrcPort, DstPort uint16
	Proto            uint8
	Version          uint8  // 4 or 6; 0 for no tunnel
	Type             Tunnel // of the innermost tunnel
	Depth            uint8  // tunnels around the metered packet
	_                [8]uint8
}

// EndReason is why a flow record was made (IANA flowEndReason).
type EndReason uint8

const (
	EndIdle     EndReason = iota + 1 // idle timeout
	EndActive                        // active timeout; the flow goes on
	EndDetected                      // the protocol said so: TCP FIN or RST
	EndForced                        // the probe stopped
	EndResource                      // evicted: the table was full
)

// KeyPart is a set of parts of the key.
type KeyPart uint8

const (
	KeyVLAN KeyPart = 1 << iota
	KeyProto
	KeyAddresses
	KeyPorts
	KeyTunnel
)

// Confidence is how the application of a flow was found.
type Confidence uint8

const (
	ByPort Confidence = iota + 1 // a well-known port: a guess
	ByName
	ByContent
)

// Tunnel is a kind of encapsulation.
type Tunnel uint8

const (
	NoTunnel Tunnel = iota
	GRE
	NVGRE
	ERSPAN
	IPinIP
	SixInFour // 6in4, 4in6
	VXLAN
	Geneve
	GTPU
	L2TP
	Teredo
	MPLSinUDP
	CAPWAP
	PPPoE
	GTP0 // GTP version 0
	Tunnels
)
