package ipfix

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/sink"
)

// open returns an exporter of IPFIX to target.
func open(t *testing.T, target string, so sink.Options) *export.Exporter {
	t.Helper()
	f := makeFormat(t, export.FormatOptions{
		Template: exporttest.Template(t, exporttest.Schema(t), flow.DefaultIPFIX),
		Boot:     exporttest.Boot, Size: 600,
	}, false)
	k, err := sink.Open(target, so)
	if err != nil {
		t.Fatal(err)
	}
	o := export.Options{Size: 600, Queue: 4, Block: true, Backoff: time.Millisecond}
	return export.New("stream", f, k, o)
}

func closeIt(t *testing.T, e *export.Exporter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// split reads messages one after the other and returns how many octets of the last are missing.
func (d *decoder) split(b []byte) (missing int) {
	for len(b) >= 4 {
		n := int(be.Uint16(b[2:]))
		if n > len(b) {
			return n - len(b)
		}
		d.message(b[:n])
		b = b[n:]
	}
	return len(b)
}

// Every connection explains itself: what comes over the second can be read without the first.
func TestReconnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var count atomic.Int32
	var wg sync.WaitGroup
	var connections [][]byte
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := io.Reader(c)
			if count.Add(1) < 4 {
				r = io.LimitReader(c, 8000) // a collector that soon gives up
			}
			b, _ := io.ReadAll(r)
			connections = append(connections, b)
			c.Close()
		}
	})
	e := open(t, "tcp://"+l.Addr().String(), sink.Options{})
	n := uint64(0)
	for end := time.Now().Add(10 * time.Second); count.Load() < 4 && time.Now().Before(end); n++ {
		e.Append(exporttest.Flow(int(n)))
		time.Sleep(100 * time.Microsecond)
	}
	e.Append(exporttest.Flow(0))
	closeIt(t, e)
	l.Close()
	wg.Wait()
	if len(connections) < 4 {
		t.Fatalf("there were %d connections, want at least 4", len(connections))
	}
	for i, b := range connections {
		d := newDecoder(t, false)
		if missing := d.split(b); missing > 0 && i >= 3 {
			t.Errorf("connection %d ends %d octets before a message does", i, missing)
		}
		if len(d.flows()) == 0 && i < 3 {
			t.Errorf("connection %d carried no flows", i)
		}
	}
	if got := e.Counters().Exported.Load(); got != n+1 {
		t.Errorf("%d flows exported, want %d", got, n+1)
	}
}

// Every file of a rotation can be read by itself (RFC 5655), by tshark too, and none is lost.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	const n = 600
	e := open(t, filepath.Join(dir, "flows.ipfix"), sink.Options{RotateSize: 25000})
	for i := range n {
		e.Append(exporttest.Flow(i))
	}
	closeIt(t, e)
	files, err := filepath.Glob(filepath.Join(dir, "flows-*.ipfix"))
	if err != nil || len(files) < 3 {
		t.Fatalf("files are %v (%v)", files, err)
	}
	_, missing := exec.LookPath("tshark")
	total := 0
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 25000 {
			t.Errorf("file has %d octets", len(b))
		}
		d := newDecoder(t, false)
		if left := d.split(b); left > 0 {
			t.Errorf("file ends %d octets before a message does", left)
		}
		total += len(d.flows())
		if missing != nil {
			continue
		}
		out, err := exec.Command("tshark", "-r", name, "-T", "fields", "-e", "cflow.protocol",
			"-e", "_ws.malformed").Output()
		if err != nil {
			t.Fatal(err)
		}
		notDigit := func(c rune) bool { return c < '0' || c > '9' }
		if got := len(strings.FieldsFunc(string(out), notDigit)); got != len(d.flows()) {
			t.Errorf("tshark finds %d flows in a file, want %d: %s", got, len(d.flows()), out)
		}
	}
	if total != n {
		t.Errorf("%d flows are in the files, want %d", total, n)
	}
}
