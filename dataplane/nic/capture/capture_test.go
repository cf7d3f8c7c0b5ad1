package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// check reads to the end and compares with what was written.
func check(t *testing.T, r *Reader, want []sample) {
	t.Helper()
	n := 0
	for !r.Done() {
		for _, f := range r.Burst() {
			if n == len(want) {
				t.Fatalf("more than %d frames", n)
			}
			w := &want[n]
			got := fields{f.Len, f.Wire, f.Time, f.Port, f.Link}
			if got != w.fields || !bytes.Equal(f.Bytes(), w.data) {
				t.Fatalf("frame %d: %+v, want %+v", n, got, w.fields)
			}
			n++
		}
	}
	if n != len(want) {
		t.Errorf("%d frames, want %d: %v", n, len(want), r.Err())
	}
}

// opened opens a capture and closes it with the test.
func opened(t testing.TB, path string) *Reader {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// fifo returns the path of a pipe that the octets are written to, once.
func fifo(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(path, b, 0o600) }()
	return path
}

// everyWay checks a capture as a plain file, compressed, and through a pipe.
func everyWay(t *testing.T, b []byte, want []sample) {
	t.Helper()
	ways := map[string]string{
		"plain": file(t, "a", b),
		"gzip":  file(t, "a.gz", gzipped(t, b)),
		"zstd":  file(t, "a.zst", zstandard(t, b)),
		"pipe":  fifo(t, b),
		"both":  fifo(t, gzipped(t, b)),
	}
	for name, path := range ways {
		t.Run(name, func(t *testing.T) {
			r := opened(t, path)
			check(t, r, want)
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			if done, total := r.Progress(); total != 0 && done != total {
				t.Errorf("%d of %d octets at the end", done, total)
			}
		})
	}
}

func TestPcapVariants(t *testing.T) {
	for _, v := range []struct {
		name  string
		magic uint32
		unit  uint64
		extra int
		link  uint32
		want  nic.Link
	}{
		{"microseconds", magicMicros, 1000, 0, 1, nic.Ethernet},
		{"nanoseconds", magicNanos, 1, 0, 101, nic.RawIP},
		{"patched", magicPatched, 1000, patchedExtra, 113, nic.LinuxSLL},
		{"raw as on Linux", magicMicros, 1000, 0, 12, nic.RawIP},
		{"raw as on OpenBSD", magicMicros, 1000, 0, 14, nic.RawIP},
		{"wide link type", magicMicros, 1000, 0, 276, nic.LinuxSLL2},
		{"check sequences", magicMicros, 1000, 0, 0x44000001, nic.Ethernet},
	} {
		for _, o := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(v.name+" "+o.String(), func(t *testing.T) {
				w, all := &writer{AppendByteOrder: o}, samples(2000, v.unit, v.want)
				w.pcapFile(v.magic, 4, v.link)
				for i := range all {
					w.record(&all[i], v.unit, v.extra)
				}
				everyWay(t, w.b, all)
				if v.extra == 0 {
					agree(t, w.b)
				}
			})
		}
	}
}

// agree compares with gopacket.
func agree(t *testing.T, b []byte) {
	t.Helper()
	o, link, err := newOracle(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, opened(t, file(t, "b", b)), o, link)
}

// Writers before 2.4 were not of one mind about the order of the two lengths.
func TestPcapOld(t *testing.T) {
	w, all := &writer{AppendByteOrder: binary.BigEndian}, samples(9, 1000, nic.Ethernet)
	w.pcapFile(magicMicros, 2, 1)
	for i := range all {
		swapped := all[i]
		swapped.size, swapped.wire = swapped.wire, swapped.size
		w.record(&swapped, 1000, 0)
	}
	check(t, opened(t, file(t, "old", w.b)), all)
}

func TestPcapng(t *testing.T) {
	for _, o := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		t.Run(o.String(), func(t *testing.T) {
			w, all := everyBlock(o)
			everyWay(t, w.b, all)
		})
	}
	little, a := everyBlock(binary.LittleEndian)
	big, b := everyBlock(binary.BigEndian)
	t.Run("both orders", func(t *testing.T) {
		everyWay(t, append(little.b, big.b...), append(a, b...))
	})
}

