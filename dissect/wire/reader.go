package wire

import "encoding/binary"

// Reader consumes a message from the front. Reading past the end yields zeroes and makes
// the reader short for good, so a parser checks once, at the end.
type Reader struct {
	b     []byte
	size  int // octets there were
	short bool
}

// Read returns a reader of b, which it borrows.
func Read(b []byte) Reader { return Reader{b: b, size: len(b)} }

// Begin makes r a reader of b, as Read does.
func (r *Reader) Begin(b []byte) { r.b, r.size, r.short = b, len(b), false }

// Short reports whether more was read than there is.
func (r *Reader) Short() bool { return r.short }

// Len returns the number of octets left.
func (r *Reader) Len() int { return len(r.b) }

// Pos returns the number of octets consumed.
func (r *Reader) Pos() int { return r.size - len(r.b) }

// Bytes consumes n octets. It returns nil if there are not as many.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.b, r.short = r.b[len(r.b):], true
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Peek returns the octets left without consuming them.
func (r *Reader) Peek() []byte { return r.b }

// Skip consumes n octets.
func (r *Reader) Skip(n int) { r.Bytes(n) }

// Rest consumes everything.
func (r *Reader) Rest() []byte { return r.Bytes(len(r.b)) }

// U8 consumes an octet.
func (r *Reader) U8() uint8 {
	if b := r.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 consumes two octets, the most significant first; so do U24, U32 and U64 their number.
func (r *Reader) U16() uint16 {
	if b := r.Bytes(2); b != nil {
		return be.Uint16(b)
	}
	return 0
}

func (r *Reader) U24() uint32 {
	if b := r.Bytes(3); b != nil {
		return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	}
	return 0
}

func (r *Reader) U32() uint32 {
	if b := r.Bytes(4); b != nil {
		return be.Uint32(b)
	}
	return 0
}

func (r *Reader) U64() uint64 {
	if b := r.Bytes(8); b != nil {
		return be.Uint64(b)
	}
	return 0
}

// U16LE and U32LE consume numbers with the least significant octet first.
func (r *Reader) U16LE() uint16 {
	if b := r.Bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *Reader) U32LE() uint32 {
	if b := r.Bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Block8, Block16 and Block24 consume a length of that many bits and as many octets, and
// return a reader of them. It is short if they are not all there, and then holds those
// that are, so that a prefix can be looked at.
func (r *Reader) Block8() Reader  { return r.Block(int(r.U8())) }
func (r *Reader) Block16() Reader { return r.Block(int(r.U16())) }
func (r *Reader) Block24() Reader { return r.Block(int(r.U24())) }

// Block consumes n octets and returns a reader of them, as Block8 does.
func (r *Reader) Block(n int) Reader {
	if n < 0 || n > len(r.b) {
		b := r.b
		r.b, r.short = r.b[len(r.b):], true
		return Reader{b: b, size: len(b), short: true}
	}
	b := Read(r.Bytes(n))
	b.short = r.short
	return b
}
