package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// total is packets and octets of both directions.
type total struct{ packets, octets uint64 }

// What weir exports as IPFIX another weir collects and converts to every version of NetFlow; nfcapd and
// tshark find the same packets and octets in each.
func TestConverted(t *testing.T) {
	for _, name := range []string{"nfcapd", "nfdump", "tshark"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name, " is not installed")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "weir.toml")
	text := fmt.Sprintf("schema = 1\n[[collector]]\nlisten = [\"tcp://%s\"]\n", address)
	formats := []string{"netflow5", "netflow9", "ipfix"}
	referees := map[string]*referee{}
	for _, format := range formats {
		j := newReferee(t)
		referees[format] = j
		text += fmt.Sprintf("[[exporter]]\nformat = %q\nto = \"udp://127.0.0.1:%d\"\n", format, j.port)
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCollector(t, conf, address)
	must(t, "replay", "-q", "--ipfix", "tcp://"+address, sample)
	time.Sleep(time.Second)
	if err := c.end(); err != nil {
		t.Fatalf("%v; it said\n%s", err, c.said.String())
	}
	for _, format := range formats {
		line := regexp.MustCompile(`.*exporter=` + format + ` .*`).FindString(c.said.String())
		if !strings.Contains(line, "POST_NAT_SRC_IPV4_ADDR") || strings.Contains(line, "flows of IPv6") != (format == "netflow5") {
			t.Errorf("%s: nothing is said of what it cannot carry: %s", format, line)
		}
	}
	four, all := exportable(t)
	for _, format := range formats {
		want := all
		if format == "netflow5" {
			want = four
		}
		if got := referees[format].nfdump(); got != want {
			t.Errorf("%s: nfdump finds %+v, want %+v", format, got, want)
		}
		if got := referees[format].tshark(); got != want {
			t.Errorf("%s: tshark finds %+v, want %+v", format, got, want)
		}
	}
}

// exportable returns the sums of the sample: of flows of IPv4, and of all.
func exportable(t *testing.T) (four, all total) {
	t.Helper()
	for line := range strings.Lines(must(t, "replay", "-q", "--json", sample)) {
		var r struct {
			Version uint8  `json:"IP_PROTOCOL_VERSION"`
			InPkts  uint64 `json:"IN_PKTS"`
			OutPkts uint64 `json:"OUT_PKTS"`
			In      uint64 `json:"IN_BYTES"`
			Out     uint64 `json:"OUT_BYTES"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		add := func(s *total) { s.packets += r.InPkts + r.OutPkts; s.octets += r.In + r.Out }
		if add(&all); r.Version == 4 {
			add(&four)
		}
	}
	if all.packets == 0 || four.packets == 0 {
		t.Fatal("the sample has no flows")
	}
	return four, all
}

// referee receives datagrams, gives each to nfcapd, and keeps all for tshark.
type referee struct {
	t      *testing.T
	port   int
	nfcapd *exec.Cmd
	dir    string

	mu  sync.Mutex
	all bytes.Buffer // a capture
}

func newReferee(t *testing.T) *referee {
	t.Helper()
	own, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { own.Close() })
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := other.LocalAddr().(*net.UDPAddr)
	other.Close()
	j := &referee{t: t, port: own.LocalAddr().(*net.UDPAddr).Port, dir: t.TempDir()}
	j.nfcapd = exec.Command("nfcapd", "-p", strconv.Itoa(to.Port), "-b", "127.0.0.1", "-w", j.dir, "-t", "3600")
	if err := j.nfcapd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.nfcapd.Process.Kill() })
	socket := fmt.Sprintf("0100007F:%04X", to.Port)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, _ := os.ReadFile("/proc/net/udp"); strings.Contains(string(b), socket) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nfcapd does not listen")
		}
	}
	const magic, rawIP = 0xa1b2c3d4, 101
	binary.Write(&j.all, binary.LittleEndian, []uint32{magic, 2 | 4<<16, 0, 0, 1 << 16, rawIP})
	go j.receive(own, to)
	return j
}

func (j *referee) receive(own net.PacketConn, to *net.UDPAddr) {
	for b := make([]byte, 1<<16); ; {
		n, _, err := own.ReadFrom(b)
		if err != nil {
			return
		}
		own.WriteTo(b[:n], to)
		j.mu.Lock()
		size := uint32(28 + n)
		binary.Write(&j.all, binary.LittleEndian, []uint32{0, 0, size, size})
		binary.Write(&j.all, binary.BigEndian,
			[]uint16{0x4500, uint16(size), 0, 0, 0x4011, 0, 0x7f00, 1, 0x7f00, 1, 9999, 2055, uint16(size - 20), 0})
		j.all.Write(b[:n])
		j.mu.Unlock()
	}
}

// nfdump ends nfcapd and returns what nfdump finds in its file.
func (j *referee) nfdump() (s total) {
	j.t.Helper()
	j.nfcapd.Process.Signal(syscall.SIGTERM)
	j.nfcapd.Wait()
	files, err := filepath.Glob(filepath.Join(j.dir, "nfcapd.2*"))
	if err != nil || len(files) != 1 {
		j.t.Fatalf("nfcapd wrote %v, %v", files, err)
	}
	out, err := exec.Command("nfdump", "-r", files[0], "-q", "-N", "-o", "fmt:%ipkt %opkt %ibyt %obyt").Output()
	if err != nil {
		j.t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var in, back, octets, returned uint64
		if n, _ := fmt.Sscan(line, &in, &back, &octets, &returned); n == 4 {
			s.packets, s.octets = s.packets+in+back, s.octets+octets+returned
		}
	}
	return s
}

// tshark returns what it finds in all datagrams.
func (j *referee) tshark() (s total) {
	j.t.Helper()
	file := filepath.Join(j.dir, "messages.pcap")
	j.mu.Lock()
	err := os.WriteFile(file, j.all.Bytes(), 0o600)
	j.mu.Unlock()
	if err != nil {
		j.t.Fatal(err)
	}
	out, err := exec.Command("tshark", "-r", file, "-d", "udp.port==2055,cflow", "-T", "json").Output()
	if err != nil {
		j.t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		n, err := strconv.ParseUint(strings.Trim(value, `",`), 10, 64)
		switch name = strings.Trim(name, `"`); {
		case err != nil:
		case slices.Contains([]string{"cflow.packets", "cflow.post_packets"}, name):
			s.packets += n
		case slices.Contains([]string{"cflow.octets", "cflow.post_octets"}, name):
			s.octets += n
		}
	}
	return s
}
