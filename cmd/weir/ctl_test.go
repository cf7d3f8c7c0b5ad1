package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/manage"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/filter"
)

// site is a probe that keeps its configuration in a store, and is operated by ctl.
type site struct {
	t       *testing.T
	dir     string
	process *exec.Cmd
	said    *log
	pid     int // of the dataplane that was seen last
}

// base is a configuration that waits to be set up.
func (s *site) base() string {
	return fmt.Sprintf("schema = 1\n[dataplane]\nsocket = %q\n[management]\nsocket = %q\nlisten = \"127.0.0.1:0\"\n",
		filepath.Join(s.dir, "dataplane.sock"), filepath.Join(s.dir, "manage.sock"))
}

// meters is one that meters the loopback interface.
func (s *site) meters(flow, exporter string) string {
	return strings.Replace(s.base(), "listen = \"127.0.0.1:0\"\n", "", 1) +
		"[[input]]\ninterface = \"lo\"\nqueues = 1\nfilter = \"udp port 4711\"\n[applications]\nstreams = 0\n" +
		"[flow]\nidle_timeout = \"1s\"\nactive_timeout = \"1s\"\nlateness = \"100ms\"\n" + flow + fmt.Sprintf("\n[[exporter]]\nformat = \"json\"\nto = %q\n"+
		"rotate_size = \"1GiB\"\n", filepath.Join(s.dir, "flows.json")) + exporter
}

func newSite(t *testing.T) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("reading an interface needs root")
	}
	if _, err := filter.Compile(nic.Ethernet, 0, "udp"); err != nil {
		t.Skip(err)
	}
	s := &site{t: t, dir: t.TempDir()}
	write(t, filepath.Join(s.dir, "factory.toml"), strings.Replace(s.base(), "listen = \"127.0.0.1:0\"\n", "", 1))
	s.start()
	return s
}

func (s *site) start() {
	s.t.Helper()
	s.process, s.said = start(s.t, "--store", filepath.Join(s.dir, "store"), "--factory", filepath.Join(s.dir, "factory.toml"),
		"--summary", filepath.Join(s.dir, "summary.json"))
	process := s.process
	s.t.Cleanup(func() { // a control plane that is killed leaves a dataplane that meters on
		_ = process.Process.Signal(syscall.SIGTERM)
		hurry := time.AfterFunc(20*time.Second, func() { process.Process.Kill() })
		process.Process.Wait()
		hurry.Stop()
		if s.pid > 1 {
			_ = syscall.Kill(s.pid, syscall.SIGTERM)
		}
	})
	until(s.t, "ctl gets an answer", func() bool { _, _, status := s.try("whoami"); return status == 0 })
}

// try runs weir ctl.
func (s *site) try(args ...string) (stdout, stderr string, status int) {
	return invoke(s.t, append([]string{"ctl", "--socket", filepath.Join(s.dir, "manage.sock")}, args...)...)
}

// ctl runs it, which has to succeed.
func (s *site) ctl(args ...string) string {
	s.t.Helper()
	out, errs, status := s.try(args...)
	if status != 0 {
		s.t.Fatalf("weir ctl %s: status %d\n%s\n%s", strings.Join(args, " "), status, errs, s.said)
	}
	return out
}

func (s *site) status() (st manage.Status) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.ctl("--json", "status")), &st); err != nil {
		s.t.Fatal(err)
	}
	if st.PID > 0 {
		s.pid = st.PID
	}
	return st
}

// says waits until ctl says something, or does not any more.
func (s *site) says(command, word string, says bool) {
	s.t.Helper()
	until(s.t, fmt.Sprintf("%s says %q: %v", command, word, says), func() bool {
		return strings.Contains(s.ctl(command), word) == says
	})
}

// commit has a configuration run and returns what ctl said.
func (s *site) commit(text string, args ...string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, "next.toml")
	write(s.t, path, text)
	s.ctl("config", "put", path)
	return s.ctl(append([]string{"config", "commit", "-m", "test"}, args...)...)
}

// talk sends datagrams to the port that is metered until stop is closed.
func talk(t *testing.T, stop <-chan struct{}) {
	c, err := net.Dial("udp", "127.0.0.1:4711")
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for {
		select {
		case <-stop:
			return
		case <-time.After(20 * time.Millisecond):
			c.Write([]byte("hello"))
		}
	}
}

