package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// consume reads a source to its end and returns how many frames came, and the first that
// was not as wanted or -1. The last burst is looked at again just before the next.
func consume(s nic.Source, want []sample) (n, wrong int) {
	wrong = -1
	for done := s.(nic.Finite); !done.Done(); {
		burst := s.Burst()
		runtime.Gosched()
		for i := range burst {
			f := &burst[i]
			got := fields{f.Len, f.Wire, f.Time, f.Port, f.Link}
			if w := &want[n%len(want)]; wrong < 0 && (got != w.fields || !bytes.Equal(f.Bytes(), w.data)) {
				wrong = n
			}
			n++
		}
	}
	return n, wrong
}

// Every consumer gets every frame in order, whatever the others do.
func TestBroadcast(t *testing.T) {
	w, all := pcapOf(20000)
	readers := map[string]*Reader{
		"mapped": opened(t, file(t, "m", w.b)),
		"gzip":   opened(t, file(t, "g", gzipped(t, w.b))),
		"pipe":   opened(t, fifo(t, w.b)),
		"sequence": Sequence(file(t, "1", w.b), file(t, "2", zstandard(t, w.b)),
			file(t, "3", w.b), file(t, "4", w.b)),
	}
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			want := len(all)
			if name == "sequence" {
				want *= 4
			}
			var wait sync.WaitGroup
			for i, s := range Broadcast(r, 3) {
				wait.Go(func() {
					if n, wrong := consume(s, all); n != want || wrong >= 0 {
						t.Errorf("consumer %d: %d frames, want %d; the first that is wrong is %d", i, n, want, wrong)
					}
				})
			}
			wait.Wait()
			if err := errors.Join(r.Err(), r.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A sequence goes on after what is damaged or missing, and tells of all of it.
func TestSequence(t *testing.T) {
	w, all := pcapOf(5)
	cut, none := file(t, "cut", w.b[:w.ends[2]+1]), filepath.Join(t.TempDir(), "none")
	r := Sequence(file(t, "1", w.b), cut, none, file(t, "2", w.b))
	want := append(append(append([]sample{}, all...), all[:3]...), all...)
	check(t, r, want)
	if err := r.Err(); !errors.Is(err, ErrTruncated) || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if check(t, Sequence(), nil); !Sequence().Done() {
		t.Error("an empty sequence is not done")
	}
}

// A consumer does not wait for the writer of a pipe, and closing does not either.
func TestIdlePipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := Broadcast(r, 1)[0]
	for range 2 * eager {
		if len(s.Burst()) != 0 || s.(nic.Finite).Done() {
			t.Fatal("frames or an end out of nothing")
		}
	}
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w, all := pcapOf(3)
	if _, err := pipe.Write(w.b[:w.ends[1]+5]); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 2; {
		n += len(s.Burst())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
	if n, _ := consume(s, all); n != 0 {
		t.Errorf("%d frames after the end", n)
	}
	stopped(t, r)
}

// stopped waits until the goroutine of Broadcast has given everything back.
func stopped(t *testing.T, r *Reader) {
	t.Helper()
	for open := true; open; runtime.Gosched() {
		r.busy.Lock()
		open = r.in != nil
		r.busy.Unlock()
	}
}

// A reader that is closed early tells its consumers, and waits for none of them.
func TestCloseEarly(t *testing.T) {
	w, _ := pcapOf(20000)
	r := opened(t, file(t, "m", w.b))
	s := Broadcast(r, 2)
	if len(s[0].Burst()) > nic.Max {
		t.Error("burst too long")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	stopped(t, r)
	for _, s := range s {
		for !s.(nic.Finite).Done() { // What they are given must not be looked at.
			s.Burst()
		}
	}
}

// Reading takes memory only at the start.
func TestAllocations(t *testing.T) {
	w, _ := pcapOf(100000)
	ng := &writer{AppendByteOrder: binary.LittleEndian}
	ng.section()
	ng.iface(1, 0)
	all := samples(1, 1000, nic.Ethernet)
	all[0].port = 1
	for range 100000 {
		ng.packet(enhancedBlock, &all[0], all[0].time)
	}
	for name, s := range map[string]nic.Source{
		"mapped":            opened(t, file(t, "m", w.b)),
		"mapped pcapng":     opened(t, file(t, "n", ng.b)),
		"pipe":              opened(t, fifo(t, w.b)),
		"pipe of pcapng":    opened(t, fifo(t, ng.b)),
		"gzip":              opened(t, file(t, "g", gzipped(t, w.b))),
		"zstd":              opened(t, file(t, "z", zstandard(t, w.b))),
		"broadcast":         Broadcast(opened(t, file(t, "b", w.b)), 1)[0],
		"broadcast of pipe": Broadcast(opened(t, fifo(t, w.b)), 1)[0],
	} {
		for n := 0; n < 10000; { // Past the buffers that are made once.
			if n += len(s.Burst()); s.(nic.Finite).Done() {
				t.Fatalf("%s: over after %d frames", name, n)
			}
		}
		n := 0
		if avg := testing.AllocsPerRun(1000, func() { n += len(s.Burst()) }); avg != 0 || n == 0 {
			t.Errorf("%s: %v allocations a burst, %d frames", name, avg, n)
		}
	}
}

func BenchmarkBurst(b *testing.B) {
	w, _ := pcapOf(200000)
	small := &writer{AppendByteOrder: binary.LittleEndian}
	small.pcapFile(magicMicros, 4, 1)
	for s := (sample{make([]byte, 60), fields{size: 60, wire: 60}}); len(small.ends) < 200000; {
		small.record(&s, 1000, 0)
	}
	for name, c := range map[string][]byte{"mixed": w.b, "60 octets": small.b, "gzip": gzipped(b, small.b)} {
		path := file(b, "c", c)
		b.Run(name, func(b *testing.B) { bench(b, func() *Reader { return opened(b, path) }) })
		b.Run(name+" through a pipe", func(b *testing.B) {
			bench(b, func() *Reader { return opened(b, fifo(b, c)) })
		})
	}
}

// bench measures the time a frame takes, opening files again as they end.
func bench(b *testing.B, open func() *Reader) {
	r := open()
	b.ResetTimer()
	for n := 0; n < b.N; {
		n += len(r.Burst())
		if r.Done() {
			if err := errors.Join(r.Err(), r.Close()); err != nil {
				b.Fatal(err)
			}
			r = open()
		}
	}
}

func BenchmarkBroadcast(b *testing.B) {
	w, _ := pcapOf(200000)
	path := file(b, "c", w.b)
	b.ResetTimer()
	for n := 0; n < b.N; {
		r := opened(b, path)
		for s := Broadcast(r, 1)[0]; !s.(nic.Finite).Done(); {
			n += len(s.Burst())
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
