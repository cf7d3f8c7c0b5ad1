package subscriber

import (
	"hash/maphash"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/wheel"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Correlator implements egress.Correlator. Signalling opens and ends sessions, and says which addresses and
// tunnels are theirs; flows and events get who held those at their time.
type Correlator struct {
	o     Options
	book  book
	seed  maphash.Seed
	now   uint64
	read  map[egress.Kind]func() // by whose events they are
	plan  map[egress.Kind]*flow.Plan
	p     *flow.Plan // of the event in hand
	v     *flow.View
	all   []sess
	spare []uint32
	held  int
	hand  int
	ids   map[uint64]uint32 // sessions by the hash of what signalling knows them by
	due   *wheel.Wheel
	say   [parts]bool
	bits  [129]bool // lengths of prefixes that were met
	text  [2 * session.Longest]byte
	mine  [2 * session.Longest]byte
	sums  sums
	chase chase
	met   string // the binding of the session that the event in hand is about, empty if it is of none
}

// sess is a session of a subscriber.
type sess struct {
	open   bool
	bearer uint8
	who    uint64
	nas    uint64 // hash of the NAS
	last   uint64 // when something was heard of it, milliseconds
	life   time.Duration
	is     string // a binding, as the session store has it
	ids    []alias
	keys   []held
}

// alias is the hash of what signalling knows a session by, and where its tunnel of signalling ends if it is that.
type alias struct {
	hash uint64
	end  session.Key
}

// held is an address, prefix or tunnel of a session.
type held struct {
	key  session.Key
	kind uint8 // of interface, for tunnels
}

const (
	mostKeys = 32 // addresses and tunnels of a session
	mostIDs  = 16
)

// New returns a Correlator, nil if the options want none.
func New(o Options) *Correlator {
	if o.Sessions == 0 {
		return nil
	}
	c := &Correlator{
		o: o, seed: maphash.MakeSeed(), ids: map[uint64]uint32{}, due: wheel.New(), all: make([]sess, 1),
		book: book{store: o.Store, linger: o.linger(), grace: uint64(o.Grace.Milliseconds())},
		read: map[egress.Kind]func(){}, plan: map[egress.Kind]*flow.Plan{},
	}
	c.sums.open(&o)
	for i, word := range [parts]string{imsi: "imsi", msisdn: "msisdn", imei: "imei", apn: "apn", cell: "cell", nas: "nas",
		acct: "session", mac: "mac"} {
		for _, s := range o.Say {
			c.say[i] = c.say[i] || s == word
		}
	}
	for _, bits := range []int{128, 64, 56, 48} {
		c.bits[bits] = true
	}
	for i, d := range app.All {
		k := egress.EventsOf(i)
		switch d {
		case &app.RADIUS:
			c.read[k], c.plan[k] = c.radius, flow.NewPlan(radiusFields[:])
		case &app.GTP:
			c.read[k], c.plan[k] = c.gtp, flow.NewPlan(gtpFields[:])
		case &app.Diameter:
			c.read[k], c.plan[k] = c.diameter, flow.NewPlan(diameterFields[:])
		case &app.PFCP:
			c.read[k], c.plan[k] = c.pfcp, flow.NewPlan(pfcpFields[:])
		}
	}
	return c
}

// Signalling returns the kinds that are learned from: others wait for them.
func Signalling() (all egress.Records) {
	for i, d := range app.All {
		switch d {
		case &app.RADIUS, &app.GTP, &app.Diameter, &app.PFCP, &app.DHCP, &app.DHCPv6:
			all = all.And(egress.Only(egress.EventsOf(i)))
		}
	}
	return all
}

// Take learns from signalling, and says of everything who is behind it: of signalling, whom it is about.
func (c *Correlator) Take(kind egress.Kind, v *flow.View, a *flow.Attrs) {
	if read := c.read[kind]; read != nil && len(v.Attrs) > 0 {
		c.p, c.v, c.met = c.plan[kind], v, ""
		c.p.Read(v)
		read()
		var b binding
		if c.met != "" && b.read([]byte(c.met)) {
			c.write(v, a, &b)
		}
		return
	}
	c.tag(kind, v, a)
}

// Tick ends sessions of which nothing more was heard, and makes the records that are due.
func (c *Correlator) Tick(now uint64, emit func(kind egress.Kind, v *flow.View)) {
	c.follow()
	if now <= c.now {
		return
	}
	c.now = now
	c.o.Store.Tick(now)
	c.due.Turn(now, func(i uint32) {
		x := &c.all[i]
		if at := x.last*1e6 + uint64(x.life); at > now {
			c.due.Set(i, at)
			return
		}
		c.end(i, now/1e6, TimedOut)
	})
	c.sums.tick(now, emit)
}

// Flush makes the last records.
func (c *Correlator) Flush(emit func(kind egress.Kind, v *flow.View)) { c.sums.flush(c.now, emit) }

// text and number return what the event in hand says of a field.
func (c *Correlator) textOf(f int) []byte {
	v, _ := c.p.Value(f)
	return v.B
}

func (c *Correlator) number(f int) uint64 {
	v, _ := c.p.Value(f)
	return v.U
}

func (c *Correlator) has(f int) bool {
	_, ok := c.p.Value(f)
	return ok
}

// id returns the hash by which a session is known, of what kind it is and what it is called.
func (c *Correlator) id(kind string, name ...[]byte) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.WriteString(kind)
	for _, b := range name {
		h.WriteByte(0)
		h.Write(b)
	}
	return h.Sum64() | 1
}

