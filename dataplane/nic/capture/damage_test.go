package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/weir-probe/weir/dataplane/nic"
)

// inMemory returns a reader of octets, as of a mapped file or as of a stream that hands
// over as much as it likes.
func inMemory(b []byte, stream io.Reader) (*input, error) {
	i := &input{name: "memory", buf: b, stream: stream, file: &counted{}}
	if stream != nil {
		i.room = make([]byte, buffer)
		i.buf = i.room[:0]
	}
	return i, i.detect()
}

// drain reads to the end or to a fault and returns what it saw.
func drain(i *input, err error) (seen []sample, fault error) {
	var out [nic.Max]nic.Frame
	for err == nil {
		var n int
		n, err = i.fill(out[:])
		for _, f := range out[:n] {
			s := sample{bytes.Clone(f.Bytes()), fields{f.Len, f.Wire, f.Time, f.Port, f.Link}}
			seen = append(seen, s)
		}
	}
	return seen, err
}

// A capture that is cut anywhere gives the frames before the cut, and says that it was cut
// unless that is where a record ends.
func TestTruncation(t *testing.T) {
	pcap, ng := func() (*writer, []sample) { return pcapOf(6) }, func() (*writer, []sample) {
		return everyBlock(binary.BigEndian)
	}
	for name, generate := range map[string]func() (*writer, []sample){"pcap": pcap, "pcapng": ng} {
		t.Run(name, func(t *testing.T) {
			w, all := generate()
			for cut := range len(w.b) + 1 {
				whole := 0
				for whole < len(w.ends) && w.ends[whole] <= cut {
					whole++
				}
				for _, stream := range []io.Reader{nil, iotest.OneByteReader(bytes.NewReader(w.b[:cut]))} {
					seen, err := drain(inMemory(w.b[:cut:cut], stream))
					if fmt.Sprint(seen) != fmt.Sprint(all[:whole]) {
						t.Fatalf("cut at %d: %d frames, want %d", cut, len(seen), whole)
					}
					if err != errEnd && !errors.Is(err, ErrTruncated) && (cut >= 4 || !errors.Is(err, ErrFormat)) {
						t.Fatalf("cut at %d: %v", cut, err)
					}
					clean := cut == len(w.b) || whole > 0 && w.ends[whole-1] == cut
					if clean && err != errEnd {
						t.Fatalf("cut at %d, where a record ends: %v", cut, err)
					}
					if name == "pcap" && !clean && cut != pcapHeader && err == errEnd {
						t.Fatalf("cut at %d went unnoticed", cut)
					}
				}
			}
		})
	}
}

// The error says which file, where, what, and how much was read.
func TestFault(t *testing.T) {
	w, all := pcapOf(5)
	path := file(t, "cut.pcap", w.b[:w.ends[3]+20])
	for _, path := range []string{path, fifo(t, w.b[:w.ends[3]+20])} {
		r := opened(t, path)
		check(t, r, all[:4])
		var f *Fault
		if !errors.As(r.Err(), &f) || !errors.Is(f, ErrTruncated) {
			t.Fatal(r.Err())
		}
		want := Fault{File: path, Offset: int64(w.ends[3]), Frames: 4, Cause: f.Cause}
		if *f != want || !strings.Contains(f.Error(), "20 octets of it are there") {
			t.Errorf("%#v: %v", f, f)
		}
	}
}

// damages returns ways to go wrong after some good blocks, by what is said about them.
func damages() map[string]func(w *writer) {
	body := func(typ uint32, words ...uint32) func(w *writer) {
		return func(w *writer) { w.block(typ, func() { w.u32(words...) }) }
	}
	words := func(words ...uint32) func(w *writer) {
		return func(w *writer) { w.u32(words...) }
	}
	return map[string]func(w *writer){
		"type 1 claims 11 octets where the least is 12": words(interfaceBlock, 11, 0),
		"type 6 claims 4294967295 octets":               words(enhancedBlock, 0xffffffff, 0),
		"two lengths, 12 and 16":                        words(simpleBlock, 12, 16),
		"no byte order but 01 02 03 04":                 words(sectionHeader, 28, 0x04030201),
		"version 7.0 of pcapng":                         body(sectionHeader, byteOrder, 7, 0, 0),
		"section header has 4 octets":                   body(sectionHeader, byteOrder),
		"interface description has 4 octets":            body(interfaceBlock, 1),
		"option of an interface claims 40":              body(interfaceBlock, 1, 0, 40<<16|2),
		"of interface 9 where only 1 were":              body(enhancedBlock, 9, 0, 0, 4, 4, 0),
		"5 octets is in a block that has room for 4":    body(enhancedBlock, 0, 0, 0, 5, 5, 0),
		"packet block has 0 octets":                     body(enhancedBlock),
		"simple packet block has 0 octets":              body(simpleBlock),
		"before any interface is described": func(w *writer) {
			w.section()
			w.block(simpleBlock, func() { w.u32(0) })
		},
		"a frame of 262148 octets": func(w *writer) {
			w.block(packetBlock, func() {
				w.u32(0, 0, 0, maxRecord+4, 0)
				w.b = append(w.b, bytes.Repeat([]byte{0}, maxRecord+4)...)
			})
		},
		"describes more than 65535 interfaces": func(w *writer) {
			for range maxInterfaces {
				w.iface(1, 0)
			}
		},
	}
}

