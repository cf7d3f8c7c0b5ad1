package zeek

import (
	"encoding/binary"

	"github.com/weir-probe/weir/dataplane/flow"
)

var be = binary.BigEndian

// TCP control bits (RFC 9293, section 3.1).
const (
	fin = 1 << iota
	syn
	rst
	_ // PSH
	ack
)

// endpoint is the state of one end of a connection, as far as the union of its flags tells.
type endpoint uint8

const (
	inactive    endpoint = iota // no packets
	partial                     // packets, but no SYN
	opening                     // a SYN, which nobody answered, or which was not acknowledged
	established                 //
	closed                      // a FIN
	reset                       // a RST
)

// endpoints returns the states of the originator and of the responder. In which order flags came
// is not known.
func endpoints(v *flow.View) (o, r endpoint) {
	flags := v.TCPFlags
	shaken := flags[0]&syn != 0 && flags[1]&syn != 0 && flags[0]&ack != 0
	of := func(d flow.Dir) endpoint {
		switch f := flags[d]; {
		case v.Packets[d] == 0:
			return inactive
		case f&rst != 0:
			return reset
		case f&fin != 0:
			return closed
		case f&syn == 0:
			return partial
		case shaken:
			return established
		}
		return opening
	}
	return of(flow.Forward), of(flow.Reverse)
}

// state returns conn_state as Zeek's script base/protocols/conn decides it.
func state(v *flow.View) string {
	if v.Ignored&(flow.KeyProto|flow.KeyAddresses|flow.KeyPorts) != 0 {
		return "" // several connections in one record
	}
	switch v.Proto {
	case protoTCP:
		return tcpState(v)
	case protoUDP:
		switch [2]bool{v.Packets[0] > 0, v.Packets[1] > 0} {
		case [2]bool{true, true}:
			return "SF"
		case [2]bool{true, false}:
			return "S0"
		case [2]bool{false, true}:
			return "SHR"
		}
	}
	return "OTH"
}

func tcpState(v *flow.View) string {
	o, r := endpoints(v)
	quiet := func(e endpoint) bool { return e == inactive || e == partial }
	choose := func(when bool, yes, no string) string {
		if when {
			return yes
		}
		return no
	}
	switch {
	case r == reset && (o == opening || o == reset && v.TCPFlags[1]&syn == 0 && v.TCPFlags[0]&syn != 0):
		return "REJ"
	case r == reset:
		return choose(quiet(o), "RSTRH", "RSTR")
	case o == reset && quiet(r):
		return choose(r == inactive && v.TCPFlags[0]&(syn|ack|fin) == syn, "RSTOS0", "OTH")
	case o == reset:
		return "RSTO"
	case o == closed && r == closed:
		return "SF"
	case o == closed:
		return choose(quiet(r), "SH", "S2")
	case r == closed:
		return choose(quiet(o), "SHR", "S3")
	case o == opening && r == inactive:
		return "S0"
	case o == established && r == established:
		return "S1"
	}
	return "OTH"
}

// history appends a letter for each thing that is known to have happened, that of the responder in
// lower case. Records do not say in which order things happened: the letters are in that of an
// ordinary connection. Nor do they say of acknowledgements whether they came by themselves (A).
func history(dst []byte, v *flow.View) []byte {
	if state(v) == "" {
		return dst
	}
	if v.Proto == protoUDP {
		header := uint64(20 + 8)
		if v.Version == 6 {
			header = 40 + 8
		}
		return letters(dst, 'D', [2]bool{v.Hot.Octets[0] > header*v.Packets[0], v.Hot.Octets[1] > header*v.Packets[1]})
	}
	if v.Proto != protoTCP {
		return dst
	}
	var h, s, data, gap, window, again [2]bool
	for d := range h {
		t := &v.TCP[d]
		opened := v.TCPFlags[d]&syn != 0
		both := v.TCPFlags[d]&ack != 0 && d == int(flow.Reverse)
		if t.Seen&flow.SeenPacket != 0 && t.InitialFlags&syn != 0 {
			both = t.InitialFlags&ack != 0
		}
		h[d], s[d] = opened && both, opened && !both
		n, ok := payload(v, flow.Dir(d))
		data[d] = ok && n > 0
		gap[d], window[d], again[d] = t.LostOctets > 0, t.ZeroWindows > 0, t.RetransmittedPackets > 0
	}
	dst = letters(letters(dst, 'S', s), 'H', h)
	dst = letters(letters(dst, 'D', data), 'T', again)
	dst = letters(letters(dst, 'G', gap), 'W', window)
	flags := v.TCPFlags
	dst = letters(dst, 'F', [2]bool{flags[0]&fin != 0, flags[1]&fin != 0})
	return letters(dst, 'R', [2]bool{flags[0]&rst != 0, flags[1]&rst != 0})
}

func letters(dst []byte, letter byte, of [2]bool) []byte {
	if of[0] {
		dst = append(dst, letter)
	}
	if of[1] {
		dst = append(dst, letter+'a'-'A')
	}
	return dst
}

// payload returns the octets of TCP payload of a direction by its sequence numbers, as Zeek counts
// them. They are known if the record has the SYN and is shorter than the sequence space. Other
// protocols are metered by their IP octets alone.
func payload(v *flow.View, d flow.Dir) (uint64, bool) {
	const all = flow.SeenSYN | flow.SeenSequence
	t := &v.TCP[d]
	total := v.Hot.Octets[d] + t.LostOctets
	if v.Proto != protoTCP || t.Seen&all != all || v.TCPFlags[d]&syn == 0 || total >= 1<<32 {
		return 0, false
	}
	n := t.NextSeq - t.SYNSeq - 1
	if v.TCPFlags[d]&fin != 0 && n > 0 {
		n--
	}
	return uint64(n), uint64(n) <= total
}
