package sink

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/formats"
)

// integration skips a test with servers that "make integration" fetches, unless that runs it. It
// returns the directory they are in.
func integration(t *testing.T, names ...string) string {
	t.Helper()
	if os.Getenv("WEIR_INTEGRATION") == "" {
		t.Skip("needs servers that are large: make integration")
	}
	dir, err := filepath.Abs(filepath.Join("..", "..", "out", filepath.Join(names...)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%v; make %s fetches it", err, names[0])
	}
	return dir
}

// daemon is a server that tests start, and can end at any time.
type daemon struct {
	t    *testing.T
	make func() *exec.Cmd
	port int
	log  string
	cmd  *exec.Cmd
	over chan struct{} // closed when it has ended
}

// launch starts a server and waits until it listens on the port.
func launch(t *testing.T, port int, command func() *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{t: t, make: command, port: port, log: filepath.Join(t.TempDir(), "log")}
	t.Cleanup(d.kill)
	d.start()
	return d
}

// start starts the server with the identity of a user who is not root, as some of them demand.
func (d *daemon) start() {
	d.t.Helper()
	f, err := os.OpenFile(d.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	d.cmd = d.make()
	d.cmd.Stdout, d.cmd.Stderr = f, f
	d.cmd.SysProcAttr = unprivileged()
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.over = make(chan struct{})
	go func(c *exec.Cmd, over chan struct{}) {
		defer close(over)
		c.Wait()
	}(d.cmd, d.over)
	d.wait()
}

func unprivileged() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		a.Cloneflags = syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}}
	}
	return a
}

func (d *daemon) wait() {
	d.t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.port))
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-d.over:
			end = time.Now()
		case <-time.After(100 * time.Millisecond):
		}
	}
	said, _ := os.ReadFile(d.log)
	d.t.Fatalf("%s does not listen on port %d:\n%s", d.cmd.Path, d.port, said[max(0, len(said)-4000):])
}

// kill ends the server as a failure of power does.
func (d *daemon) kill() {
	if d.over != nil {
		syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
		<-d.over
		d.over = nil
	}
}

// load is what tests export: n records with identifiers of their own, flows and events in turn.
type load struct {
	n      int
	prefix [8]byte
	octets uint64 // the sum of IN_BYTES
}

func newLoad(n int) *load {
	l := &load{n: n}
	rand.Read(l.prefix[:])
	for i := range n {
		l.octets += exporttest.Flow(i).Octets[0]
	}
	return l
}

// export sends the records to a target. In the middle it calls meanwhile.
func (l *load) export(t *testing.T, target string, o Options, meanwhile func()) export.Stats {
	t.Helper()
	s := exporttest.Schema(t)
	template := exporttest.Template(t, s, "@JSON@ %RECORD_ID %RECORD_KIND")
	o.Fields = template.Fields
	f, err := formats.New(o.Format, export.FormatOptions{Template: template, Size: 1<<16 - 1})
	if err != nil {
		t.Fatal(err)
	}
	e := export.New("test", f, open(t, target, o), export.Options{
		Size: 1<<16 - 1, Queue: 100, Block: true, Patience: 3 * time.Minute, Retry: time.Second,
	})
	for i := range l.n {
		if i == l.n/2 {
			meanwhile()
		}
		v := exporttest.Flow(i)
		v.Kind = flow.Kind(i % 2)
		copy(v.ID[:], l.prefix[:])
		copy(v.ID[8:], fmt.Sprintf("%08d", i))
		e.Append(v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Fatalf("%v (%+v)", err, e.Stats().Last)
	}
	st := e.Stats()
	if st.Exported != uint64(l.n) {
		t.Errorf("%d of %d records were exported: %+v, last %+v", st.Exported, l.n, st.Dropped, st.Last)
	}
	return st
}

// java returns where the virtual machine is.
func java(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("java")
	if err != nil {
		t.Fatal("java is not installed: make server-deps")
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(path))
}
