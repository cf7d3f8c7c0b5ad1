// Package ipfix writes flows as IPFIX (RFC 7011, RFC 5103) and NetFlow v9 (RFC 3954): one
// engine, two dialects.
package ipfix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

var be = binary.BigEndian

// Format writes messages. A value a flow does not have is left out: there is a template for
// each set of values that occurs, made when the first such flow comes and announced at the
// start of the message that holds it.
//
// The sequence numbers count what was sealed. A message the exporter drops is a gap in
// them, by which the collector knows what it missed.
type Format struct {
	o        export.FormatOptions
	d        dialect
	shape    shape
	families [2]family // IPv4, IPv6

	variants map[presence]*template
	latest   *template             // of the last flow, if it was one of them
	same     presence              // of it
	limit    int                   // of variants
	nextID   uint16                // of the next template
	sets     atomic.Pointer[[]set] // template sets announced so far; only ever appended to
	options  []set                 // records about the exporter
	foreign  foreign
	opened   bool   // streams get sets and options from Open
	sequence uint32 // of the next message

	schedule
	message
	found
}

// message is the state of the message being written.
type message struct {
	base    int       // where it starts
	now     uint64    // when it was begun
	set     int       // where the open set starts
	open    *template // of its records, nil if none is open
	flows   uint32
	data    uint32 // data records, options included
	records uint32 // records of any kind
}

// found is what encode found out about a flow.
type found struct {
	presence
	cut, saturated bool
}

// presence is an IP version and the set of columns a flow has a value for.
type presence struct {
	family *family
	bits   [maxColumns / 64]uint64
	// foreign is the number of the set of elements that are handed on as they came, 0 for none.
	foreign uint32
}

const (
	maxMessage  = 1<<16 - 1
	maxColumns  = 1024
	maxVariants = 64
	firstID     = 256 // smallest identifier of a template (RFC 7011, section 3.4.1)
)

// New returns a format that writes IPFIX. It fails if the template cannot be written.
func New(o export.FormatOptions) (*Format, error) { return newFormat(o, ipfix{}) }

// NewNetFlow9 returns a format that writes NetFlow v9. It fails if the template has fields
// for which NetFlow v9 has no number.
func NewNetFlow9(o export.FormatOptions) (*Format, error) { return newFormat(o, netflow9{}) }

func newFormat(o export.FormatOptions, d dialect) (*Format, error) {
	if o.Size == 0 {
		o.Size = export.DefaultSize
	}
	if o.Counters == nil {
		o.Counters = new(export.Counters)
	}
	if o.Size > maxMessage {
		return nil, fmt.Errorf("size %d of a message is too large: use at most %d", o.Size, maxMessage)
	}
	f := &Format{
		o: o, d: d, shape: d.shape(), nextID: firstID, variants: map[presence]*template{}, limit: maxVariants,
	}
	if err := errors.Join(f.families[0].build(f, 4), f.families[1].build(f, 6)); err != nil {
		return nil, err
	}
	f.sets.Store(new([]set))
	f.describe()
	return f, f.fits()
}

// fits checks that every record and every announcement has room in a message, and limits
// the variants so that all that was ever announced has room in the one that opens a stream.
func (f *Format) fits() error {
	room := maxMessage - f.shape.header
	for _, s := range slices.Concat(*f.sets.Load(), f.options) {
		room -= len(s.octets)
	}
	for i := range f.families {
		fam := &f.families[i]
		set := 4 + 4 + 8*len(fam.columns) + fam.foreignRoom()
		if need := f.shape.header + max(set, 4+fam.all.shortest+f.shape.align); need > f.o.Size {
			return fmt.Errorf("template of %d fields needs messages of %d octets, not %d: "+
				"raise the MTU or remove fields", len(fam.columns), need, f.o.Size)
		}
		f.limit = min(f.limit, room/set-len(f.families))
	}
	return nil
}

