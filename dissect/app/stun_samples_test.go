package app

import (
	"encoding/binary"
	"net/netip"

	"github.com/weir-probe/weir/dataplane/flow"
)

// stunAttr is an attribute of a message.
type stunAttr struct {
	kind  uint16
	value []byte
}

// stunBytes returns a message.
func stunBytes(kind uint16, id byte, attrs ...stunAttr) []byte {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint32(append(b, 0, 0), stunCookie)
	for i := range byte(12) {
		b = append(b, id+i)
	}
	for _, a := range attrs {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, a.kind), uint16(len(a.value)))
		for b = append(b, a.value...); len(b)%4 != 0; {
			b = append(b, 0)
		}
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-stunHeader))
	return b
}

// masked returns the value of an attribute with an address, in the message with an identifier.
func masked(kind uint16, addr string, id byte) stunAttr {
	a := netip.MustParseAddrPort(addr)
	ip := a.Addr().AsSlice()
	v := []byte{0, 1}
	if len(ip) == 16 {
		v[1] = 2
	}
	v = append(binary.BigEndian.AppendUint16(v, a.Port()^stunCookie>>16), ip...)
	mask := stunBytes(0, id)[4:]
	for i := range ip {
		v[4+i] ^= mask[i]
	}
	return stunAttr{kind, v}
}

// stunTurns are transactions of ICE and TURN with every attribute that is read.
func stunTurns(at uint64) (all []turn) {
	say := func(dir flow.Dir, b []byte) {
		at += msec
		all = append(all, turn{dir: dir, octets: b, time: at})
	}
	role := stunAttr{0x802a, make([]byte, 8)}
	say(flow.Forward, stunBytes(0x0001, 1, stunAttr{0x0006, []byte("user:name")}, role, stunAttr{0x0025, nil}))
	say(flow.Reverse, stunBytes(0x0101, 1, masked(0x0020, "192.0.2.1:32853", 1), stunAttr{0x8022, []byte("weir test")}))
	say(flow.Reverse, stunBytes(0x0001, 2, stunAttr{0x8029, make([]byte, 8)}))
	say(flow.Forward, stunBytes(0x0101, 2, masked(0x0020, "[2001:db8::7]:5000", 2)))
	say(flow.Forward, stunBytes(0x0003, 3))
	say(flow.Reverse, stunBytes(0x0113, 3, stunAttr{0x0009, append([]byte{0, 0, 4, 1}, "Unauthorized"...)}))
	say(flow.Forward, stunBytes(0x0003, 4))
	say(flow.Reverse, stunBytes(0x0103, 4, masked(0x0016, "198.51.100.7:49152", 4)))
	say(flow.Forward, stunBytes(0x0008, 5, masked(0x0012, "203.0.113.9:4000", 5)))
	say(flow.Reverse, stunBytes(0x0108, 5))
	return all
}

// stunSamples are of STUN that came first, with media behind it.
func stunSamples() []conversation {
	c := mediaConversation("call behind STUN, and then a fax", stunTurns(noon-1000*msec)...)
	c.turns = append(c.turns, faxTurns(8000, nil)[:20]...)
	return []conversation{c}
}