// TestManaged operates a probe from its first start on: what is set up meters, what changes is taken over
// by as little as it needs, what nobody confirms is given up, also after the process was killed.
func TestManaged(t *testing.T) {
	s := newSite(t)
	if st := s.status(); st.State != "waiting" || st.Config != 1 {
		t.Errorf("at first it is %+v", st)
	}
	if out := s.ctl("setup"); !strings.Contains(out, "code ") {
		t.Errorf("setup says %q", out)
	}
	s.commit(s.meters("", ""))
	until(t, "it meters", func() bool { return s.status().State == "metering" })
	stop := make(chan struct{})
	defer close(stop)
	go talk(t, stop)
	if out := s.ctl("tail", "flows", "-n", "1", "--filter", "L4_DST_PORT == 4711", "--template", "L4_DST_PORT IN_PKTS"); !strings.Contains(out, `"L4_DST_PORT":4711`) {
		t.Errorf("tail says %q", out)
	}
	if out := s.ctl("tail", "--recent", "-n", "1"); !strings.Contains(out, `"L4_DST_PORT":4711`) {
		t.Errorf("the last one is %q", out)
	}
	pid := s.status().PID
	if out := s.commit(s.meters("", "batch_age = \"2s\"\n")); strings.Contains(out, "waits") || s.status().PID != pid {
		t.Errorf("an exporter was changed: %s", out)
	}
	if out := s.commit(s.meters("linger = \"1s\"\n", "batch_age = \"2s\"\n")); strings.Contains(out, "waits") || s.status().PID != pid {
		t.Errorf("a timeout was changed: %s", out)
	}
	if said := s.said.String(); strings.Count(said, "process=dataplane") != 3 || !strings.Contains(said, "configuration taken over\" process=dataplane") {
		t.Errorf("the dataplane did not take it over while it metered:\n%s", said)
	}
	s.commit(s.meters("", "[sessions]\nentries = 4096\n"))
	if st := s.status(); st.PID != pid || st.State != "metering" {
		t.Errorf("sessions were changed: %+v", st)
	}
	if out := s.commit(s.meters("capacity = 8192\n", "")); !strings.Contains(out, "waits for a restart of the dataplane: flow.capacity") {
		t.Errorf("the capacity was changed: %s", out)
	}
	if st := s.status(); st.PID != pid || len(st.Waits) != 1 {
		t.Errorf("it runs as %d and waits for %q", st.PID, st.Waits)
	}
	s.ctl("restart", "dataplane")
	if st := s.status(); st.PID == pid || len(st.Waits) != 0 || st.State != "metering" {
		t.Errorf("after a restart: %+v", st)
	}
	pid = s.status().PID
	s.ctl("restart", "egress")
	if st := s.status(); st.PID != pid || st.State != "metering" {
		t.Errorf("after a restart of the egress: %+v", st)
	}
	s.says("workers", "lo/0", true) // what is counted is of a second ago
	s.says("workers", " 8192 ", true)
	s.exporter()
	s.giveUp(pid)
	s.killed()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		t.Errorf("it ended with %v\n%s", err, s.said)
	}
}

// exporter pauses and resumes one, also over a change of something else.
func (s *site) exporter() {
	s.t.Helper()
	s.ctl("pause", "json")
	s.says("exporters", "paused", true)
	s.commit(s.meters("capacity = 8192\n", "[stats]\ninterval = \"30s\"\n"))
	time.Sleep(1500 * time.Millisecond)
	s.says("exporters", "paused", true) // also after a change of something else
	s.ctl("resume", "json")
	s.says("exporters", "paused", false)
	if _, errs, status := s.try("pause", "nobody"); status != exitFailed || !strings.Contains(errs, "no exporter") {
		s.t.Errorf("status %d: %s", status, errs)
	}
}

// giveUp commits something to be confirmed that restarts the dataplane, and does not confirm it.
func (s *site) giveUp(pid int) {
	s.t.Helper()
	before := s.status().Config
	out := s.commit(s.meters("capacity = 16384\n", ""), "--confirm", "3s", "--restart")
	if st := s.status(); !strings.Contains(out, "given up") || st.PID == pid || st.Config != before+1 {
		s.t.Errorf("%s\n%+v", out, st)
	}
	until(s.t, "it is given up", func() bool { return s.status().Config == before+2 })
	until(s.t, "the old capacity is back", func() bool { return strings.Contains(s.ctl("workers"), " 8192 ") })
	if out := s.ctl("config", "history"); !strings.Contains(out, "nobody\u00a0confirmed\u00a0it") {
		s.t.Errorf("history:\n%s", out)
	}
}

// killed commits something to be confirmed and kills the control plane, which is back too late.
func (s *site) killed() {
	s.t.Helper()
	s.commit(s.meters("capacity = 8192\n", "batch_age = \"3s\"\n"), "--confirm", "2s")
	pid := s.status().PID
	s.ctl("pause", "json")
	if err := s.process.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_, _ = s.process.Process.Wait() // not for what the dataplane has of it
	time.Sleep(2500 * time.Millisecond)
	s.start()
	if out := s.ctl("config", "get"); strings.Contains(out, "batch_age") {
		s.t.Errorf("what nobody confirmed runs:\n%s", out)
	}
	until(s.t, "it meters again", func() bool { return s.status().State == "metering" })
	if st := s.status(); st.PID != pid {
		s.t.Errorf("the dataplane was not taken over: %+v", st)
	}
	s.says("exporters", "paused", true) // also when it begins anew
	s.ctl("resume", "json")
	s.says("exporters", "paused", false)
}

