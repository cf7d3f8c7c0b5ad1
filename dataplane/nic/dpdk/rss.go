//go:build cgo && !nodpdk

package dpdk

import (
	"encoding/binary"
	"fmt"
)

// spread is how the frames of a port are spread over its queues.
type spread struct {
	queues    int
	key       []byte // of receive-side scaling, nil without
	unsure    bool   // the key counts only if it can be read back
	types     uint64 // RTE_ETH_RSS_ bits of it
	symmetric bool
	reason    string
}

// offer is what a device can do about it.
type offer struct {
	driver string
	queues int    // it has
	types  uint64 // of those we want
	key    int    // octets of its RSS key, 0 if it does not say
	card   bool   // a network card, not a virtual device
}

// choose returns how to spread frames over up to want queues such that both directions of
// a flow meet, over one queue if that is the only way, and over all queues of a device
// that fills all of them whether they are polled or not.
//
// Non-first fragments have no ports, so the NIC spreads all fragments by their addresses:
// the fragments of a datagram meet, but not always at the queue of their flow.
func choose(want int, o offer) spread {
	switch {
	case o.driver == "net_af_packet" && o.queues > 1:
		return spread{queues: o.queues, symmetric: true, reason: fmt.Sprintf("the kernel spreads frames over "+
			"the %d queues by a symmetric hash; it puts frames of a full queue into another", o.queues)}
	case o.driver == "net_pcap" && o.queues > 1:
		return spread{queues: o.queues, reason: fmt.Sprintf("each of the %d queues replays a capture of its own",
			o.queues)}
	case want <= 1:
		return single("there is one queue")
	case o.queues <= 1:
		return single(fmt.Sprintf("the device has one queue where %d are wanted", want))
	case o.types == 0:
		return single(fmt.Sprintf("%s cannot spread frames by IP addresses; one queue is used instead of %d",
			o.driver, want))
	}
	s := spread{queues: min(want, o.queues), types: o.types, symmetric: true}
	s.unsure = o.key == 0 || !o.card
	if s.key = symmetricKey(o.key); o.key == 0 {
		s.key = symmetricKey(usualKey)
	}
	if err := selfTest(s.key); err != nil {
		return single(fmt.Sprintf("%v; one queue is used instead of %d", err, want))
	}
	s.reason = "the RSS key repeats every 16 bits, so that both directions of a flow have the same hash"
	if s.queues < want {
		s.reason += fmt.Sprintf("; the device has %d queues where %d are wanted", s.queues, want)
	}
	return s
}

// usualKey is how long the key of a NIC usually is: long enough for IPv6 with ports.
const usualKey = 40

func single(reason string) spread { return spread{queues: 1, symmetric: true, reason: reason} }

// symmetricKey returns a key of n octets with a period of 16 bits. As addresses and ports
// are multiples of 16 bits long, exchanging source and destination leaves the Toeplitz
// hash as it is. The pattern is that of Woo and Park, "Scalable TCP Session Monitoring with
// Symmetric Receive-side Scaling", 2012, which spreads well.
func symmetricKey(n int) []byte {
	key := make([]byte, n)
	for i := range key {
		key[i] = [2]byte{0x6d, 0x5a}[i%2]
	}
	return key
}

// toeplitz returns the RSS hash of input as NICs compute it. The key is at least four
// octets longer than the input.
func toeplitz(key, input []byte) uint32 {
	var hash uint32
	window := uint64(binary.BigEndian.Uint32(key)) // 32 bits of the key for each bit of input
	for i, b := range input {
		window = window<<8 | uint64(key[i+4])
		for bit := range 8 {
			if b&(0x80>>bit) != 0 {
				hash ^= uint32(window >> (8 - bit))
			}
		}
	}
	return hash
}

// selfTest computes the hashes of both directions of flows of both families, with ports
// and without, and says for which they differ.
func selfTest(key []byte) error {
	seed := uint32(1)
	for _, octets := range [...]int{4, 16} {
		for _, ports := range [...]int{0, 2} {
			if 2*(octets+ports)+4 > len(key) {
				return fmt.Errorf("an RSS key of %d octets is too short for IPv6", len(key))
			}
			for range 64 {
				there, back := flow(octets, ports, &seed)
				if a, b := toeplitz(key, there), toeplitz(key, back); a != b {
					return fmt.Errorf("RSS hashes of % x and of its other direction differ: %#08x and %#08x",
						there, a, b)
				}
			}
		}
	}
	return nil
}

// flow makes the hash inputs of both directions of an arbitrary flow.
func flow(octets, ports int, seed *uint32) (there, back []byte) {
	part := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			*seed = *seed*1664525 + 1013904223 // any full-period generator will do
			b[i] = byte(*seed >> 24)
		}
		return b
	}
	src, dst, sport, dport := part(octets), part(octets), part(ports), part(ports)
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	return join(src, dst, sport, dport), join(dst, src, dport, sport)
}
