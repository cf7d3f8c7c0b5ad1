package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listenNotify is the service manager's side of sd_notify(3).
func listenNotify(t *testing.T) (path string, next func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return path, func() string {
		b := make([]byte, 256)
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal("the service manager hears nothing:", err)
		}
		return string(b[:n])
	}
}

// TestNotify runs both processes as units of a service manager that watches them.
func TestNotify(t *testing.T) {
	a, _ := hosts(t)
	dir := t.TempDir()
	conf, socket := filepath.Join(dir, "weir.toml"), filepath.Join(dir, "dataplane.sock")
	write(t, conf, fmt.Sprintf("schema = 1\n[dataplane]\nsocket = %q\nhuge_pages = \"off\"\n[flow]\ncapacity = 1024\n"+
		"[applications]\nstreams = 0\n[[input]]\ninterface = \"wa\"\nqueues = 1\n"+
		"[[exporter]]\nformat = \"json\"\nto = %q\n", socket, filepath.Join(dir, "flows.json")))
	start := func(args ...string) (*exec.Cmd, func() string) {
		path, next := listenNotify(t)
		c := exec.Command("ip", append([]string{"netns", "exec", a, weir}, args...)...)
		c.Env = append(os.Environ(), "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=200000")
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		return c, next
	}
	for _, args := range [][]string{{"dataplane"}, {"run", "--attach"}} {
		_, next := start(append(args, "-c", conf)...)
		for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
			if got := next(); got != want {
				t.Fatalf("%s said %q, want %q", strings.Join(args, " "), got, want)
			}
		}
	}
}

// TestPinging says that all is well while something goes on, not a moment after it is over, and not for ever.
func TestPinging(t *testing.T) {
	path, next := listenNotify(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "40000")
	heard := make(chan string, 1000)
	go func() {
		for {
			word := next()
			heard <- word
			if word == "over" {
				return
			}
		}
	}()
	stop := pinging(time.Minute)
	for range 5 {
		if got := <-heard; got != "WATCHDOG=1" {
			t.Fatalf("it said %q", got)
		}
	}
	stop()
	time.Sleep(30 * time.Millisecond)
	for len(heard) > 0 {
		<-heard
	}
	time.Sleep(100 * time.Millisecond)
	if n := len(heard); n > 0 {
		t.Errorf("after the end it said %d things", n)
	}
	defer pinging(50 * time.Millisecond)()
	time.Sleep(300 * time.Millisecond)
	if n := len(heard); n == 0 || n > 4 {
		t.Errorf("of a limit of 50 ms it said %d things", n)
	}
	notify("over")
	for word := range heard {
		if word == "over" {
			break
		}
	}
}
