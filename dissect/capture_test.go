package dissect

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/google/gopacket"
	gp "github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

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

// frames reads a capture file up to its end or the first fault.
func frames(t testing.TB, name string) (all []nic.Frame) {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	next := reader(t, b)
	for {
		data, ci, link, err := next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Logf("%s: frame %d: %v", filepath.Base(name), len(all)+1, err)
			return all
		}
		f := frame(nic.Link(link), data)
		f.Wire, f.Time = uint32(max(ci.Length, len(data))), uint64(ci.Timestamp.UnixNano())
		all = append(all, f)
	}
}

func reader(t testing.TB, b []byte) func() ([]byte, gopacket.CaptureInfo, gp.LinkType, error) {
	if bytes.HasPrefix(b, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{WantMixedLinkType: true})
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
	r, err := pcapgo.NewReader(bytes.NewReader(b))
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
