// Package expect ties flows to what has announced them: the data connection of FTP to the command that opened
// it, the blocks of TFTP to their request. The two pass at different workers, and sometimes at different
// probes; what they have in common is an endpoint, under which the session store remembers what is expected.
package expect

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Announcer is a protocol whose transactions tell of flows to come. A new one is one such value.
type Announcer struct {
	By     *app.Dissector
	Proto  uint8         // of the flows: 6 TCP, 17 UDP
	Number uint16        // the application that they are
	Fields []*flow.Field // what they say of their announcement, text all of it
	// Where appends the endpoints that are announced to dst, and tells for how long they hold.
	Where func(dst []netip.AddrPort, v *flow.View, hold time.Duration) ([]netip.AddrPort, time.Duration)
}

// Announcers lists those there are.
func Announcers() []Announcer {
	return []Announcer{
		{&app.FTP, 6, 175, []*flow.Field{app.FTPCommand, app.FTPArgument, app.FTPLogin}, ofFTP},
		{&app.TFTP, 17, 96, []*flow.Field{app.TFTPOperation, app.TFTPFile}, ofTFTP},
	}
}

// How long a flow may take to open after its announcement, and how long it may be.
const (
	soon    = 2 * time.Minute
	longest = 2 * time.Hour
)

// between separates what a session says: the dissector, and the fields that flows get.
const between = '\t'

// Correlator implements egress.Correlator. It makes no records, but adds to those of flows that were
// announced.
type Correlator struct {
	sessions *session.Store
	hold     time.Duration
	all      []Announcer
	kinds    []egress.Kind
	place    []netip.AddrPort
	said     []byte
	counts   [counters]uint64
}

// New returns a Correlator. After the end of a flow its record comes at most hold later.
func New(sessions *session.Store, hold time.Duration) *Correlator {
	c := &Correlator{sessions: sessions, hold: hold, all: Announcers()}
	for _, x := range c.all {
		for i, d := range app.All {
			if d == x.By {
				c.kinds = append(c.kinds, egress.EventsOf(i))
			}
		}
	}
	return c
}

// Take remembers what transactions announce, and adds it to the flows.
func (c *Correlator) Take(kind egress.Kind, v *flow.View, a *flow.Attrs) {
	switch {
	case v.Ignored&(flow.KeyAddresses|flow.KeyPorts) != 0:
	case kind == egress.Flows && (v.Proto == 6 || v.Proto == 17):
		c.find(v, a)
	default:
		for i, k := range c.kinds {
			if k == kind {
				c.announce(&c.all[i], v)
			}
		}
	}
}

// Tick implements egress.Correlator.
func (c *Correlator) Tick(now uint64, _ func(kind egress.Kind, v *flow.View)) { c.sessions.Tick(now) }

// Flush implements egress.Correlator.
func (c *Correlator) Flush(func(kind egress.Kind, v *flow.View)) {}

// announce remembers what a transaction announces.
func (c *Correlator) announce(x *Announcer, v *flow.View) {
	var life time.Duration
	if c.place, life = x.Where(c.place[:0], v, c.hold); len(c.place) == 0 {
		return
	}
	c.said = append(c.said[:0], x.By.Name...)
	for _, f := range x.Fields {
		value, _ := v.Value(f)
		c.said = append(c.said, between)
		for _, b := range value.B {
			if b >= ' ' && b != 0x7f && len(c.said) < session.Longest-len(x.Fields) {
				c.said = append(c.said, b)
			}
		}
	}
	c.counts[Announced]++
	for _, e := range c.place {
		c.sessions.Put(session.Endpoint(session.Data, e.Addr().As16(), e.Port()), c.said, life)
	}
}

// find adds what announced a flow to its record.
func (c *Correlator) find(v *flow.View, a *flow.Attrs) {
	ok := false
	for _, e := range [2]session.Key{
		session.Endpoint(session.Data, v.Dst, v.DstPort), session.Endpoint(session.Data, v.Src, v.SrcPort),
	} {
		if c.said, ok = c.sessions.Peek(c.said[:0], e); ok {
			break
		}
	}
	name, rest, _ := bytes.Cut(c.said, []byte{between})
	for i := range c.all {
		x := &c.all[i]
		own := v.Confidence == flow.ByContent && v.Application == x.By.Number // the announcement itself
		if ok && string(name) == x.By.Name && v.Proto == x.Proto && !own {
			c.counts[Tied]++
			x.tell(v, a, rest)
		}
	}
}

// tell says of a flow what announced it, and which application it is unless its content has told.
func (x *Announcer) tell(v *flow.View, a *flow.Attrs, said []byte) {
	for _, f := range x.Fields {
		var value []byte
		if value, said, _ = bytes.Cut(said, []byte{between}); len(value) > 0 {
			a.Bytes(f, value)
		}
	}
	if v.Confidence == flow.ByContent {
		return
	}
	v.Application, v.Confidence = x.Number, flow.ByContent
	if known := app.ByNumber(x.Number); known != nil {
		a.Remove(flow.AppName)
		a.Remove(flow.AppCategory)
		a.Text(flow.AppName, known.Name)
		a.Text(flow.AppCategory, known.Category)
	}
}

// ofFTP returns where a data connection goes: to the address that is told, and to that of the end that
// listens, as one of them may be behind an address translator.
func ofFTP(dst []netip.AddrPort, v *flow.View, hold time.Duration) ([]netip.AddrPort, time.Duration) {
	port, ok := v.Value(app.FTPDataPort)
	if !ok || port.U == 0 || port.U > 65535 {
		return dst, 0
	}
	n := uint16(port.U)
	end := v.Src
	if who, _ := v.Value(app.FTPDataListener); string(who.B) == "server" {
		end = v.Dst
	}
	own := netip.AddrFrom16(end)
	dst = append(dst, netip.AddrPortFrom(own, n))
	if told, ok := v.Value(app.FTPDataAddress); ok {
		if x, err := netip.ParseAddr(string(told.B)); err == nil && x.WithZone("").As16() != end {
			dst = append(dst, netip.AddrPortFrom(x.WithZone(""), n))
		}
	}
	code, replied := v.Value(app.FTPCode)
	switch command, _ := v.Value(app.FTPCommand); string(command.B) {
	case "PASV", "EPSV", "PORT", "EPRT":
		return dst, soon
	}
	if replied && code.U >= 200 {
		return dst, hold
	}
	return dst, longest
}

// ofTFTP returns the client's endpoint, with which the server answers from a port of its own.
func ofTFTP(dst []netip.AddrPort, v *flow.View, hold time.Duration) ([]netip.AddrPort, time.Duration) {
	if _, ok := v.Value(app.TFTPFile); !ok {
		return dst, 0
	}
	return append(dst, netip.AddrPortFrom(netip.AddrFrom16(v.Src), v.SrcPort)), soon + hold
}
