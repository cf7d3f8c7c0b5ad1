package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSpoolOfOtherTemplate has records wait in the spool that were written with one template, and has weir go on
// with another, as after an upgrade. What then comes over TCP is handed to nfcapd, message by message, which has
// to read of both what was metered.
func TestSpoolOfOtherTemplate(t *testing.T) {
	for _, name := range []string{"nfcapd", "nfdump"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name, " is not installed")
		}
	}
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conf, address := filepath.Join(dir, "weir.toml"), l.Addr().String()
	l.Close()
	run := func(template string) {
		write(t, conf, fmt.Sprintf("schema = 1\n[dataplane]\nsocket = \"%[1]s/s\"\n[[input]]\ncapture = [%[2]q]\n"+
			"[[exporter]]\nformat = \"ipfix\"\ntemplate = %[3]q\nto = \"tcp://%[4]s\"\nretry = \"100ms\"\n"+
			"[exporter.spool]\ndir = \"%[1]s/spool\"\n", dir, absolute(t, sample), template, address))
		must(t, "run", "-c", conf)
	}
	const key = "%IPV4_SRC_ADDR %IPV4_DST_ADDR %IPV6_SRC_ADDR %IPV6_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL "
	run(key + "%IN_BYTES %IN_PKTS %FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS")
	judge, port := startJudge(t, dir)
	if l, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	relayed := make(chan int, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			relayed <- relay(t, c, port) // a connection for the messages of each template
		}
	}()
	run("%FLOW_END_MILLISECONDS %TCP_FLAGS %IN_PKTS %SRC_TOS %IN_BYTES %FLOW_START_MILLISECONDS " + key + "%L7_PROTO_NAME")
	for _, template := range []string{"old", "new"} {
		if n := <-relayed; n < 2 {
			t.Fatalf("%d messages of the %s template", n, template)
		}
	}
	time.Sleep(300 * time.Millisecond)
	judge.Process.Signal(syscall.SIGTERM)
	judge.Wait()
	got := judged(t, dir)
	var want []string
	for _, o := range objects(t, must(t, "replay", "-q", "--json", "--template", key+"%IN_BYTES %IN_PKTS", sample)) {
		src, dst := o["IPV4_SRC_ADDR"], o["IPV4_DST_ADDR"]
		if src == nil {
			src, dst = o["IPV6_SRC_ADDR"], o["IPV6_DST_ADDR"]
		}
		line := fmt.Sprint(src, dst, o["PROTOCOL"], o["IN_BYTES"], o["IN_PKTS"])
		want = append(want, line, line) // of either template
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("nfcapd has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// relay hands the messages of a connection to a port of UDP, and returns how many there were.
func relay(t *testing.T, c net.Conn, port int) (n int) {
	defer c.Close()
	to, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Error(err)
		return 0
	}
	defer to.Close()
	for ; ; n++ {
		head := make([]byte, 16)
		if _, err := io.ReadFull(c, head); err != nil {
			return n
		}
		message := make([]byte, max(int(binary.BigEndian.Uint16(head[2:])), len(head)))
		copy(message, head)
		if _, err := io.ReadFull(c, message[len(head):]); err != nil {
			t.Error(err)
			return n
		}
		to.Write(message)
		time.Sleep(10 * time.Millisecond)
	}
}

// startJudge starts nfcapd, which writes into dir.
func startJudge(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := u.LocalAddr().(*net.UDPAddr).Port
	u.Close()
	c := exec.Command("nfcapd", "-p", fmt.Sprint(port), "-b", "127.0.0.1", "-w", dir, "-t", "3600")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	until(t, "nfcapd listens", func() bool {
		out, _ := exec.Command("ss", "-lunH", fmt.Sprintf("sport = :%d", port)).Output()
		return len(out) > 0
	})
	return c, port
}

// judged returns what nfcapd has understood.
func judged(t *testing.T, dir string) (lines []string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "nfcapd.2*"))
	if len(files) != 1 {
		t.Fatalf("nfcapd wrote %v", files)
	}
	out, err := exec.Command("nfdump", "-r", files[0], "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var flows []map[string]any
	if err := json.Unmarshal(out, &flows); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, o := range flows {
		src, dst := o["src4_addr"], o["dst4_addr"]
		if src == nil {
			src, dst = o["src6_addr"], o["dst6_addr"]
		}
		lines = append(lines, fmt.Sprint(src, dst, o["proto"], o["in_bytes"], o["in_packets"]))
	}
	slices.Sort(lines)
	return lines
}
