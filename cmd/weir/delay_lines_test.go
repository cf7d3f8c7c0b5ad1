package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// dialogues are what servers greet with and answer to each line of their clients, at once.
var dialogues = []struct {
	protocol, greeting string
	lines              [][2]string
}{
	{"smtp", "220 mx.example ESMTP", [][2]string{{"EHLO c.example", "250 hello"}, {"NOOP", "250 ok"}, {"QUIT", "221 bye"}}},
	{"imap", "* OK IMAP4rev1 ready", [][2]string{{"a CAPABILITY", "a OK done"}, {"b NOOP", "b OK done"}}},
	{"pop3", "+OK POP3 ready", [][2]string{{"CAPA", "-ERR no"}, {"NOOP", "+OK"}, {"QUIT", "+OK"}}},
	{"ftp", "220 FTP ready", [][2]string{{"FEAT", "500 no"}, {"NOOP", "200 ok"}, {"QUIT", "221 bye"}}},
}

// serveLines serves a dialogue to whoever connects.
func serveLines(l net.Listener, greeting string, lines [][2]string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			fmt.Fprint(c, greeting, "\r\n")
			for s := bufio.NewScanner(c); s.Scan(); {
				for _, x := range lines {
					if x[0] == strings.TrimSpace(s.Text()) {
						fmt.Fprint(c, x[1], "\r\n")
					}
				}
			}
		}()
	}
}

// TestLineLatency is TestApplicationLatency for protocols that people speak in lines.
func TestLineLatency(t *testing.T) {
	a, b := hosts(t)
	const delay = 60 * time.Millisecond
	var places []string
	for _, d := range dialogues {
		server, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		go serveLines(server, d.greeting, d.lines)
		var l net.Listener
		if err := inside(a, func() (err error) { l, err = net.Listen("tcp", "192.0.2.1:0"); return err }); err != nil {
			t.Skip("listening in a network namespace: ", err)
		}
		defer l.Close()
		go detain(l, server.Addr().String(), delay)
		places = append(places, l.Addr().String())
	}
	records := path{router: a}.meterAt(t, "wa", func() {
		for range 3 {
			for i, d := range dialogues {
				var c net.Conn
				if err := inside(b, func() (err error) { c, err = net.Dial("tcp", places[i]); return err }); err != nil {
					t.Error(err)
					return
				}
				for r, n := bufio.NewReader(c), 0; ; n++ {
					if _, err := r.ReadString('\n'); err != nil || n == len(d.lines) {
						break
					}
					fmt.Fprint(c, d.lines[n][0], "\r\n")
				}
				c.Close()
			}
		}
	})
	for _, d := range dialogues {
		is := map[string]any{"RECORD_KIND": "event", "TRANSACTION_PROTOCOL": d.protocol}
		got := time.Duration(least(t, records, "TRANSACTION_LATENCY_USEC", is)) * time.Microsecond
		t.Logf("%s: %v, injected %v", d.protocol, got, delay)
		if (got - delay).Abs() > delay/20+2*time.Millisecond {
			t.Errorf("%s: latency is %v behind a delay of %v", d.protocol, got, delay)
		}
	}
}
