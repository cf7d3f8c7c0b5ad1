package app

import "github.com/weir-probe/weir/dissect/wire"

// What may be wrong with the data of a record.
const (
	flawDataShort = "the data of a record is shorter than its type needs"
	flawDataLong  = "the data of a record is longer than its type needs"
	flawBitmap    = "a bitmap of types contradicts itself"
	flawParams    = "the parameters of a service are out of order"
	flawTwoOPT    = "there is more than one EDNS record"
	flawOPTName   = "the EDNS record has a name"
	flawOption    = "an EDNS option is longer than the record"
	flawSubnet    = "the subnet of a client contradicts its length"
)

// dnsData is the data of a record, of which parts were consumed.
type dnsData struct {
	wire.Reader // Pos is the place in the message
	start       int
	end         int
}

// data writes the data of a record, and reports whether it is right. It is to be left out if not.
func (d *dnsMessage) data(r *dnsRecord, t *dnsText) bool {
	p := dnsData{Reader: wire.Read(d.b[:r.end]), start: r.start, end: r.end}
	p.Skip(r.start)
	layout := dnsType(r.kind).layout
	if addr := r.kind == typeA || r.kind == typeAAAA; addr && r.class != classIN && r.class != classNONE {
		layout = "" // other classes have addresses of their own
	}
	switch {
	case p.Len() == 0 && (layout == "" || d.opcode() == opUpdate || r.class == classNONE):
		return true
	case layout == "":
		t.string(`\# `)
		t.uint(uint64(p.Len()))
		t.octet(' ')
		t.hex(p.Rest())
		return true
	}
	right := true
	for i := 0; i < len(layout) && right; i++ {
		right = d.part(&p, layout[i], i, t)
	}
	switch {
	case p.Short():
		d.fault(flawDataShort)
	case right && p.Len() > 0:
		d.fault(flawDataLong)
	default:
		return right
	}
	return false
}

// part consumes and writes the i-th part of the data of a record, and reports whether it is right.
func (d *dnsMessage) part(p *dnsData, kind byte, i int, t *dnsText) bool {
	if i > 0 && kind != 'r' && kind != 'B' && kind != 'p' {
		t.octet(' ')
	}
	switch kind {
	case 'n': // name
		return d.name(&p.Reader, t)
	case 'a': // IPv4 address
		t.addr(p.Bytes(4))
	case '6': // IPv6 address
		t.addr(p.Bytes(16))
	case '1', '2', '4': // number of so many octets
		t.uint(p.number(kind))
	case 't': // type of records
		n := p.U16()
		t.named(dnsType(n).name, "TYPE", n)
	case 'T': // time
		t.date(p.U32())
	case 'B': // types that exist at a name
		return d.types(&p.Reader, t)
	case 'p': // parameters of a service
		return d.params(&p.Reader, t)
	case 'k': // a key: its tag
		t.string("id=")
		t.uint(uint64(keyTag(d.b[p.start:p.end])))
		p.Rest()
	case 'r': // not written
		p.Rest()
	default:
		p.string(kind, t)
	}
	return true
}

func (p *dnsData) number(kind byte) uint64 {
	switch kind {
	case '1':
		return uint64(p.U8())
	case '2':
		return uint64(p.U16())
	}
	return uint64(p.U32())
}

// string consumes and writes a part that is a sequence of octets.
func (p *dnsData) string(kind byte, t *dnsText) {
	switch kind {
	case 's': // string
		t.quoted(p.block())
	case 'S': // one or more strings
		for {
			t.quoted(p.block())
			if p.Len() == 0 {
				return
			}
			t.octet(' ')
		}
	case 'q': // string without a length
		t.quoted(p.Rest())
	case 'c': // word
		t.plain(p.block())
	case 'x':
		t.hex(p.Rest())
	case 'b':
		t.base64(p.Rest())
	case 'e':
		t.dashed(p.Rest())
	case 'h': // salt
		if b := p.block(); len(b) > 0 {
			t.hex(b)
		} else {
			t.octet('-')
		}
	case '3': // hashed owner
		t.base32(p.block())
	}
}

// block consumes an octet and as many octets as it says.
func (p *dnsData) block() []byte { return p.Bytes(int(p.U8())) }

// keyTag is the number a signature refers to its key by (RFC 4034, appendix B).
func keyTag(b []byte) uint16 {
	sum := uint32(0)
	for i, c := range b {
		sum += uint32(c) << (8 * (^i & 1))
	}
	return uint16(sum + sum>>16)
}

// types reads a bitmap of types (RFC 4034, section 4.1.2).
func (d *dnsMessage) types(r *wire.Reader, t *dnsText) bool {
	for last := -1; r.Len() > 0; {
		window := int(r.U8())
		bits := r.Bytes(int(r.U8()))
		if window <= last || len(bits) == 0 || len(bits) > 32 {
			if !r.Short() {
				d.fault(flawBitmap)
			}
			return false
		}
		last = window
		for i := range len(bits) * 8 {
			if bits[i/8]<<(i%8)&0x80 != 0 {
				n := uint16(window<<8 | i)
				t.octet(' ')
				t.named(dnsType(n).name, "TYPE", n)
			}
		}
	}
	return true
}

// params reads the parameters of a service (RFC 9460, section 2.2).
func (d *dnsMessage) params(r *wire.Reader, t *dnsText) bool {
	for last := -1; r.Len() > 0; {
		key := r.U16()
		v := wire.Read(r.Bytes(int(r.U16())))
		if r.Short() {
			return false
		}
		if int(key) <= last {
			d.fault(flawParams)
			return false
		}
		last = int(key)
		t.octet(' ')
		t.named(dnsNamed(svcKeys[:], key), "key", key)
		if v.Len() > 0 {
			t.octet('=')
			param(key, &v, t)
		}
		if v.Short() {
			d.fault(flawDataShort)
			return false
		}
	}
	return true
}

// Parameters of services whose values are not text (IANA, "Service Parameter Keys").
const (
	svcMandatory = 0
	svcALPN      = 1
	svcPort      = 3
	svcIPv4      = 4
	svcECH       = 5
	svcIPv6      = 6
	svcGroups    = 9
)

// param writes the value of a parameter.
func param(key uint16, v *wire.Reader, t *dnsText) {
	for first := true; v.Len() > 0; first = false {
		if !first {
			t.octet(',')
		}
		switch key {
		case svcMandatory:
			n := v.U16()
			t.named(dnsNamed(svcKeys[:], n), "key", n)
		case svcALPN:
			for _, c := range v.Bytes(int(v.U8())) {
				if c == ',' || c == '\\' { // once for the list, once for the string
					t.string(`\\`)
				}
				t.escaped(c, inLabels[1:])
			}
		case svcPort, svcGroups:
			t.uint(uint64(v.U16()))
		case svcIPv4:
			t.addr(v.Bytes(4))
		case svcIPv6:
			t.addr(v.Bytes(16))
		case svcECH:
			t.base64(v.Rest())
		default:
			for _, c := range v.Rest() {
				t.escaped(c, inLabels[1:])
			}
		}
	}
}
