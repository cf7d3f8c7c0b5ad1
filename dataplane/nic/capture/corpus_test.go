package capture

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"github.com/klauspost/compress/zstd"

	"github.com/weir-probe/weir/dataplane/nic"
)

// corpus returns the captures that are kept beside the repository, and skips the test
// where they are not.
func corpus(t testing.TB) []string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	var files []string
	root := filepath.Join(dir, "..", "shared", "captures")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isCapture(path) {
			files = append(files, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no captures beside the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// isCapture reports whether a file has the first octets of a pcap or pcapng, or is a
// compressed one by its name.
func isCapture(path string) bool {
	if filepath.Ext(path) == ".zst" {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 4)
	if _, err := io.ReadFull(f, b); err != nil {
		return false
	}
	return order(false).u32(b) == sectionHeader || (&pcap{}).magic(b)
}

// oracle reads a capture the way gopacket does.
type oracle interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// oracleOf returns gopacket's reader of path, and the link type that holds for all of it or
// -1.
func oracleOf(t testing.TB, path string) (oracle, int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	var in io.Reader = f
	if filepath.Ext(path) == ".zst" {
		z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(z.Close)
		in = z
	}
	o, link, err := newOracle(in)
	if err != nil {
		t.Fatalf("gopacket: %v", err)
	}
	return o, link
}

func newOracle(in io.Reader) (oracle, int, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, 0, err
	}
	in = io.MultiReader(bytes.NewReader(head), in)
	if order(false).u32(head) == sectionHeader {
		o, err := pcapgo.NewNgReader(in, pcapgo.NgReaderOptions{WantMixedLinkType: true})
		return o, -1, err
	}
	o, err := pcapgo.NewReader(in)
	if err != nil {
		return nil, 0, err
	}
	o.SetSnaplen(maxRecord) // Writers lie about it.
	return o, int(o.LinkType()), nil
}

// compare reads a capture to its end with both and returns the number of frames.
func compare(t *testing.T, r *Reader, o oracle, link int) int {
	t.Helper()
	count := 0
	for !r.Done() {
		for _, f := range r.Burst() {
			data, info, err := o.ReadPacketData()
			if err != nil {
				t.Fatalf("frame %d: gopacket: %v", count, err)
			}
			want := expected(data, info, link)
			if got := seen(&f); got != want || !bytes.Equal(f.Bytes(), data) {
				t.Fatalf("frame %d: %+v, want %+v", count, got, want)
			}
			count++
		}
	}
	if _, _, err := o.ReadPacketData(); err == nil {
		t.Fatalf("gopacket has more than %d frames", count)
	} else if (err == io.EOF) != (r.Err() == nil) {
		t.Errorf("error %v where gopacket says %v", r.Err(), err)
	}
	return count
}

// fields are what is said about a frame besides its octets.
type fields struct {
	size, wire uint32
	time       uint64
	port       uint16
	link       nic.Link
}

// narrow is what gopacket keeps of a link type.
const narrow = 0xff

func seen(f *nic.Frame) fields { return fields{f.Len, f.Wire, f.Time, f.Port, f.Link & narrow} }

func expected(data []byte, info gopacket.CaptureInfo, link int) fields {
	port := 0 // a pcap file does not tell
	if link < 0 {
		link = int(info.AncillaryData[0].(layers.LinkType))
		port = info.InterfaceIndex + 1
	}
	f := fields{
		size: uint32(len(data)), wire: uint32(max(info.Length, len(data))),
		port: uint16(port), link: normal(uint32(link)) & narrow,
	}
	if !info.Timestamp.IsZero() {
		f.time = max(uint64(info.Timestamp.Sub(time.Unix(0, 0))), 1)
	}
	return f
}

// Every capture gives what gopacket gives.
func TestCorpus(t *testing.T) {
	frames := 0
	for _, path := range corpus(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if info, err := os.Stat(path); err != nil || testing.Short() && info.Size() > 1<<24 {
				t.Skip("large")
			}
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			o, link := oracleOf(t, path)
			frames += compare(t, r, o, link)
		})
	}
	t.Logf("%d frames", frames)
}
