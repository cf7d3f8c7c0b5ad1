package flow

import (
	"encoding/binary"
	"iter"
	"unsafe"
)

var ne = binary.NativeEndian

// View is one flow as exporters and policies see it: the record and its attributes,
// both borrowed. Neither may be kept after the call that lent it.
type View struct {
	*Record
	Attrs   []byte // what Attrs.Bytes returned
	Kind    Kind
	ID      ID     // zero if nobody gave it one
	said    []byte // of a collected record: which members of Record have values
	scratch [64]byte
}

// Load makes v the view of a message that a worker handed over: a Record and attributes.
// It borrows the message and returns false if that cannot be one.
func (v *View) Load(msg []byte) bool {
	if len(msg) < int(unsafe.Sizeof(Record{})) {
		return false
	}
	v.Record, v.Attrs = (*Record)(unsafe.Pointer(&msg[0])), msg[unsafe.Sizeof(Record{}):]
	for a := v.Attrs; len(a) > 0; {
		if len(a) < 4 || len(a) < 4+int(ne.Uint16(a[2:])) {
			return false
		}
		a = a[4+int(ne.Uint16(a[2:])):]
	}
	v.said = nil
	if v.Collected != 0 {
		v.said = said(v.Attrs)
		return v.said != nil
	}
	return true
}

// Value returns the value of f and whether the flow has one. Octets are valid until the
// next call.
func (v *View) Value(f *Field) (Value, bool) {
	if v.said != nil {
		return v.collected(f)
	}
	if f.only != 0 && f.only != v.Version {
		return Value{}, false
	}
	if f.has != nil && !f.has(v.Record, f.dir) {
		return Value{}, false
	}
	switch {
	case f.calc != nil:
		return f.calc(v, f.dir, v.scratch[:0])
	case f.slot.size == 0:
		return v.attr(f)
	}
	return v.load(f), true
}

func (v *View) load(f *Field) Value {
	p := unsafe.Add(unsafe.Pointer(v.Record), uintptr(f.slot.off)+uintptr(f.slot.stride)*uintptr(f.dir))
	switch {
	case f.Type == IPv4Address:
		return Value{B: unsafe.Slice((*byte)(p), 16)[12:]}
	case f.Type == IPv6Address || f.Type == MACAddress:
		return Value{B: unsafe.Slice((*byte)(p), f.slot.size)}
	}
	switch f.slot.size {
	case 1:
		return Value{U: uint64(*(*uint8)(p))}
	case 2:
		return Value{U: uint64(*(*uint16)(p))}
	case 4:
		return Value{U: uint64(*(*uint32)(p))}
	}
	return Value{U: *(*uint64)(p)}
}

func (v *View) attr(f *Field) (Value, bool) {
	for a := v.Attrs; len(a) >= 4; {
		num, n := ne.Uint16(a), int(ne.Uint16(a[2:]))
		if n > len(a)-4 {
			break
		}
		if num == f.num {
			return f.attrValue(a[4 : 4+n])
		}
		a = a[4+n:]
	}
	return Value{}, false
}

// Attributes goes through attributes that Attrs.All returned: their fields' numbers and the octets of each,
// of which the first four are its head.
func Attributes(a []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(a) >= 4 {
			n := min(4+int(ne.Uint16(a[2:])), len(a))
			if !yield(ne.Uint16(a), a[:n]) {
				return
			}
			a = a[n:]
		}
	}
}

// attrValue undoes Attrs.Uint and Attrs.Bytes. There is no value if the other was meant.
func (f *Field) attrValue(b []byte) (Value, bool) {
	switch f.Type {
	case IPv4Address, IPv6Address, MACAddress:
		return Value{B: b}, len(b) == f.Type.Size()
	case String, OctetArray:
		return Value{B: b}, true
	}
	if len(b) != 8 {
		return Value{}, false
	}
	return Value{U: ne.Uint64(b)}, true
}

// Attrs collects what is known of a flow beyond its record. Values are copied in; when
// the buffer is full further ones are dropped and counted. The zero value is empty.
type Attrs struct {
	n       int
	Dropped uint64
	buf     [3 << 10]byte // what a worker says is at most 2 KiB; the rest is for the control plane
}

// Reset forgets everything collected.
func (a *Attrs) Reset() { a.n = 0 }

// Load replaces what was collected by octets that All returned.
func (a *Attrs) Load(b []byte) {
	a.Reset()
	a.Add(b)
}

// Add adds octets that All of another returned; it drops and counts what does not fit.
func (a *Attrs) Add(b []byte) {
	if a.n+len(b) > len(a.buf) {
		a.Dropped++
		return
	}
	a.n += copy(a.buf[a.n:], b)
}

// All returns what was collected, as View.Attrs.
func (a *Attrs) All() []byte { return a.buf[:a.n] }

// Uint says that f is u, in the units of the record (see Field.Scale).
func (a *Attrs) Uint(f *Field, u uint64) {
	if b := a.grow(f, 8); b != nil {
		ne.PutUint64(b, u)
	}
}

// Bytes says that f is s, cut to 255 octets.
func (a *Attrs) Bytes(f *Field, s []byte) {
	if b := a.grow(f, min(len(s), 255)); b != nil {
		copy(b, s)
	}
}

// Text says that f is s, cut to 255 octets.
func (a *Attrs) Text(f *Field, s string) {
	if b := a.grow(f, min(len(s), 255)); b != nil {
		copy(b, s)
	}
}

// Remove forgets what was said of f.
func (a *Attrs) Remove(f *Field) {
	for at := 0; at+4 <= a.n; {
		next := min(at+4+int(ne.Uint16(a.buf[at+2:])), a.n)
		if ne.Uint16(a.buf[at:]) != f.num {
			at = next
			continue
		}
		a.n = at + copy(a.buf[at:], a.buf[next:a.n])
	}
}

func (a *Attrs) grow(f *Field, n int) []byte {
	if a.n+4+n > len(a.buf) {
		a.Dropped++
		return nil
	}
	b := a.buf[a.n : a.n+4+n]
	ne.PutUint16(b, f.num)
	ne.PutUint16(b[2:], uint16(n))
	a.n += len(b)
	return b[4:]
}
