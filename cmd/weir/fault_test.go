package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane"
	"github.com/weir-probe/weir/dataplane/link"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/export"
)

// balance checks that every record given to an exporter or found in its spool has met one fate.
func balance(t *testing.T, a egress.Account) {
	t.Helper()
	if a.Records+a.Recovered != a.Exported+a.Lost()+a.Spooled || a.Pending != 0 {
		t.Errorf("the account does not balance: %+v", a)
	}
}

// spoolTable is an exporter of record identifiers to a place, with a spool.
func spoolTable(place, dir, more string) string {
	return fmt.Sprintf("[[exporter]]\nname = \"x\"\nformat = \"json\"\ntemplate = \"RECORD_ID\"\nto = %q\n"+
		"batch_age = \"5ms\"\nretry = \"100ms\"\nqueue = 16\ntimeout = \"500ms\"\n[exporter.spool]\ndir = %q\n%s",
		place, dir, more)
}

// pumping puts records into the ring of a bench until the returned function is called, which says how many.
func pumping(b *bench) (end func() int) {
	stop, made := make(chan struct{}), make(chan int, 1)
	go func() { made <- pump(b.ring, stop) }()
	return func() int {
		close(stop)
		return <-made
	}
}

// TestAwayAtStart begins while there is no destination, which comes later, goes in the middle and comes again.
// It goes without losing what it was sent, so everything arrives.
func TestAwayAtStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	b := runBench(t, spoolTable("tcp://"+address, t.TempDir(), ""))
	end := pumping(b)
	time.Sleep(200 * time.Millisecond)
	first := listenAt(t, address)
	until(t, "the first comes", func() bool { _, n := first.total(); return n > 1000 })
	first.Listener.Close()
	first.leave()
	time.Sleep(200 * time.Millisecond)
	second := listenAt(t, address)
	until(t, "the second comes", func() bool { _, n := second.total(); return n > 1000 })
	n := end()
	s := b.end()
	a := s.Exporters[0]
	balance(t, a)
	until(t, "everything has arrived", func() bool { return distinct(first, second) >= n })
	if a.Records != uint64(n) || a.Lost() > 0 || a.Spooled > 0 || a.Replayed == 0 {
		t.Errorf("%d records: %+v", n, a)
	}
}

// leave ends all connections once everything that was sent on them has been read.
func (c *identified) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.(*net.TCPConn).CloseWrite()
	}
}

// distinct returns how many different records came to collectors together.
func distinct(all ...*identified) int {
	seen := map[string]bool{}
	for _, c := range all {
		c.mu.Lock()
		for id := range c.seen {
			seen[id] = true
		}
		c.mu.Unlock()
	}
	return len(seen)
}

// TestRudeDestinations sends to places that misbehave for a while. Nothing blocks, the books balance, and what
// is not exported is in the spool.
func TestRudeDestinations(t *testing.T) {
	for name, rude := range map[string]func(net.Conn){
		"resets at once": func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) },
		"resets in the middle": func(c net.Conn) {
			c.(*net.TCPConn).SetLinger(0)
			c.Read(make([]byte, 3000))
		},
		"never reads": func(net.Conn) { time.Sleep(300 * time.Millisecond) },
		"reads slowly": func(c net.Conn) {
			c.(*net.TCPConn).SetReadBuffer(4096)
			for range 3 {
				c.Read(make([]byte, 50))
				time.Sleep(100 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var met atomic.Int32
			var group sync.WaitGroup
			group.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					met.Add(1)
					rude(c)
					c.Close()
				}
			})
			b := runBench(t, spoolTable("tcp://"+l.Addr().String(), t.TempDir(), ""))
			end := pumping(b)
			until(t, "it was tried", func() bool { return met.Load() > 1 })
			n := end()
			l.Close()
			group.Wait()
			s := b.end()
			a := s.Exporters[0]
			balance(t, a)
			if a.Records != uint64(n) || a.Lost() > 0 {
				t.Errorf("%d records: %+v", n, a)
			}
		})
	}
}

// TestRefusedTLS sends to one who does not prove who it is, and to one who does not speak TLS: nothing is sent,
// everything waits, and the error says why.
func TestRefusedTLS(t *testing.T) {
	stranger := httptest.NewTLSServer(nil)
	defer stranger.Close()
	plain := httptest.NewServer(nil)
	defer plain.Close()
	for address, want := range map[string]string{
		stranger.Listener.Addr().String(): "certificate", plain.Listener.Addr().String(): "TLS",
	} {
		b := runBench(t, spoolTable("tls://"+address, t.TempDir(), ""))
		end := pumping(b)
		x := b.outputs()[0].Exporters()[0]
		until(t, "it was tried", func() bool { return x.Stats().Failures > 1 })
		n := end()
		s := b.end()
		a := s.Exporters[0]
		balance(t, a)
		if a.Spooled != uint64(n) || !strings.Contains(a.Error, want) {
			t.Errorf("%d records: %+v", n, a)
		}
	}
}

