package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/track"
)

// programIn starts a program that runs in a network namespace until the test ends.
func programIn(t *testing.T, ns string, args ...string) (*exec.Cmd, *log) {
	t.Helper()
	c, said := exec.Command("ip", append([]string{"netns", "exec", ns}, args...)...), &log{}
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		done := make(chan struct{})
		go func() { _ = c.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			_ = c.Process.Kill()
		}
	})
	return c, said
}

func runIn(t *testing.T, ns string, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", append([]string{"netns", "exec", ns}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func shark(t *testing.T, file, filter string, fields ...string) (rows [][]string) {
	t.Helper()
	args := []string{"-o", "ip.defragment:FALSE", "-r", file, "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark %s %q: %v", file, filter, err)
	}
	for line := range strings.Lines(string(out)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	return rows
}

const ggsnConfig = `log stderr
 logging level all notice
line vty
 no login
ggsn ggsn0
 gtp state-dir %[1]s
 gtp bind-ip 192.0.2.2
 apn internet
  gtpu-mode tun
  tun-device tun4
  type-support v4
  ip prefix dynamic 198.51.100.0/24
  ip ifconfig 198.51.100.254/24
  no shutdown
 default-apn internet
 no shutdown ggsn
`

// network is users in one network namespace and who serves them in another, with a probe at the cable between them
// and a record of everything that passes there.
type network struct {
	*site
	users, core string // namespaces: 192.0.2.1; 192.0.2.2 with 203.0.113.80
	all         string // capture
}

// newNetwork has the probe write flows and the events of a protocol.
func newNetwork(t *testing.T, protocol string, tools ...string) *network {
	t.Helper()
	if os.Getenv("WEIR_SUBSCRIBERS") == "" {
		t.Skip("make subscribers tries it")
	}
	for _, tool := range append(tools, "tshark", "tcpdump") {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	m := &network{site: &site{t: t, dir: t.TempDir()}}
	m.users, m.core = hosts(t)
	m.all = filepath.Join(m.dir, "all.pcap")
	ip(t, "-n "+m.core+" link set lo up")
	ip(t, "-n "+m.core+" addr add 203.0.113.80/32 dev lo")
	runIn(t, m.users, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
	write(t, filepath.Join(m.dir, "factory.toml"), strings.Replace(m.base(), "listen = \"127.0.0.1:0\"\n", "", 1)+fmt.Sprintf(`
[[input]]
interface = "wb"
queues = 1
[flow]
idle_timeout = "1s"
active_timeout = "2s"
lateness = "100ms"
[subscribers]
hold = "1s"
track_dir = %q
[[exporter]]
format = "json"
to = %q
records = ["flow", %q]
rotate_size = "1GiB"
`, filepath.Join(m.dir, "tracks"), filepath.Join(m.dir, "flows.json"), protocol))
	m.process, m.said = programIn(t, m.core, weir, "run", "--store", filepath.Join(m.dir, "store"), "--factory",
		filepath.Join(m.dir, "factory.toml"))
	until(t, "it meters", func() bool { return strings.Contains(m.said.String(), "msg=metering") })
	_, dump := programIn(t, m.core, "tcpdump", "-U", "-i", "wb", "-w", m.all)
	until(t, "tcpdump listens", func() bool { return strings.Contains(dump.String(), "listening") })
	return m
}

// newMobile is a network of osmo-ggsn and sgsnemu.
func newMobile(t *testing.T) *network {
	t.Helper()
	m := newNetwork(t, "gtp", "osmo-ggsn", "sgsnemu")
	ip(t, "-n "+m.users+" addr add 192.0.2.3/24 dev wa")
	conf := filepath.Join(m.dir, "ggsn.conf")
	write(t, conf, fmt.Sprintf(ggsnConfig, m.dir))
	_, said := programIn(t, m.core, "osmo-ggsn", "-c", conf)
	until(t, "osmo-ggsn is ready", func() bool { return strings.Contains(said.String(), "CTRL at") })
	return m
}

// records returns what the probe has written, once it has written all.
func (m *network) records() (all []map[string]any) {
	m.t.Helper()
	m.ctl("restart", "egress")
	files, _ := filepath.Glob(filepath.Join(m.dir, "flows*.json*"))
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, objects(m.t, string(text))...)
	}
	return all
}

