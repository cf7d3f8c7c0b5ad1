package collect

import "net/netip"

// isSFlow reports whether a datagram is sFlow, whose version has four octets.
func isSFlow(b []byte) bool {
	return len(b) >= 4 && b[0] == 0 && b[1] == 0 && b[2] == 0 && (b[3] == 2 || b[3] == 4 || b[3] == 5)
}

func (w *Worker) sflow(b []byte, from netip.AddrPort) {
	w.counts.add(Unread, 1)
}
