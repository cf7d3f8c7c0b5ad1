package main

import (
	"net"
	"os"
	"strconv"
	"time"
)

// notify tells the service manager how this process is, as sd_notify(3) says. Without one that wants to
// know, or if it cannot be told, nothing happens: it draws its conclusions from silence.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}

// pinging tells the service manager that all is well while something goes on that has a limit of its own, for as
// long as that at most.
func pinging(most time.Duration) (stop func()) {
	alive, done := watchdog(), make(chan struct{})
	if alive == nil {
		return func() {}
	}
	notify("WATCHDOG=1")
	over := time.After(most)
	go func() {
		for {
			select {
			case <-alive:
				notify("WATCHDOG=1")
			case <-over:
				return
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// watchdog ticks whenever the service manager is to be told that all is well, twice in the time after which
// it takes silence for a failure; never, if it does not watch this process.
func watchdog() <-chan time.Time {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	µs, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil {
		return nil
	}
	return ticker(time.Duration(µs) * time.Microsecond / 2)
}
