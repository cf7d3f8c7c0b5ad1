package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReloadKeeps has configurations that cannot be taken over, or not without a restart: what runs
// stays as it is and goes on.
func TestReloadKeeps(t *testing.T) {
	c, dir := listenIdentified(t), t.TempDir()
	file := filepath.Join(dir, "flows.json")
	stay, plain := identifiers("stay", "tcp://"+c.Addr().String()), identifiers("file", file)
	tcp := "RETRANSMITTED_IN_PKTS"
	b := runBench(t, stay+plain)
	stop, made := make(chan struct{}), make(chan int)
	go func() { made <- pump(b.ring, stop) }()
	for _, s := range []struct{ text, restart, wrong string }{
		{text: stay + plain},
		{text: stay + plain + "filter = 'IN_BYTES > 1'\n", restart: "flows.json would be begun anew; name another file"},
		{text: stay + plain + strings.Replace(identifiers("tcp", "-"), "RECORD_ID", tcp, 1),
			restart: "exporter tcp: its fields or its filter need what is not measured yet; restart the dataplane"},
		{text: stay + plain + identifiers("tcp", "-") + "filter = '" + tcp + " > 0'\n", restart: "restart the dataplane"},
		{text: stay + plain + "[flow]\ncapacity = 2048\n", restart: "[flow]: restart the dataplane"},
		{text: stay + plain + "[log]\nlevel = \"debug\"\n", restart: "[log]: restart weir run"},
		{text: stay + plain + identifiers("new", "/proc/nowhere.json"), wrong: "/proc/nowhere.json"},
		{text: plain + identifiers("stay", "/proc/nowhere.json"), wrong: "exporter stay"},
	} {
		done, restart, err := b.Reload(b.parse(s.text))
		if (err == nil) != (s.wrong == "") || err != nil && !strings.Contains(err.Error(), s.wrong) {
			t.Errorf("%s\ngot %v, want %s", s.text, err, s.wrong)
		}
		if told := strings.Join(restart, "\n"); !strings.Contains(told, s.restart) || s.restart == "" && told != "" {
			t.Errorf("%s\nhas to be restarted: %s, want %s", s.text, told, s.restart)
		}
		if n := len(done.Added) + len(done.Changed) + len(done.Removed) + len(done.Paused); n > 0 {
			t.Errorf("%s\ndid %+v", s.text, done)
		}
	}
	close(stop)
	n := <-made
	b.end()
	until(t, "everything has arrived", func() bool { all, _ := c.total(); return all >= n })
	if all, different := c.total(); all != n || different != n || c.connections != 1 {
		t.Errorf("of %d records %d came, %d different, over %d connections", n, all, different, c.connections)
	}
	if lines, err := os.ReadFile(file); err != nil || strings.Count(string(lines), "\n") != n {
		t.Errorf("%d of %d records are in the file, %v", strings.Count(string(lines), "\n"), n, err)
	}
	if _, _, err := b.Reload(b.parse(stay)); err == nil {
		t.Error("a configuration was taken over after the end")
	}
}

