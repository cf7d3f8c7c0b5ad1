package ipfix

import (
	"fmt"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// A dialect is what IPFIX and NetFlow v9 do differently.
type dialect interface {
	shape() shape
	// header appends the message header without what finish knows.
	header(dst []byte, o *export.FormatOptions, h head) []byte
	// finish completes the header of a message with so many records.
	finish(message []byte, records uint32)
	// column says how a field is written, or that it cannot be.
	column(fd *flow.Field, o *export.FormatOptions) (column, error)
	// optionsTemplate appends the head of an options template record.
	optionsTemplate(dst []byte, t *optionsTemplate) []byte
}

// shape is the numbers of a dialect.
type shape struct {
	header             int    // octets
	sequence           int    // where it is in the header
	templates, options uint16 // set identifiers
	align              int    // sets are padded to a multiple, a power of two
	perMessage         bool   // the sequence counts messages, not data records
}

// advance returns by how much a message with so many data records advances the sequence.
func (s *shape) advance(data uint32) uint32 {
	if s.perMessage {
		return 1
	}
	return data
}

// head is what a message header says. now is in nanoseconds since the Unix epoch.
type head struct {
	now      uint64
	sequence uint32
}

// column is how a field is written.
type column struct {
	field  *flow.Field // nil for the time sysUpTime counts from
	id     uint16
	length uint16 // octets, varies for variable length
	pen    uint32
	plain  bool // written as Field.Wire does
}

const varies = 65535 // RFC 7011, section 7

// specifier appends the field specifier of a template (RFC 7011, section 3.2).
func (c *column) specifier(dst []byte) []byte {
	if c.pen == 0 {
		return be.AppendUint16(be.AppendUint16(dst, c.id), c.length)
	}
	dst = be.AppendUint16(be.AppendUint16(dst, c.id|1<<15), c.length)
	return be.AppendUint32(dst, c.pen)
}

// shortest returns the least octets the column takes.
func (c *column) shortest() int {
	if c.length == varies {
		return 1
	}
	return int(c.length)
}

// length returns the encoded length of fd, 0 if it varies.
func length(fd *flow.Field, narrow bool) uint16 {
	if narrow && fd.Type == flow.Unsigned64 {
		return 4
	}
	return uint16(fd.Type.Size())
}

// ipfix is the dialect of RFC 7011.
type ipfix struct{}

func (ipfix) shape() shape {
	return shape{header: 16, sequence: 8, templates: 2, options: 3, align: 1}
}

func (ipfix) header(dst []byte, o *export.FormatOptions, h head) []byte {
	dst = be.AppendUint32(dst, 10<<16)
	dst = be.AppendUint32(dst, uint32(h.now/1e9))
	dst = be.AppendUint32(dst, h.sequence)
	return be.AppendUint32(dst, o.Domain)
}

func (ipfix) finish(message []byte, _ uint32) { be.PutUint16(message[2:], uint16(len(message))) }

func (ipfix) column(fd *flow.Field, o *export.FormatOptions) (column, error) {
	c := column{field: fd, id: fd.ID, pen: fd.PEN, length: length(fd, o.Narrow)}
	c.plain = c.length > 0 && int(c.length) == fd.Type.Size()
	if o.Biflow == export.NProbe && fd.Legacy != 0 {
		c.id, c.pen = fd.Legacy, flow.IANA
	}
	if c.length == 0 {
		c.length = varies
	}
	return c, nil
}

func (ipfix) optionsTemplate(dst []byte, t *optionsTemplate) []byte {
	dst = be.AppendUint16(dst, t.id)
	dst = be.AppendUint16(dst, uint16(len(t.columns)))
	return be.AppendUint16(dst, uint16(t.scopes))
}

// netflow9 is the dialect of RFC 3954. It has no enterprise numbers: ntop's elements are
// written as types from 57472 on, the way nProbe does.
type netflow9 struct{}

const (
	ciscoBase = 1 << 15 // of Cisco's elements
	ntopBase  = 57472
)

func (netflow9) shape() shape {
	return shape{header: 20, sequence: 12, templates: 0, options: 1, align: 4, perMessage: true}
}

func (netflow9) header(dst []byte, o *export.FormatOptions, h head) []byte {
	dst = be.AppendUint32(dst, 9<<16)
	dst = be.AppendUint32(dst, uint32((max(h.now, o.Boot)-o.Boot)/1e6))
	dst = be.AppendUint32(dst, uint32(h.now/1e9))
	dst = be.AppendUint32(dst, h.sequence)
	return be.AppendUint32(dst, o.Domain)
}

func (netflow9) finish(message []byte, records uint32) {
	be.PutUint16(message[2:], uint16(records))
}

func (netflow9) column(fd *flow.Field, o *export.FormatOptions) (column, error) {
	c := column{field: fd, id: fd.ID, length: length(fd, o.Narrow)}
	c.plain = c.length > 0 && int(c.length) == fd.Type.Size()
	if c.length == 0 {
		c.length = uint16(fd.Width)
	}
	switch {
	case c.length == 0:
		return c, fmt.Errorf("field %s has no width, which NetFlow v9 needs: use ipfix or remove it",
			fd.Key())
	case fd.PEN == flow.IANA:
	case fd.Legacy != 0:
		c.id = fd.Legacy
	case fd.PEN == flow.Ntop && fd.ID < 1<<16-ntopBase:
		c.id = ntopBase + fd.ID
	case fd.PEN == flow.Cisco && fd.ID < ntopBase-ciscoBase:
		c.id = ciscoBase + fd.ID
	default:
		return c, fmt.Errorf("field %s (element %d of enterprise %d) has no number in NetFlow v9: "+
			"use ipfix or remove it", fd.Key(), fd.ID, fd.PEN)
	}
	return c, nil
}

func (netflow9) optionsTemplate(dst []byte, t *optionsTemplate) []byte {
	dst = be.AppendUint16(dst, t.id)
	dst = be.AppendUint16(dst, uint16(4*t.scopes))
	return be.AppendUint16(dst, uint16(4*(len(t.columns)-t.scopes)))
}
