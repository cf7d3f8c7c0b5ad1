package dissect

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/google/gopacket"
	gp "github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/klauspost/compress/zstd"

	"github.com/weir-probe/weir/dataplane/nic"
)

// captures returns the directory of the captures beside the module, or skips the test.
func captures(t testing.TB) string {
	dir, err := os.Getwd()
	for err == nil {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			dir = filepath.Join(dir, "..", "shared", "captures")
			if _, err = os.Stat(dir); err == nil {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			err = os.ErrNotExist
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("no captures beside the module")
	return ""
}

// unpacked opens a file, uncompressed by its name.
func unpacked(t testing.TB, name string) io.Reader {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	var r io.Reader = f
	switch filepath.Ext(name) {
	case ".gz":
		r, err = gzip.NewReader(f)
	case ".zst":
		r, err = zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<27))
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// eachFrame reads a capture file, pcap or pcapng. The frames are lent.
func eachFrame(t testing.TB, name string, do func(*nic.Frame)) {
	next := reader(t, bufio.NewReader(unpacked(t, name)))
	for {
		data, ci, link, err := next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f := frame(nic.Link(link), data)
		f.Wire, f.Time = uint32(max(ci.Length, len(data))), uint64(ci.Timestamp.UnixNano())
		do(&f)
	}
}

func reader(t testing.TB, b *bufio.Reader) func() ([]byte, gopacket.CaptureInfo, gp.LinkType, error) {
	if magic, _ := b.Peek(4); bytes.Equal(magic, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		r, err := pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			t.Fatal(err)
		}
		return func() ([]byte, gopacket.CaptureInfo, gp.LinkType, error) {
			data, ci, err := r.ReadPacketData()
			if err != nil {
				return nil, ci, 0, err
			}
			i, err := r.Interface(ci.InterfaceIndex)
			return data, ci, i.LinkType, err
		}
	}
	r, err := pcapgo.NewReader(b)
	if err != nil {
		t.Fatal(err)
	}
	return func() ([]byte, gopacket.CaptureInfo, gp.LinkType, error) {
		data, ci, err := r.ReadPacketData()
		return data, ci, r.LinkType(), err
	}
}

// frame makes a whole frame of b.
func frame(link nic.Link, b []byte) nic.Frame {
	return nic.Frame{
		Data: unsafe.Pointer(unsafe.SliceData(b)), Len: uint32(len(b)), Wire: uint32(len(b)), Link: link,
	}
}
