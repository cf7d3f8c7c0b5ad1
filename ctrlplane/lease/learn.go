package lease

import (
	"bytes"
	"net"
	"strconv"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Types of messages that matter (RFC 2132, section 9.6; RFC 8415, section 7.3).
const (
	ack       = 5
	release   = 7
	v6Reply   = 7
	v6Release = 8
)

// lease is a value of the store. Times are in nanoseconds since the Unix epoch.
type lease struct {
	mac        []byte // nil if not known
	begin, end uint64
	id         string // of the client, in hexadecimal, "" if not known
	name       string
}

// find returns what is known of an address.
func (c *Correlator) find(addr [16]byte) (x lease, ok bool) {
	c.text, ok = c.sessions.Get(c.text[:0], session.Address(session.Lease, addr))
	if !ok {
		return x, false
	}
	return read(c.text)
}

// read reads what append wrote.
func read(b []byte) (x lease, ok bool) {
	words := bytes.SplitN(b, []byte(" "), 5)
	if len(words) != 5 {
		return x, false
	}
	begin, wrong := strconv.ParseUint(string(words[1]), 10, 44)
	end, also := strconv.ParseUint(string(words[2]), 10, 44)
	x.begin, x.end = begin*uint64(time.Millisecond), end*uint64(time.Millisecond)
	x.mac, _ = net.ParseMAC(string(words[0]))
	x.id, x.name = known(words[3]), known(words[4])
	return x, wrong == nil && also == nil
}

// known returns a word, "" for a minus.
func known(b []byte) string {
	if string(b) == "-" {
		return ""
	}
	return string(b)
}

// append appends the lease as the store keeps it.
func (x *lease) append(b []byte) []byte {
	b = append(b, word(net.HardwareAddr(x.mac).String())...)
	b = strconv.AppendUint(append(b, ' '), x.begin/uint64(time.Millisecond), 10)
	b = strconv.AppendUint(append(b, ' '), x.end/uint64(time.Millisecond), 10)
	b = append(append(b, ' '), word(x.id)...)
	return append(append(b, ' '), word(x.name)...)
}

func word(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// exchange is what DHCP says of a client: in a message, or in a transaction.
type exchange struct {
	lease
	kind     uint64 // of the reply, or else of the message
	answered bool   // the request was seen in the same flow
	asks     bool   // it is a request
	key      asker
	now      uint64
}

// asker is what a client's messages have in common.
type asker struct {
	id  uint64 // of the exchange
	who string
}

// learn takes in what DHCP says. A client tells its name when it asks, and is mostly answered in another
// flow: what it asked is remembered. So it is also known how long the answer took.
func (c *Correlator) learn(v *flow.View, a *flow.Attrs, v6 bool) {
	x := hear(v, v6)
	if x.asks {
		if len(c.asked) >= crowd {
			clear(c.asked)
		}
		c.asked[x.key] = request{x.name, x.now}
	} else if r, ok := c.asked[x.key]; ok {
		if x.name == "" {
			x.name = r.name
		}
		if !x.answered && x.now >= r.at {
			a.Uint(app.TransactionLatency, x.now-r.at)
		}
	}
	addr, ok := address(v, v6)
	if !ok {
		return
	}
	life, lasts := v.Value(app.DHCPLeaseTime)
	switch {
	case x.kind == release && !v6, x.kind == v6Release && v6:
		c.finish(addr, &x)
	case !lasts || x.mac == nil && x.name == "":
	case x.kind == ack && !v6, x.kind == v6Reply && v6:
		c.begin(addr, &x, life.U)
	}
}

// hear takes an exchange apart.
func hear(v *flow.View, v6 bool) (x exchange) {
	x.mac, x.id, x.name = client(v, v6), text(v, app.DHCPClientID), text(v, app.DHCPClientName)
	x.kind = number(v, app.DHCPMessageType)
	x.asks = x.kind == 1 || x.kind == 3 || v6 && (x.kind == 5 || x.kind == 6) // Discover, Request, Renew, Rebind
	if reply := number(v, app.DHCPReplyType); reply != 0 {
		x.kind, x.answered, x.asks = reply, x.asks, false
	}
	x.key = asker{number(v, app.DHCPTransactionID), x.id}
	if !v6 {
		x.key.who = string(x.mac)
	}
	for _, f := range []*flow.Field{app.TransactionRequestBegin, app.TransactionResponseBegin} {
		if at := number(v, f); at != 0 {
			x.now = at
		}
	}
	return x
}

// begin remembers a lease for so many seconds. One that is renewed began when it began.
func (c *Correlator) begin(addr [16]byte, x *exchange, seconds uint64) {
	const most = 400 * 24 * 3600 // of one for ever, which is renewed or forgotten
	life := min(seconds, most) * uint64(time.Second)
	x.lease.begin, x.end = x.now, x.now+life
	if old, ok := c.find(addr); ok && old.same(&x.lease) && old.end >= x.now {
		x.lease.begin = min(old.begin, x.now)
		if x.name == "" {
			x.name = old.name
		}
		c.counts[Renewed]++
	} else {
		c.counts[Learned]++
	}
	c.known = true
	c.put(addr, &x.lease, x.now)
}

// finish ends a lease, if who gives it up has it.
func (c *Correlator) finish(addr [16]byte, x *exchange) {
	old, ok := c.find(addr)
	switch {
	case !ok || old.end <= x.now:
	case !old.same(&x.lease):
		c.counts[Foreign]++
	default:
		old.end = x.now
		c.counts[Ended]++
		c.put(addr, &old, x.now)
	}
}

// put keeps a lease until a while after its end.
func (c *Correlator) put(addr [16]byte, x *lease, now uint64) {
	c.text = x.append(c.text[:0])
	c.text = c.text[:min(len(c.text), session.Longest)]
	c.sessions.Put(session.Address(session.Lease, addr), c.text, time.Duration(x.end-min(now, x.end)+linger))
}

// same reports whether the client is the same: by its identifier if both have told one, or by its MAC
// address.
func (x *lease) same(other *lease) bool {
	if x.id != "" && other.id != "" {
		return x.id == other.id
	}
	return x.mac != nil && bytes.Equal(x.mac, other.mac)
}

// client returns the MAC address of the client, nil if it is not known. Without a relay agent that tells
// it, a client of version 6 is on the link, and its frames have it.
func client(v *flow.View, v6 bool) []byte {
	if mac, ok := v.Value(app.DHCPClientMAC); ok {
		return bytes.Clone(mac.B)
	}
	if _, relayed := v.Value(app.DHCPRelayIPv6); !v6 || relayed || v.HasMAC == 0 {
		return nil
	}
	const clientPort = 546
	switch {
	case v.SrcPort == clientPort && isLocal(v.Src):
		return bytes.Clone(v.SrcMAC[:])
	case v.DstPort == clientPort && isLocal(v.Dst):
		return bytes.Clone(v.DstMAC[:])
	}
	return nil
}

// isLocal reports an address that routers do not pass on (RFC 4291, section 2.5.6).
func isLocal(addr [16]byte) bool { return addr[0] == 0xfe && addr[1]&0xc0 == 0x80 }

// address returns the one that DHCP speaks of.
func address(v *flow.View, v6 bool) (addr [16]byte, ok bool) {
	if v6 {
		val, ok := v.Value(app.DHCPClientIPv6)
		copy(addr[:], val.B)
		return addr, ok
	}
	val, ok := v.Value(app.DHCPClientIP)
	addr[10], addr[11] = 0xff, 0xff
	copy(addr[12:], val.B)
	return addr, ok
}

func number(v *flow.View, f *flow.Field) uint64 {
	val, _ := v.Value(f)
	return val.U
}

func text(v *flow.View, f *flow.Field) string {
	val, _ := v.Value(f)
	return string(val.B)
}
