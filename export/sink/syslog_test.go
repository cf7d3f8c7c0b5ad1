package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
)

// Every receiver's way to syslog carries every record to rsyslogd whole, whatever is in it.
func TestSyslogRsyslogd(t *testing.T) {
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("rsyslogd is not installed: apt-get install rsyslog rsyslog-openssl")
	}
	dir := t.TempDir()
	cert, key := certificate(t, dir, "collector.example", time.Hour)
	udp, tcp, secure := freePort(t), freePort(t), freePort(t)
	file := filepath.Join(dir, "received")
	rsyslogd(t, dir, fmt.Sprintf(`
global(workDirectory=%q defaultNetstreamDriverCAFile=%q defaultNetstreamDriverCertFile=%q
  defaultNetstreamDriverKeyFile=%q maxMessageSize="64k")
module(load="imudp") module(load="imtcp")
module(load="imptcp")
template(name="whole" type="string"
  string="%%pri%% %%protocol-version%% %%timestamp:::date-rfc3339%% %%hostname%% %%app-name%% %%msgid%% %%structured-data%% %%msg%%\n")
ruleset(name="keep") { action(type="omfile" file=%q template="whole" flushInterval="1") }
input(type="imudp" port="%d" address="127.0.0.1" ruleset="keep")
input(type="imptcp" port="%d" address="127.0.0.1" ruleset="keep")
input(type="imtcp" port="%d" address="127.0.0.1" ruleset="keep"
  streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
`, dir, cert, cert, key, file, udp, tcp, secure), tcp)
	o := Options{TLS: TLSOptions{CA: cert}, Syslog: SyslogOptions{Facility: "daemon", Severity: "notice",
		Hostname: "probe.example", AppName: "weir"}}
	var want []string
	n := 0
	for _, scheme := range []struct {
		name string
		port int
	}{{"syslog+udp", udp}, {"syslog+tcp", tcp}, {"syslog+tls", secure}} {
		k := open(t, fmt.Sprintf("%s://127.0.0.1:%d", scheme.name, scheme.port), o)
		var records []string
		for i := range 50 {
			records = append(records, fmt.Sprintf(`{"NAME":"%s %d \"quoted\" ] é","PAD":"%s"}`,
				scheme.name, i, strings.Repeat("x", 30*i)))
		}
		message, of := batchOf(records...)
		delivered(t, k, message, of)
		for i, r := range records {
			want = append(want, fmt.Sprintf(`29 1 2023-11-14T22:13:20.123456Z probe.example weir flow [record@32473 id="%032x"] %s`,
				i+1, r))
		}
		n += len(records)
	}
	received(t, file, want)
}

// delivered stores a message, again while the peer is not there yet.
func delivered(t *testing.T, k export.Sink, message []byte, of export.Batch) {
	t.Helper()
	var err error
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err = k.(export.Storer).Store(ctx, message, of)
		cancel()
		if err == nil {
			return
		}
	}
	t.Fatal(err)
}

// received waits for lines in a file.
func received(t *testing.T, file string, want []string) {
	t.Helper()
	var b []byte
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b, _ = os.ReadFile(file); strings.Count(string(b), "\n") >= len(want) {
			break
		}
	}
	got := map[string]int{}
	for _, line := range strings.Split(string(b), "\n") {
		got[line]++
	}
	missing := 0
	for _, line := range want {
		if got[line] == 0 {
			if missing++; missing == 1 {
				t.Errorf("did not arrive: %s", line)
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d records did not arrive; the file begins: %.2000s", missing, len(want), b)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// rsyslogd runs the daemon until the test ends. It is there when it listens on port.
func rsyslogd(t *testing.T, dir, conf string, port int) {
	t.Helper()
	path := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("rsyslogd", "-n", "-f", path, "-i", filepath.Join(dir, "pid"))
	c.Env = append(os.Environ(), "TZ=UTC")
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return
		}
	}
	t.Fatal("rsyslogd does not listen: " + said.String())
}

// What a header cannot hold is refused at start; a record too long for a datagram, when it comes.
func TestSyslogRefuses(t *testing.T) {
	for want, o := range map[string]SyslogOptions{
		"facility": {Facility: "postoffice"}, "severity": {Severity: "awful"},
		"hostname": {Hostname: "two words"}, "app_name": {AppName: strings.Repeat("x", 49)},
	} {
		_, err := Open("syslog+udp://127.0.0.1:514", Options{Syslog: o})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	k := open(t, "syslog+udp://"+c.LocalAddr().String(), Options{})
	message, of := batchOf("short", strings.Repeat("x", 70000), "short")
	err = k.(export.Storer).Store(context.Background(), message, of)
	var refused *export.Refused
	if !errors.As(err, &refused) || refused.Records != 1 {
		t.Errorf("a record of 70 kB in a datagram: %v", err)
	}
}