// What contradicts itself is refused after what precedes it was delivered.
func TestDamage(t *testing.T) {
	check := func(want string, w *writer, all []sample) {
		for _, stream := range []io.Reader{nil, bytes.NewReader(w.b)} {
			seen, err := drain(inMemory(w.b, stream))
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
			if fmt.Sprint(seen) != fmt.Sprint(all) {
				t.Errorf("%s: %d frames, want %d", want, len(seen), len(all))
			}
		}
	}
	w, all := pcapOf(3)
	w.u32(0, 0, maxRecord+1, maxRecord+1)
	w.b = append(w.b, bytes.Repeat([]byte{0}, maxRecord+1)...)
	check("a frame of 262145 octets where the limit is 262144", w, all)
	for want, damage := range damages() {
		w, all := everyBlock(binary.LittleEndian)
		damage(w)
		w.packet(enhancedBlock, &all[6], all[6].time/1000)
		check(want, w, all)
	}
}

// A file that is no capture is refused when it is opened, with a way out.
func TestOpen(t *testing.T) {
	dir, other := t.TempDir(), &writer{AppendByteOrder: binary.LittleEndian}
	other.u32(magicMicros, 4<<16|3, 0, 0, 0, 1)
	for want, path := range map[string]string{
		"begins with 47 4d 42 55; editcap": file(t, "n", []byte("GMBU, and so on and so forth, for long enough")),
		"it is empty":                      file(t, "e", nil),
		"naming the files in it":           dir,
		"no such file or directory; give":  filepath.Join(dir, "none"),
		"version 3.4 of pcap":              file(t, "v", other.b),
		"gzip header":                      file(t, "g", []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}),
		// A window of 512 MiB.
		"octets after this cannot be read": file(t, "z", []byte("\x28\xb5\x2f\xfd\x00\x98\x01\x00\x00")),
	} {
		r, err := Open(path)
		if r != nil || err == nil {
			t.Fatalf("%s: opened", want)
		}
		if text := err.Error(); !strings.Contains(text, want) || !strings.Contains(text, path) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A compressed file that is cut gives what can be unpacked.
func TestTruncatedCompression(t *testing.T) {
	w, all := pcapOf(5000)
	for name, b := range map[string][]byte{"gz": gzipped(t, w.b), "zst": zstandard(t, w.b)} {
		r := opened(t, file(t, "cut."+name, b[:len(b)*3/4]))
		n := 0
		for !r.Done() {
			n += len(r.Burst())
		}
		if n == 0 || n == len(all) || !errors.Is(r.Err(), ErrTruncated) {
			t.Errorf("%s: %d frames, %v", name, n, r.Err())
		}
	}
}

// A file that is shortened while it is read ends the reading, not the process.
func TestShrunk(t *testing.T) {
	w, all := pcapOf(5000)
	for _, size := range []int64{0, int64(w.ends[nic.Max]), int64(w.ends[200]), int64(len(w.b) - 1)} {
		path := file(t, "s", w.b)
		r := opened(t, path)
		n := len(r.Burst())
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		for !r.Done() {
			n += len(r.Burst())
		}
		if n < nic.Max || n == len(all) || !errors.Is(r.Err(), ErrShrunk) {
			t.Errorf("shortened to %d: %d frames, %v", size, n, r.Err())
		}
	}
}

func FuzzPcap(f *testing.F) {
	for _, o := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		w, all := &writer{AppendByteOrder: o}, samples(4, 1000, nic.Ethernet)
		w.pcapFile(magicMicros, 3, 1)
		for i := range all {
			w.record(&all[i], 1000, 0)
		}
		f.Add(w.b)
	}
	f.Fuzz(same)
}

func FuzzPcapng(f *testing.F) {
	for _, o := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		w, _ := everyBlock(o)
		f.Add(w.b)
	}
	f.Fuzz(same)
}

// same checks that octets are read alike however they arrive, and that frames lie within
// them.
func same(t *testing.T, b []byte) {
	mapped, err := drain(inMemory(b[:len(b):len(b)], nil))
	streamed, again := drain(inMemory(nil, iotest.OneByteReader(bytes.NewReader(b))))
	if fmt.Sprint(mapped) != fmt.Sprint(streamed) || err.Error() != again.Error() {
		t.Errorf("%d frames and %v when mapped, %d and %v when streamed", len(mapped), err, len(streamed), again)
	}
	total := 0
	for _, s := range mapped {
		total += len(s.data)
		if s.wire < s.size || s.size > maxRecord {
			t.Errorf("frame of %d octets, %d on the wire", s.size, s.wire)
		}
	}
	if total > len(b) {
		t.Errorf("frames of %d octets in a capture of %d", total, len(b))
	}
}