// TestDiskFull has the spool on a disk that is too small for it: the policy says what is lost, all of it is
// counted, and what is left is delivered.
func TestDiskFull(t *testing.T) {
	for _, policy := range []string{"oldest", "newest"} {
		t.Run(policy, func(t *testing.T) {
			disk := t.TempDir()
			if err := unix.Mount("weir", disk, "tmpfs", 0, "size=256k"); err != nil {
				t.Skipf("mounting a small disk needs root: %v", err)
			}
			t.Cleanup(func() {
				if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := l.Addr().String()
			l.Close()
			more := fmt.Sprintf("policy = %q\nsize = 1000000\n", policy)
			b := runBench(t, spoolTable("tcp://"+address, filepath.Join(disk, "spool"), more))
			end := pumping(b)
			x := b.outputs()[0].Exporters()[0]
			until(t, "the disk is full", func() bool { return x.Stats().Dropped[export.SpoolFull] > 1000 })
			n := end()
			c := listenAt(t, address)
			until(t, "the spool is empty", func() bool { return x.Stats().Spooled == 0 })
			s := b.end()
			a := s.Exporters[0]
			balance(t, a)
			until(t, "what was kept has arrived", func() bool { _, n := c.total(); return uint64(n) >= a.Exported })
			if a.Records != uint64(n) || a.Lost() != a.Dropped["spool_full"] || a.Exported == 0 {
				t.Errorf("%d records: %+v", n, a)
			}
		})
	}
}

// plane is what a control plane attaches to: a ring that is filled by the test, and a ledger.
type plane struct {
	ring   *ring.Ring
	ledger []byte
	socket string
}

func offerPlane(t *testing.T) *plane {
	t.Helper()
	fd, mem, err := ring.Memory(ring.Size(1 << 20))
	if err != nil {
		t.Fatal(err)
	}
	p := &plane{socket: filepath.Join(t.TempDir(), "dataplane.sock")}
	if p.ring, err = ring.Format(mem); err != nil {
		t.Fatal(err)
	}
	ledger, mem, err := ring.Memory(dataplane.LedgerSize)
	if err != nil {
		t.Fatal(err)
	}
	p.ledger = mem
	o := link.Offer{Started: 7, Workers: []link.Worker{{Name: "lan/0", Core: -1}}}
	s, err := link.Listen(p.socket, o, []int{fd, ledger}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		unix.Close(fd)
		unix.Close(ledger)
	})
	return p
}

// TestKilled kills the control plane at random moments while records come and the destination comes and goes.
// In the end every record that was made has arrived or is in a count of losses.
func TestKilled(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 8
	}
	p, dir := offerPlane(t), t.TempDir()
	c := listenIdentified(t)
	address := c.Addr().String()
	conf, summary := filepath.Join(dir, "weir.toml"), filepath.Join(dir, "summary.json")
	write(t, conf, fmt.Sprintf("schema = 1\n[dataplane]\nsocket = %q\n[[input]]\ninterface = \"lan\"\n%s", p.socket,
		spoolTable("tcp://"+address, filepath.Join(dir, "spool"), "size = 268435456\n")))
	stop, made := make(chan struct{}), make(chan int, 1)
	go func() { made <- pump(p.ring, stop) }()
	spooled := 0
	for i := range kills {
		x := runAttached(t, conf)
		until(t, "it takes records", func() bool { return p.ring.Used() < 1<<19 })
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		if err := x.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		x.Wait()
		for _, k := range egress.OpenLedger(p.ledger).Of("x") {
			if k.Spooled.Load() > 0 {
				spooled++
			}
		}
		switch i % 6 {
		case 1:
			c.Listener.Close() // what comes next finds nobody
		case 4:
			c.again(t, address)
		}
	}
	c.Listener.Close()
	c.again(t, address)
	close(stop)
	n := <-made
	x := runAttached(t, conf, "--summary", summary)
	if err := x.Wait(); err != nil {
		t.Fatalf("%v: %s", err, x.Stderr)
	}
	s := readSummary(t, summary)
	a := s.Exporters[0]
	balance(t, a)
	all, different := 0, 0
	until(t, "everything has arrived", func() bool {
		all, different = c.total()
		return different+int(a.Lost()) >= n || all >= int(a.Exported)
	})
	time.Sleep(100 * time.Millisecond)
	if all, different = c.total(); different+int(a.Lost()) < n {
		t.Errorf("of %d records %d came and %d are counted as lost: %v", n, different, a.Lost(), a.Dropped)
	}
	if a.Records < uint64(n) || a.Records > uint64(n+kills) || a.Spooled > 0 || a.Recovered > 0 {
		t.Errorf("of %d records: %+v", n, a)
	}
	if spooled == 0 || a.Dropped["interrupted"] == 0 {
		t.Errorf("%d times the spool was used, %v dropped: the test shows less than it means to", spooled, a.Dropped)
	}
	t.Logf("%d kills: %d records, %d came, %d of them different, %v dropped, %d through the spool",
		kills, n, all, different, a.Dropped, a.Replayed)
}

// again listens at an address again.
func (c *identified) again(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c.Listener = l
	go c.accept(l)
}

// runAttached starts a control plane that is killed when the test is over.
func runAttached(t *testing.T, conf string, more ...string) *exec.Cmd {
	t.Helper()
	x := exec.Command(weir, append([]string{"run", "--attach", "-c", conf}, more...)...)
	x.Stderr = &log{}
	x.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Process.Kill() })
	return x
}

// TestSpoolOfOther refuses to begin where messages of another format wait, and says what to do.
func TestSpoolOfOther(t *testing.T) {
	dir := t.TempDir()
	conf, spool := filepath.Join(dir, "weir.toml"), filepath.Join(dir, "spool")
	text := fmt.Sprintf("schema = 1\n[dataplane]\nsocket = \"%s/s\"\n[[input]]\ncapture = [%q]\n%s", dir,
		absolute(t, sample), spoolTable("tcp://127.0.0.1:9", spool, ""))
	write(t, conf, text)
	must(t, "run", "-c", conf)
	write(t, conf, strings.NewReplacer(`"json"`, `"text"`).Replace(text))
	_, said, status := invoke(t, "run", "-c", conf)
	if status == 0 || !strings.Contains(said, "records wait there as json") {
		t.Errorf("status %d: %s", status, said)
	}
	if files, _ := os.ReadDir(spool); len(files) < 2 {
		t.Error("what waited is gone")
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
