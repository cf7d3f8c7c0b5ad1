package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// peer is a collector that is measured.
type peer struct {
	name    string
	command []string                        // and its port as -port or what flag says
	flag    string                          //
	args    func(dir string) []string       // besides; nil is none
	count   func(dir string) (tally, error) // what it has got, of those that do not say it themselves
}

// tally is what a collector has counted.
type tally struct {
	Records uint64 `json:"records"`
	Kernel  uint64 `json:"kernel_dropped"` // datagrams
	Lost    uint64 `json:"lost"`           // by the sequence numbers
	Full    uint64 `json:"ring_full"`
	sent    uint64
	// processor is how long its process has been running since it listened.
	processor time.Duration
}

// rate returns the records that were read per second of the processor.
func (t tally) rate() float64 {
	if t.processor <= 0 {
		return 0
	}
	return float64(t.Records) / t.processor.Seconds()
}

var errAbsent = errors.New("is not here")

func weirPeer() peer {
	self, err := os.Executable()
	check(err)
	return peer{name: "weir", command: []string{self}, flag: "-receive"}
}

func nfcapdPeer() peer {
	return peer{
		name: "nfcapd", command: []string{"nfcapd", "-b", "127.0.0.1", "-B", "8388608", "-t", "3600"}, flag: "-p",
		args: func(dir string) []string { return []string{"-w", dir} },
		count: func(dir string) (t tally, err error) {
			files, err := filepath.Glob(filepath.Join(dir, "nfcapd.2*"))
			if err != nil || len(files) != 1 {
				return t, fmt.Errorf("it wrote %v, %w", files, err)
			}
			out, err := exec.Command("nfdump", "-I", "-r", files[0]).Output()
			for line := range strings.Lines(string(out)) {
				fmt.Sscanf(line, "Flows: %d", &t.Records)
			}
			return t, err
		},
	}
}

// measure starts the collector, sends to it, ends it, and returns what it has counted and what that took.
func (p peer) measure(version, rate int, d time.Duration) (t tally, err error) {
	if _, err := exec.LookPath(p.command[0]); err != nil {
		return t, errAbsent
	}
	dir, err := os.MkdirTemp("", "collect-")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(dir)
	port, err := free()
	if err != nil {
		return t, err
	}
	c, out, err := p.start(port, dir)
	if err != nil {
		return t, err
	}
	before, err := processor(c.Process.Pid)
	if err != nil {
		return t, err
	}
	sent, err := send(port, version, rate, d)
	time.Sleep(500 * time.Millisecond) // what waits in the kernel
	err = errors.Join(err, stop(c))
	if err != nil {
		return t, err
	}
	if p.count != nil {
		t, err = p.count(dir)
	} else {
		err = json.Unmarshal(out.Bytes(), &t)
	}
	t.sent = sent
	t.processor = c.ProcessState.UserTime() + c.ProcessState.SystemTime() - before
	return t, err
}

// start starts the collector and waits until it listens.
func (p peer) start(port int, dir string) (*exec.Cmd, *bytes.Buffer, error) {
	flag := p.flag
	if flag == "" {
		flag = "-port"
	}
	args := append(p.command[1:len(p.command):len(p.command)], flag, fmt.Sprint(port))
	if p.args != nil {
		args = append(args, p.args(dir)...)
	}
	c, out := exec.Command(p.command[0], args...), &bytes.Buffer{}
	c.Stdout = out
	if p.count == nil {
		c.Stderr = os.Stderr
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	return c, out, listens(max(port, -port))
}

func listens(port int) error {
	for range 500 {
		b, err := os.ReadFile("/proc/net/udp")
		if err != nil {
			return err
		}
		if strings.Contains(string(b), fmt.Sprintf(":%04X 00000000:0000", port)) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("nobody listens at port %d", port)
}

// processor returns how long a process has been running, to a hundredth of a second.
func processor(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprint("/proc/", pid, "/stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	const user, system = 11, 12 // fields of proc(5) behind the name
	u, err := strconv.Atoi(f[user])
	s, err2 := strconv.Atoi(f[system])
	return time.Duration(u+s) * 10 * time.Millisecond, errors.Join(err, err2)
}

func stop(c *exec.Cmd) error {
	c.Process.Signal(syscall.SIGTERM)
	return c.Wait()
}

// free returns a port of loopback that nobody uses.
func free() (int, error) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.LocalAddr().(*net.UDPAddr).Port, nil
}
