package app

import (
	"encoding/binary"
	"hash/crc32"
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// spoken is a stream of RTP as a sender makes it.
type spoken struct {
	dir     flow.Dir
	ssrc    uint32
	seq     uint16
	ts      uint32
	payload uint8
	step    uint32 // of the timestamp per packet
	octets  int    // of media
}

// packet returns the n-th packet of the stream.
func (s *spoken) packet(n int) []byte {
	b := rtpHeader(s.payload, s.seq+uint16(n), s.ts+uint32(n)*s.step, s.ssrc)
	for i := range s.octets {
		b = append(b, byte(n*7+i))
	}
	return b
}

func rtpHeader(payload uint8, seq uint16, ts, ssrc uint32) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x80, payload}, seq)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, ts), ssrc)
}

// rtcpPacket returns a packet of RTCP of words.
func rtcpPacket(count, kind uint8, words ...uint32) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x80 | count, kind}, uint16(len(words)))
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return b
}

// words returns text as words, padded with at least one zero.
func words(text string) (all []uint32) {
	b := append([]byte(text), 0)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	for ; len(b) > 0; b = b[4:] {
		all = append(all, binary.BigEndian.Uint32(b))
	}
	return all
}

// senderReport returns a compound with a report about another stream, and a name.
func senderReport(ssrc, seconds, ts uint32, block [6]uint32, name string) []byte {
	sr := rtcpPacket(1, rtcpSR, append([]uint32{ssrc, seconds, 0, ts, 100, 16000}, block[:]...)...)
	item := string([]byte{rtcpCNAME, byte(len(name))}) + name
	return append(sr, rtcpPacket(1, rtcpSDES, append([]uint32{ssrc}, words(item)...)...)...)
}

const (
	msec = uint64(1e6)
	noon = uint64(1.7e18)
)

// mediaConversation is a call with everything that can be measured: two streams with losses,
// repetitions and noise, reports with a round trip of 30 ms, tones, ZRTP and STUN.
func mediaConversation(name string, before ...turn) conversation {
	c := conversation{name: name, proto: 17, srcPort: 40000, dstPort: 40002, turns: before}
	say := func(at uint64, dir flow.Dir, b []byte) {
		c.turns = append(c.turns, turn{dir: dir, octets: b, time: noon + at*msec})
	}
	a := &spoken{flow.Forward, 0x1001, 65530, 1000, 0, 160, 160}
	b := &spoken{flow.Reverse, 0x2002, 100, 5000, 8, 160, 160}
	for n := range 100 {
		at := uint64(20 * n)
		if n != 40 && n != 41 && n != 60 { // lost
			say(at, a.dir, a.packet(n))
		}
		if n != 70 {
			say(at+5, b.dir, b.packet(n))
		}
		if n == 50 || n == 90 { // once more
			say(at+6, b.dir, b.packet(n))
			say(at+7, a.dir, a.packet(n))
		}
	}
	noise := rtpHeader(rtpNoise|0x80, a.seq+100, a.ts+16000, a.ssrc)
	say(2000, a.dir, append(noise, 40))
	other := rtpHeader(rtpNoise|0x80, b.seq+100, b.ts+16000, b.ssrc)
	say(2005, b.dir, append(other, 40))
	for n := range uint16(4) { // the digit 7
		tone := rtpHeader(101, a.seq+101+n, a.ts+16160, a.ssrc)
		say(2020+20*uint64(n), a.dir, append(tone, 7, 10, byte(n>>8), byte(n*160)))
	}
	for _, s := range []*spoken{a, b} { // another source
		fresh := &spoken{s.dir, s.ssrc + 1, 1, 1, s.payload, 160, 160}
		say(2100, s.dir, fresh.packet(0))
		say(2120, s.dir, fresh.packet(1))
	}
	reports(a, b, say)
	zrtp := slices.Concat([]byte{0x10, 0, 0, 1}, []byte("ZRTP"), []byte{0, 0, 0x10, 1, 0x50, 0x5a, 0, 3},
		[]byte("HelloACK"))
	zrtp = binary.LittleEndian.AppendUint32(zrtp, crc32.Checksum(zrtp, castagnoli))
	say(4000, flow.Forward, zrtp)
	return c
}

// reports are sender reports of both sides 10 ms on their way to here and 5 to there, an extended
// report and the end.
func reports(a, b *spoken, say func(uint64, flow.Dir, []byte)) {
	const second = 1 << 16
	block := func(about *spoken, lost, jitter, last, delay uint32) [6]uint32 {
		return [6]uint32{about.ssrc, 1<<24 | lost, 0, jitter, last, delay}
	}
	say(3000, a.dir, senderReport(a.ssrc, 1000, 0, block(b, 1, 80, 0, 0), "a@example.org"))
	say(3110, b.dir, senderReport(b.ssrc, 2000, 0, block(a, 3, 16, 1000*second, second/10), "b@example.org"))
	say(3230, a.dir, senderReport(a.ssrc, 1001, 8000, block(b, 1, 80, 2000*second, second/10), "a@example.org"))
	xr := func(by, about *spoken, r, mos uint32) []byte {
		voip := []uint32{by.ssrc, 7<<24 | 8, about.ssrc, 0, 0, 0, 0, r<<24 | 127<<16 | mos<<8 | 127, 0, 0}
		return append(rtcpPacket(0, rtcpRR, by.ssrc), rtcpPacket(0, rtcpXR, voip...)...)
	}
	say(3300, a.dir, xr(a, b, 92, 41))
	say(3310, b.dir, xr(b, a, 88, 40))
	say(3400, a.dir, append(rtcpPacket(0, rtcpRR, a.ssrc), rtcpPacket(1, rtcpBYE, a.ssrc)...))
}

// rtpSamples are of RTP that came first, with STUN among it.
func rtpSamples() []conversation {
	c := mediaConversation("call")
	c.turns = append(c.turns, stunTurns(noon+5000*msec)...)
	alone := conversation{name: "reports alone", proto: 17, srcPort: 40001, dstPort: 40003}
	say := func(at uint64, dir flow.Dir, b []byte) {
		alone.turns = append(alone.turns, turn{dir: dir, octets: b, time: noon + at*msec})
	}
	reports(&spoken{dir: flow.Forward, ssrc: 1}, &spoken{dir: flow.Reverse, ssrc: 2}, say)
	fax := conversation{name: "fax", proto: 17, srcPort: 40004, dstPort: 40006, turns: faxTurns(0, nil)[:40]}
	return []conversation{c, alone, fax}
}

// dtlsSamples are of a handshake with media behind it.
func dtlsSamples() []conversation {
	header := []byte{recordHandshake, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12}
	hello := append(header, append([]byte{messageServerHelloDone}, make([]byte, 11)...)...)
	c := says("handshake before media", 17, flow.Forward, hello)
	media := &spoken{flow.Reverse, 0x77, 1, 1, 0, 160, 160}
	for n := range 5 {
		c.turns = append(c.turns, turn{dir: media.dir, octets: media.packet(n), time: noon + uint64(n)*20*msec})
	}
	return []conversation{c}
}
