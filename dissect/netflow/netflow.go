// Package netflow reads NetFlow of versions 1, 5, 7, 8 and 9 and IPFIX: messages, their sets, and
// templates. What a record says is read by the flow.Inlet of its template; the versions that have
// none have theirs here.
package netflow

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/flow"
)

var be = binary.BigEndian

// Versions of messages.
const (
	V9    = 9
	IPFIX = 10
)

// Message is what the header of a message says. It borrows the message.
type Message struct {
	Version  uint16
	Length   int    // octets of the message; those behind it are another's
	Count    int    // records, as the header has it; 0 in IPFIX
	Export   uint64 // nanoseconds since the Unix epoch
	Uptime   uint32 // of the exporter, milliseconds; not in IPFIX
	Sequence uint32
	Domain   uint32 // observation domain, source identifier, or engine type × 256 + engine
	Sampling uint16 // mode in the upper two bits, interval in the others (v5)
	Scheme   uint8  // of aggregation (v8)
	Body     []byte // records of a fixed layout, or sets
	Cut      bool   // the message is shorter than its header says
}

// Fault says why octets are no message.
type Fault uint8

const (
	Fine Fault = iota
	Short
	UnknownVersion
	UnknownScheme
	BadLength
	Faults
)

// FaultDocs names and explains every Fault.
var FaultDocs = [Faults]struct{ Name, Doc string }{
	Fine:           {"fine", "Messages that were read."},
	Short:          {"short", "Datagrams too short for the header of a message."},
	UnknownVersion: {"unknown_version", "Datagrams that are neither NetFlow nor IPFIX nor sFlow."},
	UnknownScheme:  {"unknown_scheme", "NetFlow v8 with an aggregation scheme that is not known."},
	BadLength:      {"bad_length", "IPFIX messages whose length is less than that of their header."},
}

// headers are the octets of headers by version.
var headers = [IPFIX + 1]int{1: 16, 5: 24, 7: 24, 8: 28, V9: 20, IPFIX: 16}

// Read reads the header that b begins with.
func Read(b []byte) (m Message, f Fault) {
	if len(b) < 4 {
		return m, Short
	}
	m.Version = be.Uint16(b)
	if int(m.Version) >= len(headers) || headers[m.Version] == 0 {
		return m, UnknownVersion
	}
	header := headers[m.Version]
	if len(b) < header {
		return m, Short
	}
	m.Length = len(b)
	if m.Version == IPFIX {
		return m.ipfix(b)
	}
	m.Count, m.Uptime = int(be.Uint16(b[2:])), be.Uint32(b[4:])
	m.Export = uint64(be.Uint32(b[8:])) * 1e9
	switch m.Version {
	case V9:
		m.Sequence, m.Domain = be.Uint32(b[12:]), be.Uint32(b[16:])
	case 1:
		m.Export += nanos(b[12:])
	case 5, 7, 8:
		m.Export += nanos(b[12:])
		m.Sequence = be.Uint32(b[16:])
	}
	if m.Version == 5 || m.Version == 8 {
		m.Domain = uint32(be.Uint16(b[20:]))
	}
	if m.Version == 5 {
		m.Sampling = be.Uint16(b[22:])
	}
	if m.Version == 8 {
		m.Scheme = b[22]
	}
	m.Body = b[header:]
	if m.Version != V9 {
		return m, m.records()
	}
	return m, Fine
}

// nanos reads nanoseconds of a second.
func nanos(b []byte) uint64 { return uint64(min(be.Uint32(b), 1e9-1)) }

func (m *Message) ipfix(b []byte) (Message, Fault) {
	m.Length = int(be.Uint16(b[2:]))
	m.Export = uint64(be.Uint32(b[4:])) * 1e9
	m.Sequence, m.Domain = be.Uint32(b[8:]), be.Uint32(b[12:])
	if m.Length < headers[IPFIX] {
		return *m, BadLength
	}
	if m.Length > len(b) {
		m.Length, m.Cut = len(b), true
	}
	m.Body = b[headers[IPFIX]:m.Length]
	return *m, Fine
}

// records leaves as much in the body as there are records of a fixed layout.
func (m *Message) records() Fault {
	n := Octets(m.Version, m.Scheme)
	if n == 0 {
		return UnknownScheme
	}
	all := len(m.Body) / n
	m.Cut = all < m.Count
	m.Body = m.Body[:min(all, m.Count)*n]
	return Fine
}

