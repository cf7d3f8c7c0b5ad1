package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// counted is a destination that adds up the packets of records, each record once.
type counted struct {
	mu      sync.Mutex
	seen    map[string]bool
	packets uint64
	twice   int
}

func (c *counted) listen(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c.seen = map[string]bool{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.read(conn)
		}
	}()
	return l.Addr().String()
}

func (c *counted) read(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		var r struct {
			ID  string `json:"RECORD_ID"`
			In  uint64 `json:"IN_PKTS"`
			Out uint64 `json:"OUT_PKTS"`
		}
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		c.mu.Lock()
		if c.seen[r.ID] {
			c.twice++
		} else {
			c.seen[r.ID], c.packets = true, c.packets+r.In+r.Out
		}
		c.mu.Unlock()
	}
}

// burden sends datagrams of ever new flows until stop is closed, and says how many.
func burden(t *testing.T, stop <-chan struct{}) <-chan int {
	sent := make(chan int, 1)
	go func() {
		n := 0
		defer func() { sent <- n }()
		for {
			c, err := net.Dial("udp", "127.0.0.1:4711")
			if err != nil {
				t.Error(err)
				return
			}
			for range 10 {
				if _, err := c.Write([]byte("hello")); err == nil || strings.Contains(err.Error(), "refused") {
					n++ // nobody listens, which the kernel tells of the one before
				}
			}
			c.Close()
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return sent
}

// TestReloadManaged has a probe of two processes take over one configuration after another by the API, while it
// meters: exporters, timeouts, dissectors and filters change, and what a restart of the egress is for. Every packet
// that was sent is metered, and every record arrives once. WEIR_RELOADS=100 is what make reload-test does.
func TestReloadManaged(t *testing.T) {
	reloads := 8
	if n, err := strconv.Atoi(os.Getenv("WEIR_RELOADS")); err == nil {
		reloads = n
	}
	s := newSite(t)
	to := &counted{}
	address := to.listen(t)
	config := func(i int) string {
		text := strings.Replace(s.meters(fmt.Sprintf("linger = \"%ds\"\n", i%5+1), ""), "udp port 4711",
			[]string{"udp port 4711", "udp and port 4711", "port 4711"}[i%3], 1)
		text = strings.Replace(text, "streams = 0\n", "streams = 1024\noff = ["+[]string{"", `"ntp"`, `"sip", "ntp"`}[i%3]+"]\n", 1)
		text = text[:strings.Index(text, "[[exporter]]")]
		text += fmt.Sprintf("[sessions]\nentries = %d\n", 4096*(1+i/4%2)) // the egress begins anew
		text += fmt.Sprintf("[[exporter]]\nname = \"tcp\"\nformat = \"json\"\nto = \"tcp://%s\"\nbatch_age = \"%dms\"\nqueue = %d\n"+
			"template = \"%%RECORD_ID %%IN_PKTS %%OUT_PKTS\"\n", address, 100+i%7*50, 4096+i%2)
		if i%4 == 1 {
			text += fmt.Sprintf("[[exporter]]\nname = \"more\"\nformat = \"json\"\ntemplate = \"%%IN_PKTS\"\nto = %q\n", filepath.Join(s.dir, fmt.Sprintf("more-%d", i)))
		}
		return text
	}
	s.commit(config(0))
	until(t, "it meters", func() bool { return s.status().State == "metering" })
	pid := s.status().PID
	stop := make(chan struct{})
	sent := burden(t, stop)
	for i := 1; i <= reloads; i++ {
		if out := s.commit(config(i)); strings.Contains(out, "waits") {
			t.Errorf("reload %d: %s", i, out)
		}
	}
	close(stop)
	packets := uint64(<-sent)
	if st := s.status(); st.PID != pid || st.State != "metering" || st.Config != reloads+2 {
		t.Errorf("after %d reloads: %+v", reloads, st)
	}
	time.Sleep(300 * time.Millisecond) // what is in the socket
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		t.Errorf("it ended with %v\n%s", err, s.said)
	}
	var sum egress.Summary
	if err := json.Unmarshal([]byte(read(t, filepath.Join(s.dir, "summary.json"))), &sum); err != nil {
		t.Fatal(err)
	}
	p := sum.Packets
	if p["received"] != p["metered"]+p["refused"]+p["filtered"] || p["ring_full"] != 0 {
		t.Errorf("packets do not add up: %v", p)
	}
	if p["metered"] > packets || packets-p["metered"] > sum.NIC.Missed {
		t.Errorf("%d packets were sent, %d metered, %d missed by the kernel", packets, p["metered"], sum.NIC.Missed)
	}
	for _, a := range sum.Exporters {
		if a.Records != a.Exported+a.Lost()+a.Pending || a.Lost() != 0 || a.Pending != 0 {
			t.Errorf("exporter %+v", a)
		}
	}
	until(t, "everything has arrived", func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.packets >= p["metered"]
	})
	to.mu.Lock()
	defer to.mu.Unlock()
	if to.packets != p["metered"] || to.twice != 0 || uint64(len(to.seen)) != p["exported"] {
		t.Errorf("%d records of %d made have arrived, %d twice, of %d packets of %d", len(to.seen), p["exported"], to.twice, to.packets, p["metered"])
	}
	t.Logf("%d reloads: %d packets sent, %d missed by the kernel, %d records", reloads, packets, sum.NIC.Missed, len(to.seen))
}
