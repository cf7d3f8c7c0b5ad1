package collect

import (
	"encoding/binary"
	"testing"
	"time"
)

var be = binary.BigEndian

// ipfixMessage makes a message of sets.
func ipfixMessage(sequence uint32, sets ...[]byte) []byte {
	b := append([]byte{0, 10, 0, 0, 0x5f, 0, 0, 0}, be.AppendUint32(nil, sequence)...)
	b = be.AppendUint32(b, 1)
	for _, s := range sets {
		b = append(b, s...)
	}
	be.PutUint16(b[2:], uint16(len(b)))
	return b
}

// set makes a set.
func set(id uint16, body ...byte) []byte {
	b := be.AppendUint16(be.AppendUint16(nil, id), uint16(4+len(body)))
	return append(b, body...)
}

// words makes octets of numbers of 16 bits.
func words(all ...uint16) (b []byte) {
	for _, w := range all {
		b = be.AppendUint16(b, w)
	}
	return b
}

const second = uint64(1e9)

// Data that comes before its template waits for it, and no longer than it may.
func TestHold(t *testing.T) {
	b := newBench(t, nil)
	data := set(256, 192, 0, 2, 1, 192, 0, 2, 2)
	b.take(ipfixMessage(0, data), 100*second)
	b.take(ipfixMessage(1, set(257, 1, 2, 3, 4)), 101*second)
	if len(b.records) != 0 {
		t.Fatal("records were made without a template")
	}
	b.take(ipfixMessage(2, set(2, words(256, 2, 8, 4, 12, 4)...)), 102*second)
	if len(b.records) != 1 || b.records[0]["IPV4_SRC_ADDR"] != "192.0.2.1" {
		t.Fatalf("got %v", b.records)
	}
	b.c.workers[0].tick(200 * second)
	b.counts(map[Counter]uint64{Held: 2, HeldRead: 1, HeldLost: 1})
}

// Sets that wait are bounded.
func TestHoldBounded(t *testing.T) {
	b := newBench(t, func(o *Options) { o.HoldSize = 4096 })
	for range 100 {
		b.take(ipfixMessage(0, set(256, make([]byte, 1000)...)), second)
	}
	if got := b.count(Held); got != 3 || b.count(HeldFull) != 97 {
		t.Errorf("%d sets wait, %d do not", got, b.count(HeldFull))
	}
}

// A bad set costs what follows it in its message, and nothing else.
func TestBadSets(t *testing.T) {
	template := set(2, words(256, 1, 8, 4)...)
	good := set(256, 192, 0, 2, 1)
	for name, c := range map[string]struct {
		bad     []byte
		records int
		count   Counter
	}{
		"length 0":          {[]byte{1, 0, 0, 0}, 1, SetsBad},
		"length 3":          {[]byte{1, 0, 0, 3}, 1, SetsBad},
		"length too great":  {[]byte{1, 0, 255, 255}, 1, SetsBad},
		"reserved":          {set(7, 1, 2, 3, 4), 2, SetsBad},
		"template cut":      {set(2, words(300, 2, 8, 4)...), 2, TemplatesBad},
		"template of none":  {set(2, words(300, 1, 8, 0)...), 2, TemplatesBad},
		"template reserved": {set(2, words(3, 1, 8, 4)...), 2, TemplatesBad},
		"options without":   {set(3, words(300, 1, 2, 8, 4)...), 2, TemplatesBad},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			b.take(ipfixMessage(0, template, good, c.bad, good), second)
			if len(b.records) != c.records || b.count(c.count) != 1 {
				t.Errorf("%d records, want %d; %s is %d", len(b.records), c.records, CounterDocs[c.count].Name, b.count(c.count))
			}
		})
	}
}