// A block of no interest may be larger than the buffer of a stream.
func TestPcapngSkip(t *testing.T) {
	w, all := everyBlock(binary.LittleEndian)
	w.block(0x0bad, func() { w.b = append(w.b, make([]byte, 3*buffer+5)...) })
	whole := len(w.b)
	w.packet(enhancedBlock, &all[6], all[6].time/1000)
	everyWay(t, w.b, append(all, all[6]))
	for name, path := range map[string]string{
		"plain": file(t, "cut", w.b[:whole-buffer]), "pipe": fifo(t, w.b[:whole-buffer]),
	} {
		r := opened(t, path)
		check(t, r, all)
		if !errors.Is(r.Err(), ErrTruncated) {
			t.Errorf("%s: %v", name, r.Err())
		}
	}
}

func TestClock(t *testing.T) {
	const s = 1700000000
	for _, c := range []struct {
		resol  byte
		offset int64
		ticks  uint64
		want   uint64
	}{
		{6, 0, s * 1e6, s * 1e9},
		{6, 0, s*1e6 + 1, s*1e9 + 1000},
		{0, 0, s, s * 1e9},
		{3, 0, s*1e3 + 7, s*1e9 + 7e6},
		{9, 0, s*1e9 + 7, s*1e9 + 7},
		{10, 0, s*1e10 + 79, s*1e9 + 7},
		{12, 1700000000, 5e12 + 1999, s*1e9 + 5e9 + 1},
		{28, 5, 1 << 63, 5e9},
		{29, 5, 1 << 63, 5e9},
		{127, 5, 1<<64 - 1, 5e9},
		{0x80, 0, s, s * 1e9},
		{0x80 | 10, 0, s<<10 | 512, s*1e9 + 5e8},
		{0x80 | 32, 0, s<<32 | 1<<31, s*1e9 + 5e8},
		{0x80 | 63, s, 1 << 62, s*1e9 + 5e8},
		{0x80 | 64, s, 1 << 63, s*1e9 + 5e8},
		{0x80 | 70, s, 1 << 63, s*1e9 + 7812500},
		{0xff, s, 1<<64 - 1, s * 1e9},
		{6, -5, s * 1e6, (s - 5) * 1e9},
		{6, 0, 0, 1},                // the epoch is a time
		{6, -5, 4e6, 0},             // before the epoch
		{6, 0, 1 << 62, 0},          // too late for 64 bits
		{0, 0, 1 << 63, 0},          // the same
		{6, 1 << 62, 5, 0},          // the same
		{6, -1 << 63, s * 1e6, 0},   // before the epoch
		{9, 10, 1<<64 - 1, 0},       // carried over
		{0x80 | 1, 0, 1<<64 - 1, 0}, // too late
		{0x80 | 64, 0, 1<<64 - 1, 999999999},
	} {
		clock := resolution(c.resol, c.offset)
		if got := clock.time(c.ticks); got != c.want {
			t.Errorf("resolution %#x, offset %d, %d: %d, want %d", c.resol, c.offset, c.ticks, got, c.want)
		}
	}
}

// The options of an interface say how its clock ticks, in either order.
func TestPcapngOptions(t *testing.T) {
	frame := samples(1, 1, nic.Ethernet)[0]
	frame.port = 1
	for name, options := range map[string][]byte{
		"offset first": {14, 8, 0, 0, 0, 0, 0, 0, 0, 5, 9, 1, 0x8a},
		"offset last":  {2, 3, 'e', 't', 'h', 9, 1, 0x8a, 14, 8, 0, 0, 0, 0, 0, 0, 0, 5},
		"end":          {9, 1, 0x8a, 14, 8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 9, 1, 3},
	} {
		w := &writer{AppendByteOrder: binary.BigEndian}
		w.section()
		w.iface(1, 0, options...)
		w.packet(enhancedBlock, &frame, 7<<10|512)
		want := frame
		want.time = 12.5e9
		t.Run(name, func(t *testing.T) { check(t, opened(t, file(t, "o", w.b)), []sample{want}) })
	}
}

// The writers of a simple packet block leave out how much was captured.
func TestPcapngSimple(t *testing.T) {
	frame := samples(8, 1, nic.Ethernet)[7]
	frame.port = 1
	frame.time = 0
	frame.size = 100
	cut := frame
	cut.data = frame.data[:100]
	w := &writer{AppendByteOrder: binary.LittleEndian}
	w.section()
	w.iface(1, 100)
	w.simple(&cut)
	check(t, opened(t, file(t, "s", w.b)), []sample{cut})
}
