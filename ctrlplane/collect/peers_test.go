package collect

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sums are what flows of one capture have together.
type sums struct{ packets, octets uint64 }

// peerCapture is metered by all exporters: HTTP of many connections, without tunnels and fragments.
const peerCapture = "http/PcapPlusPlus__650HttpResponses.pcap"

// expected returns the sums of a capture by its table of flows.
func expected(t *testing.T) (path string, want sums) {
	t.Helper()
	path, err := filepath.Abs(collection(peerCapture))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path + ".flows.csv")
	if err != nil {
		t.Skip("the capture collection is not here: ", err)
	}
	defer f.Close()
	b := bufio.NewReader(f)
	for { // what comes before the header line
		line, err := b.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "ip_bytes") {
			columns := strings.Split(strings.TrimSpace(line), ",")
			rows, err := csv.NewReader(b).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				for i, column := range columns {
					n, _ := strconv.ParseUint(row[i], 10, 64)
					switch column {
					case "packets":
						want.packets += n
					case "ip_bytes":
						want.octets += n
					}
				}
			}
			return path, want
		}
	}
}

// listening is a collector on loopback that a peer sends to.
func listening(t *testing.T) (b *bench, port string) {
	t.Helper()
	address := free(t)
	b = newBench(t, func(o *Options) { o.Listen, o.RingSize = []string{"udp://" + address}, 16<<20 })
	if err := b.c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.c.Close() })
	_, port, _ = net.SplitHostPort(address)
	return b, port
}

// settle waits until nothing has come for a while, and returns the sums of what did.
func (b *bench) settle() (got sums) {
	b.t.Helper()
	last, quiet := uint64(0), 0
	for end := time.Now().Add(30 * time.Second); quiet < 10 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		b.drain()
		if n := b.count(Datagrams); n == last && n > 0 {
			quiet++
		} else {
			last, quiet = n, 0
		}
	}
	b.drain()
	for _, r := range b.records {
		for _, key := range []string{"IN_PKTS", "OUT_PKTS"} {
			n, _ := strconv.ParseUint(r[key], 10, 64)
			got.packets += n
		}
		for _, key := range []string{"IN_BYTES", "OUT_BYTES"} {
			n, _ := strconv.ParseUint(r[key], 10, 64)
			got.octets += n
		}
	}
	return got
}

// run runs a program to its end, or skips the test if it is not there.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path = "/usr/sbin/" + name; !exists(path) {
			t.Skip(name, " is not installed")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil { // some end with a status of their own, or not with their input: the sums are the judge
		t.Logf("%s: %v\n%s", name, err, out)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// softflowd exports every version from a capture; the sums are those of its packets.
func TestSoftflowd(t *testing.T) {
	path, want := expected(t)
	for _, version := range []string{"5", "9", "10"} {
		t.Run("v"+version, func(t *testing.T) {
			b, port := listening(t)
			dir := t.TempDir()
			run(t, "softflowd", "-r", path, "-n", "127.0.0.1:"+port, "-v", version, "-c", "none",
				"-p", filepath.Join(dir, "pid"))
			if got := b.settle(); got != want {
				t.Errorf("%d records have %+v together, the capture has %+v; lost %d", len(b.records), got, want, b.count(Lost))
			}
		})
	}
}

// pmacct meters a capture and exports it as NetFlow v5, v9 and IPFIX.
func TestNfprobe(t *testing.T) {
	path, want := expected(t)
	for _, version := range []string{"5", "9", "10"} {
		t.Run("v"+version, func(t *testing.T) {
			b, port := listening(t)
			conf := filepath.Join(t.TempDir(), "pmacctd.conf")
			text := fmt.Sprintf("daemonize: false\npcap_savefile: %s\nplugins: nfprobe\nnfprobe_receiver: 127.0.0.1:%s\n"+
				"nfprobe_version: %s\naggregate: src_host,dst_host,src_port,dst_port,proto,tos,tcpflags\n",
				path, port, version)
			if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "pmacctd", "-f", conf)
			if got := b.settle(); got != want {
				t.Errorf("%d records have %+v together, the capture has %+v; lost %d", len(b.records), got, want, b.count(Lost))
			}
		})
	}
}

// pmacct samples every packet of a capture and exports it as sFlow.
func TestSfprobe(t *testing.T) {
	path, want := expected(t)
	b, port := listening(t)
	conf := filepath.Join(t.TempDir(), "pmacctd.conf")
	text := fmt.Sprintf("daemonize: false\npcap_savefile: %s\nplugins: sfprobe\nsfprobe_receiver: 127.0.0.1:%s\nsfprobe_agentip: 192.0.2.7\n",
		path, port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "pmacctd", "-f", conf)
	const last = 7 // sfprobe ends with its capture and leaves the datagram that is not full unsent
	if got := b.settle(); got.packets > want.packets || got.packets+last < want.packets || got.octets > want.octets {
		t.Errorf("%d records have %+v together, the capture has %+v; lost %d", len(b.records), got, want, b.count(Lost))
	}
}

// nfpcapd meters a capture into a file and nfreplay exports that; the sums are what nfdump finds in it.
func TestNfreplay(t *testing.T) {
	path, want := expected(t)
	dir := t.TempDir()
	run(t, "nfpcapd", "-r", path, "-w", dir)
	files, err := filepath.Glob(filepath.Join(dir, "nfcapd.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("nfpcapd wrote %v, %v", files, err)
	}
	for _, version := range []string{"5", "9"} {
		t.Run("v"+version, func(t *testing.T) {
			b, port := listening(t)
			for _, file := range files {
				run(t, "nfreplay", "-H", "127.0.0.1", "-p", port, "-v", version, "-r", file)
			}
			got := b.settle()
			if known := dumped(t, files); got != known || got.packets != want.packets {
				t.Errorf("%d records have %+v together, nfdump finds %+v and the capture has %+v; lost %d",
					len(b.records), got, known, want, b.count(Lost))
			}
		})
	}
}

// dumped returns the sums that nfdump finds in files.
func dumped(t *testing.T, files []string) (all sums) {
	t.Helper()
	for _, file := range files {
		out, err := exec.Command("nfdump", "-r", file, "-q", "-N", "-o", "fmt:%pkt %byt").Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			var packets, octets uint64
			if n, _ := fmt.Sscan(line, &packets, &octets); n == 2 {
				all.packets, all.octets = all.packets+packets, all.octets+octets
			}
		}
	}
	return all
}
