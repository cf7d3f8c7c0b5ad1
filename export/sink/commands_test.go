package sink

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// script writes a program of the shell, which tests may use though Commands does not.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// notes collects what went wrong.
type notes struct {
	mu   sync.Mutex
	said []string
}

func (n *notes) add(err error) {
	n.mu.Lock()
	n.said = append(n.said, err.Error())
	n.mu.Unlock()
}

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	good := script(t, `printf '%s|' "$@" > "$2".seen`)
	bad := script(t, `echo the disk is on fire >&2; exit 3`)
	slow := script(t, "sleep 1000 & sleep 1000")
	var n notes
	c := NewCommands(CommandOptions{
		Allowed: []string{good, bad, slow}, Limit: 3, Timeout: 300 * time.Millisecond, Failed: n.add,
	})
	for _, argv := range [][]string{{good, "--of=$(reboot)"}, {bad}, {slow}} {
		hook, err := c.Hook(argv)
		if err != nil {
			t.Fatal(err)
		}
		hook(filepath.Join(dir, "a file; with 'words'.log"))
	}
	for _, argv := range [][]string{nil, {"/bin/sh", "-c"}, {"sh"}, {filepath.Base(good)}} {
		if _, err := c.Hook(argv); err == nil {
			t.Errorf("command %q is allowed", argv)
		}
	}
	if err := c.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := c.Stats(); s != (CommandStats{Ran: 3, Failed: 2}) {
		t.Errorf("%+v", s)
	}
	all := strings.Join(n.said, "\n")
	failed, late := strings.Contains(all, "the disk is on fire"), strings.Contains(all, "ended after 300ms")
	if len(n.said) != 2 || !failed || !late {
		t.Errorf("said %q", n.said)
	}
	path := filepath.Join(dir, "a file; with 'words'.log")
	b, err := os.ReadFile(path + ".seen")
	if want := "--of=$(reboot)|" + path + "|"; err != nil || string(b) != want {
		t.Errorf("program saw %q (%v), want %q", b, err, want)
	}
}

// Files that come faster than programs end are counted, and closing in time kills.
func TestCommandsBounded(t *testing.T) {
	slow := script(t, "exec sleep 1000")
	var n notes
	c := NewCommands(CommandOptions{Allowed: []string{slow}, Limit: 1, Failed: n.add})
	hook, err := c.Hook([]string{slow})
	if err != nil {
		t.Fatal(err)
	}
	const files = waiting + 50
	for range files {
		hook("x.log")
	}
	if d := c.Stats().Dropped; d < 49 || d > 50 {
		t.Errorf("%d were dropped at once", d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Close(ctx); err == nil {
		t.Error("Close reports nothing")
	}
	hook("late.log")
	if s := c.Stats(); s.Ran > 1 || s.Ran != s.Failed || s.Ran+s.Dropped != files+1 {
		t.Errorf("%+v of %d", s, files+1)
	}
}
