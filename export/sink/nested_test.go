package sink

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
)

// tree returns the files below a directory with what they hold.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func store(t *testing.T, k export.Sink, at string, message string, records uint32) {
	t.Helper()
	when, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	b := export.Batch{Time: uint64(when.UnixNano()), Records: records}
	if err := k.(export.Archive).Store(context.Background(), []byte(message), b); err != nil {
		t.Fatal(err)
	}
}

// Records lie in the directory of their hour, whatever the order they come in, and files
// that are complete are told of.
func TestNested(t *testing.T) {
	dir := t.TempDir()
	var done []string
	k := open(t, filepath.Join(dir, "dns.log"), Options{
		Nested: true, RotateLines: 3, RotateInterval: 30 * time.Minute,
		Done: func(p string) { done = append(done, p) },
	})
	k.(export.Stream).Preface(func(dst, _ []byte) []byte { return append(dst, "#\n"...) })
	if p := k.(export.Archive).Period(); p != time.Hour {
		t.Errorf("period is %v", p)
	}
	store(t, k, "2016-12-09T06:59:58Z", "a\n", 1)
	store(t, k, "2016-12-09T07:00:01Z", "b\n", 1)
	store(t, k, "2016-12-09T06:59:59Z", "c\nd\n", 2)
	store(t, k, "2016-12-09T06:59:59Z", "e\n", 1) // the fourth line
	store(t, k, "2016-12-09T07:20:00Z", "f\n", 1)
	store(t, k, "2016-12-09T07:30:01Z", "g\n", 1) // half an hour after b
	store(t, k, "2017-01-01T00:00:00+01:00", "h\n", 1)
	if got := tree(t, dir); got["2016/12/09/06/dns.log.part"] != "#\ne\n" {
		t.Errorf("before the end there are %q", got)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"2016/12/09/06/dns-20161209T065958Z.log": "#\na\nc\nd\n",
		"2016/12/09/06/dns-20161209T065959Z.log": "#\ne\n",
		"2016/12/09/07/dns-20161209T070001Z.log": "#\nb\nf\n",
		"2016/12/09/07/dns-20161209T073001Z.log": "#\ng\n",
		"2016/12/31/23/dns-20161231T230000Z.log": "#\nh\n",
	}
	if got := tree(t, dir); !maps.Equal(got, want) {
		t.Errorf("files are %q", got)
	}
	if len(done) != len(want) {
		t.Errorf("told of %q", done)
	}
}

// Only a few hours are open at a time: a capture of a year does not take 8760 files.
func TestNestedOpen(t *testing.T) {
	dir := t.TempDir()
	k := open(t, filepath.Join(dir, "x.json"), Options{Nested: true})
	for _, h := range []string{"00", "01", "02", "03", "04", "05", "06", "07"} {
		store(t, k, "2020-01-01T"+h+":00:00Z", "{}\n", 1)
		parts := 0
		for name := range tree(t, dir) {
			if strings.HasSuffix(name, partial) {
				parts++
			}
		}
		if parts > volumes {
			t.Fatalf("%d files are open", parts)
		}
	}
}

// What died processes left in any directory, and what could not get its name, is kept.
func TestNestedAfterDeath(t *testing.T) {
	dir := t.TempDir()
	hour := filepath.Join(dir, "2020/01/01/00")
	if err := os.MkdirAll(hour, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.json.part", "other.json.part"} {
		if err := os.WriteFile(filepath.Join(hour, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k := open(t, filepath.Join(dir, "x.json"), Options{Nested: true})
	if err := os.WriteFile(filepath.Join(hour, "x.json.part"), []byte("later"), 0o600); err != nil {
		t.Fatal(err)
	}
	store(t, k, "2020-01-01T00:00:00Z", "{}\n", 1)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Values(tree(t, dir)))
	if !slices.Equal(got, []string{"half", "half", "later", "{}\n"}) {
		t.Errorf("files are %q", tree(t, dir))
	}
}

// A directory that cannot be made is an error of Send, which can be tried again.
func TestNestedNoDirectory(t *testing.T) {
	dir := t.TempDir()
	k := open(t, filepath.Join(dir, "x.json"), Options{Nested: true})
	blocker := filepath.Join(dir, time.Now().UTC().Format("2006"))
	if err := os.WriteFile(blocker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Send(context.Background(), []byte("{}\n")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Send says %v", err)
	}
	if err := os.Remove(blocker); err != nil {
		t.Fatal(err)
	}
	if err := k.Send(context.Background(), []byte("{}\n")); err != nil {
		t.Error(err)
	}
}
