package manage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// until waits for something to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// What nobody confirms is given up by itself, also when weir was restarted meanwhile; what somebody
// confirms stays.
func TestConfirmation(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("olga", Operate))
	commit := func(confirm string) {
		t.Helper()
		c.want(200, "PUT", "/v1/config/candidate", newConfig)
		var done Committed
		c.want(200, "POST", "/v1/config/commit", Commit{Why: "try", Confirm: confirm}).into(t, &done)
		if done.Until == nil || b.last().Flow.Capacity != 4096 {
			t.Errorf("got %+v", done)
		}
	}
	commit("1s")
	c.want(200, "PUT", "/v1/config/candidate", oldConfig+"# other\n")
	c.want(409, "POST", "/v1/config/commit", Commit{Why: "too early"})
	until(t, "it is given up", func() bool { return b.last().Flow.Capacity != 4096 })
	if text := string(c.want(200, "GET", "/v1/config", nil).body); text != oldConfig {
		t.Errorf("%q runs", text)
	}
	if b.mu.Lock(); !b.restarts[len(b.restarts)-1] {
		t.Error("the dataplane was not restarted for it, if need be")
	}
	b.mu.Unlock()
	commit("1s")
	c.want(200, "POST", "/v1/config/confirm", nil)
	time.Sleep(1200 * time.Millisecond)
	if b.last().Flow.Capacity != 4096 {
		t.Error("it was given up though it was confirmed")
	}
	c.want(200, "POST", "/v1/config/rollback", Rollback{Version: 1})
	commit("2s")
	b.Close()
	again, err := New(b.dir, b.store, b.probe(), cheap)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	until(t, "it is given up by the next process", func() bool { return b.last().Flow.Capacity != 4096 })
	var why []string
	for _, v := range b.store.History() {
		why = append(why, v.Who+": "+v.Why)
	}
	if !strings.HasPrefix(why[0], "weir: version ") || !strings.HasSuffix(why[0], ": nobody confirmed it") {
		t.Errorf("history %q", why)
	}
	if all := again.audit.last(3); all[0].User != "weir" || all[0].Action != "rollback" {
		t.Errorf("audit log %+v", all)
	}
}

// A configuration that cannot be taken over does not run, and what of it is in effect is undone.
func TestRefused(t *testing.T) {
	b := newBench(t)
	b.refuses = "batch_age"
	c := b.client(b.user("olga", Operate))
	c.want(200, "PUT", "/v1/config/candidate", newConfig)
	if r := c.want(422, "POST", "/v1/config/commit",
		Commit{Why: "try", Confirm: "1m"}); !strings.Contains(string(r.body), "no such thing") {
		t.Errorf("got %v", r)
	}
	if _, text, _ := b.store.Running(); string(text) != oldConfig || b.last() == nil {
		t.Errorf("%q runs", text)
	}
	if p, _ := b.store.Pending(); p != nil {
		t.Errorf("%+v waits to be confirmed", p)
	}
}

// An update goes to the program that the configuration names, octet for octet.
func TestUpdate(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("adam", Admin))
	c.want(501, "POST", "/v1/system/update", "x")
	m := b.conf
	got := filepath.Join(t.TempDir(), "bundle")
	command := func(words ...string) {
		t.Helper()
		m.Update = words
		b.listen(m)
		c.url = b.url
	}
	command("/bin/sh", "-c", "cat > "+got+"; echo installed; env >&2")
	bundle := bytes.Repeat([]byte("bundle 17\n"), 50_000)
	var done Installed
	c.want(200, "POST", "/v1/system/update", bytes.NewReader(bundle)).into(t, &done)
	sum := sha256.Sum256(bundle)
	if text, err := os.ReadFile(got); err != nil || !bytes.Equal(text, bundle) ||
		done.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%d octets arrived (%v), %+v", len(text), err, done)
	}
	if !strings.Contains(done.Said, "installed") || strings.Contains(done.Said, "HOME=") {
		t.Errorf("it said %q", done.Said)
	}
	c.want(413, "POST", "/v1/system/update", io.LimitReader(zeros{}, 2<<20))
	command("/bin/sh", "-c", "echo the bundle is not signed; exit 3")
	if r := c.want(422, "POST", "/v1/system/update", bytes.NewReader(bundle)); !strings.Contains(string(r.body),
		"the bundle is not signed") {
		t.Errorf("got %v", r)
	}
	m.UpdateTime = 300 * time.Millisecond
	command("/bin/sh", "-c", "cat >/dev/null; sleep 60")
	began := time.Now()
	c.want(504, "POST", "/v1/system/update", "x")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if text, _ := os.ReadFile(b.audit.path); !strings.Contains(string(text), hex.EncodeToString(sum[:])) {
		t.Error("the audit log lacks what was installed")
	}
}