// TestCtl uses what is left of ctl over HTTPS: who may, what is refused, and how it is said.
func TestCtl(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s.commit(strings.Replace(s.base(), "127.0.0.1:0", address, 1))
	_, pin, _ := strings.Cut(s.ctl("setup"), "SHA-256   ")
	_, code, _ := strings.Cut(s.ctl("setup"), "code      ")
	code, _, _ = strings.Cut(code, "\n")
	file := filepath.Join(s.dir, "token")
	remote := func(in string, want int, args ...string) (said string) {
		t.Helper()
		c := exec.Command(weir, append([]string{"ctl", "--url", "https://" + address, "--token-file", file}, args...)...)
		c.Env = append(os.Environ(), "WEIR_PIN="+strings.ToLower(strings.TrimSpace(pin)))
		c.Stdin = strings.NewReader(in)
		out, _ := c.CombinedOutput()
		if status := c.ProcessState.ExitCode(); status != want {
			t.Errorf("weir ctl %s: status %d, want %d\n%s", strings.Join(args, " "), status, want, out)
		}
		return string(out)
	}
	remote("", exitUsage, "status")
	remote(code+"\ncorrect horse battery\n", 0, "setup", "ann")
	if out := remote("", 0, "whoami"); out != "ann may admin, known by password\n" {
		t.Errorf("whoami says %q", out)
	}
	remote("battery staple horse\n", 0, "user", "set", "bob", "--role", "read", "--password")
	if out := remote("", 0, "user", "list"); !strings.Contains(out, "bob   read   true") {
		t.Errorf("users:\n%s", out)
	}
	ann := file
	file += "-bob"
	remote("wrong password\n", exitFailed, "login", "bob")
	remote("battery staple horse\n", 0, "login", "bob")
	if s, err := os.Stat(file); err != nil || s.Mode().Perm() != 0o600 {
		t.Errorf("the token: %v, %v", s, err)
	}
	if out := remote("", exitFailed, "log-level", "debug"); !strings.Contains(out, "bob may not do this: it is for role operate") {
		t.Errorf("it says %q", out)
	}
	token := remote("", 0, "token", "new", "test", "--life", "1h")
	write(t, file, token)
	if out := remote("", 0, "token", "list"); !strings.Contains(out, "test") {
		t.Errorf("tokens:\n%s", out)
	}
	remote("", 0, "logout")
	remote("", exitFailed, "status")
	file = ann
	if out := remote("", 0, "audit"); !strings.Contains(out, "PUT\u00a0/v1/users/bob") {
		t.Errorf("audit log:\n%s", out)
	}
	wrong := filepath.Join(s.dir, "wrong.toml")
	write(t, wrong, s.base()+"[flow]\nlinge = \"1s\"\n")
	if out := remote("", exitUsage, "config", "validate", wrong); !strings.Contains(out, wrong+":8: flow.linge: unknown key; did you mean linger?") {
		t.Errorf("it says %q", out)
	}
	for _, args := range []string{"log-level", "system", "ports", "queues", "collected", "top", "sessions", "config get 1", "config diff 1 2", "support " + file + ".tgz"} {
		remote("", 0, strings.Fields(args)...)
	}
	if out := remote("", exitFailed, "update", wrong); !strings.Contains(out, "update_command") {
		t.Errorf("it says %q", out)
	}
	pin = strings.Repeat("AB:", 31) + "AB"
	if out := remote("", exitFailed, "status"); !strings.Contains(out, "not the one that is pinned") {
		t.Errorf("another certificate: %q", out)
	}
	if out := must(t, "__complete", "ctl", "--socket", filepath.Join(s.dir, "manage.sock"), "config", "rollback", ""); !strings.Contains(out, "1\tweir first start") {
		t.Errorf("completion offers %q", out)
	}
	if _, errs, status := invoke(t, "ctl", "--socket", filepath.Join(s.dir, "nobody"), "status"); status != exitFailed || !strings.Contains(errs, "weir run --store") {
		t.Errorf("status %d: %s", status, errs)
	}
}

// TestEdit edits a candidate with an editor, which makes a mistake at first.
func TestEdit(t *testing.T) {
	s := newSite(t)
	for _, step := range []struct {
		editor, says string
		status       int
	}{
		{"true", "nothing was changed", 0},
		{"false", "nothing was changed", exitFailed},
		{"sed -i $a[log]\\nlevl='debug'", "candidate:7: log.levl: unknown key; did you mean level?", exitUsage},
		{"sed -i s/levl/level/;s/'debug'/\"debug\"/", `~ log.level: "info" -> "debug"`, 0},
	} {
		c := exec.Command(weir, "ctl", "--socket", filepath.Join(s.dir, "manage.sock"), "config", "edit")
		c.Env = append(os.Environ(), "VISUAL=", "EDITOR="+step.editor)
		out, _ := c.CombinedOutput()
		if c.ProcessState.ExitCode() != step.status || !strings.Contains(string(out), step.says) {
			t.Errorf("%s: status %d\n%s", step.editor, c.ProcessState.ExitCode(), out)
		}
	}
	s.ctl("config", "commit", "-m", "louder")
	if out := s.ctl("log-level"); out != "debug\n" {
		t.Errorf("the level is %q", out)
	}
	s.ctl("config", "rollback")
	if out := s.ctl("log-level"); out != "info\n" {
		t.Errorf("the level is %q", out)
	}
}
