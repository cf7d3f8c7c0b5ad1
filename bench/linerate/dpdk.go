package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// child is the first argument of this program when it is a process of a measurement: DPDK can be started
// once in a process only.
const child = "child"

// order tells a child what to do; it goes on the command line as JSON.
type order struct {
	Receive *receiving
	Send    *sending
}

// receiving is an order to meter what a device receives until the standard input ends.
type receiving struct {
	Device  string
	Flows   int
	Timeout time.Duration // of idle flows; 0 is an hour
}

// sending is an order to send frames of a cell to a device.
type sending struct {
	Device  string
	Cell    Cell
	Rate    float64 // packets a second
	Seconds float64
}

// serve carries out an order and prints what was measured as JSON.
func serve(args []string) error {
	var o order
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return err
	}
	var figures map[string]float64
	var err error
	switch {
	case o.Receive != nil:
		figures, err = receive(o.Receive, os.Stdin)
	case o.Send != nil:
		figures, err = send(o.Send)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

// helper is a child that runs.
type helper struct {
	cmd  *exec.Cmd
	stop io.Closer // its standard input
	out  *bufio.Reader
	said strings.Builder
}

// begin starts a child and waits until it says that it is ready.
func begin(o order) (*helper, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &helper{cmd: exec.Command(self, child, string(b))}
	h.cmd.Stderr = &h.said
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.stop, h.out = in, bufio.NewReader(out)
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	if line, err := h.out.ReadString('\n'); err != nil || line != ready {
		_ = in.Close()
		return nil, fmt.Errorf("%w: %s", h.cmd.Wait(), last(h.said.String()))
	}
	return h, nil
}

const ready = "ready\n"

// end tells a child to stop and returns what it measured.
func (h *helper) end() (figures map[string]float64, err error) {
	if err := h.stop.Close(); err != nil {
		return nil, err
	}
	err = json.NewDecoder(h.out).Decode(&figures)
	if werr := h.cmd.Wait(); werr != nil {
		return nil, fmt.Errorf("%w: %s", werr, last(h.said.String()))
	}
	return figures, err
}

// throughDPDK compares weir with testpmd, which only receives, on a capture that net_pcap repeats.
func throughDPDK(r *Results) {
	dir, err := os.MkdirTemp("", "linerate")
	if err != nil {
		r.skip("dpdk", err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := writeCapture(dir, Cell{Size: "64", Flows: 1000, Packets: 4096})
	if err != nil {
		r.skip("dpdk", err)
		return
	}
	const length = 5 * time.Second
	device := "net_pcap0,rx_pcap=" + file + ",infinite_rx=1"
	if f, err := testpmd(device, length); err != nil {
		r.skip("testpmd net_pcap", err)
	} else {
		r.add("testpmd net_pcap", f)
	}
	h, err := begin(order{Receive: &receiving{Device: device, Flows: 1000}})
	if err != nil {
		r.skip("dpdk net_pcap", err)
		return
	}
	time.Sleep(length)
	f, err := h.end()
	if err != nil {
		r.skip("dpdk net_pcap", err)
		return
	}
	r.add("dpdk net_pcap", f)
}

var received = regexp.MustCompile(`RX-packets: (\d+)`)

// testpmd has DPDK's own program do nothing but receive, and returns packets by its processor time.
func testpmd(device string, length time.Duration) (map[string]float64, error) {
	cmd := exec.Command("stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "1024", "--no-pci", "--no-telemetry", "--no-shconf",
		"--file-prefix=ceiling", fmt.Sprintf("--lcores=0@%d,1@%d", otherCore, workerCore), "--vdev="+device,
		"--", "-i", "--forward-mode=rxonly", "--total-num-mbufs=16384", "--rxq=1", "--txq=1", "--burst=64")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(length+time.Minute, func() { _ = cmd.Process.Kill() })
	defer func() { _ = in.Close(); _ = cmd.Wait(); late.Stop() }()
	lines := bufio.NewScanner(out)
	ask := func(what string) (uint64, time.Duration, error) {
		if _, err := io.WriteString(in, what+"show port stats 0\n"); err != nil {
			return 0, 0, err
		}
		for lines.Scan() {
			if m := received.FindStringSubmatch(lines.Text()); m != nil {
				n, err := strconv.ParseUint(m[1], 10, 64)
				return n, processTime(cmd.Process.Pid), err
			}
		}
		return 0, 0, fmt.Errorf("dpdk-testpmd says no count: %w", lines.Err())
	}
	n0, t0, err := ask("start\n")
	if err != nil {
		return nil, err
	}
	time.Sleep(length)
	n1, t1, err := ask("")
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(in, "stop\nquit\n"); err != nil {
		return nil, err
	}
	for lines.Scan() {
		continue
	}
	return byPacket(n1-n0, t1-t0), nil
}

// byPacket returns the figures of so many packets in so much processor time.
func byPacket(n uint64, cpu time.Duration) map[string]float64 {
	return map[string]float64{
		"packets": float64(n), "ns": float64(cpu) / float64(n), "mpps": float64(n) / cpu.Seconds() / 1e6,
	}
}

// processTime returns the processor time of all threads of a process, to a hundredth of a second.
func processTime(pid int) time.Duration {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseUint(f[11], 10, 64)
	system, _ := strconv.ParseUint(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}
