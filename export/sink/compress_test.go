package sink

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

// Compressed files are what the programs of that name read, at any time.
func TestCompressed(t *testing.T) {
	for how, program := range map[Compression]string{Gzip: "gzip", Zstd: "zstd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
		for _, o := range []Options{{Compress: how}, {Compress: how, RotateSize: 100}} {
			sinktest.Run(t, sinktest.Peer{
				Open: func(t *testing.T) (export.Sink, func() []byte) {
					dir := t.TempDir()
					return open(t, filepath.Join(dir, "flows.json"), o), func() []byte { return unpacked(t, dir, program) }
				},
				Gone: func(t *testing.T) export.Sink {
					dir := t.TempDir()
					name := filepath.Join(dir, "full"+how.extension())
					if err := os.Symlink("/dev/full", name); err != nil {
						t.Fatal(err)
					}
					return open(t, name, Options{Compress: how})
				},
			})
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "x"), Options{Compress: "rar"}); err == nil {
		t.Error("an unknown compression was taken")
	}
}

// unpacked joins what the files of a directory hold, in the order they were begun.
func unpacked(t *testing.T, dir, program string) (b []byte) {
	for _, name := range names(t, dir) {
		if !strings.HasPrefix(name, "flows-") && name != "flows.json.gz" && name != "flows.json.zst" &&
			!strings.HasSuffix(name, partial) {
			t.Errorf("a file is called %s", name)
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(program, "-dc")
		c.Stdin = f
		out, err := c.Output()
		f.Close()
		if err != nil {
			t.Fatalf("%s %s: %v", program, name, err)
		}
		b = append(b, out...)
	}
	return b
}
