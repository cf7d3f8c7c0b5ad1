// Package netflow writes flows as NetFlow v5, for collectors that know nothing newer.
package netflow

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

var be = binary.BigEndian

const (
	headerLength = 24
	recordLength = 48
	maxRecords   = 30
	maxSampling  = 1<<14 - 1
	asTrans      = 23456 // stands for AS numbers of more than 16 bits (RFC 6793)
)

// Format writes NetFlow v5: IPv4 only, one direction a record, counters of 32 bits.
//
// A flow with packets both ways makes two records. A direction with more octets or packets
// than a counter holds makes as many as it takes, so that sums stay true, up to half a
// message; beyond that counters saturate. What a flow has no value for is 0: v5 has no
// way to say nothing.
type Format struct {
	o        export.FormatOptions
	limit    int    // records in a message
	sampling uint16 // sampling mode and interval

	base     int    // where the message starts
	count    int    // records in it
	sequence uint32 // records in those before
}

// New returns a format. It fails if v5 cannot tell the sampling rate.
func New(o export.FormatOptions) (*Format, error) {
	if o.Size == 0 {
		o.Size = export.DefaultSize
	}
	if o.Counters == nil {
		o.Counters = new(export.Counters)
	}
	f := &Format{o: o, limit: min((o.Size-headerLength)/recordLength, maxRecords)}
	if f.limit < 2 {
		return nil, fmt.Errorf("size %d of a message is too small for NetFlow v5: raise the MTU", o.Size)
	}
	if o.Sampling > maxSampling {
		return nil, fmt.Errorf("sampling rate 1:%d cannot be told in NetFlow v5: "+
			"use at most 1:%d or another format", o.Sampling, maxSampling)
	}
	if o.Sampling > 1 {
		const deterministic = 1
		f.sampling = deterministic<<14 | uint16(o.Sampling)
	}
	return f, nil
}

// Takes refuses IPv6 flows.
func (f *Format) Takes(v *flow.View) bool { return v.Version == 4 }

// Begin writes the header.
func (f *Format) Begin(dst []byte, now uint64) []byte {
	f.base, f.count = len(dst), 0
	dst = be.AppendUint32(dst, 5<<16)
	dst = be.AppendUint32(dst, f.uptime(now))
	dst = be.AppendUint32(dst, uint32(now/1e9))
	dst = be.AppendUint32(dst, uint32(now%1e9))
	dst = be.AppendUint32(dst, f.sequence)
	dst = append(dst, f.o.EngineType, f.o.EngineID)
	return be.AppendUint16(dst, f.sampling)
}

// Seal writes the number of records.
func (f *Format) Seal(dst []byte) []byte {
	if f.count == 0 {
		return dst[:f.base]
	}
	be.PutUint16(dst[f.base+2:], uint16(f.count))
	f.sequence += uint32(f.count)
	return dst
}

// Append adds the records of a flow, all of them in one message.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	want := [2]uint64{parts(v, flow.Forward), parts(v, flow.Reverse)}
	if want[0]+want[1] == 0 {
		want[0] = 1
	}
	most := uint64(f.limit / 2)
	n := [2]int{int(min(want[0], most)), int(min(want[1], most))}
	if f.count+n[0]+n[1] > f.limit {
		return dst, false
	}
	for d := range n {
		for i := range n[d] {
			dst = f.record(dst, v, part{flow.Dir(d), uint64(i), uint64(n[d])})
		}
	}
	f.count += n[0] + n[1]
	if max(want[0], want[1]) > most {
		f.o.Counters.Saturated.Add(1)
	}
	return dst, true
}

// parts returns how many records a direction needs.
func parts(v *flow.View, d flow.Dir) uint64 {
	const full = 1<<32 - 1
	if v.Packets[d] == 0 {
		return 0
	}
	return (max(v.Octets[d], v.Packets[d])-1)/full + 1
}

// part is one of several records of a direction.
type part struct {
	dir      flow.Dir
	index, n uint64
}

// of returns the part's share of a total; the shares add up to it unless one saturates.
func (p part) of(total uint64) uint32 {
	share := total / p.n
	if p.index < total%p.n {
		share++
	}
	return uint32(min(share, 1<<32-1))
}

func (f *Format) record(dst []byte, v *flow.View, p part) []byte {
	d := p.dir
	src, dst4, sport, dport := v.Src[12:], v.Dst[12:], v.SrcPort, v.DstPort
	asn := [2]uint16{as(v, flow.SrcAS), as(v, flow.DstAS)}
	mask := [2]uint8{prefix(v, flow.SrcMask), prefix(v, flow.DstMask)}
	if d == flow.Reverse {
		src, dst4, sport, dport = dst4, src, dport, sport
		asn[0], asn[1], mask[0], mask[1] = asn[1], asn[0], mask[1], mask[0]
	}
	const icmp = 1
	if v.Proto == icmp && v.HasICMP>>d&1 != 0 {
		sport, dport = 0, v.ICMP[d]
	}
	first, last := v.First, v.Last
	if v.DirFirst[d] != 0 {
		first, last = v.DirFirst[d], v.DirLast[d]
	}
	dst = append(append(dst, src...), dst4...)
	dst = hop(dst, v, d)
	dst = be.AppendUint16(dst, index(v.Link.Ingress[d]))
	dst = be.AppendUint16(dst, index(v.Link.Ingress[1-d]))
	dst = be.AppendUint32(dst, p.of(v.Packets[d]))
	dst = be.AppendUint32(dst, p.of(v.Octets[d]))
	dst = be.AppendUint32(dst, f.uptime(first))
	dst = be.AppendUint32(dst, f.uptime(last))
	dst = be.AppendUint16(be.AppendUint16(dst, sport), dport)
	dst = append(dst, 0, uint8(v.TCPFlags[d]), v.Proto, v.TOS[d])
	dst = be.AppendUint16(be.AppendUint16(dst, asn[0]), asn[1])
	return append(dst, mask[0], mask[1], 0, 0)
}

// uptime returns milliseconds since boot, which wrap after 49 days as those of a router do.
func (f *Format) uptime(ns uint64) uint32 { return uint32((max(ns, f.o.Boot) - f.o.Boot) / 1e6) }

func as(v *flow.View, fd *flow.Field) uint16 {
	n, _ := v.Value(fd)
	if n.U > 1<<16-1 {
		return asTrans
	}
	return uint16(n.U)
}

func prefix(v *flow.View, fd *flow.Field) uint8 {
	n, _ := v.Value(fd)
	return uint8(n.U)
}

// hop appends the next hop of a flow that a router exported; a probe does not route.
func hop(dst []byte, v *flow.View, d flow.Dir) []byte {
	if n, ok := v.Value(flow.NextHop); ok && d == flow.Forward {
		return append(dst, n.B...)
	}
	return be.AppendUint32(dst, 0)
}

// index returns the number of an interface, 0 for one that v5 has no room for.
func index(n uint32) uint16 {
	if n > 1<<16-1 {
		return 0
	}
	return uint16(n)
}
