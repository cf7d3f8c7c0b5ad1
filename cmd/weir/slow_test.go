package main

import (
	"bufio"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// TestSlowBesideOthers sends to a place that takes one record a second, with a spool and without, and to another
// one that takes what it is given. That one has everything meanwhile, and of every record made it is
// known what became of it.
func TestSlowBesideOthers(t *testing.T) {
	slow, taken := listenSlow(t)
	quick := listenIdentified(t)
	table := func(name, place string, queue int) string {
		return fmt.Sprintf("[[exporter]]\nname = %q\nformat = \"json\"\ntemplate = \"RECORD_ID\"\nto = \"tcp://%s\"\n"+
			"batch_age = \"5ms\"\nretry = \"100ms\"\nqueue = %d\ntimeout = \"1s\"\n", name, place, queue)
	}
	b := runBench(t, spoolTable("tcp://"+slow, t.TempDir(), "size = 1000000\n")+table("bare", slow, 16)+
		table("quick", quick.Addr().String(), 65536))
	end := pumping(b)
	time.Sleep(3 * time.Second)
	n := end()
	const message = 1000 // records, at most: the last is sent when the exporter closes
	until(t, "the other has all that was sent", func() bool { _, different := quick.total(); return different > n-message })
	was := taken.Load()
	s := b.end()
	until(t, "the other has everything", func() bool { _, different := quick.total(); return different == n })
	for _, a := range s.Exporters {
		balance(t, a)
		t.Logf("%s: %d records, %d exported, %d spooled, dropped %v", a.Name, a.Records, a.Exported, a.Spooled, a.Dropped)
		switch lost := a.Lost() > 0; {
		case a.Records != uint64(n):
			t.Errorf("%s was given %d of %d records", a.Name, a.Records, n)
		case a.Name == "quick" && (lost || a.Exported != uint64(n)):
			t.Errorf("others disturb %s: %+v", a.Name, a)
		case a.Name == "bare" && !lost, a.Name == "x" && a.Spooled+a.Replayed == 0:
			t.Errorf("%s was not slow: %+v", a.Name, a)
		}
	}
	if was == 0 || was > 40 {
		t.Errorf("the slow place has taken %d records", was)
	}
}

// listenSlow takes a line a second of each connection.
func listenSlow(t *testing.T) (address string, taken *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	taken = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*net.TCPConn).SetReadBuffer(4096)
			go func() {
				defer c.Close()
				for lines := bufio.NewReaderSize(c, 64); ; time.Sleep(time.Second) {
					if _, err := lines.ReadString('\n'); err != nil {
						return
					}
					taken.Add(1)
				}
			}()
		}
	}()
	return l.Addr().String(), taken
}
