// Package fingerprint tells what sent a packet from how it was made.
package fingerprint

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// stack is how the TCP of a system opens connections.
type stack struct {
	options uint32 // layout as in flow.TCP, without trailing kinds that have no nibble
	ttl     uint8  // what the TTL starts at
	window  uint16 // 0 any
	segment bool   // window is a number of maximum segments
	noDF    bool   // IPv4 fragments are allowed
	scaled  bool   // a window scale is announced; without it none is
	os      string
}

// Kinds of TCP options in the order they are sent. A layout says most: the order is that of
// the statements that write the options, which each kernel has its own. The scale and the
// size of the window depend on memory and configuration and say little.
const (
	_   = iota
	nop // RFC 9293
	mss
	scale     // RFC 7323
	selective // RFC 2018
	_
	_
	_
	stamps // RFC 7323
)

// layout packs up to eight kinds.
func layout(kinds ...uint32) (o uint32) {
	for i, k := range kinds {
		o |= k << (4 * i)
	}
	return o
}

// stacks lists the defaults of kernels; the first that matches counts.
var stacks = [...]stack{
	{os: "Android", ttl: 64, options: layout(mss, selective, stamps, nop, scale), scaled: true, window: 65535},
	{os: "Linux", ttl: 64, options: layout(mss, selective, stamps, nop, scale), scaled: true},
	{os: "OpenBSD", ttl: 64, options: layout(mss, nop, nop, selective, nop, scale, nop, nop), scaled: true,
		window: 16384},
	// Linux with time stamps off.
	{os: "Linux", ttl: 64, options: layout(mss, nop, nop, selective, nop, scale), scaled: true},
	{os: "macOS/iOS", ttl: 64, options: layout(mss, nop, scale, nop, nop, stamps, selective), scaled: true,
		window: 65535},
	{os: "FreeBSD", ttl: 64, options: layout(mss, nop, scale, selective, stamps), scaled: true, window: 65535},
	{os: "NetBSD", ttl: 64, options: layout(mss, nop, scale, selective, nop, nop, nop, nop), scaled: true,
		window: 32768},
	{os: "Solaris", ttl: 64, options: layout(mss, nop, scale, nop, nop, selective), scaled: true,
		window: 34, segment: true},
	{os: "Windows", ttl: 128, options: layout(mss, nop, scale, nop, nop, selective), scaled: true},
	{os: "Windows", ttl: 128, options: layout(mss, nop, scale, selective, stamps), scaled: true},
	// Windows 2000 and XP.
	{os: "Windows", ttl: 128, options: layout(mss, nop, nop, selective)},
	{os: "Cisco IOS", ttl: 255, options: layout(mss), window: 4128, noDF: true},
}

// OS returns which system probably sent the SYN of a direction, and whether one matches. It
// is a hint: NAT with a proxy, scanners and tuned systems answer for others. A SYN+ACK, whose
// options depend on what was offered, gives none.
func OS(t *flow.TCP) (string, bool) {
	if t.Seen&flow.SeenSYN == 0 || t.InitialFlags&(wire.SYN|wire.ACK) != wire.SYN {
		return "", false
	}
	for i := range stacks {
		if stacks[i].matches(t) {
			return stacks[i].os, true
		}
	}
	return "", false
}

func (s *stack) matches(t *flow.TCP) bool {
	window := s.window
	if s.segment {
		window *= t.MSS
	}
	return s.options == known(t.Options) && s.ttl == initial(t.SYNTTL) &&
		(window == 0 || window == t.SYNWindow) &&
		s.scaled == (t.Scale > 0) &&
		(t.SYNFlags&flow.SYNVersion6 != 0 || s.noDF == (t.SYNFlags&flow.SYNDontFragment == 0))
}

// known drops the kinds at the end that have no nibble: fast open (RFC 7413), multipath
// (RFC 8684) and experiments are appended.
func known(options uint32) uint32 {
	for shift := 28; shift >= 0; shift -= 4 {
		switch options >> shift & 15 {
		case 0:
		case 15:
			options &^= 15 << shift
		default:
			return options
		}
	}
	return options
}

// initial returns what a TTL probably started at; hardly any path is longer than 32 hops.
func initial(ttl uint8) uint8 {
	switch {
	case ttl <= 64:
		return 64
	case ttl <= 128:
		return 128
	}
	return 255
}
