package manage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Entry is something that somebody did, or tried to.
type Entry struct {
	Time   time.Time `json:"time"`
	User   string    `json:"user,omitempty" doc:"Who; nobody if they could not prove it."`
	By     string    `json:"by" doc:"How they proved it: password, token, certificate, socket, or not at all."`
	From   string    `json:"from" doc:"Address, or the process at the other end of the socket."`
	Action string    `json:"action" doc:"Method and path."`
	Status int       `json:"status" doc:"HTTP status it ended with."`
	Detail string    `json:"detail,omitempty" doc:"What it was about."`
}

// auditSize is when the log of changes is begun anew; the one before is kept.
const auditSize = 16 << 20

// audit is a log of changes, a line of JSON each, which nothing but a factory reset removes.
type audit struct {
	path string
	mu   sync.Mutex
}

// add writes an entry, which is on disk when it returns.
func (a *audit) add(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, err := os.Stat(a.path); err == nil && s.Size() > auditSize {
		if err := os.Rename(a.path, a.path+".1"); err != nil {
			return fmt.Errorf("audit log: %w", err)
		}
	}
	f, err := os.OpenFile(a.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return f.Sync()
}

// last returns up to so many entries, the latest first.
func (a *audit) last(most int) []Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []Entry{}
	for _, path := range []string{a.path + ".1", a.path} {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
			var e Entry
			if json.Unmarshal(lines.Bytes(), &e) == nil { // a loss of power may have left half a line
				all = append(all, e)
			}
		}
	}
	slices.Reverse(all)
	return all[:min(len(all), most)]
}

// forget removes the log.
func (a *audit) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = os.Remove(a.path)
	_ = os.Remove(a.path + ".1")
}
