package worker

import (
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
)

// lines is what the segments of FuzzTalk are cut out of.
var lines = expand("GET a\nOK 3 b\n{3}PUT 9 c\n{9}WAIT d\nNOTE e\nBAD f\nOK * " +
	"g\nSWITCH\n<h\nQUIT\n~i\nGET {700}\nOK 0 j\n")

// Whatever segments come in whatever order, of however little memory, the worker survives, all
// memory comes back, and nothing is lost silently.
func FuzzTalk(f *testing.F) {
	f.Add([]byte{0, 0, 6, 0, 1, 6, 7, 0, 0, 13, 8, 0, 1, 14, 9, 0}, uint8(0))
	f.Add([]byte("0000 1111 00\x0411 \x80\x10\x20\x30 \x01\x40\x50\x07 any segments will do"), uint8(0xff))
	f.Fuzz(func(t *testing.T, script []byte, kind uint8) {
		conf := counting()
		conf.Wait, conf.Malformed = true, 3
		conf.Streams, conf.Transactions = 1+int(kind&7), 1+int(kind>>3&7)
		conf.StreamMemory = largest << (kind >> 6)
		if kind&1 != 0 {
			conf.Blocks, conf.Active = 0, 3*time.Second
		}
		src := &turn{}
		b := newBench(t, src, conf)
		now := epoch
		for ; len(script) >= 4; script = script[4:] {
			src.next = append(src.next, muttered([4]byte(script), &now))
			if script[3]&64 != 0 || len(src.next) == nic.Max {
				b.Step(0)
				b.drain()
				b.balance(b.Report())
			}
		}
		b.Step(0)
		b.drain()
		b.Flush(0)
		b.drain()
		b.balance(b.report)
		checkSums(t, b)
		b.idle()
	})
}

// muttered makes a packet of four octets: who, which lines, which sequence number, and what else.
func muttered(o [4]byte, now *uint64) nic.Frame {
	at, n := int(o[1])*len(lines)/256, int(o[2])
	text := lines[at:min(at+n, len(lines))]
	p := pkt{src: "a", dst: "b", sport: 40000 + uint16(o[0]>>1&3), dport: 7001, flags: "A",
		seq: uint32(at), ack: uint32(o[2])}
	if o[0]&8 != 0 {
		p.seq = uint32(o[2]) * 13
	}
	if o[0]&1 != 0 {
		p.src, p.dst, p.sport, p.dport = p.dst, p.src, p.dport, p.sport
	}
	switch o[0] >> 4 {
	case 0:
		p.flags = "S"
	case 1:
		p.flags = "FA"
	case 2:
		p.flags = "RA"
	case 3:
		p.seq += 1 << 31
	case 4:
		p.seq += 1 << 29
	case 5:
		p.ack += 1 << 20
	case 6, 7:
		p.flags, p.dport = "", 7002
		text = []byte{"QRINXDW?CCCCESWC"[o[1]&15], o[2] & 3, 'x'}
		if o[0]&1 != 0 {
			p.sport, p.dport = 7002, 40000
		}
	}
	*now += uint64(o[3]&63) * uint64(o[3]&63) * uint64(ms)
	f := p.says(string(text))
	f.Time = *now
	if o[3]&128 != 0 {
		f.Len -= f.Len / 8 // the end was not captured
	}
	return f
}
