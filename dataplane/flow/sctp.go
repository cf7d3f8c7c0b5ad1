package flow

import (
	"strconv"
	"unsafe"
)

// SCTP is what one direction of an association did (RFC 9260). It lies where TCP does, as no flow is both.
type SCTP struct {
	Octets     [SCTPStreams]uint64 // of user data, by Streams
	Messages   [SCTPStreams]uint32 // that began, likewise
	Streams    [SCTPStreams]uint16 // the first that were used
	Seen       uint64              // bit i: the chunk with TSN Top-i was seen
	Chunks     uint32              // of all types
	Data       uint32              // DATA chunks among them
	Again      uint32              // DATA chunks among those that were sent again
	Late       uint32              // DATA chunks that came behind later ones, for the first time
	Top        uint32              // highest TSN
	Tag        uint32              // by which the sender wants to be addressed; 0 was not seen
	Payload    uint32              // payload protocol identifier of the first DATA chunk
	Kinds      uint32              // bit i: a chunk of type i was seen
	Out, Cause uint16              // streams that it wants to send; cause of an ABORT, 0 if none was told
	HasData    uint8               // 1: Top and Payload are valid
	Count      uint8               // of Streams
}

// SCTPStreams is of how many streams sums are kept.
const SCTPStreams = 4

var _ [unsafe.Sizeof(TCP{}) - unsafe.Sizeof(SCTP{})]byte // it fits

// SCTP returns what one direction of an association did, in the memory of TCP[d].
func (c *Cold) SCTP(d Dir) *SCTP { return (*SCTP)(unsafe.Pointer(&c.TCP[d&1])) }

// Types of chunks (RFC 9260, section 3.2).
const (
	ChunkData = iota
	ChunkInit
	ChunkInitAck
	ChunkSack
	ChunkHeartbeat
	ChunkHeartbeatAck
	ChunkAbort
	ChunkShutdown
	ChunkShutdownAck
	ChunkError
	ChunkCookieEcho
	ChunkCookieAck
	_
	_
	ChunkShutdownComplete
)

func isAssociation(r *Record, _ Dir) bool {
	return r.Proto == protoSCTP && r.Collected == 0 && r.Ignored&(KeyProto|KeyAddresses|KeyPorts) == 0
}

func hasChunks(r *Record, d Dir) bool { return isAssociation(r, d) && r.SCTP(d).Kinds != 0 }

func sctp(id uint16, label, doc string, typ Type, get func(s *SCTP) (uint64, bool)) *Field {
	return &Field{
		Element: Element{Label: label, ID: id, PEN: Weir}, Type: typ, Doc: doc, Rev: ReverseIE, needs: BlockTCP, has: hasChunks,
		calc: func(v *View, d Dir, _ []byte) (Value, bool) {
			n, ok := get(v.SCTP(d))
			return Value{U: n}, ok
		},
	}
}

func count32(n uint32) (uint64, bool) { return uint64(n), true }

// sctpFields are what the two sides of an association of SCTP did, of one pair of their addresses.
var sctpFields = []*Field{
	sctp(1868, "SCTP_CHUNKS_IN", "Chunks of SCTP from client to server.", Unsigned32,
		func(s *SCTP) (uint64, bool) { return count32(s.Chunks) }),
	sctp(1869, "SCTP_DATA_IN", "DATA chunks of SCTP from client to server.", Unsigned32,
		func(s *SCTP) (uint64, bool) { return count32(s.Data) }),
	sctp(1870, "SCTP_RETRANSMITTED_IN",
		"DATA chunks of SCTP from client to server whose TSN was seen before, or is 64 or more behind the highest.", Unsigned32,
		func(s *SCTP) (uint64, bool) { return count32(s.Again) }),
	sctp(1871, "SCTP_LATE_IN",
		"DATA chunks of SCTP from client to server that came behind later ones, for the first time.", Unsigned32,
		func(s *SCTP) (uint64, bool) { return count32(s.Late) }),
	sctp(1872, "SCTP_TAG_IN", "Verification tag by which the client wants to be addressed: it is that of the association.", Unsigned32,
		func(s *SCTP) (uint64, bool) { return uint64(s.Tag), s.Tag != 0 }),
	sctp(1873, "SCTP_STREAMS_IN", "Streams that the client asked to send.", Unsigned16,
		func(s *SCTP) (uint64, bool) { return uint64(s.Out), s.Out != 0 }),
	sctp(1874, "SCTP_PPID_IN", "Payload protocol identifier of the first DATA chunk from client to server.", Unsigned32,
		func(s *SCTP) (uint64, bool) { return uint64(s.Payload), s.HasData != 0 }),
	sctp(1875, "SCTP_ABORT_CAUSE_IN", "Cause that the client gave for aborting the association.", Unsigned16,
		func(s *SCTP) (uint64, bool) { return uint64(s.Cause), s.Cause != 0 }),
	{
		Element: Element{Label: "SCTP_STREAM_SUMS_IN", ID: 1876, PEN: Weir}, Type: String, Width: 64, Rev: ReverseIE,
		calc: streamSums, needs: BlockTCP, has: hasChunks,
		Doc: "Streams of SCTP from client to server, the first four: number, messages, octets of user data, as 0:3/1200;1:9/800.",
	},
	{
		Element: Element{Label: "SCTP_STATE", ID: 1877, PEN: Weir}, Type: String, Width: 12,
		calc: associationState, needs: BlockTCP, has: isAssociation,
		Doc: "How far the association was seen to come: opening, established, closing, closed, aborted.",
	},
}

func streamSums(v *View, d Dir, dst []byte) (Value, bool) {
	s := v.SCTP(d)
	for i := range min(s.Count, SCTPStreams) {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(strconv.AppendUint(dst, uint64(s.Streams[i]), 10), ':')
		dst = append(strconv.AppendUint(dst, uint64(s.Messages[i]), 10), '/')
		dst = strconv.AppendUint(dst, s.Octets[i], 10)
	}
	return Value{B: dst}, s.Count > 0
}

// associationStates are the states by the chunks that show them, the last one first.
var associationStates = [...]struct {
	kinds uint32
	name  string
}{
	{1 << ChunkAbort, "aborted"},
	{1 << ChunkShutdownComplete, "closed"},
	{1<<ChunkShutdown | 1<<ChunkShutdownAck, "closing"},
	{1<<ChunkData | 1<<ChunkSack | 1<<ChunkCookieAck | 1<<ChunkHeartbeat | 1<<ChunkHeartbeatAck, "established"},
	{1<<ChunkInit | 1<<ChunkInitAck | 1<<ChunkCookieEcho, "opening"},
}

func associationState(v *View, _ Dir, dst []byte) (Value, bool) {
	kinds := v.SCTP(Forward).Kinds | v.SCTP(Reverse).Kinds
	for _, s := range associationStates {
		if kinds&s.kinds != 0 {
			return Value{B: append(dst, s.name...)}, true
		}
	}
	return Value{}, false
}