// TestReloadSpool changes, pauses and resumes an exporter whose destination is away for a while: every
// record is delivered at least once, through the spool that its forms hand on to each other.
func TestReloadSpool(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close() // it is away
	dir := t.TempDir()
	form := func(i int, paused bool) string {
		return identifiers("x", "tcp://"+address) + fmt.Sprintf("batch_age = \"%dms\"\nretry = \"100ms\"\nqueue = 64\n"+
			"paused = %t\n[exporter.spool]\ndir = %q\n", i+1, paused, dir)
	}
	b := runBench(t, form(0, false))
	stop, made := make(chan struct{}), make(chan int)
	go func() { made <- pump(b.ring, stop) }()
	for i := range 12 {
		done, _, err := b.Reload(b.parse(form(i/3, i%3 == 1)))
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{done.Resumed, done.Paused, done.Resumed}[i%3]
		if i > 3 && i%3 > 0 && !slices.Contains(want, "x") {
			t.Errorf("step %d did %+v", i, done)
		}
		time.Sleep(20 * time.Millisecond)
	}
	c := listenAt(t, address)
	until(t, "the destination is back", func() bool { all, _ := c.total(); return all > 0 })
	close(stop)
	n := <-made
	first := b.end().Exporters[0]
	if first.Records != uint64(n) || first.Lost() != 0 || first.Records != first.Exported+first.Spooled {
		t.Errorf("of %d records: %+v", n, first)
	}
	again := runBench(t, form(0, false)) // as after a restart
	until(t, "everything has arrived", func() bool { _, different := c.total(); return different >= n })
	again.ring.Close()
	second := again.end().Exporters[0]
	if _, different := c.total(); different != n || second.Recovered != first.Spooled || second.Lost() != 0 ||
		second.Exported != second.Recovered {
		t.Errorf("of %d records %d came: %+v, %+v", n, different, first, second)
	}
	t.Logf("%d records, %d by way of the disk, %d of them in another run", n, first.Replayed+second.Replayed,
		second.Replayed)
}

// listenAt counts the records that come to an address.
func listenAt(t *testing.T, address string) *identified {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return gather(t, l)
}

// TestHangUp has weir run read its configuration again at SIGHUP, without a mistake and with one,
// and asks it how it is as Prometheus does.
func TestHangUp(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("reading an interface needs root")
	}
	dir := t.TempDir()
	conf, stats := filepath.Join(dir, "weir.toml"), filepath.Join(dir, "stats.json")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	first := fmt.Sprintf("schema = 1\n[dataplane]\nsocket = %q\n[[input]]\ninterface = \"lo\"\nqueues = 1\n[flow]\n"+
		"capacity = 4096\n[metrics]\nlisten = %q\n[[exporter]]\nname = \"first\"\nformat = \"json\"\nto = %q\n",
		filepath.Join(dir, "socket"), address, filepath.Join(dir, "first.json"))
	write(t, conf, first)
	c, said := start(t, "-c", conf)
	says := func(what string) {
		t.Helper()
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(said)
			}
		})
		until(t, what, func() bool { return strings.Contains(said.String(), what) })
	}
	again := func(text string) {
		t.Helper()
		write(t, conf, text)
		if err := c.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	says("msg=metering")
	until(t, "metrics", func() bool {
		return strings.Contains(scrape(t, address), `weir_packets_total{fate="metered"}`)
	})
	again(first + fmt.Sprintf("[[exporter]]\nname = \"second\"\nrecords = \"statistics\"\nformat = \"json\"\nto = %q\n"+
		"batch_age = \"10ms\"\n[stats]\ninterval = \"100ms\"\n", stats))
	says(`added=[second]`)
	until(t, "statistics", func() bool {
		text, _ := os.ReadFile(stats)
		return strings.Contains(string(text), `"STATISTICS_OF":"worker","STATISTICS_NAME":"lo/0"`) &&
			strings.Contains(string(text), `"STATISTICS_OF":"exporter","STATISTICS_NAME":"first"`)
	})
	again(first + "[[exporter]]\nfilter = 'NO_FIELD == 1'\nto = \"-\"\n")
	says("weir.toml:16: exporter[1].filter: field NO_FIELD is unknown")
	says("everything stays as it was")
	until(t, "the second exporter goes on after a mistake", func() bool {
		return strings.Contains(scrape(t, address), `weir_exporter_records_total{exporter="second"}`)
	})
	again(strings.Replace(first, "4096", "8192", 1))
	says(`removed=[second]`)
	says("[flow]: restart the dataplane")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("weir run: %v\n%s", err, said)
	}
}

// scrape returns what Prometheus is told.
func scrape(t *testing.T, address string) string {
	t.Helper()
	r, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s %v", r.Status, err)
	}
	return string(text)
}