// TestTrackUser has real users send through a tunnel, of whom one is tracked: his capture has all of his frames and
// nobody else's, and his flows and events are his.
func TestTrackUser(t *testing.T) {
	m := newMobile(t)
	const imsi, other = "999990000000071", "999990000000072" // sgsnemu cannot begin one with a zero
	if _, errs, status := m.try("track", "start", "12ab"); status == 0 || !strings.Contains(errs, "no IMSI") {
		t.Errorf("a wrong IMSI: %s", errs)
	}
	m.ctl("track", "start", imsi, "--for", "5m", "--size", "8MiB")
	user, said := programIn(t, m.users, "sgsnemu", "--listen", "192.0.2.1", "--remote", "192.0.2.2", "--imsi", imsi, "--createif",
		"--tun-device", "tunu", "--statedir", m.dir, "--pidfile", filepath.Join(m.dir, "1.pid"), "--contexts", "1")
	until(t, "the tunnel is there", func() bool {
		return exec.Command("ip", "netns", "exec", m.users, "ip", "route", "replace", "203.0.113.80", "dev", "tunu").Run() == nil
	})
	until(t, "the probe knows him", func() bool { return m.tracks()[0].Known >= 3 })
	programIn(t, m.users, "sgsnemu", "--listen", "192.0.2.3", "--remote", "192.0.2.2", "--imsi", other, "--pinghost", "203.0.113.80",
		"--pingrate", "20", "--pingcount", "60", "--statedir", t.TempDir(), "--pidfile", filepath.Join(m.dir, "2.pid"))
	for _, size := range []string{"56", "1450", "3000"} { // whole, in fragments outside, and inside too
		runIn(t, m.users, "ping", "-c", "5", "-i", "0.2", "-s", size, "-W", "5", "203.0.113.80")
	}
	_ = user.Process.Signal(syscall.SIGTERM)
	until(t, "he has gone", func() bool { return m.tracks()[0].Known == 0 })
	time.Sleep(500 * time.Millisecond)
	m.ctl("track", "stop", "1")
	file := filepath.Join(m.dir, "user.pcapng")
	m.ctl("track", "fetch", "1", file)
	m.compare(file, imsi)
	x := m.tracks()[0]
	if x.Ended != "asked" || x.Lost != 0 || x.Packets != x.Saved || x.By == "" {
		t.Errorf("%+v\n%s", x, said)
	}
	if log := m.ctl("audit"); !strings.Contains(log, "POST\u00a0/v1/tracks") || !strings.Contains(log, "imsi\u00a0"+imsi) ||
		!strings.Contains(log, "/v1/tracks/1/capture") {
		t.Errorf("the audit log has:\n%s", log)
	}
	m.whose(map[string]string{imsi: "", other: ""})
	m.ctl("track", "remove", "1")
	if left, _ := filepath.Glob(filepath.Join(m.dir, "tracks", "*")); len(left) > 0 || len(m.tracks()) > 0 {
		t.Errorf("%v is left", left)
	}
}

func (m *network) tracks() (all []track.Track) {
	m.t.Helper()
	if err := json.Unmarshal([]byte(m.ctl("--json", "track", "list")), &all); err != nil {
		m.t.Fatal(err)
	}
	return all
}

// compare has tshark choose a user's frames by the tunnels that his session got.
func (m *network) compare(file, imsi string) {
	t := m.t
	t.Helper()
	asked := shark(t, m.all, "gtp.message == 0x10 && e212.imsi == \""+imsi+"\"", "gtp.seq_number", "ip.src", "gtp.teid_data", "gtp.teid_cp")
	if len(asked) != 1 {
		t.Fatalf("%d requests: %v", len(asked), asked)
	}
	told := shark(t, m.all, "gtp.message == 0x11 && ip.dst == "+asked[0][1]+" && gtp.seq_number == "+asked[0][0],
		"ip.src", "gtp.teid_data", "gtp.teid_cp", "gtp.user_ipv4")
	if len(told) != 1 {
		t.Fatalf("%d responses: %v", len(told), told)
	}
	end := func(addr, teid, message string) string {
		return fmt.Sprintf("(ip.dst == %s && gtp.teid == %s && gtp.message %s 0xff)", addr, teid, message)
	}
	a, b := asked[0], told[0]
	his := strings.Join([]string{end(a[1], a[2], "=="), end(b[0], b[1], "=="), end(a[1], a[3], "!="), end(b[0], b[2], "!=")}, " || ")
	his = "(" + his + ") && gtp.message != 0x11"
	parts := []string{"ip.id == 0xffff && ip.src == 0.0.0.0"}
	for _, x := range shark(t, m.all, "("+his+") && ip.flags.mf == 1", "ip.src", "ip.id") {
		src, id := strings.Split(x[0], ",")[0], strings.Split(x[1], ",")[0]
		parts = append(parts, fmt.Sprintf("(ip.src == %s && ip.id == %s && ip.frag_offset > 0)", src, id))
	}
	chosen := "(" + his + ") || " + strings.Join(parts, " || ")
	want := shark(t, m.all, chosen, "frame.time_epoch", "frame.len", "ip.id")
	got := shark(t, file, "frame", "frame.time_epoch", "frame.len", "ip.id")
	digest := func(rows [][]string) (all []string) { // the two stamp times themselves
		for _, r := range rows {
			all = append(all, strings.Join(r[1:], " "))
		}
		return all
	}
	w, g := digest(want), digest(got)
	t.Logf("%d frames of %s among %d, address %s; %d kept", len(w), imsi, len(shark(t, m.all, "frame", "frame.number")), b[3], len(g))
	if slices.Sort(w); len(w) < 50 {
		t.Errorf("tshark chooses %d frames by %s", len(w), chosen)
	}
	if slices.Sort(g); !slices.Equal(w, g) {
		t.Errorf("kept\n%q\nwant\n%q", g, w)
	}
}

// whose checks whose each flow inside the tunnels is, and that both users have some.
func (m *network) whose(users map[string]string) {
	t := m.t
	t.Helper()
	for imsi := range users {
		told := shark(t, m.all, "gtp.message == 0x10 && e212.imsi == \""+imsi+"\"", "gtp.seq_number", "ip.src")
		users[imsi] = shark(t, m.all, "gtp.message == 0x11 && ip.dst == "+told[0][1]+" && gtp.seq_number == "+told[0][0],
			"gtp.user_ipv4")[0][0]
	}
	said := m.ctl("--json", "status")
	n := map[string]int{}
	for _, o := range m.records() {
		user, _ := o["FLOW_USER_NAME"].(string)
		for imsi, addr := range users {
			if o["IPV4_SRC_ADDR"] != addr && o["IPV4_DST_ADDR"] != addr {
				continue
			}
			if n[imsi]++; user != imsi || o["SUBSCRIBER_APN"] != "internet" {
				t.Errorf("a flow is of %q, not of %s: %v", user, imsi, o)
			}
		}
	}
	if t.Logf("flows of users: %v", n); t.Failed() {
		t.Log(said, m.said)
	}
	if len(n) != len(users) {
		t.Errorf("flows of %v only", n)
	}
}