// The archive for others has no secrets.
func TestSupport(t *testing.T) {
	b := newBench(t)
	token := b.user("adam", Admin)
	c := b.client(token)
	b.store.Put([]byte(oldConfig+"# http://user:hunter2@example.com\n"), "adam")
	c.want(200, "POST", "/v1/config/commit", Commit{Why: "x"})
	z, err := gzip.NewReader(bytes.NewReader(c.want(200, "GET", "/v1/system/support", nil).body))
	if err != nil {
		t.Fatal(err)
	}
	names, all := "", ""
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, all = names+h.Name+" ", all+string(text)
	}
	for _, want := range []string{"config-2.toml", "status.json", "log.txt", "metrics.txt", "history.json"} {
		if !strings.Contains(names, want) {
			t.Errorf("%s is missing in %s", want, names)
		}
	}
	hash := b.people.find("adam").Password
	for _, s := range []string{token, token[len(token)-20:], hash, "hunter2", "PRIVATE KEY", b.code} {
		if s != "" && strings.Contains(all, s) {
			t.Errorf("%q is in the archive", s)
		}
	}
}

// After a factory reset nobody may anything, and the console admits a first user again.
func TestFactory(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("adam", Admin))
	c.want(200, "PUT", "/v1/config/candidate", newConfig)
	c.want(200, "POST", "/v1/config/commit", Commit{Why: "x"})
	c.want(200, "POST", "/v1/system/reset", Reset{Sure: true})
	until(t, "the factory's configuration runs", func() bool { return b.last().Idle() })
	c.want(401, "GET", "/v1/status", nil)
	if h := b.store.History(); len(h) != 1 || h[0].Why != "factory reset" {
		t.Errorf("history %+v", h)
	}
	if _, err := os.Stat(b.certFile()); err == nil {
		t.Error("the certificate is still there")
	}
	text, _ := os.ReadFile(b.audit.path)
	if strings.Contains(string(text), "commit") || !strings.Contains(string(text), "system/reset") {
		t.Errorf("audit log:\n%s", text)
	}
	b.client("").want(200, "POST", "/v1/setup", map[string]string{"code": b.code, "user": "eve",
		"password": "correct horse"})
}

// What changes is in the audit log, with who and from where, and what was refused too.
func TestAudit(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("olga", Operate))
	c.want(204, "POST", "/v1/exporters/ipfix/pause", nil)
	c.want(200, "GET", "/v1/status", nil)
	c.want(200, "POST", "/v1/config/validate", newConfig)
	c.want(403, "GET", "/v1/users", nil)
	b.client("weir_x_y").want(401, "GET", "/v1/status", nil)
	all := b.audit.last(10)
	if len(all) != 3 {
		t.Fatalf("got %+v", all)
	}
	for i, want := range []Entry{
		{User: "", By: "not at all", Action: "GET /v1/status", Status: 401},
		{User: "olga", By: "token", Action: "GET /v1/users", Status: 403},
		{User: "olga", By: "token", Action: "POST /v1/exporters/ipfix/pause", Status: 204},
	} {
		got := all[i]
		if !strings.HasPrefix(got.From, "127.0.0.1:") || time.Since(got.Time) > time.Minute {
			t.Errorf("got %+v", got)
		}
		got.Time, got.From, got.Detail = time.Time{}, "", ""
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// The API answers where it is told to, and there alone; the interface it is bound to keeps others out.
func TestDoors(t *testing.T) {
	b := newBench(t)
	old := b.url
	m := b.conf
	m.Listen = ""
	b.listen(m)
	until(t, "the old address is left", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(old, "https://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	b.local("").want(200, "GET", "/v1/status", nil)
	b.listen(config.Management{})
	if _, err := net.Dial("unix", b.socket); err == nil || len(b.Addresses()) != 0 {
		t.Errorf("somebody answers still: %v", b.Addresses())
	}
	if os.Geteuid() != 0 {
		t.Skip("binding to an interface needs root")
	}
	name := "weirmgmt"
	if out, err := exec.Command("ip", "link", "add", name, "type", "dummy").CombinedOutput(); err != nil {
		t.Skipf("ip link: %v: %s", err, out)
	}
	defer exec.Command("ip", "link", "del", name).Run()
	if err := b.Listen(config.Management{Listen: "0.0.0.0:0", Interface: "no-such-one"}); err == nil {
		t.Error("it is bound to an interface that does not exist")
	}
	b.listen(config.Management{Listen: "0.0.0.0:0", Interface: name})
	_, port, _ := net.SplitHostPort(b.Addresses()[0].String())
	if c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second); err == nil {
		c.Close()
		t.Error("it answers through another interface")
	}
	b.listen(config.Management{Listen: "0.0.0.0:0", Interface: "lo"})
	_, port, _ = net.SplitHostPort(b.Addresses()[0].String())
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
	if err != nil {
		t.Fatalf("it does not answer through its interface: %v", err)
	}
	c.Close()
}

// A stream ends when its client is gone, a slow one is told what it missed, and too many are refused.
func TestStream(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("rita", Read))
	count := func() int { return len(b.Server.probe.Hub.Watching()) }
	a, err := c.http.Get(b.url + "/v1/setup")
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	go func() {
		until(t, "somebody watches", func() bool { return count() == 1 })
		for i := range 5000 {
			b.show(uint16(i))
		}
		b.Server.probe.Hub.Tick()
		b.show(1)
	}()
	text := string(c.want(200, "GET", "/v1/records/stream?limit=257", nil).body)
	missed := 0
	for _, m := range regexp.MustCompile(`event: missed\ndata: (\d+)\n`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		missed += n
	}
	if n := strings.Count(text, "event: record\n"); n != 257 || missed != 5000-256 {
		t.Errorf("%d records, %d missed", n, missed)
	}
	until(t, "nobody watches", func() bool { return count() == 0 })
}
