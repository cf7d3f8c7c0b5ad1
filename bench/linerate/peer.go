package main

import (
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

	"golang.org/x/sys/unix"
)

// peer is another program that makes flows of a capture and exports or stores them.
type peer struct {
	name    string
	command func(p place) []string
}

// place is where a meter finds its input and may write.
type place struct {
	capture, dir, collector string
	flows                   int // room for so many
}

// peers are those that are compared, weir among them. All make flows of five tuples, export them once, and do
// no more.
var peers = []peer{
	{"weir", func(p place) []string {
		return []string{p.dir + "/weir", "replay", "--quiet", "--no-applications", "--flows", strconv.Itoa(p.flows),
			"--idle", "1h", "--active", "2h", "--template", netflowTemplate, "--ipfix", "udp://" + p.collector, p.capture}
	}},
	{"softflowd", func(p place) []string {
		return []string{"softflowd", "-d", "-r", p.capture, "-n", p.collector, "-v", "10", "-m", "4000000",
			"-t", "maxlife=3600", "-p", p.dir + "/softflowd.pid", "-c", "none"} // its control socket blocks it at times
	}},
	{"nfpcapd", func(p place) []string {
		return []string{"nfpcapd", "-r", p.capture, "-l", p.dir + "/nfpcapd", "-e", "3600,3600", "-t", "86400"}
	}},
	{"pmacctd", func(p place) []string { return []string{"pmacctd", "-f", p.dir + "/pmacctd.conf"} }},
}

// netflowTemplate has what the others say of a flow.
const netflowTemplate = "%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %IN_PKTS %IN_BYTES " +
	"%OUT_PKTS %OUT_BYTES %TCP_FLAGS %SRC_TOS %FIRST_SWITCHED %LAST_SWITCHED"

const pmacctdConf = `pcap_savefile: %s
daemonize: false
plugins: nfprobe[a]
nfprobe_receiver[a]: %s
nfprobe_version[a]: 10
nfprobe_timeouts[a]: maxlife=3600:tcp=3600
nfprobe_maxflows[a]: 4000000
plugin_pipe_size: 268435456
plugin_buffer_size: 262144
aggregate[a]: src_host, dst_host, src_port, dst_port, proto, tos
`

// beside measures the processor time that each meter takes for the same files.
func beside(r *Results, sc *Scenarios, s *settings) {
	dir, err := os.MkdirTemp("", "linerate")
	if err != nil {
		r.skip("file", err)
		return
	}
	defer os.RemoveAll(dir)
	weir, err := filepath.Abs(s.weir)
	if err == nil {
		err = os.Symlink(weir, dir+"/weir")
	}
	if err != nil {
		r.skip("file", err)
		return
	}
	for _, c := range []Cell{
		{Size: "64", Flows: 100_000, Packets: 4_000_000}, {Size: "64", Flows: 1_000_000, Packets: 8_000_000},
	} {
		if s.short {
			c.Packets /= 4
		}
		name := fmt.Sprintf("file flows=%d", c.Flows)
		file, err := writeCapture(dir, c)
		if err != nil {
			r.skip(name, err)
			continue
		}
		r.meters(name, place{capture: file, dir: dir, flows: c.Flows + c.Flows/8}, sc, c.Packets)
		os.Remove(file)
	}
	for _, m := range sc.Mix {
		if file, packets, err := plain(dir, m.File); err != nil {
			r.skip("file "+m.Name, err)
		} else {
			r.meters("file "+m.Name, place{capture: file, dir: dir, flows: 1 << 18}, sc, packets)
		}
	}
}

// plain writes a capture as a pcap file that every meter reads, so often that what a meter does before the first
// packet does not count.
func plain(dir, name string) (file string, packets int, err error) {
	src, err := record(name)
	if err != nil {
		return "", 0, err
	}
	file = filepath.Join(dir, "plain.pcap")
	packets, err = src.write(file, rounds)
	return file, packets, err
}

// meters measures all of them on a file.
func (r *Results) meters(name string, p place, sc *Scenarios, packets int) {
	best := 0.0
	for _, x := range peers {
		if x.name != "weir" && !sc.has(x.name) {
			continue
		}
		cpu, err := x.measure(p)
		if err != nil {
			r.skip(name+" "+x.name, err)
			continue
		}
		ns := float64(cpu) / float64(packets)
		r.add(name+" "+x.name, map[string]float64{"ns": ns, "mpps": 1000 / ns})
		if x.name != "weir" && (best == 0 || ns < best) {
			best = ns
		}
	}
	if best != 0 {
		r.add(name+" best", map[string]float64{"ns": best})
	}
}

func (s *Scenarios) has(peer string) bool {
	for _, p := range s.Peer {
		if p.Name == peer {
			return true
		}
	}
	return false
}

// measure returns how much of the processor the program and those it starts take, the least of
// three runs.
func (x *peer) measure(p place) (least time.Duration, err error) {
	for range 3 {
		cpu, err := x.once(p)
		if err != nil {
			return 0, err
		}
		if least == 0 || cpu < least {
			least = cpu
		}
	}
	return least, nil
}

func (x *peer) once(p place) (time.Duration, error) {
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, err
	}
	defer sink.Close()
	p.collector = sink.LocalAddr().String()
	if err := x.prepare(p); err != nil {
		return 0, err
	}
	argv := x.command(p)
	cmd := exec.Command(argv[0], argv[1:]...)
	var said strings.Builder
	cmd.Stderr = &said
	// Processes that it starts and leaves are waited for as if they were ours.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	before := children()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	stop := time.AfterFunc(4*time.Minute, func() { _ = cmd.Process.Kill() })
	err = cmd.Wait()
	stop.Stop()
	reap()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, last(said.String()))
	}
	return children() - before, nil
}

// prepare writes what the program wants to find.
func (x *peer) prepare(p place) error {
	switch x.name {
	case "pmacctd":
		return os.WriteFile(p.dir+"/pmacctd.conf", fmt.Appendf(nil, pmacctdConf, p.capture, p.collector), 0o644)
	case "nfpcapd":
		if err := os.RemoveAll(p.dir + "/nfpcapd"); err != nil {
			return err
		}
		return os.Mkdir(p.dir+"/nfpcapd", 0o755)
	}
	return nil
}

// children returns the processor time of all processes that were waited for.
func children() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reap waits for what is left of a program, half a minute at most.
func reap() {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return
		case pid == 0:
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// last returns the end of what a program said.
func last(s string) string { return s[max(0, len(s)-300):] }