// A value that lies about its length costs the rest of its set.
func TestVariableLies(t *testing.T) {
	b := newBench(t, nil)
	template := set(2, words(256, 2, 8, 4, 82, 65535)...)
	record := []byte{192, 0, 2, 1, 2, 'e', '0'}
	lie := []byte{192, 0, 2, 2, 255, 255, 255, 1, 2, 3}
	b.take(ipfixMessage(0, template, set(256, append(record, lie...)...), set(256, record...)), second)
	if len(b.records) != 2 || b.records[0]["IF_NAME"] != "e0" {
		t.Errorf("got %v", b.records)
	}
	b.counts(map[Counter]uint64{RecordsBad: 1})
}

// Templates of an exporter are bounded, and the others go on being read.
func TestTemplateBomb(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Templates, o.Exporters = 16, 4 })
	for id := 256; id < 65536; id += 100 {
		var sets [][]byte
		for i := range 100 {
			sets = append(sets, set(2, words(uint16(min(id+i, 65535)), 1, 8, 4)...))
		}
		b.take(ipfixMessage(0, sets...), second)
	}
	if got := len(b.c.registry.all()[0].templates); got != 16 {
		t.Errorf("%d templates are remembered, want 16", got)
	}
	b.take(ipfixMessage(0, set(256, 192, 0, 2, 1)), second)
	if len(b.records) != 1 {
		t.Errorf("%d records of a template that is known, want 1", len(b.records))
	}
	for domain := range 100 {
		m := ipfixMessage(0, set(2, words(256, 1, 8, 4)...))
		be.PutUint32(m[12:], uint32(domain))
		b.take(m, second)
	}
	if b.c.registry.size() != 4 || b.count(ExportersFull) == 0 {
		t.Errorf("%d exporters are remembered, want 4", b.c.registry.size())
	}
}

// A million templates, of a thousand exporters, leave memory where it was, and each is learnt or counted.
func TestMillionTemplates(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Templates, o.Exporters = 100, 100 })
	announce := func() {
		for from := range 1000 {
			var sets [][]byte
			for i := range 1000 {
				sets = append(sets, set(2, words(uint16(256+i), 2, 8, 4, uint16(1000+i), uint16(1+from))...))
			}
			m := ipfixMessage(0, sets...)
			be.PutUint32(m[12:], uint32(from))
			b.take(m, second)
		}
	}
	before := heap()
	announce()
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("a million templates take %d octets", grown)
	}
	b.counts(map[Counter]uint64{Templates: 100 * 100, TemplatesFull: 100 * 900, ExportersFull: 900})
}

// A record of a template that is as long as can be takes a message of its own, and one that is longer than any
// message is never read.
func TestLongElement(t *testing.T) {
	b := newBench(t, nil)
	b.take(ipfixMessage(0, set(2, words(256, 2, 8, 4, 82, 65534)...), set(2, words(257, 2, 8, 4, 82, 60000)...)), second)
	b.take(ipfixMessage(0, set(256, make([]byte, 65000)...)), second)
	b.take(ipfixMessage(0, set(257, append([]byte{192, 0, 2, 1}, make([]byte, 60000)...)...)), second)
	if len(b.records) != 1 || b.records[0]["IPV4_SRC_ADDR"] != "192.0.2.1" {
		t.Errorf("%d records: %v", len(b.records), b.records)
	}
	if b.count(RecordsBad) != 0 || b.count(Templates) != 2 {
		t.Errorf("%d malformed, %d templates", b.count(RecordsBad), b.count(Templates))
	}
}

// What is missing is known by what each version counts.
func TestSequence(t *testing.T) {
	b := newBench(t, nil)
	template := set(2, words(256, 1, 8, 4)...)
	two := set(256, 192, 0, 2, 1, 192, 0, 2, 2)
	b.take(ipfixMessage(10, template, two), second)
	b.take(ipfixMessage(12, two), second)
	b.take(ipfixMessage(20, two), second) // 6 records are missing
	b.take(ipfixMessage(14, two), second) // and come late
	b.take(ipfixMessage(22, two), second)
	b.take(ipfixMessage(0, two), second) // began anew
	b.counts(map[Counter]uint64{Lost: 6, Late: 1, Restarted: 1})
}

