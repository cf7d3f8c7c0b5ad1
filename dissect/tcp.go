package dissect

import "github.com/weir-probe/weir/dissect/wire"

func (p *Packet) tcp(b []byte) ([]byte, layer) {
	p.ports(b)
	h, _, ok := wire.AsTCP(b)
	if !ok {
		return p.cut()
	}
	p.HasTCP, p.Seq, p.Ack = true, h.Seq(), h.Ack()
	p.TCPFlags, p.Window = h.Flags(), h.Window()
	if p.TCPFlags&wire.SYN != 0 {
		p.options(h)
	}
	return p.transport(b, h.Len())
}

// options reads the options of a SYN. Kinds that do not fit a nibble are written as 15, which
// is not assigned; kinds behind the eighth are left out.
func (p *Packet) options(h wire.TCP) {
	for n, rest := 0, h.Options(); ; n++ {
		kind, data, after, ok := wire.Option(rest)
		if !ok {
			return
		}
		if n < 8 {
			p.Options |= uint32(min(kind, 15)) << (4 * n)
		}
		switch {
		case kind == wire.MaxSegment && len(data) == 2:
			p.MSS = uint16(data[0])<<8 | uint16(data[1])
		case kind == wire.WindowScale && len(data) == 1:
			p.Scale = min(data[0], maxScale) + 1
		}
		rest = after
	}
}

// maxScale is the largest shift; larger ones are taken for it (RFC 7323, section 2.3).
const maxScale = 14
