package call

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// endpoint is where packets come from or go to.
type endpoint struct {
	addr [16]byte // IPv4 addresses are v4-mapped
	port uint16
}

// pair is both ends of a flow, the lesser first.
type pair [2]endpoint

// pairOf returns the ends of a flow, and whether its server is the first.
func pairOf(k *flow.Key) (p pair, turned bool) {
	p = pair{{k.Src, k.SrcPort}, {k.Dst, k.DstPort}}
	if p[0].compare(&p[1]) > 0 {
		return pair{p[1], p[0]}, true
	}
	return p, false
}

func (e *endpoint) compare(o *endpoint) int {
	for i := range e.addr {
		if n := cmp.Compare(e.addr[i], o.addr[i]); n != 0 {
			return n
		}
	}
	return cmp.Compare(e.port, o.port)
}

func (e *endpoint) text(dst []byte) []byte {
	return netip.AddrPortFrom(netip.AddrFrom16(e.addr).Unmap(), e.port).AppendTo(dst)
}

// description is what a side of a call says of an endpoint, or what is guessed.
type description struct {
	endpoint
	call     uint32
	next     uint32 // an earlier one of the same endpoint plus one
	prev     uint32 // a later one plus one
	at       uint64 // when it was said first
	side     side
	kind     app.MediaKind
	control  bool // only RTCP comes here
	guessed  bool // the address is that of the signalling
	payloads [4]struct {
		kind  uint8
		codec app.Codec
		clock uint32
	}
}

// maxEnds is how many descriptions of endpoints a call has at most.
const maxEnds = 24

// endpoints notes the endpoints that a side of a call describes. from is where its signalling comes from.
func (c *Correlator) endpoints(at description, media []byte, from [16]byte) {
	x := c.calls.all[at.call]
	for ok := true; ok; {
		m := &c.describe
		if media, ok = app.ReadMedia(media, m); !ok || m.Port == 0 {
			continue
		}
		d := at
		d.kind = m.Kind
		for n, p := range m.Payloads[:min(len(m.Payloads), len(d.payloads))] {
			d.payloads[n].kind, d.payloads[n].codec, d.payloads[n].clock = p.Type, p.Codec, p.Clock
		}
		if m.Address.IsValid() && !m.Address.IsUnspecified() {
			d.endpoint = endpoint{m.Address.As16(), m.Port}
			c.add(x, d)
			c.share(x, &d)
			if m.RTCP != 0 && m.RTCP != m.Port {
				d.port, d.control = m.RTCP, true
				c.add(x, d)
			}
			d.control = false
		}
		for _, candidate := range m.Candidates {
			d.endpoint = endpoint{candidate.Addr().As16(), candidate.Port()}
			c.add(x, d)
		}
		if m.Address.IsPrivate() && m.Address.As16() != from && !netip.AddrFrom16(from).Unmap().IsPrivate() {
			d.endpoint, d.guessed = endpoint{from, m.Port}, true
			c.add(x, d)
		}
	}
}

// add adds a description, unless the call has it, and takes in flows that were seen before.
func (c *Correlator) add(x *call, d description) {
	for _, n := range x.ends {
		if o := c.seen.all[n]; o.endpoint == d.endpoint && o.side == d.side {
			o.payloads, o.kind, o.guessed, o.at = d.payloads, d.kind, o.guessed && d.guessed, min(o.at, d.at)
			return
		}
	}
	if len(x.ends) >= maxEnds {
		c.counts[EndpointsNoRoom]++
		return
	}
	n, ok := c.seen.take()
	if !ok {
		c.counts[EndpointsNoRoom]++
		return
	}
	if d.next = c.ends[d.endpoint]; d.next != 0 {
		c.seen.all[d.next-1].prev = n + 1
	}
	c.ends[d.endpoint] = n + 1
	*c.seen.all[n] = d
	x.ends = append(x.ends, n)
	x.sides |= 1 << d.side
	for _, f := range c.loose[d.endpoint] {
		c.join(f)
	}
}

// share lets other probes know whose media an endpoint has.
func (c *Correlator) share(x *call, d *description) {
	if c.o.Sessions != nil && x.end() == 0 {
		c.o.Sessions.Put(session.Endpoint(session.Media, d.addr, d.port), c.callID(x), c.o.Longest)
	}
}

// remind has the session store forget the endpoints of a call that ended, in a while.
func (c *Correlator) remind(x *call, life time.Duration) {
	if c.o.Sessions == nil || x.end() == 0 {
		return
	}
	for _, n := range x.ends {
		if d := c.seen.all[n]; !d.control && !d.guessed {
			c.o.Sessions.Put(session.Endpoint(session.Media, d.addr, d.port), c.callID(x), life)
		}
	}
}

// undescribe forgets the endpoints of a call.
func (c *Correlator) undescribe(x *call) {
	for _, n := range x.ends {
		d := c.seen.all[n]
		if d.next != 0 {
			c.seen.all[d.next-1].prev = d.prev
		}
		switch {
		case d.prev != 0:
			c.seen.all[d.prev-1].next = d.next
		case d.next != 0:
			c.ends[d.endpoint] = d.next
		default:
			delete(c.ends, d.endpoint)
		}
		c.seen.give(n)
	}
}
