// Package app understands applications.
//
// A Dissector reads what the two ends of a flow say to each other; All lists them. An
// Application has a number and a name, and ports where it is usually found, for flows whose
// content was not understood. A Service is what is offered under a host name, whatever carries it.
//
// The tests hold every dissector to the same contract. One that is new needs samples: captures in
// testdata/NAME, all of whose flows are its own, single messages there, or a line in the table of
// the contract test. What all dissectors say of the captures is in a golden file beside each.
package app

// Application is what a flow can be said to be. A port proves nothing; it is a hint for
// flows whose content was not understood.
type Application struct {
	Number   uint16 // as in nDPI, so that collectors that know L7_PROTO name it alike
	Name     string // as nDPI prints it
	Category string // as nDPI prints it

	TCP, UDP, SCTP []uint16 // server ports
	IP             []uint8  // protocol numbers that are the application by themselves
}

// ephemeral is where systems begin to take client ports from: Linux at 32768, others at
// 49152 (RFC 6335, section 6).
const ephemeral = 32768

// index finds applications without searching. It is made once and never changed.
type index struct {
	port   [3][1 << 16]uint16 // application numbers of TCP, UDP, SCTP
	ip     [1 << 8]uint16
	number []*Application
}

var known = indexed(Applications)

func indexed(all []Application) *index {
	x := &index{}
	for i := range all {
		a := &all[i]
		for n, ports := range [...][]uint16{a.TCP, a.UDP, a.SCTP} {
			for _, port := range ports {
				x.port[n][port] = a.Number
			}
		}
		for _, p := range a.IP {
			x.ip[p] = a.Number
		}
		for int(a.Number) >= len(x.number) {
			x.number = append(x.number, nil)
		}
		x.number[a.Number] = a
	}
	return x
}

// ByPort returns the number of the application usually found at the ports of a flow from
// src to dst, 0 for none. The source counts if the destination says nothing and it is below
// the ports that systems give to clients. Protocols without ports are applications
// themselves.
func ByPort(proto uint8, src, dst uint16) uint16 {
	var t *[1 << 16]uint16
	switch proto {
	case 6:
		t = &known.port[0]
	case 17:
		t = &known.port[1]
	case 132:
		t = &known.port[2]
	default:
		return known.ip[proto]
	}
	n := t[dst]
	if n == 0 && src < ephemeral {
		n = t[src]
	}
	if n == 0 {
		n = known.ip[proto]
	}
	return n
}

// ByNumber returns the application with a number, nil if there is none.
func ByNumber(n uint16) *Application {
	if int(n) < len(known.number) {
		return known.number[n]
	}
	return nil
}