// An exporter that gives a template another meaning is believed from then on.
func TestRedefinition(t *testing.T) {
	b := newBench(t, nil)
	b.take(ipfixMessage(0, set(2, words(256, 1, 8, 4)...), set(256, 192, 0, 2, 1)), second)
	b.take(ipfixMessage(1, set(2, words(256, 1, 12, 4)...), set(256, 192, 0, 2, 1)), second)
	b.take(ipfixMessage(2, set(2, words(256, 0)...)), second)
	b.take(ipfixMessage(2, set(256, 192, 0, 2, 1)), second)
	if len(b.records) != 2 || b.records[0]["IPV4_SRC_ADDR"] == "" || b.records[1]["IPV4_DST_ADDR"] == "" {
		t.Errorf("got %v", b.records)
	}
	b.counts(map[Counter]uint64{TemplatesChanged: 1, TemplatesWithdrawn: 1, Held: 1})
}

// Whatever datagrams say, what comes of them are records, and memory is bounded.
func FuzzCollect(f *testing.F) {
	f.Add(ipfixMessage(0, set(2, words(256, 2, 8, 4, 82, 65535)...), set(256, 192, 0, 2, 1, 2, 'e', '0')))
	f.Add(ipfixMessage(0, set(2, words(256, 1, 293, 65535)...), set(2, words(257, 1, 8, 4)...),
		set(256, 11, 3, 1, 1, 0, 8, 192, 0, 2, 1, 0)))
	f.Add(ipfixMessage(0, set(2, words(256, 1, 315, 65535)...), set(256, 2, 8, 0)))
	f.Add(ipfixMessage(0, set(2, words(256, 1, 291, 65535)...), set(256, append([]byte{9, 255}, words(371, 65535, 0x0361)...)...)))
	f.Add(append([]byte{0, 5, 0, 1}, make([]byte, 20+48)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := newBench(t, func(o *Options) {
			o.RingSize, o.Templates, o.Exporters, o.HoldSize, o.Cache = 1<<16, 16, 4, 4096, 16
			if len(b)%2 == 1 {
				o.Stitch, o.Aggregate = time.Second, time.Duration(len(b)%4/2)*time.Second
			}
		})
		for range 2 {
			x.take(b, second)
		}
		x.c.workers[0].tick(100 * second)
		x.drain()
		if n := x.count(Joined) + x.count(RingFull); x.count(Records)+x.count(CounterRecords) != n+uint64(len(x.records)) {
			t.Errorf("%d records are %d handed over, and %d joined or lost", x.count(Records)+x.count(CounterRecords), len(x.records), n)
		}
		if held := x.c.workers[0].held; len(held.sets) != 0 || held.size != 0 {
			t.Errorf("%d sets of %d octets still wait", len(held.sets), held.size)
		}
		if x.count(Held) != x.count(HeldRead)+x.count(HeldLost) {
			t.Error("the sum of what was held is not even")
		}
	})
}

// Whatever an agent says, reading it ends.
func FuzzSFlow(f *testing.F) {
	f.Add(append(xdr(5, 1, 0xc0000201, 0, 1, 1000, 1), opaque(1, 7, 3, 512, 5000, 0, 3, 4, 1, opaque(3, 9, 6, 1, 2, 3, 4, 5, 6))...))
	f.Add(append(xdr(4, 1, 0xc0000201, 1, 1000, 1), xdr(1, 1, 3, 64, 5000, 0, 3, 4, 2, 9, 6, 1, 2, 3, 4, 5, 6, 1, 1, 1, 2, 3, 4)...))
	f.Add(append(xdr(5, 1, 0xc0000201, 0, 1, 1000, 1), opaque(2, 7, 3, 1, opaque(1, make([]byte, 88)))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		b[0], b[1], b[2] = 0, 0, 0
		x := newBench(t, func(o *Options) { o.RingSize = 1 << 16 })
		x.take(b, second)
	})
}
