package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/filter"
)

// hosts makes two hosts of its own, network namespaces joined by a cable, with the
// addresses 192.0.2.1 and 192.0.2.2, and returns their names.
func hosts(t *testing.T) (a, b string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	for _, tool := range []string{"ip", "ping"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	a, b = fmt.Sprintf("weir-a-%d", os.Getpid()), fmt.Sprintf("weir-b-%d", os.Getpid())
	for _, ns := range []string{a, b} {
		ip(t, "netns add "+ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
	}
	ip(t, "link add wa netns "+a+" type veth peer name wb netns "+b)
	for _, end := range [][3]string{{a, "wa", "192.0.2.1/24"}, {b, "wb", "192.0.2.2/24"}} {
		ip(t, "-n "+end[0]+" addr add "+end[2]+" dev "+end[1])
		ip(t, "-n "+end[0]+" link set "+end[1]+" up")
	}
	return a, b
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Skipf("ip %s: %v: %s", args, err, out)
	}
}

// TestLiveInterface meters real pings on an interface of the kernel.
func TestLiveInterface(t *testing.T) {
	a, b := hosts(t)
	dir := t.TempDir()
	flows, summary := filepath.Join(dir, "flows.json"), filepath.Join(dir, "summary.json")
	conf, only := filepath.Join(dir, "weir.toml"), `filter = "icmp"`
	if _, err := filter.Compile(nic.Ethernet, 0, "icmp"); err != nil {
		only = "# " + err.Error() // a build without libpcap
	}
	write(t, conf, fmt.Sprintf(`schema = 1
[dataplane]
socket = %q
[[input]]
interface = "wa"
queues = 2
%s
[flow]
capacity = 4096
[[exporter]]
format = "json"
to = %q
`, filepath.Join(dir, "dataplane.sock"), only, flows))
	c, said := &exec.Cmd{}, &log{}
	*c = *exec.Command("ip", "netns", "exec", a, weir, "run", "-c", conf, "--summary", summary)
	c.Stderr = said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Signal(syscall.SIGTERM) })
	until(t, "metering", func() bool { return strings.Contains(said.String(), "msg=metering") })
	time.Sleep(200 * time.Millisecond)
	out, err := exec.Command("ip", "netns", "exec", b, "ping", "-c", "5", "-i", "0.2", "192.0.2.1").CombinedOutput()
	if err != nil {
		t.Fatalf("ping: %v: %s", err, out)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("weir run: %v\n%s", err, said)
	}
	text, err := os.ReadFile(flows)
	if err != nil {
		t.Fatal(err)
	}
	var f, echo struct {
		Client string `json:"IPV4_SRC_ADDR"`
		Server string `json:"IPV4_DST_ADDR"`
		In     int    `json:"IN_PKTS"`
		Out    int    `json:"OUT_PKTS"`
		Octets int    `json:"IN_BYTES"`
		Proto  int    `json:"PROTOCOL"`
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if err := json.Unmarshal([]byte(line), &echo); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if echo.Proto == 1 {
			f = echo
		}
	}
	if f.Client != "192.0.2.2" || f.Server != "192.0.2.1" || f.In != 5 || f.Out != 5 || f.Octets != 5*84 {
		t.Errorf("five pings are %+v", f)
	}
	s := readSummary(t, summary)
	if p := s.Packets; p["received"] != p["metered"]+p["refused"]+p["filtered"] || p["metered"] < 10 || s.NIC.Missed != 0 {
		t.Errorf("summary %+v", s)
	}
}
