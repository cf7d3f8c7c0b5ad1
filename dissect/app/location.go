package app

import (
	"strconv"

	"github.com/weir-probe/weir/dissect/wire"
)

// location is where a subscriber is, as mobile networks say it (3GPP TS 23.003).
type location struct {
	known    bool
	cells    bool // there is a cell, or what takes its place
	areas    bool // there is an area
	kind     string
	mcc, mnc uint16
	digits   uint8  // of the MNC: two or three
	area     uint32 // LAC or TAC
	cell     uint64 // CI, SAC, RAC, ECI or NCI
}

// maxLocation is the length of the longest text of a location.
const maxLocation = 64

// network reads country and network code (3GPP TS 24.008, section 10.5.1.3), and reports whether they
// are digits.
func (p *location) network(r *wire.Reader) bool {
	b := r.Bytes(3)
	if b == nil {
		return false
	}
	d := [...]uint8{b[0] & 15, b[0] >> 4, b[1] & 15, b[2] & 15, b[2] >> 4, b[1] >> 4}
	for i, n := range d {
		if n > 9 && (i < 5 || n != 15) {
			return false
		}
	}
	p.mcc = uint16(d[0])*100 + uint16(d[1])*10 + uint16(d[2])
	p.mnc, p.digits = uint16(d[3])*10+uint16(d[4]), 2
	if d[5] != 15 {
		p.mnc, p.digits = p.mnc*10+uint16(d[5]), 3
	}
	return true
}

// located says what is known once all was read.
func (p *location) located(kind string, r *wire.Reader) {
	if !r.Short() {
		p.kind, p.known = kind, true
	}
}

// inArea reads a location of a kind that has a location area, and in it what is meant.
func (p *location) inArea(kind string, r *wire.Reader) {
	if p.network(r) {
		p.area, p.cell = uint32(r.U16()), uint64(r.U16())
		p.areas, p.cells = true, true
		p.located(kind, r)
	}
}

// routing reads a routing area, whose code is an octet; in a field of two the other is filler.
func (p *location) routing(r *wire.Reader) {
	if p.network(r) {
		p.area, p.cell = uint32(r.U16()), uint64(r.U8())
		p.areas, p.cells = true, true
		p.located("rai", r)
	}
}

// inLocationArea reads a location area.
func (p *location) inLocationArea(r *wire.Reader) {
	if p.network(r) {
		p.area, p.areas = uint32(r.U16()), true
		p.located("lai", r)
	}
}

// extended reads a base station whose number has 21 bits, or 18 if the first one is set (TS 29.274, section 8.21.8).
func (p *location) extended(r *wire.Reader) {
	if p.network(r) {
		n, bits := r.U24(), 21
		if n>>23 != 0 {
			bits = 18
		}
		p.cell, p.cells = uint64(n)&(1<<bits-1), true
		p.located("enb", r)
	}
}

// tracking reads a tracking area, whose code has so many octets.
func (p *location) tracking(r *wire.Reader, size int) {
	if p.network(r) {
		for _, c := range r.Bytes(size) {
			p.area = p.area<<8 | uint32(c)
		}
		p.areas = true
		p.located("tai", r)
	}
}

// global reads a cell that is known by itself, whose identity is the lowest bits of so many octets. With a
// tracking area read before it is both.
func (p *location) global(kind string, r *wire.Reader, bits int) {
	q := *p
	if !q.network(r) {
		return
	}
	for _, c := range r.Bytes((bits + 7) / 8) {
		q.cell = q.cell<<8 | uint64(c)
	}
	q.cell &= 1<<bits - 1
	q.cells = true
	if p.known && kind == "ecgi" {
		kind = "tai+ecgi"
	} else if p.known {
		kind = "tai+ncgi"
	}
	if !r.Short() {
		q.kind, q.known = kind, true
		*p = q
	}
}

// radius reads a location as RADIUS and Diameter have it (3GPP TS 29.061, section 16.4.7.2, attribute 22).
func (p *location) radius(r *wire.Reader) {
	switch r.U8() {
	case 0:
		p.inArea("cgi", r)
	case 1:
		p.inArea("sai", r)
	case 2:
		p.routing(r)
	case 128:
		p.tracking(r, 2)
	case 129:
		p.global("ecgi", r, 28)
	case 130:
		if p.tracking(r, 2); p.known {
			p.global("ecgi", r, 28)
		}
	case 135:
		p.global("ncgi", r, 36)
	case 136:
		p.tracking(r, 3)
	case 137:
		if p.tracking(r, 3); p.known {
			p.global("ncgi", r, 36)
		}
	}
}

// append writes the kind, country, network, area and cell, as "cgi:262-01-4660-22136".
func (p *location) append(b []byte) []byte {
	b = p.operator(append(append(b, p.kind...), ':'))
	if p.areas {
		b = strconv.AppendUint(append(b, '-'), uint64(p.area), 10)
	}
	if p.cells {
		b = strconv.AppendUint(append(b, '-'), p.cell, 10)
	}
	return b
}

// operator writes the country and network, as "262-01".
func (p *location) operator(b []byte) []byte {
	return appendDigits(append(appendDigits(b, p.mcc, 3), '-'), p.mnc, p.digits)
}

// appendDigits writes a number in at least two or three digits.
func appendDigits(b []byte, n uint16, digits uint8) []byte {
	if digits > 2 {
		b = append(b, '0'+byte(n/100%10))
	}
	return append(b, '0'+byte(n/10%10), '0'+byte(n%10))
}
