package sink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
)

// names lists the files of a directory in the order they were begun: by the time in the
// name, then by the number after it.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	key := func(name string) (string, int) {
		stem, _, _ := strings.Cut(name, ".")
		parts := strings.SplitN(stem, "-", 3)
		n := 0
		if len(parts) == 3 {
			n, _ = strconv.Atoi(parts[2])
		}
		return strings.Join(parts[:min(len(parts), 2)], "-"), n
	}
	slices.SortFunc(names, func(a, b string) int {
		ta, na := key(a)
		tb, nb := key(b)
		if c := strings.Compare(ta, tb); c != 0 {
			return c
		}
		return na - nb
	})
	return names
}

// Each file of a rotation begins with the preface, is complete when it has its name, and
// is not larger than asked for unless one message is.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	k := open(t, filepath.Join(dir, "flows.ipfix"), Options{RotateSize: 25})
	k.(export.Stream).Preface(func(dst, next []byte) []byte { return append(dst, '<', next[0], '>') })
	d := strings.Repeat("d", 50)
	for _, m := range []string{"aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", d, "eeeeeeeeee"} {
		if err := k.Send(context.Background(), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"<a>aaaaaaaaaabbbbbbbbbb", "<c>cccccccccc", "<d>" + d, "<e>eeeeeeeeee"}
	var got []string
	for _, name := range names(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b))
		if !strings.HasPrefix(name, "flows-") || filepath.Ext(name) != ".ipfix" {
			t.Errorf("file is called %s", name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("files hold %q, want %q", got, want)
	}
}

// A file is complete when its time is over, even if no message comes.
func TestRotationByTime(t *testing.T) {
	dir := t.TempDir()
	k := open(t, filepath.Join(dir, "flows.json"), Options{RotateInterval: 10 * time.Millisecond})
	if err := k.Send(context.Background(), []byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if n := names(t, dir); len(n) == 1 && filepath.Ext(n[0]) == ".json" {
			return
		}
	}
	t.Errorf("after its time the file is still %v", names(t, dir))
}

// What a probe that died has left is neither lost nor taken for complete.
func TestRotationAfterDeath(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "flows.json")
	if err := os.WriteFile(path+".part", []byte("{\"half"), 0o644); err != nil {
		t.Fatal(err)
	}
	k := open(t, path, Options{RotateSize: 100})
	if err := k.Send(context.Background(), []byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range names(t, dir) {
		got = append(got, filepath.Ext(n))
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{".cut", ".part"}) {
		t.Errorf("files are %v, want one .cut and one .part", names(t, dir))
	}
}

// When the disk is full the file still ends where a message does.
func TestTornWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flows.json")
	k := open(t, path, Options{}).(*file)
	if err := k.Send(context.Background(), []byte("first\n")); err != nil {
		t.Fatal(err)
	}
	// The write of the second message is cut short by a limit on the size of files.
	torn := limitFileSize(t, 9, func() error { return k.Send(context.Background(), []byte("second\n")) })
	if torn == nil {
		t.Fatal("the limit on the size of files did not show")
	}
	if err := k.Send(context.Background(), []byte("third\n")); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "first\nthird\n" {
		t.Errorf("file holds %q (%v) after %v", b, err, errors.Unwrap(torn))
	}
}