// Sampled returns the sampling rate that the header of v5 says: one packet in so many; 0 says nothing.
// Exporters are known to leave the mode 0, and to say an interval of 1 for none.
func (m *Message) Sampled() uint32 { return uint32(m.Sampling & (1<<14 - 1)) }

// Set is a set of a message (RFC 7011, section 3.3; RFC 3954, section 5).
type Set struct {
	ID   uint16
	Body []byte
}

// First is the least identifier of a set of data.
const First = 256

// NextSet returns the set that b begins with and what follows it. It fails if the length of the set
// is less than that of its header, or more than is left; nothing behind it can be read then.
func NextSet(b []byte) (s Set, rest []byte, ok bool) {
	if len(b) < 4 {
		return s, nil, false
	}
	n := int(be.Uint16(b[2:]))
	if n < 4 || n > len(b) {
		return s, nil, false
	}
	return Set{be.Uint16(b), b[4:n]}, b[n:], true
}

// Padding reports whether what is left behind the sets of a message is nothing but padding.
func Padding(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return len(b) < 4
}

// Describes reports whether sets of that identifier hold templates, and whether they are of options.
func Describes(version, id uint16) (templates, options bool) {
	if version == V9 {
		return id <= 1, id == 1
	}
	return id == 2 || id == 3, id == 3
}

// Template is a template record.
type Template struct {
	ID     uint16
	Scopes int  // elements that say what the others are about: the first so many, of options
	All    bool // a withdrawal of all templates of the kind; there are no elements then
	Specs  []flow.Specifier
}

// Withdrawn reports whether the template is taken back (RFC 7011, section 8.1).
func (t *Template) Withdrawn() bool { return len(t.Specs) == 0 }

// Scope is the enterprise number that the scopes of NetFlow v9 get here, which have numbers of their
// own: 1 system, 2 interface, 3 line card, 4 cache, 5 template (RFC 3954, section 6.1).
const Scope uint32 = 1<<32 - 1

// NextTemplate returns the template that b begins with and what follows it. Its elements are in
// into. It fails if there is none: padding, more elements than fit, or a length that lies.
func NextTemplate(version uint16, options bool, b []byte, into []flow.Specifier) (
	t Template, rest []byte, ok bool,
) {
	if len(b) < 4 {
		return t, nil, false
	}
	t.ID = be.Uint16(b)
	n := int(be.Uint16(b[2:]))
	b = b[4:]
	if n == 0 && version == IPFIX {
		t.All = t.ID < First
		return t, b, true
	}
	if options {
		if len(b) < 2 {
			return t, nil, false
		}
		second := int(be.Uint16(b))
		b = b[2:]
		if version == V9 { // both are octets of specifiers
			if n%4 != 0 || second%4 != 0 {
				return t, nil, false
			}
			t.Scopes, n = n/4, (n+second)/4
		} else {
			t.Scopes = second
		}
	}
	if t.ID < First || n == 0 || n > cap(into) || t.Scopes > n {
		return t, nil, false
	}
	t.Specs = into[:n]
	for i := range t.Specs {
		if t.Specs[i], b, ok = specifier(version, b); !ok {
			return t, nil, false
		}
		if version == V9 && i < t.Scopes {
			t.Specs[i].PEN = Scope
		}
	}
	return t, b, true
}

// Bases of elements of enterprises in NetFlow v9, which has no enterprise numbers.
const (
	ciscoBase = 1 << 15
	ntopBase  = 57472
	paloAlto  = 56701 // App-ID, and User-ID behind it
)

// specifier reads a field specifier.
func specifier(version uint16, b []byte) (s flow.Specifier, rest []byte, ok bool) {
	if len(b) < 4 {
		return s, nil, false
	}
	s.ID, s.Length = be.Uint16(b), be.Uint16(b[2:])
	b = b[4:]
	if version != V9 {
		if s.ID&(1<<15) == 0 {
			return s, b, true
		}
		if len(b) < 4 {
			return s, nil, false
		}
		s.ID, s.PEN = s.ID&^(1<<15), be.Uint32(b)
		return s, b[4:], true
	}
	switch {
	case s.ID >= ntopBase:
		s.PEN, s.ID = flow.Ntop, s.ID-ntopBase
	case s.ID == paloAlto || s.ID == paloAlto+1:
		s.PEN, s.ID = flow.PaloAlto, s.ID-paloAlto+1
	case s.ID >= ciscoBase:
		s.PEN, s.ID = flow.Cisco, s.ID-ciscoBase
	}
	return s, b, true
}
