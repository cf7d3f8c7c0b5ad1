package kept

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/worker"
)

// message is what a worker puts into its ring.
func message(f worker.Kept, flaw string, frame []byte) []byte {
	f.Say(flaw)
	head := unsafe.Slice((*byte)(unsafe.Pointer(&f)), unsafe.Sizeof(f))
	return append(bytes.Clone(head), frame...)
}

// query is an Ethernet frame with a DNS query that ends too soon.
func query(n int) []byte {
	f := []byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" +
		"\x45\x00\x00\x28\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" +
		"\x04\x00\x00\x35\x00\x14\x00\x00" + "\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00")
	f[18], f[19] = byte(n>>8), byte(n)
	return f
}

var protocols = []string{"dns", "tls"}

// base is a time of which no digit is zero.
const base = 1_481_268_507_123_456_789

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What was taken is read back by weir and by tshark, with its comments.
func TestKeeper(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	k, err := Open(Options{
		Dir: dir, Protocols: protocols, Wait: true, FileSize: 1 << 20, TotalSize: 1 << 30,
		Name: func(n uint16) string { return fmt.Sprintf("lan%d", n) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		f := worker.Kept{Time: base + uint64(i), Wire: 100, Port: uint16(1 + i%2), Link: nic.Ethernet}
		if !k.Take(message(f, "question ends too soon", query(i))) {
			t.Error("a message is refused")
		}
	}
	raw := worker.Kept{Time: base + 9, Wire: 1, Port: 1, Link: nic.RawIP, Of: 1}
	k.Take(message(raw, strings.Repeat("x", 99), query(3)[14:]))
	bad := worker.Kept{Of: 2}
	if k.Take(message(bad, "", nil)) || k.Take([]byte("short")) {
		t.Error("rubbish is taken")
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	s := k.Stats()
	dns, tls := Account{Packets: 3, Saved: 3}, Account{Packets: 1, Saved: 1}
	if s.Protocols["dns"] != dns || s.Protocols["tls"] != tls {
		t.Errorf("%+v", s)
	}
	names := files(t, dir)
	if len(names) != 2 || !strings.HasPrefix(names[0], "dns-") || !strings.HasPrefix(names[1], "tls-") {
		t.Fatalf("files are %v", names)
	}
	readBack(t, filepath.Join(dir, names[0]))
	shark(t, filepath.Join(dir, names[0]), []string{
		"1481268507.123456789\t54\t100\tlan1\tdns: question ends too soon",
		"1481268507.123456790\t54\t100\tlan2\tdns: question ends too soon",
		"1481268507.123456791\t54\t100\tlan1\tdns: question ends too soon",
	})
	shark(t, filepath.Join(dir, names[1]), []string{
		"1481268507.123456798\t40\t40\tlan1\ttls: " + strings.Repeat("x", 54),
	})
}

// readBack has weir's own reader find the three queries.
func readBack(t *testing.T, path string) {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for !r.Done() {
		for _, f := range r.Burst() {
			same := bytes.Equal(f.Bytes(), query(n)) && f.Wire == 100 && f.Link == nic.Ethernet
			if !same || f.Time != base+uint64(n) {
				t.Errorf("packet %d is %+v", n, f)
			}
			n++
		}
	}
	if err := r.Err(); err != nil || n != 3 {
		t.Errorf("%d packets, %v", n, err)
	}
}

func shark(t *testing.T, path string, want []string) {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed")
	}
	out, err := exec.Command("tshark", "-r", path, "-T", "fields",
		"-e", "frame.time_epoch", "-e", "frame.cap_len", "-e", "frame.len", "-e", "frame.interface_name", "-e", "frame.comment").Output()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, want) {
		t.Errorf("tshark reads\n%q\nwant\n%q", got, want)
	}
}

// Files end at their size, each is readable by itself, and the oldest go when all are too much.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"dns-20010101T000000Z.pcapng", "not-ours.pcapng", "dns.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const size, total, packets = 2000, 9000, 300
	k, err := Open(Options{Dir: dir, Protocols: protocols, Wait: true, FileSize: size, TotalSize: total})
	if err != nil {
		t.Fatal(err)
	}
	for i := range packets {
		k.Take(message(worker.Kept{Time: base, Port: uint16(i / 100), Link: nic.Ethernet}, "flaw", query(i)))
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, name := range files(t, dir) {
		i, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !k.owns(name) {
			continue
		}
		if sum += i.Size(); i.Size() > size {
			t.Errorf("%s has %d octets", name, i.Size())
		}
		whole(t, filepath.Join(dir, name))
	}
	if sum > total || sum < total-2*size-1000 {
		t.Errorf("all files have %d octets", sum)
	}
	got := files(t, dir)
	if !slices.Contains(got, "not-ours.pcapng") || !slices.Contains(got, "dns.txt") ||
		slices.Contains(got, "dns-20010101T000000Z.pcapng") {
		t.Errorf("files are %v", got)
	}
	if s := k.Stats(); s.Removed == 0 || s.Protocols["dns"].Saved != packets {
		t.Errorf("%+v", s)
	}
}

// whole checks that a capture can be read to its end.
func whole(t *testing.T, path string) {
	t.Helper()
	r, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for !r.Done() {
		r.Burst()
	}
	if err := r.Err(); err != nil {
		t.Errorf("%s: %v", path, err)
	}
}

// A flood of malformed packets, or times that make no sense, fill no disk.
func TestRate(t *testing.T) {
	k, err := Open(Options{
		Dir: t.TempDir(), Protocols: protocols, Wait: true, FileSize: 1 << 20, TotalSize: 1 << 30, Rate: 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 { // two seconds
		k.Take(message(worker.Kept{Time: base + uint64(i)*2e6}, "flaw", query(i)))
	}
	for range 1000 {
		k.Take(message(worker.Kept{Time: 5, Of: 1}, "flaw", query(0)))
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	s := k.Stats()
	if d := s.Protocols["dns"]; d.Packets != 1000 || d.Saved < 28 || d.Saved > 30 || d.Saved+d.TooMany != 1000 {
		t.Errorf("%+v", d)
	}
	if d := s.Protocols["tls"]; d != (Account{Packets: 1000, Saved: 10, TooMany: 990}) {
		t.Errorf("%+v", d)
	}
}

// A disk that refuses is counted, and the next packet tried again.
func TestNoDisk(t *testing.T) {
	dir := t.TempDir()
	k, err := Open(Options{Dir: dir, Protocols: protocols, Wait: true, FileSize: 1 << 20, TotalSize: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		k.Take(message(worker.Kept{Time: base}, "flaw", query(0)))
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if s := k.Stats(); s.Protocols["dns"] != (Account{Packets: 5, Failed: 5}) || s.Error == "" {
		t.Errorf("%+v", s)
	}
	if _, err := Open(Options{Dir: "/proc/none"}); !errors.Is(err, os.ErrNotExist) && err == nil {
		t.Error("a directory that cannot be made is none")
	}
}
