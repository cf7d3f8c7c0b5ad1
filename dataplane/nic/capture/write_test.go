package capture

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/weir-probe/weir/dataplane/nic"
)

// sample is a frame to be written, and how it must be read.
type sample struct {
	data []byte
	fields
}

// writer makes captures in either byte order.
type writer struct {
	binary.AppendByteOrder
	b    []byte
	ends []int // offset behind each frame's record
}

func (w *writer) u16(v ...uint16) {
	for _, v := range v {
		w.b = w.AppendUint16(w.b, v)
	}
}

func (w *writer) u32(v ...uint32) {
	for _, v := range v {
		w.b = w.AppendUint32(w.b, v)
	}
}

// pcapFile begins a pcap file.
func (w *writer) pcapFile(magic uint32, minor uint16, link uint32) {
	w.u32(magic)
	w.u16(2, minor)
	w.u32(0, 0, 65535, link)
}

// record adds a frame to a pcap file; extra is what Kuznetzov's header has more.
func (w *writer) record(s *sample, unit uint64, extra int) {
	w.u32(uint32(s.time/1e9), uint32(s.time%1e9/unit), s.size, s.wire)
	w.b = append(w.b, make([]byte, extra)...)
	w.b = append(w.b, s.data...)
	w.ends = append(w.ends, len(w.b))
}

// block adds a block with what body writes.
func (w *writer) block(typ uint32, body func()) {
	start := len(w.b)
	w.u32(typ, 0)
	body()
	for len(w.b)%4 != start%4 {
		w.b = append(w.b, 0)
	}
	size := uint32(len(w.b) - start + 4)
	w.u32(size)
	copy(w.b[start+4:], w.AppendUint32(nil, size))
}

func (w *writer) section() {
	w.block(sectionHeader, func() {
		w.u32(byteOrder)
		w.u16(1, 0)
		w.u32(0xffffffff, 0xffffffff)
	})
}

// iface adds an interface, whose options are given as they are.
func (w *writer) iface(link uint16, snap uint32, options ...byte) {
	w.block(interfaceBlock, func() {
		w.u16(link, 0)
		w.u32(snap)
		for len(options) > 0 { // code, value octets
			n := int(options[1])
			w.u16(uint16(options[0]), uint16(n))
			w.b = append(w.b, options[2:2+n]...)
			w.b = append(w.b, make([]byte, -n&3)...)
			options = options[2+n:]
		}
	})
}

// packet adds a frame in an enhanced or an obsolete packet block.
func (w *writer) packet(typ uint32, s *sample, ticks uint64) {
	w.block(typ, func() {
		if typ == packetBlock {
			w.u16(s.port-1, 0xffff)
		} else {
			w.u32(uint32(s.port - 1))
		}
		w.u32(uint32(ticks>>32), uint32(ticks), s.size, s.wire)
		w.b = append(w.b, s.data...)
	})
	w.ends = append(w.ends, len(w.b))
}

// simple adds a frame in a simple packet block.
func (w *writer) simple(s *sample) {
	w.block(simpleBlock, func() {
		w.u32(s.wire)
		w.b = append(w.b, s.data...)
	})
	w.ends = append(w.ends, len(w.b))
}

// samples returns n frames of various lengths, some of them cut, a second and some
// nanoseconds apart in units of unit.
func samples(n int, unit uint64, link nic.Link) []sample {
	all := make([]sample, n)
	for i := range all {
		data := bytes.Repeat([]byte{byte(i + 1)}, i*37%1500)
		all[i] = sample{data, fields{
			size: uint32(len(data)), wire: uint32(len(data) + i%3*100), link: link,
			time: (1700000000+uint64(i))*1e9 + uint64(i+1)*123456789%1e9/unit*unit,
		}}
	}
	return all
}

// pcapOf returns a pcap file of n frames and the frames.
func pcapOf(n int) (*writer, []sample) {
	w, all := &writer{AppendByteOrder: binary.LittleEndian}, samples(n, 1000, nic.Ethernet)
	w.pcapFile(magicMicros, 4, 1)
	for i := range all {
		w.record(&all[i], 1000, 0)
	}
	return w, all
}

// everyBlock returns a pcapng file with two sections, three interfaces and every kind of
// block, and its frames.
func everyBlock(order binary.AppendByteOrder) (*writer, []sample) {
	w, all := &writer{AppendByteOrder: order}, samples(7, 1000, nic.Ethernet)
	for i := range all {
		all[i].port = 1
	}
	w.section()
	w.iface(1, 65535)
	w.iface(12, 0, optionTSResol, 1, 9)
	all[1].port, all[1].link = 2, nic.RawIP
	all[2].time, all[2].wire = 0, all[2].size
	w.packet(enhancedBlock, &all[0], all[0].time/1000)
	w.packet(enhancedBlock, &all[1], all[1].time)
	w.block(0x0bad, func() { w.b = append(w.b, make([]byte, 36)...) })
	w.simple(&all[2])
	w.packet(packetBlock, &all[3], all[3].time/1000)
	w.section()
	w.iface(uint16(nic.LinuxSLL2), 65535, 14, 8, 0, 0, 0, 0, 0, 0, 0, 0)
	for i := 4; i < len(all); i++ {
		all[i].link = nic.LinuxSLL2
		w.packet(enhancedBlock, &all[i], all[i].time/1000)
	}
	return w, all
}

// file writes a capture to a file of its own.
func file(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(b, nil)
}
