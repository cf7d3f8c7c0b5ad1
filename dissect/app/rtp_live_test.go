package app

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// harmful passes datagrams on to a receiver as a network with known faults does: of a hundred it
// loses three in a row, says one twice, and lets one overtake another.
func harmful(in *net.UDPConn, out net.Conn) {
	var b, held [2048]byte
	size := 0
	for n := 0; ; n++ {
		k, err := in.Read(b[:])
		if err != nil {
			return
		}
		switch n % 100 {
		case 40, 41, 42:
			continue
		case 60:
			size = copy(held[:], b[:k])
			continue
		case 80:
			_, _ = out.Write(b[:k])
		}
		_, _ = out.Write(b[:k])
		if size > 0 {
			_, _ = out.Write(held[:size])
			size = 0
		}
	}
}

// listens opens a socket on a free port of the loopback interface.
func listens(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// receives waits for datagrams.
func receives(c *net.UDPConn, packets int) error {
	var b [2048]byte
	for n := range packets {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Read(b[:]); err != nil {
			return fmt.Errorf("%d of %d datagrams came: %w", n, packets, err)
		}
	}
	return nil
}

// dials opens a socket to another.
func dials(t *testing.T, to *net.UDPConn) net.Conn {
	t.Helper()
	c, err := net.Dial("udp4", to.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// taps records what is sent to a port of the loopback interface; the function ends it.
func taps(t *testing.T, port int) (file string, end func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can record packets")
	}
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("no tcpdump: install tcpdump")
	}
	file = filepath.Join(t.TempDir(), "live.pcap")
	filter := fmt.Sprintf("udp dst port %d", port)
	c := exec.Command("tcpdump", "-i", "lo", "-U", "-B", "16384", "-Z", "root", "-w", file, filter)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening") {
		continue
	}
	return file, func() {
		_ = c.Process.Signal(os.Interrupt)
		dropped := ""
		for lines.Scan() {
			if s := lines.Text(); strings.Contains(s, "dropped by kernel") && !strings.HasPrefix(s, "0 ") {
				dropped = s
			}
		}
		_ = c.Wait()
		if dropped != "" {
			t.Skipf("tcpdump did not keep up: %s", dropped)
		}
	}
}

// TestRTPLive meters a stream that went through a network with known faults, as tcpdump saw it.
func TestRTPLive(t *testing.T) {
	const packets = 600
	receiver, middle := listens(t), listens(t)
	file, end := taps(t, receiver.LocalAddr().(*net.UDPAddr).Port)
	go harmful(middle, dials(t, receiver))
	came := make(chan error, 1)
	go func() { came <- receives(receiver, packets-3*6+6) }()
	to := dials(t, middle)
	s := &spoken{ssrc: 0x5eed, seq: 65300, payload: 0, step: 160, octets: 160}
	for n := range packets {
		_, _ = to.Write(s.packet(n))
		time.Sleep(2 * time.Millisecond)
	}
	if err := <-came; err != nil {
		t.Fatal(err)
	}
	const size = 24 + (packets-3*6+6)*(16+14+20+8+12+160) // of a capture with everything in it
	for range 100 {
		if i, err := os.Stat(file); err == nil && i.Size() >= size {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	end()
	c := conversations(t, file)
	if len(c) != 1 {
		t.Fatalf("%d flows recorded", len(c))
	}
	x := meter(t, c[0], &RTP)
	for label, want := range map[string]string{"RTP_IN_PKTS": "588", "RTP_IN_LOST_PKTS": "18", "RTP_IN_LOSS_RUNS": "6",
		"RTP_IN_MAX_LOSS_RUN": "3", "RTP_IN_DUPLICATE_PKTS": "6", "RTP_IN_REORDERED_PKTS": "6"} {
		if x.fields[label] != want {
			t.Errorf("%s is %s, want %s", label, x.fields[label], want)
		}
	}
	for _, s := range sharkStreams(t, file) {
		s.compare(t, "live", x, "RTP_IN_")
	}
}
