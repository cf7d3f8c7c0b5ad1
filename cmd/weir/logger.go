package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// newLogger logs to the standard error as the configuration says.
func newLogger(cfg *config.Config) *slog.Logger { return logTo(os.Stderr, cfg, new(slog.LevelVar)) }

// logTo logs to w as the configuration says. The level can be changed later.
func logTo(w io.Writer, cfg *config.Config, level *slog.LevelVar) *slog.Logger {
	setLevel(level, cfg)
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
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
