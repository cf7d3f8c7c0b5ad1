package subscriber

import (
	"net/netip"
	"slices"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/worker"
)

// Followed is a subscriber whose addresses and tunnels somebody wants to know.
type Followed struct {
	IMSI    string
	Request uint16 // that they are wanted for
}

// Follower wants to know where some subscribers are.
type Follower interface {
	// Followed returns whom it wants to know of, nil if nobody: the same slice as long as they are the same.
	// It is asked all the time.
	Followed() *[]Followed
	// Told is given what their packets are known by, whenever that has changed. It must not block.
	Told(traces []worker.Trace)
}

// chase is who is followed.
type chase struct {
	by    Follower
	all   *[]Followed
	who   []uint64
	moved bool
}

// Follow has somebody be told where subscribers are. It is called before there are records, if at all.
func (c *Correlator) Follow(f Follower) { c.chase.by = f }

// moves notes that something has changed for a subscriber.
func (f *chase) moves(who uint64) {
	f.moved = f.moved || len(f.who) > 0 && slices.Contains(f.who, who)
}

// follow tells where those are that are followed, if something has changed.
func (c *Correlator) follow() {
	f := &c.chase
	if f.by == nil {
		return
	}
	if all := f.by.Followed(); all != f.all {
		f.all, f.moved, f.who = all, true, f.who[:0]
		if all != nil {
			for _, x := range *all {
				b := binding{is: [parts][]byte{imsi: []byte(x.IMSI)}}
				b.identify()
				f.who = append(f.who, b.who)
			}
		}
	}
	if !f.moved {
		return
	}
	f.moved = false
	var traces []worker.Trace
	for i := range c.all {
		for n, who := range f.who {
			if x := &c.all[i]; x.open && x.who == who {
				traces = x.traces(traces, (*f.all)[n].Request)
			}
		}
	}
	f.by.Told(traces)
}

// traces appends what the packets of a session are known by.
func (x *sess) traces(to []worker.Trace, request uint16) []worker.Trace {
	tunnelled := slices.ContainsFunc(x.keys, func(h held) bool { return h.key.Kind() == session.Subscriber })
	for _, h := range x.keys {
		t := worker.Trace{Request: request, Net: single(h.key.Addr())}
		switch n := h.key.Number(); {
		case h.key.Kind() == session.Subscriber:
			t.TEID = n
		default:
			t.Loose = !tunnelled
			if n > 0 {
				t.Net = netip.PrefixFrom(h.key.Addr(), int(n))
			}
		}
		to = append(to, t)
	}
	for _, id := range x.ids {
		if n := id.end.Number(); n != 0 {
			to = append(to, worker.Trace{Request: request, Net: single(id.end.Addr()), TEID: n, Control: true})
		}
	}
	return to
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
