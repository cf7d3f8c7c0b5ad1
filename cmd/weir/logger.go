package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// newLogger logs to the standard error as the configuration says.
func newLogger(cfg *config.Config) *slog.Logger { return logTo(os.Stderr, cfg, new(slog.LevelVar)) }

// logTo logs to w as the configuration says. The level can be changed later.
func logTo(w io.Writer, cfg *config.Config, level *slog.LevelVar) *slog.Logger {
	setLevel(level, cfg)
	o := &slog.HandlerOptions{Level: level}
	written := func(w io.Writer) slog.Handler {
		if cfg.Log.Format == "json" {
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	}
	if !toJournal(os.Stderr) {
		return slog.New(written(w))
	}
	var j journal
	for i, priority := range priorities {
		j[i] = written(prioritised{w, priority})
	}
	return slog.New(j)
}

// toJournal reports whether a file is the stream to the journal that the service manager made, as systemd.exec(5)
// says.
func toJournal(f *os.File) bool {
	var s unix.Stat_t
	if unix.Fstat(int(f.Fd()), &s) != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}

// priorities are what lines of debug, info, warn and error begin with for the journal, as sd-daemon(3) says.
var priorities = [...]string{"<7>", "<6>", "<4>", "<3>"}

// prioritised puts a priority before what is written, a line at a time.
type prioritised struct {
	to       io.Writer
	priority string
}

// Write implements io.Writer.
func (p prioritised) Write(b []byte) (int, error) {
	if _, err := p.to.Write(append([]byte(p.priority), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// journal has a handler for each of priorities.
type journal [len(priorities)]slog.Handler

// Enabled implements slog.Handler.
func (j journal) Enabled(ctx context.Context, l slog.Level) bool { return j[0].Enabled(ctx, l) }

// Handle implements slog.Handler.
func (j journal) Handle(ctx context.Context, r slog.Record) error {
	i := 0
	for i < len(j)-1 && r.Level >= slog.LevelDebug+slog.Level(4*(i+1)) {
		i++
	}
	return j[i].Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (j journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i := range j {
		j[i] = j[i].WithAttrs(attrs)
	}
	return j
}

// WithGroup implements slog.Handler.
func (j journal) WithGroup(name string) slog.Handler {
	for i := range j {
		j[i] = j[i].WithGroup(name)
	}
	return j
}

func setLevel(level *slog.LevelVar, cfg *config.Config) {
	var l slog.Level
	if l.UnmarshalText([]byte(cfg.Log.Level)) == nil {
		level.Set(l)
	}
}

// memoir passes a log on and remembers its end. Any goroutine may use it.
type memoir struct {
	to   io.Writer
	mu   sync.Mutex
	text []byte
}

// remembered is how many octets of the log are.
const remembered = 256 << 10

// Write implements io.Writer.
func (m *memoir) Write(b []byte) (int, error) {
	m.mu.Lock()
	m.text = append(m.text, b...)
	if over := len(m.text) - remembered; over > remembered/4 {
		m.text = append([]byte(nil), m.text[over:]...)
	}
	m.mu.Unlock()
	return m.to.Write(b)
}

// lines returns the end of the log, from the beginning of a line on.
func (m *memoir) lines() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := m.text
	if over := len(text) - remembered; over > 0 {
		text = text[over:]
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return bytes.Clone(text)
}
