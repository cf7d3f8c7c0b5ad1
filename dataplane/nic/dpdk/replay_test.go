//go:build cgo && !nodpdk

package dpdk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// captures returns all plain captures of the collection beside the repository.
func captures(t testing.TB) []string {
	t.Helper()
	root, err := filepath.Abs("../../../../shared/captures")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	_ = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".pcap", ".pcapng", ".cap":
			all = append(all, path)
		}
		return nil
	})
	if len(all) == 0 {
		t.Skip("no captures beside the repository")
	}
	return all
}

// reader is the second opinion.
type reader interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

func second(b []byte) (reader, error) {
	if bytes.HasPrefix(b, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		return pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{})
	}
	return pcapgo.NewReader(bytes.NewReader(b))
}

// compare replays a capture and compares every frame with what pcapgo reads.
func compare(t *testing.T, path string) (frames int) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := second(b)
	if err != nil {
		t.Skip("pcapgo:", err)
	}
	r, err := eal.Replay(path, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	for !r.Done() {
		for _, f := range r.Burst() {
			data, info, err := other.ReadPacketData()
			if err != nil {
				t.Fatalf("frame %d: pcapgo: %v", frames, err)
			}
			frames++
			if !bytes.Equal(f.Bytes(), data) || f.Wire != uint32(len(data)) || f.Port != 7 {
				t.Fatalf("frame %d: %d of %d octets from port %d differ from pcapgo's %d", frames, f.Len, f.Wire,
					f.Port, len(data))
			}
			if want := info.Timestamp.Truncate(time.Microsecond).UnixNano(); f.Time != uint64(want) {
				t.Fatalf("frame %d: time %d, not %d", frames, f.Time, want)
			}
		}
	}
	_, _, err = other.ReadPacketData()
	if damaged := r.Check(); damaged != nil {
		t.Logf("%d frames, then: %v", frames, damaged)
	} else if !errors.Is(err, io.EOF) {
		t.Errorf("after %d frames pcapgo has another, or %v", frames, err)
	}
	if s := r.Stats(); s.Received != uint64(frames) || s.Missed+s.NoBuffer+s.Errors != 0 {
		t.Errorf("%d frames, but %+v", frames, s)
	}
	return frames
}

func TestReplayEqualsPcapgo(t *testing.T) {
	total := 0
	for _, path := range captures(t) {
		if s, err := os.Stat(path); err != nil || s.Size() > 16<<20 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), func(t *testing.T) {
			total += compare(t, path)
		})
	}
	t.Log(total, "frames compared")
}

func TestCheckFindsWhatDPDKCannotTell(t *testing.T) {
	long := written(t, layers.LinkTypeEthernet, 70000, 65535, 100) // 16 bits hold a length in net_pcap
	whole := written(t, layers.LinkTypeEthernet, 100, 200, 300)
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short.pcap")
	if err := os.WriteFile(short, b[:len(b)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, want string
		frames     uint64
	}{
		{whole, "", 3},
		{long, "3 of 3 frames and 70099 of 135635 octets", 3},
		{short, "short.pcap", 2},
	} {
		r, err := eal.Replay(c.path, 0)
		if err != nil {
			t.Fatal(err)
		}
		for !r.Done() {
			r.Burst()
		}
		err = r.Check()
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, expected %q", c.path, got, c.want)
		}
		if s := r.Stats(); s.Received != c.frames {
			t.Errorf("%s: %+v, expected %d frames", c.path, s, c.frames)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
