package collect

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/ring"
)

// twenty are the elements of a template as routers have them: 20 fields.
var twenty = [][2]uint16{{8, 4}, {12, 4}, {15, 4}, {10, 4}, {14, 4}, {2, 8}, {1, 8}, {152, 8}, {153, 8}, {7, 2},
	{11, 2}, {6, 1}, {4, 1}, {5, 1}, {16, 4}, {17, 4}, {9, 1}, {13, 1}, {61, 1}, {136, 1}}

// traffic makes a template message and one of data: so many records of 20 fields, of a version.
func traffic(version, records int) (template, data []byte) {
	t, r := words(300, uint16(len(twenty))), []byte(nil)
	for _, x := range twenty {
		if version == 9 && x[0] >= 152 && x[0] <= 153 {
			x = [2]uint16{x[0] - 131 + 2*(153-x[0]), 4} // 22 and 21
		}
		t = append(t, words(x[0], x[1])...)
		r = append(r, make([]byte, x[1])...)
	}
	for i := range r {
		r[i] = byte(i)
	}
	var all []byte
	for range records {
		all = append(all, r...)
	}
	if version == 10 {
		return ipfixMessage(0, set(2, t...)), ipfixMessage(0, set(300, all...))
	}
	head := func(sets []byte) []byte {
		return append(append(words(9, 1, 0, 1000, 0x5f00, 0, 0, 1), 0, 0, 0, 1), sets...)
	}
	return head(set(0, t...)), head(set(300, all...))
}

// feed has a worker read data and throws its records away.
func feed(w *Worker, data []byte, from netip.AddrPort) {
	w.Take(data, from, 100*second)
	for {
		kind, _ := w.out.Next()
		if kind == ring.None {
			break
		}
	}
	w.out.Release()
}

// Nothing is allocated for a record, of any version.
func TestNoAllocations(t *testing.T) {
	for _, version := range []int{9, 10} {
		b := newBench(t, nil)
		w := b.c.workers[0]
		template, data := traffic(version, 20)
		feed(w, template, sender)
		if n := testing.AllocsPerRun(100, func() { feed(w, data, sender) }); n != 0 {
			t.Errorf("version %d: %v allocations for 20 records, want none", version, n)
		}
		if n := testing.AllocsPerRun(100, func() { feed(w, template, sender) }); n != 0 {
			t.Errorf("version %d: %v allocations for a template that is repeated, want none", version, n)
		}
		if got := b.count(Records); got < 2000 {
			t.Errorf("version %d: %d records", version, got)
		}
	}
	b := newBench(t, nil)
	b.read(collection("sflow/derived_netflow__telegraf__sflow_issue_15918.pcap"))
}

// Exporters that say the same templates share what reads their records, so that memory stays flat.
func TestManyExporters(t *testing.T) {
	b := newBench(t, nil)
	w := b.c.workers[0]
	var sets [][]byte
	for id := range 20 {
		spec := words(uint16(300+id), uint16(len(twenty)))
		for _, x := range twenty {
			spec = append(spec, words(x[0], x[1])...)
		}
		sets = append(sets, set(2, spec...))
	}
	message := ipfixMessage(0, sets...)
	announce := func() {
		for i := range 1000 {
			w.Take(message, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 2055), second)
		}
	}
	before := heap()
	announce()
	first := heap()
	for range 10 {
		announce()
	}
	again := heap()
	if got := b.count(Templates); got != 20000 {
		t.Errorf("%d templates were learnt, want 20000", got)
	}
	t.Logf("1000 exporters with 20 templates each take %d KiB, after ten repetitions %d KiB", (first-before)>>10, (again-before)>>10)
	if first-before > 32<<20 || again > first+first/4 {
		t.Errorf("memory grows from %d to %d and %d octets", before, first, again)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkCollect is the way of a record from a datagram into the ring.
func BenchmarkCollect(b *testing.B) {
	for _, version := range []int{9, 10} {
		b.Run(fmt.Sprint("v", version), func(b *testing.B) {
			w := newBench(b, nil).c.workers[0]
			const records = 20
			template, data := traffic(version, records)
			feed(w, template, sender)
			b.ReportAllocs()
			before := processor()
			for b.Loop() {
				feed(w, data, sender)
			}
			b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(b.N)*records/(processor()-before).Seconds(), "records/cpu-s")
		})
	}
}

// processor returns how long this process has been running on processors, which tells what something
// costs on a machine that is shared.
func processor() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
