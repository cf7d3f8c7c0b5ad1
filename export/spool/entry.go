package spool

import (
	"encoding/binary"
	"hash/crc32"
)

// Entry is a message with what its exporter wants to know of it again.
type Entry struct {
	Records uint32
	Head    []byte // about the message; the log only keeps it
	Body    []byte // the message
	// Preface is what has to be delivered before the message to somebody who knows nothing: when
	// appended what it is by now, when read what it was then. Nil is nothing.
	Preface []byte

	// What Append does not want to be told.

	Time       uint64 // when it was appended, nanoseconds since the Unix epoch
	Generation uint32 // which process has written it: each that opens the log is another
	Gap        bool   // entries before it were lost or found no room
}

// mark is a place between two entries: the sequence number of the next, and the records before it.
type mark struct{ sequence, before uint64 }

func (m mark) less(n mark) bool { return m.sequence < n.sequence }

func (m mark) latest(n mark) mark {
	return mark{max(m.sequence, n.sequence), max(m.before, n.before)}
}

// since returns the records between an earlier mark and m.
func (m mark) since(n mark) uint64 { return max(m.before, n.before) - n.before }

// kind is what an entry of a file is.
type kind uint8

const (
	message kind = 1
	preface kind = 2 // of the messages behind it; it has the sequence number of the next
)

// header precedes each entry. It begins with the salt of the log, which nobody who makes messages can
// know, so that a message does not look like an entry when a damaged place is searched for the next.
type header struct {
	mark
	time       uint64
	generation uint32
	records    uint32
	kind       kind
	head, body uint32 // octets
	sum        uint32 // of head and body
	gap        uint32 // 1 if there was no room for entries before it
}

const headerSize = 64

var (
	be    = binary.BigEndian
	table = crc32.MakeTable(crc32.Castagnoli)
)

func (h *header) size() int64 { return headerSize + int64(h.head) + int64(h.body) }

// end is the mark behind the entry.
func (h *header) end() mark {
	if h.kind == preface {
		return h.mark
	}
	return mark{h.sequence + 1, h.before + uint64(h.records)}
}

func (h *header) append(dst []byte, salt uint64) []byte {
	start := len(dst)
	dst = be.AppendUint64(dst, salt)
	dst = be.AppendUint64(dst, h.sequence)
	dst = be.AppendUint64(dst, h.before)
	dst = be.AppendUint64(dst, h.time)
	dst = be.AppendUint32(dst, h.generation)
	dst = be.AppendUint32(dst, h.records)
	dst = be.AppendUint32(dst, uint32(h.kind))
	dst = be.AppendUint32(dst, h.head)
	dst = be.AppendUint32(dst, h.body)
	dst = be.AppendUint32(dst, h.sum)
	dst = be.AppendUint32(dst, h.gap)
	return be.AppendUint32(dst, crc32.Checksum(dst[start:], table))
}

// parse reads a header. It returns false if there is none, or a damaged one.
func (h *header) parse(b []byte, salt uint64) bool {
	if len(b) < headerSize || be.Uint64(b) != salt ||
		be.Uint32(b[headerSize-4:]) != crc32.Checksum(b[:headerSize-4], table) {
		return false
	}
	*h = header{
		mark: mark{be.Uint64(b[8:]), be.Uint64(b[16:])}, time: be.Uint64(b[24:]),
		generation: be.Uint32(b[32:]), records: be.Uint32(b[36:]), kind: kind(be.Uint32(b[40:])),
		head: be.Uint32(b[44:]), body: be.Uint32(b[48:]), sum: be.Uint32(b[52:]), gap: be.Uint32(b[56:]),
	}
	return h.kind == message || h.kind == preface
}

// appendEntry appends an entry as it is in a file. The header's sizes and sum are set.
func appendEntry(dst []byte, h header, salt uint64, parts [2][]byte) []byte {
	h.head, h.body = uint32(len(parts[0])), uint32(len(parts[1]))
	h.sum = crc32.Update(crc32.Checksum(parts[0], table), table, parts[1])
	dst = h.append(dst, salt)
	dst = append(dst, parts[0]...)
	return append(dst, parts[1]...)
}
