package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside calls f on a thread that is in a network namespace. Sockets that f makes stay there.
func inside(ns string, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock it: the thread ends with the goroutine
		there, err := os.Open("/var/run/netns/" + ns)
		if err == nil {
			defer there.Close()
			err = unix.Setns(int(there.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// detain passes on what clients of l say to a server after a delay, and what it says at once.
func detain(l net.Listener, server string, delay time.Duration) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			s, err := net.Dial("tcp", server)
			if err != nil {
				return
			}
			defer s.Close()
			go io.Copy(client, s)
			b := make([]byte, 1<<16)
			for {
				n, err := client.Read(b)
				if err != nil {
					return
				}
				time.Sleep(delay)
				s.Write(b[:n])
			}
		}()
	}
}

// TestApplicationLatency has a server answer behind a proxy that takes a known time. The response
// times that weir tells, of flows and of transactions, are that time, to 5 % and 2 ms. What other
// programs take of the machine can only add to it, so that of several the least counts.
func TestApplicationLatency(t *testing.T) {
	a, b := hosts(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	}))
	defer server.Close()
	for _, delay := range []time.Duration{40 * time.Millisecond, 150 * time.Millisecond} {
		var l net.Listener
		if err := inside(a, func() (err error) { l, err = net.Listen("tcp", "192.0.2.1:0"); return err }); err != nil {
			t.Skip("listening in a network namespace: ", err)
		}
		defer l.Close()
		go detain(l, server.Listener.Addr().String(), delay)
		records := path{router: a}.meterAt(t, "wa", func() {
			for range 5 { // connections, of two requests each
				ask(t, b, "http://"+l.Addr().String()+"/", 2)
			}
		})
		for field, is := range map[string]map[string]any{
			"APPL_LATENCY_USEC":        {"RECORD_KIND": "flow", "L7_PROTO_NAME": "HTTP"},
			"TRANSACTION_LATENCY_USEC": {"RECORD_KIND": "event", "TRANSACTION_PROTOCOL": "http"},
		} {
			got := time.Duration(least(t, records, field, is)) * time.Microsecond
			t.Logf("%s: %v, injected %v", field, got, delay)
			if (got - delay).Abs() > delay/20+2*time.Millisecond {
				t.Errorf("%s is %v behind a delay of %v", field, got, delay)
			}
		}
	}
}

// ask makes requests from a namespace over one connection.
func ask(t *testing.T, ns, url string, requests int) {
	t.Helper()
	way := &http.Transport{DialContext: func(_ context.Context, network, to string) (c net.Conn, err error) {
		err = inside(ns, func() (err error) { c, err = net.Dial(network, to); return err })
		return c, err
	}}
	defer way.CloseIdleConnections()
	for range requests {
		r, err := (&http.Client{Transport: way}).Get(url)
		if err != nil {
			t.Error(err)
			return
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
}
