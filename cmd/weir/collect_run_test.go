package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// weir run with nothing but a collector needs no dataplane: what comes by UDP and TCP is exported, and
// all of it is when it is told to end.
func TestRunCollects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	out, conf := filepath.Join(dir, "out.json"), filepath.Join(dir, "weir.toml")
	text := fmt.Sprintf("schema = 1\n[[collector]]\nlisten = [\"udp://%s\", \"tcp://%s\"]\ntemplates_file = %q\n"+
		"[[exporter]]\nformat = \"json\"\nto = %q\ntemplate = \"@JSON@ %%SCALED_IN_BYTES %%EXPORT_VERSION\"\n"+
		"[[exporter]]\nformat = \"json\"\nrecords = [\"counters\"]\nto = \"-\"\n", address, address, filepath.Join(dir, "templates"), out)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCollector(t, conf, address)
	for _, to := range []string{"udp://", "tcp://"} {
		must(t, "replay", "-q", "--ipfix", to+address, sample)
	}
	want := 2 * strings.Count(must(t, "replay", "-q", "--json", sample), "\n")
	got := 0
	for end := time.Now().Add(20 * time.Second); got < want && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		b, _ := os.ReadFile(out)
		got = strings.Count(string(b), `"EXPORT_VERSION":10`)
	}
	if err := c.end(); err != nil || got != want {
		t.Errorf("%d flows were exported, want %d; it ended with %v and said\n%s", got, want, err, c.said.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "templates")); err != nil {
		t.Error(err)
	}
}

// program is a weir run of a test.
type program struct {
	*exec.Cmd
	said strings.Builder // on standard error; to be read after the end
}

// startCollector runs weir with a configuration until it listens at an address, by TCP.
func startCollector(t *testing.T, conf, address string) *program {
	t.Helper()
	p := &program{Cmd: exec.Command(weir, "run", "-c", conf)}
	p.Stderr = &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return p
		}
		if time.Now().After(end) {
			p.Process.Kill()
			p.Wait()
			t.Fatal("weir run does not listen: ", p.said.String())
		}
	}
}

// end tells it to end, and waits.
func (p *program) end() error {
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.Wait()
}