// session returns the session with an identifier, a new one if there is none.
func (c *Correlator) session(id, at uint64) uint32 {
	if i := c.ids[id]; i != 0 {
		return i
	}
	if c.held >= c.o.Sessions {
		c.evict(at)
	}
	i := uint32(len(c.all))
	if n := len(c.spare); n > 0 {
		i, c.spare = c.spare[n-1], c.spare[:n-1]
	} else {
		c.all = append(c.all, sess{})
	}
	x := &c.all[i]
	*x = sess{open: true, life: c.o.Longest, last: at, ids: x.ids[:0], keys: x.keys[:0]}
	c.held++
	c.book.counts[Opened]++
	c.know(i, alias{hash: id})
	c.due.Set(i, at*1e6+uint64(x.life))
	return i
}

// know has a session be known by an identifier, too.
func (c *Correlator) know(i uint32, by alias) {
	x := &c.all[i]
	switch old := c.ids[by.hash]; {
	case old == i:
		return
	case old != 0:
		c.forget(old, by.hash)
	}
	if len(x.ids) < mostIDs {
		x.ids = append(x.ids, by)
		c.ids[by.hash] = i
		c.chase.moves(x.who)
	}
}

// forget takes an identifier from a session.
func (c *Correlator) forget(i uint32, id uint64) {
	x := &c.all[i]
	for n, other := range x.ids {
		if other.hash == id {
			x.ids = append(x.ids[:n], x.ids[n+1:]...)
			break
		}
	}
	delete(c.ids, id)
	c.chase.moves(x.who)
}

// evict has a session make room: of some, the one that was not heard of for the longest time.
func (c *Correlator) evict(at uint64) {
	const some = 16
	victim := uint32(0)
	for tries := 0; tries < some || victim == 0 && tries < len(c.all); tries++ {
		c.hand = c.hand%(len(c.all)-1) + 1
		x := &c.all[c.hand]
		if x.open && (victim == 0 || x.last < c.all[victim].last) {
			victim = uint32(c.hand)
		}
	}
	if victim != 0 {
		c.end(victim, at, Evicted)
	}
}

// end ends a session: what it had is nobody's any more.
func (c *Correlator) end(i uint32, at uint64, why Counter) {
	x := &c.all[i]
	for _, h := range x.keys {
		c.book.release(h.key, x.who, at)
	}
	for _, id := range x.ids {
		delete(c.ids, id.hash)
	}
	c.chase.moves(x.who)
	if why == Ended {
		c.met = x.is
	}
	c.due.Drop(i)
	*x = sess{ids: x.ids[:0], keys: x.keys[:0]}
	c.spare = append(c.spare, i)
	c.held--
	c.book.counts[why]++
}

// tell has a session say what a binding knows, and everything it has be its holder's.
func (c *Correlator) tell(i uint32, b *binding, at uint64) bool {
	x := &c.all[i]
	var old binding
	if x.is != "" && old.read([]byte(x.is)) {
		b.inherit(&old)
	}
	if b.identify(); b.who == 0 {
		c.book.counts[Nameless]++
		return false
	}
	if x.who != 0 && x.who != b.who { // its holder is known better now
		for _, h := range x.keys {
			c.book.release(h.key, x.who, at)
		}
	}
	if x.who != b.who {
		c.chase.moves(x.who)
		c.chase.moves(b.who)
	}
	x.who, x.last = b.who, max(x.last, at)
	x.is = string(b.append(c.text[:0]))
	c.met = x.is
	for _, h := range x.keys {
		k := *b
		k.start = at
		c.book.bind(h.key, &k, x.life)
	}
	return true
}

// hold gives a session an address, prefix or tunnel.
func (c *Correlator) hold(i uint32, key session.Key, kind uint8, at uint64) {
	x := &c.all[i]
	for n := range x.keys {
		if x.keys[n].key == key {
			return
		}
	}
	if len(x.keys) >= mostKeys {
		return
	}
	x.keys = append(x.keys, held{key, kind})
	c.chase.moves(x.who)
	var b binding
	if x.who != 0 && b.read([]byte(x.is)) {
		b.start, b.end = at, 0
		c.book.bind(key, &b, x.life)
	}
}

// drop takes from a session what is of a kind of interface, but for what is among others.
func (c *Correlator) drop(i uint32, kind uint8, keep []session.Key, at uint64) {
	x, left := &c.all[i], 0
	for _, h := range x.keys {
		kept := h.kind != kind
		for _, k := range keep {
			kept = kept || k == h.key
		}
		if kept {
			x.keys[left] = h
			left++
		} else {
			c.book.release(h.key, x.who, at)
		}
	}
	x.keys = x.keys[:left]
	c.chase.moves(x.who)
}

// moment returns when a transaction was asked and answered, in milliseconds since the Unix epoch.
func (c *Correlator) moment(begin, answer int) (asked, answered uint64) {
	asked, answered = c.number(begin)/1e6, c.number(answer)/1e6
	if asked == 0 {
		asked = answered
	}
	if answered == 0 {
		answered = asked
	}
	return asked, answered
}
