package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// TestJournal writes to a stream that is said to be the journal's, and to one that is not: only there do lines begin
// with the priority that the journal sorts them by.
func TestJournal(t *testing.T) {
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	for _, format := range []string{"text", "json"} {
		for _, journal := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "stream")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			var s unix.Stat_t
			if err := unix.Fstat(int(f.Fd()), &s); err != nil {
				t.Fatal(err)
			}
			t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", s.Dev, s.Ino))
			if !journal {
				t.Setenv("JOURNAL_STREAM", "1:2")
			}
			os.Stderr = f
			cfg := config.Default()
			cfg.Log.Format, cfg.Log.Level = format, "debug"
			log := newLogger(cfg).With("process", "test")
			log.Debug("d")
			log.Info("i")
			log.WithGroup("g").Warn("w", "a", "two\nlines")
			log.Error("e")
			log.Log(t.Context(), slog.LevelError+4, "worse")
			f.Close()
			got := strings.Split(strings.TrimSpace(read(t, path)), "\n")
			if len(got) != 5 {
				t.Fatalf("%s: got %q", format, got)
			}
			for i, want := range []string{"<7>", "<6>", "<4>", "<3>", "<3>"} {
				if strings.HasPrefix(got[i], want) != journal || !strings.Contains(got[i], "test") {
					t.Errorf("%s, journal %v: %q", format, journal, got[i])
				}
			}
		}
	}
}