// Begin writes the message header, and templates and options that are due.
func (f *Format) Begin(dst []byte, now uint64) []byte {
	f.message = message{base: len(dst), now: now}
	return f.announce(f.d.header(dst, &f.o, head{now, f.sequence}))
}

// Append adds a data record.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	start := len(dst)
	fam := &f.families[0]
	if v.Version == 6 {
		fam = &f.families[1]
	}
	how := encoding{fam, noLimit, f.o.Full}
	dst = f.encode(dst, v, how)
	t, full := f.template(fam)
	if !t.announced {
		f.introduce = t
		return f.refuse(dst, start)
	}
	if full {
		how.full = true
		dst = f.encode(dst[:start], v, how)
	}
	lead := f.lead(start, t)
	if !f.room(dst, lead) {
		if start > f.base+f.shape.header {
			return f.refuse(dst, start)
		}
		dst = f.squeeze(dst[:start], v, how)
	}
	f.count(full)
	return f.insert(dst, start, t), true
}

// refuse leaves a flow to another message.
func (f *Format) refuse(dst []byte, start int) ([]byte, bool) {
	f.crowded = f.flows == 0 && start > f.base+f.shape.header
	return dst[:start], false
}

// room reports whether the message with lead more octets does not become too long.
func (f *Format) room(dst []byte, lead int) bool {
	return len(dst)+lead-f.base+f.shape.align-1 <= f.o.Size
}

// squeeze writes a flow that is too long for a message with its strings cut.
func (f *Format) squeeze(dst []byte, v *flow.View, how encoding) []byte {
	start := len(dst)
	for how.limit = 128; ; how.limit /= 2 {
		dst = f.encode(dst[:start], v, how)
		if f.room(dst, 4) || how.limit == 0 {
			return dst
		}
	}
}

func (f *Format) count(full bool) {
	if full {
		f.o.Counters.Zeroed.Add(1)
	}
	if f.cut {
		f.o.Counters.Cut.Add(1)
	}
	if f.saturated {
		f.o.Counters.Saturated.Add(1)
	}
}

// lead returns how many octets come between the message so far and a record: padding of
// the open set and the header of another, if the open one is not of the record's template.
func (f *Format) lead(end int, t *template) int {
	if f.open == t {
		return 0
	}
	return f.setPadding(end) + 4
}

// setPadding returns the padding of the open set, which has its last record before end.
// Where padding could be taken for a record there is none (RFC 7011, section 3.3.1).
func (f *Format) setPadding(end int) int {
	if f.open == nil || f.open.shortest < f.shape.align {
		return 0
	}
	return f.padding(end - f.set)
}

func (f *Format) padding(length int) int { return -length & (f.shape.align - 1) }

// insert makes the record from start on part of a set of its template.
func (f *Format) insert(dst []byte, start int, t *template) []byte {
	f.flows, f.data, f.records = f.flows+1, f.data+1, f.records+1
	lead := f.lead(start, t)
	if lead == 0 {
		return dst
	}
	end := len(dst)
	dst = append(dst, zeroes[:lead]...)
	copy(dst[start+lead:], dst[start:end])
	clear(dst[start : start+lead])
	at := start + lead - 4
	f.closeSet(dst[:at])
	f.set, f.open = at, t
	be.PutUint16(dst[at:], t.id)
	return dst
}

var zeroes [8]byte

// closeSet writes the length of the open set, which ends where dst does.
func (f *Format) closeSet(dst []byte) {
	if f.open != nil {
		be.PutUint16(dst[f.set+2:], uint16(len(dst)-f.set))
	}
}

// Seal writes the lengths and counts.
func (f *Format) Seal(dst []byte) []byte {
	if len(dst) == f.base+f.shape.header {
		return dst[:f.base]
	}
	dst = append(dst, zeroes[:f.setPadding(len(dst))]...)
	f.closeSet(dst)
	f.d.finish(dst[f.base:], f.records)
	f.sequence += f.shape.advance(f.data)
	f.messages++
	return dst
}
