package collect

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// segmented is a capture of a connection that carries octets in segments of so many, as order puts them.
func segmented(b []byte, size int, order func(n int) []int) []byte {
	const magic, rawIP = 0xa1b2c3d4, 101
	var all []byte
	for _, n := range []uint32{magic, 2 | 4<<16, 0, 0, 1 << 16, rawIP} {
		all = binary.LittleEndian.AppendUint32(all, n)
	}
	packet := func(seq uint32, flags uint16, data []byte) {
		n := 40 + len(data)
		for _, x := range []uint32{100, 0, uint32(n), uint32(n)} {
			all = binary.LittleEndian.AppendUint32(all, x)
		}
		all = append(all, words(0x4500, uint16(n), 0, 0, 0x4006, 0, 0xc000, 0x0201, 0xc000, 0x0209, 40000, 4739)...)
		all = be.AppendUint32(be.AppendUint32(all, seq), 0)
		all = append(append(all, words(5<<12|flags, 1000, 0, 0)...), data...)
	}
	const begin = ^uint32(0) - 100 // the numbers wrap
	packet(begin, tcpSYN, nil)
	n := (len(b) + size - 1) / size
	for _, i := range order(n) {
		packet(begin+1+uint32(i*size), 0x10, b[i*size:min((i+1)*size, len(b))])
	}
	packet(begin+1+uint32(len(b)), tcpFIN, nil)
	return all
}

// IPFIX over TCP in a capture is read however it is cut, repeated and put out of order.
func TestConnectionInCapture(t *testing.T) {
	var stream []byte
	for i := range 50 {
		stream = append(stream, ipfixMessage(uint32(i), aTemplate, set(256, 192, 0, 2, byte(i)))...)
	}
	inOrder := func(n int) (all []int) {
		for i := range n {
			all = append(all, i)
		}
		return all
	}
	for name, c := range map[string]struct {
		stream []byte
		size   int
		order  func(n int) []int
		want   int
		unread uint64
	}{
		"small":  {stream, 7, inOrder, 50, 0},
		"large":  {stream, 1400, inOrder, 50, 0},
		"twice":  {stream, 100, func(n int) []int { return append(inOrder(n), inOrder(n)...) }, 50, 0},
		"jumble": {stream, 100, func(n int) []int { return rand.New(rand.NewPCG(1, 2)).Perm(n) }, 50, 0},
		"hole": {append(stream[:len(stream):len(stream)], stream...), 36, func(n int) []int { // each message a segment
			return append(inOrder(n)[:10], inOrder(n)[12:]...)
		}, 10 + 100 - 12, 0},
		"hole at the end": {stream, 36, func(n int) []int { return append(inOrder(n)[:30], inOrder(n)[40:]...) }, 40, 0},
		"other":           {[]byte("GET / HTTP/1.1\r\n\r\n"), 5, inOrder, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "export.pcap")
			if err := os.WriteFile(path, segmented(c.stream, c.size, c.order), 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, nil)
			b.read(path)
			known := map[string]bool{}
			for _, r := range b.records {
				known[r["IPV4_SRC_ADDR"]] = r["EXPORTER_IPV4_ADDRESS"] == "192.0.2.1"
			}
			if len(b.records) != c.want || len(known) != min(c.want, 50) || c.want > 0 && !known["192.0.2.49"] {
				t.Errorf("%d records of %d addresses, want %d", len(b.records), len(known), c.want)
			}
			if b.count(Unread) != c.unread || b.count(RecordsBad)+b.count(SetsBad)+b.count(Truncated) != 0 {
				t.Errorf("%d messages are unread", b.count(Unread))
			}
		})
	}
}
