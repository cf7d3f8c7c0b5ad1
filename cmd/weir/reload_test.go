package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/app"
)

// identified counts the records that come by TCP, by their identifiers.
type identified struct {
	net.Listener
	mu          sync.Mutex
	connections int
	conns       []net.Conn
	seen        map[string]int
}

func listenIdentified(t *testing.T) *identified {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return gather(t, l)
}

// gather takes connections until the test is over.
func gather(t *testing.T, l net.Listener) *identified {
	t.Cleanup(func() { l.Close() })
	c := &identified{Listener: l, seen: map[string]int{}}
	go c.accept(l)
	return c
}

func (c *identified) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.connections++
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		go c.read(conn)
	}
}

func (c *identified) read(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		c.count(lines.Bytes())
	}
}

func (c *identified) count(line []byte) {
	var record struct {
		ID string `json:"RECORD_ID"`
	}
	if json.Unmarshal(line, &record) != nil {
		return
	}
	c.mu.Lock()
	c.seen[record.ID]++
	c.mu.Unlock()
}

// total returns how many records came and how many of them were different.
func (c *identified) total() (all, different int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.seen {
		all += n
	}
	return all, len(c.seen)
}

// pump puts records of flows into a ring until it is told to stop, and returns how many.
func pump(r *ring.Ring, stop <-chan struct{}) (n int) {
	const size = int(unsafe.Sizeof(flow.Record{}))
	for ; ; n++ {
		b := r.Reserve(ring.Flow, size)
		for ; b == nil; b = r.Reserve(ring.Flow, size) {
			time.Sleep(100 * time.Microsecond)
		}
		*(*flow.Record)(unsafe.Pointer(&b[0])) = flow.Record{}
		rec := (*flow.Record)(unsafe.Pointer(&b[0]))
		rec.Version, rec.Proto, rec.SrcPort, rec.DstPort = 4, 17, uint16(n), 53
		rec.Last = uint64(time.Now().UnixNano())
		r.Commit()
		if n%64 == 63 {
			time.Sleep(200 * time.Microsecond)
		}
		select {
		case <-stop:
			r.Close()
			return n + 1
		default:
		}
	}
}

// bench is a control plane over a ring.
type bench struct {
	*control
	t      *testing.T
	ring   *ring.Ring
	egress *egress.Egress
	ended  chan struct{}
}

func (b *bench) parse(text string) *config.Config {
	b.t.Helper()
	cfg, problems := config.Parse("test", []byte("schema = 1\n[[input]]\ninterface = \"lo\"\n"+text), checks(b.schema))
	if len(problems) > 0 {
		b.t.Fatal(problems)
	}
	return cfg
}

// run begins with exporters, in TOML.
func runBench(t *testing.T, text string) *bench {
	t.Helper()
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{control: &control{exporters: exporters{shape: shape{schema: schema}}}, t: t, ended: make(chan struct{})}
	cfg := b.parse(text)
	if b.control, err = openControl(cfg, schema, func(err error) { t.Log(err) }, false); err != nil {
		t.Fatal(err)
	}
	if b.ring, err = ring.Format(make([]byte, ring.Size(1<<20))); err != nil {
		t.Fatal(err)
	}
	if err := b.openExporters(setting{boot: 1, sampling: 1}); err != nil {
		t.Fatal(err)
	}
	b.egress = b.control.egress([]egress.Source{{Name: "a/0", Ring: b.ring, Seed: 1}})
	go func() {
		b.egress.Run()
		close(b.ended)
	}()
	return b
}

// end waits for the end of the ring and returns the account.
func (b *bench) end() egress.Summary {
	b.t.Helper()
	<-b.ended
	if err := b.close(patience); err != nil {
		b.t.Error(err)
	}
	return b.egress.Summary()
}

// identifiers is an exporter of identifiers.
func identifiers(name, to string) string {
	return fmt.Sprintf("[[exporter]]\nname = %q\nformat = \"json\"\ntemplate = \"RECORD_ID\"\nto = %q\n", name, to)
}

// TestReload reads the configuration a hundred times while records come. The exporter that stays
// as it is gets every record once over one connection; one that changes every time gets every
// record once in one form or the other; a file that is rotated has every record once; and all that
// was given to exporters is accounted for.
func TestReload(t *testing.T) {
	stay, change := listenIdentified(t), listenIdentified(t)
	dir := t.TempDir()
	tables := func(i int) string {
		text := identifiers("stay", "tcp://"+stay.Addr().String()) + "on_full = \"block\"\n" +
			identifiers("change", "tcp://"+change.Addr().String()) +
			fmt.Sprintf("on_full = \"block\"\nbatch_age = \"%dms\"\n", i+1) +
			identifiers("file", filepath.Join(dir, "flows.json")) +
			fmt.Sprintf("on_full = \"block\"\nrotate_size = \"%dMiB\"\n", 1+i/2)
		if i%3 == 0 {
			text += identifiers("now and then", "tcp://"+change.Addr().String())
		}
		return text
	}
	b := runBench(t, tables(0))
	stop, made := make(chan struct{}), make(chan int)
	go func() { made <- pump(b.ring, stop) }()
	reloads := 100
	if testing.Short() {
		reloads = 10
	}
	for i := 1; i <= reloads; i++ {
		done, restart, err := b.Reload(b.parse(tables(i)))
		if err != nil || len(restart) > 0 {
			t.Fatalf("reload %d: %v %v", i, err, restart)
		}
		did := func(name string) bool { return slices.Contains(done.Changed, name) }
		if i%2 == 0 && !did("file") || !did("change") || did("stay") {
			t.Errorf("reload %d did %+v", i, done)
		}
	}
	close(stop)
	n := <-made
	s := b.end()
	until(t, "everything has arrived", func() bool { all, _ := stay.total(); return all >= n })
	until(t, "everything has arrived", func() bool { _, different := change.total(); return different >= n })
	if all, different := stay.total(); all != n || different != n || stay.connections != 1 {
		t.Errorf("of %d records %d came, %d different, over %d connections", n, all, different, stay.connections)
	}
	files := &identified{seen: map[string]int{}}
	paths, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			files.count(line)
		}
	}
	if all, different := files.total(); all != n || different != n {
		t.Errorf("of %d records %d are in %d files, %d different", n, all, len(paths), different)
	}
	for _, a := range s.Exporters {
		if a.Records != a.Exported || a.Pending+a.Lost() > 0 || a.Name != "now and then" && a.Records != uint64(n) {
			t.Errorf("of %d records: %+v", n, a)
		}
	}
	t.Logf("%d records, %d reloads, %d files, %d connections of what changed", n, reloads, len(paths),
		change.connections)
}
