package app

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// What FuzzQUIC makes of a step.
const (
	stepClient = iota // an Initial of the client with these frames
	stepServer
	stepOther // of the server, in version 2
	stepGoogle
	stepRaw // a datagram as it is
	stepRawBack
	stepDamaged // an Initial of the client with the first octet changed by the first of the step
	stepsThere
)

// step writes a step of a script: kind, length and octets.
func step(kind byte, b []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(b))), b...)
}

// packetOf makes a datagram of a step.
func packetOf(kind byte, number uint64, b []byte) ([]byte, flow.Dir) {
	switch kind {
	case stepClient:
		return initialOf(number, b), flow.Forward
	case stepServer:
		return answerIn(number, b)[1:], flow.Reverse
	case stepOther:
		return sealed{version: 0x6b3343cf, keyed: quicTo, dcid: quicFrom, scid: quicBack, server: true,
			number: number, frames: b}.packet(), flow.Reverse
	case stepGoogle:
		return sealed{version: quicQ050, dcid: quicTo, number: number, frames: b}.packet(), flow.Forward
	case stepRaw:
		return b, flow.Forward
	case stepRawBack:
		return b, flow.Reverse
	}
	x := sealed{version: 1, dcid: quicTo, scid: quicFrom, number: number, padding: quicFirst}
	if len(b) > 0 {
		x.first, x.frames = b[0], b[1:]
	}
	return x.packet(), flow.Forward
}

// FuzzQUIC lets two sides say anything, with keys that fit. Nothing must panic, limits are kept, and
// what is said is the same however often it is read.
func FuzzQUIC(f *testing.F) {
	hello, answer := helloOf("a.example", paramsHere, 0), answerOf(false)
	begin := step(stepClient, cryptoFrame(0, hello))
	f.Add(slices.Concat(begin, step(stepServer, cryptoFrame(0, answer))))
	f.Add(slices.Concat(step(stepClient, cryptoFrame(40, hello[40:])),
		step(stepClient, cryptoFrame(0, hello[:50])),
		step(stepOther, append(slices.Clone(ackFrame), cryptoFrame(0, answer)...))))
	f.Add(slices.Concat(begin, step(stepServer, cryptoFrame(0, answerOf(true))),
		step(stepServer, closeFrame(0x128, "no"))))
	f.Add(step(stepGoogle, []byte("\x08\x00\x10CHLO\x01\x00\x00\x00SNI\x00\x09\x00\x00\x00a.example")))
	f.Add(step(stepDamaged, append([]byte{8}, cryptoFrame(0, hello)...)))
	for _, c := range quicSamples() {
		var script []byte
		for _, u := range c.turns {
			script = append(script, step(stepRaw+byte(u.dir), u.octets)...)
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		c := conversation{proto: 17, srcPort: 40000, dstPort: 443}
		for len(script) >= 3 && len(c.turns) < 3*quicDatagrams {
			kind, n := script[0]%stepsThere, int(binary.BigEndian.Uint16(script[1:]))
			n = min(n, len(script)-3)
			if n == 0 && kind >= stepRaw {
				n = min(1, len(script)-3)
			}
			b, dir := packetOf(kind, uint64(len(c.turns)), script[3:3+n])
			script = script[3+n:]
			if len(b) > 0 {
				c.turns = append(c.turns, turn{dir: dir, octets: b})
			}
		}
		o := drive(&c, &QUIC)
		if len(o.faults) > 0 || o.dropped > 0 {
			t.Fatalf("faults %v, %d attributes dropped", o.faults, o.dropped)
		}
		for _, k := range callsOf(&c, &QUIC) {
			var m Message
			m.State = k.state
			s := Memory[quicState](&m)
			if s.datagrams > quicDatagrams || s.tries > quicTries || s.opens > quicOpens+1 {
				t.Fatalf("beyond limits: %d datagrams, %d of %d packets opened", s.datagrams, s.opens-s.tries, s.opens)
			}
		}
		if err := same(o, drive(&c, &QUIC)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzQUICStream puts handshakes together and compares them with the simplest way to do so.
func FuzzQUICStream(f *testing.F) {
	f.Add([]byte{0, 0, 3, 1, 2, 3, 0, 2, 2, 9, 9, 31, 255, 1, 7})
	f.Add([]byte{7, 250, 20, 1, 2, 3, 0, 0, 200, 5})
	f.Fuzz(func(t *testing.T, script []byte) {
		var s quicState
		for side := range 2 {
			_, buf, _ := s.stream(side)
			size := len(buf)
			want := map[int]byte{}
			for b := script; len(b) >= 3; {
				at := int(binary.BigEndian.Uint16(b)) % (size + 100)
				n := min(int(b[2])*16, len(b)-3)
				piece := b[3 : 3+n]
				b = b[3+n:]
				fits := true
				for i, c := range piece {
					if at+i >= size {
						fits = false
					} else if _, ok := want[at+i]; !ok {
						want[at+i] = c
					}
				}
				if got := s.put(side, uint64(at), piece); got != (fits && at <= size) {
					t.Fatalf("%d octets at %d fit: %v", n, at, got)
				}
			}
			x, buf, _ := s.stream(side)
			have := 0
			for ; have < size; have++ {
				c, ok := want[have]
				if !ok {
					break
				}
				if buf[have] != c {
					t.Fatalf("octet %d is %d, want %d", have, buf[have], c)
				}
			}
			if int(x.have) != have {
				t.Fatalf("%d octets, want %d", x.have, have)
			}
		}
	})
}
