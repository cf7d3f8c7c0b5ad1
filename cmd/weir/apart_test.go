package main

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// listensAt returns where the sockets of a process listen, as the kernel says: of TCP, and of UDP without a peer.
func listensAt(t *testing.T, pid int) (all []string) {
	t.Helper()
	own := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("process %d has no files: %v", pid, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.Trim(to, "socket:[]")] = true
		}
	}
	const listens, unconnected = "0A", "07"
	for name, state := range map[string]string{"tcp": listens, "tcp6": listens, "udp": unconnected, "udp6": unconnected} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) > 9 && f[3] == state && own[f[9]] {
				all = append(all, name+" "+addressOf(t, f[1]))
			}
		}
	}
	slices.Sort(all)
	return all
}

// addressOf reads one as the kernel writes it: words of the machine's order.
func addressOf(t *testing.T, text string) string {
	t.Helper()
	host, port, _ := strings.Cut(text, ":")
	var b []byte
	for i := 0; i < len(host); i += 8 {
		word, err := strconv.ParseUint(host[i:i+8], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, byte(word), byte(word>>8), byte(word>>16), byte(word>>24))
	}
	a, _ := netip.AddrFromSlice(b)
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)).String()
}

// TestListensNowhere looks at the sockets of both processes. Before anybody configures it weir listens nowhere, and
// then only where it is told to: the dataplane never.
func TestListensNowhere(t *testing.T) {
	s := newSite(t)
	if all := listensAt(t, s.process.Process.Pid); len(all) > 0 {
		t.Errorf("before it is configured it listens at %v", all)
	}
	s.commit(s.meters("", ""))
	if all := listensAt(t, s.process.Process.Pid); len(all) > 0 {
		t.Errorf("it meters, and listens at %v", all)
	}
	s.commit(strings.Replace(s.meters("", "[metrics]\nlisten = \"127.0.0.1:29469\"\n"), "[management]\n",
		"[management]\nlisten = \"127.0.0.1:28443\"\n", 1))
	want := []string{"tcp 127.0.0.1:28443", "tcp 127.0.0.1:29469"}
	if all := listensAt(t, s.process.Process.Pid); !slices.Equal(all, want) {
		t.Errorf("it listens at %v, want %v", all, want)
	}
	if all := listensAt(t, s.status().PID); len(all) > 0 {
		t.Errorf("the dataplane listens at %v", all)
	}
	s.commit(s.meters("", ""))
	if all := listensAt(t, s.process.Process.Pid); len(all) > 0 {
		t.Errorf("it is told not to, and listens at %v", all)
	}
}

// TestApart has somebody answer at the address of an interface that is captured from, which is refused.
func TestApart(t *testing.T) {
	a, _ := hosts(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "weir.toml")
	for listen, refused := range map[string]bool{
		"[metrics]\nlisten = \"192.0.2.1:9469\"": true, "[metrics]\nlisten = \":9469\"": true,
		"[management]\nlisten = \"192.0.2.1:8443\"": true, "[metrics]\nlisten = \"127.0.0.2:9469\"": false,
	} {
		write(t, conf, fmt.Sprintf("schema = 1\n[dataplane]\nsocket = %q\nhuge_pages = \"off\"\n[flow]\ncapacity = 1024\n"+
			"[[input]]\ninterface = \"wa\"\n[[exporter]]\nformat = \"json\"\nto = \"/dev/null\"\n%s\n",
			filepath.Join(dir, "dataplane.sock"), listen))
		c := exec.Command("timeout", "5", "ip", "netns", "exec", a, weir, "run", "-c", conf)
		out, _ := c.CombinedOutput()
		if got := strings.Contains(string(out), "would answer on wa, which input wa captures from"); got != refused {
			t.Errorf("%s: %s", listen, out)
		}
		if refused && c.ProcessState.ExitCode() != exitUsage {
			t.Errorf("%s: status %d", listen, c.ProcessState.ExitCode())
		}
	}
}
