package image

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// firmware is what starts a machine before the disk does.
type firmware string

const (
	bios firmware = "SeaBIOS"
	uefi firmware = "OVMF with Secure Boot"
)

// guest is an emulated machine with the image on its disk: a port that manages, behind QEMU's own network,
// and one that meters, at a tap with two queues, behind an emulated IOMMU.
type guest struct {
	t       *testing.T
	dir     string
	disk    string
	kind    firmware
	tap     string
	port    int    // on the host, that leads to the guest's metrics
	seed    string // file system to set up from, if any
	cmd     *exec.Cmd
	console *console
	ended   chan struct{}
}

// console is what the serial line says, and can be waited for.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
	log  *os.File // nil unless WEIR_IMAGE_LOG names one
	in   io.Writer
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.log != nil {
		c.log.Write(b)
	}
	return c.text.Write(b)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// output is where the image is.
func output(t *testing.T) string {
	dir := os.Getenv("WEIR_IMAGE")
	if dir == "" {
		t.Skip("WEIR_IMAGE names no directory with an image; make image-test does")
	}
	return dir
}

// newGuest makes a machine whose disk is a fresh copy of the image and 4 GiB large.
func newGuest(t *testing.T, kind firmware) *guest {
	t.Helper()
	image := filepath.Join(output(t), "weir.img")
	g := &guest{t: t, dir: t.TempDir(), kind: kind}
	g.disk = filepath.Join(g.dir, "disk.qcow2")
	g.do("qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", g.disk, "4G")
	if kind == uefi {
		g.do("cp", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd", filepath.Join(g.dir, "vars"))
	}
	g.port = freePort(t)
	return g
}

func (g *guest) do(name string, args ...string) string {
	g.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		g.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// withTap gives the machine a port that meters, at a tap with two queues on the host.
func (g *guest) withTap() {
	if os.Getuid() != 0 {
		g.t.Skip("making a tap needs root")
	}
	g.tap = fmt.Sprintf("weir%d", os.Getpid()%100000)
	g.do("ip", "tuntap", "add", g.tap, "mode", "tap", "multi_queue", "vnet_hdr")
	g.t.Cleanup(func() { exec.Command("ip", "link", "del", g.tap).Run() })
	g.do("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/"+g.tap+"/disable_ipv6")
	g.do("ip", "link", "set", g.tap, "up", "promisc", "on")
}

// arguments of QEMU. Software emulation has to be told to use threads with an IOMMU.
func (g *guest) arguments() []string {
	args := []string{"-nodefaults", "-display", "none", "-no-user-config",
		"-m", "2048", "-smp", "3", "-cpu", "max",
		"-M", "q35,kernel-irqchip=split,smm=on", "-accel", "tcg,thread=multi", "-serial", "stdio",
		"-device", "intel-iommu,intremap=on,device-iotlb=on", "-rtc", "base=utc", "-device", "i6300esb",
		"-drive", "if=none,id=disk,format=qcow2,cache=unsafe,file=" + g.disk,
		"-device", "virtio-blk-pci,drive=disk,bootindex=1",
		"-netdev", fmt.Sprintf("user,id=manage,hostfwd=tcp:127.0.0.1:%d-:9469", g.port),
		"-device", "virtio-net-pci,netdev=manage,addr=3,mac=52:54:00:77:65:01,romfile="}
	if g.kind == uefi {
		args = append(args, "-global", "driver=cfi.pflash01,property=secure,value=on",
			"-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
			"-drive", "if=pflash,format=raw,unit=1,file="+filepath.Join(g.dir, "vars"))
	}
	if g.tap != "" {
		args = append(args, "-netdev", "tap,id=meter,ifname="+g.tap+",script=no,downscript=no,queues=2,vhost=off",
			"-device", "virtio-net-pci,netdev=meter,addr=4,mac=52:54:00:77:65:02,mq=on,vectors=10,disable-legacy=on,"+
				"iommu_platform=on,ats=on,romfile=")
	}
	if g.seed != "" {
		args = append(args, "-drive", "if=none,id=seed,format=raw,readonly=on,file="+g.seed,
			"-device", "virtio-blk-pci,drive=seed")
	}
	return args
}

// start turns the machine on; it goes on until it turns itself off or is killed.
func (g *guest) start() {
	g.t.Helper()
	g.console = &console{}
	if log := os.Getenv("WEIR_IMAGE_LOG"); log != "" {
		g.console.log, _ = os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	}
	g.cmd = exec.Command("qemu-system-x86_64", g.arguments()...)
	g.cmd.Stdout, g.cmd.Stderr = g.console, g.console
	in, err := g.cmd.StdinPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	g.console.in = in
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.ended = make(chan struct{})
	go func() { g.cmd.Wait(); close(g.ended) }()
	g.t.Cleanup(g.kill)
}

// kill is what happens when somebody pulls the plug.
func (g *guest) kill() {
	g.cmd.Process.Kill()
	<-g.ended
}

// patience is for how long something may take under software emulation on a busy machine.
const patience = 30 * time.Minute

// await waits until the serial line has said something since the machine was turned on, and returns where.
func (g *guest) await(words string, after int) int {
	g.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		text := g.console.String()
		if i := strings.Index(text[min(after, len(text)):], words); i >= 0 {
			return after + i + len(words)
		}
		select {
		case <-g.ended:
			g.t.Fatalf("the machine is off and has not said %q:\n%s", words, tail(text))
		default:
		}
	}
	g.t.Fatalf("the machine has not said %q:\n%s", words, tail(g.console.String()))
	return 0
}

func tail(s string) string { return s[max(0, len(s)-6000):] }

// say types a line at the serial console.
func (g *guest) say(line string) { fmt.Fprintf(g.console.in, "%s\r", line) }

// metrics asks the guest for its metrics, until it answers.
func (g *guest) metrics() string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	url := fmt.Sprintf("http://127.0.0.1:%d/metrics", g.port)
	for ctx.Err() == nil {
		q, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if a, err := http.DefaultClient.Do(q); err == nil {
			b, err := io.ReadAll(a.Body)
			a.Body.Close()
			if err == nil && a.StatusCode == http.StatusOK {
				return string(b)
			}
		}
		time.Sleep(time.Second)
	}
	g.t.Fatalf("nobody answers:\n%s", tail(g.console.String()))
	return ""
}

// metric returns the samples of a metric, a line each.
func metric(text, name string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name+"{") || strings.HasPrefix(line, name+" ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
