//go:build cgo && !nodpdk

package dpdk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// open opens a port and closes it after the test.
func open(t testing.TB, c PortConfig) *Port {
	t.Helper()
	p, err := eal.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// written writes a capture with frames of the given sizes; octet i of frame n is byte(n*i).
func written(t testing.TB, link layers.LinkType, sizes ...int) string {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if err := w.WriteFileHeader(maxFrame, link); err != nil {
		t.Fatal(err)
	}
	for n, size := range sizes {
		info := gopacket.CaptureInfo{Timestamp: time.Unix(1e9, int64(n)*1000), CaptureLength: size, Length: size}
		if err := w.WritePacket(info, octets(n, size)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "frames, of several=sizes.pcap")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func octets(n, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte((n + 1) * i)
	}
	return b
}

// replayed opens a capture through net_pcap; the file gets a name that a vdev string allows.
func replayed(t testing.TB, path string, c PortConfig) *Port {
	t.Helper()
	c.Device = "net_pcap_test,rx_pcap=" + replacePath(t, path, "plain.pcap")
	return open(t, c)
}

func replacePath(t testing.TB, path, name string) string {
	t.Helper()
	other := filepath.Join(filepath.Dir(path), name)
	if err := os.Rename(path, other); err != nil {
		t.Fatal(err)
	}
	return other
}

func repeat(n, size int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = size
	}
	return s
}

func TestFramesInSeveralBuffersAreContiguous(t *testing.T) {
	sizes := append(repeat(100, 9018), 60, 65535, 1, 256, 257, 512)
	p := replayed(t, written(t, layers.LinkTypeEthernet, sizes...), PortConfig{BufferSize: 256})
	q := p.Queues()[0]
	n := 0
	for b := q.Burst(); len(b) > 0; b = q.Burst() {
		for i := range b { // after the whole burst, so that no frame may overwrite another
			if want := octets(n, sizes[n]); !bytes.Equal(b[i].Bytes(), want) || int(b[i].Wire) != len(want) {
				t.Fatalf("frame %d has %d of %d octets, %d expected", n, b[i].Len, b[i].Wire, len(want))
			}
			n++
		}
	}
	if n != len(sizes) || q.Cut() != 0 {
		t.Errorf("%d frames of %d, %d cut", n, len(sizes), q.Cut())
	}
}

func TestFramesLongerThanTheLongestAreCutAndCounted(t *testing.T) {
	p := replayed(t, written(t, layers.LinkTypeEthernet, 9000, 1000, 1001, 300),
		PortConfig{BufferSize: 256, Longest: 1000})
	b := p.Queues()[0].Burst()
	got := fmt.Sprint(len(b))
	for i, f := range b {
		got += fmt.Sprintf(" %d/%d", f.Len, f.Wire)
		if !bytes.Equal(f.Bytes(), octets(i, int(f.Len))) {
			t.Error("octets of frame", i, "are wrong")
		}
	}
	if want := "4 1000/9000 1000/1000 1000/1001 300/300"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if cut := p.Queues()[0].Cut(); cut != 2 {
		t.Errorf("%d frames cut, not 2", cut)
	}
}

func TestWantOfBuffersIsCounted(t *testing.T) {
	const frames = 300
	p := replayed(t, written(t, layers.LinkTypeEthernet, repeat(frames, 9000)...),
		PortConfig{BufferSize: 128, Buffers: 512})
	q := p.Queues()[0]
	for range frames {
		q.Burst()
	}
	s := q.Stats()
	t.Logf("%+v", s)
	if s.Received == 0 || s.Received+s.NoBuffer+s.Errors != frames {
		t.Errorf("of %d frames: %+v", frames, s)
	}
}

// A null device makes frames of zeros, as fast as it is asked.
func TestBurstAllocatesNothing(t *testing.T) {
	p := open(t, PortConfig{Device: "net_null_alloc,size=60", Port: 9})
	q := p.Queues()[0]
	received := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		b := q.Burst()
		received += uint64(len(b))
		if f := b[len(b)-1]; f.Len != 60 || f.Wire != 60 || f.Time != 0 || f.Port != 9 || f.Link != nic.Ethernet {
			t.Fatalf("%+v", f)
		}
	}); n != 0 {
		t.Errorf("%v allocations per burst", n)
	}
	if n := testing.AllocsPerRun(100, func() { q.Stats() }); n != 0 {
		t.Errorf("%v allocations to read the statistics", n)
	}
	if s := q.Stats(); s != (nic.Stats{Received: received}) || received != 1001*nic.Max {
		t.Errorf("%d frames received, but %+v", received, s)
	}
}

func TestQueuesOfAPort(t *testing.T) {
	p := open(t, PortConfig{Device: "net_null_two,size=100", Queues: 2, MTU: 9000, Descriptors: 512})
	info := p.Info()
	t.Logf("%+v", info)
	if info.Queues != 2 || info.Driver != "net_null" || info.Descriptors != 512 || info.MTU != 9000 {
		t.Error("not as asked for")
	}
	if !info.Symmetric || !strings.HasSuffix(info.Reason, "as the device confirms") {
		t.Error("the key of the device is not ours:", info.Reason)
	}
	queues := p.Queues()
	sizes := [...]int{3, 5}
	for i, bursts := range sizes {
		for range bursts {
			queues[i].Burst()
		}
	}
	for i, bursts := range sizes {
		if s := queues[i].Stats(); s.Received != uint64(bursts*nic.Max) {
			t.Errorf("queue %d: %+v after %d bursts", i, s, bursts)
		}
	}
	if s := p.Stats(); s.Received != 8*nic.Max {
		t.Errorf("port: %+v", s)
	}
	x, err := p.XStats()
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.Index(x, XStat{"rx_good_packets", 8 * nic.Max}); i < 0 {
		t.Error("no rx_good_packets of the right value in", x)
	}
	if l, err := p.LinkState(); err != nil || l.String() != "up, 10000 Mbit/s" {
		t.Error(l, err)
	}
}

func TestSeveralCapturesAreSeveralQueues(t *testing.T) {
	ether := replacePath(t, written(t, layers.LinkTypeEthernet, 60, 61, 62), "a.pcap")
	raw := replacePath(t, written(t, layers.LinkTypeRaw, 20, 40), "b.pcap")
	p := open(t, PortConfig{Device: "net_pcap_many,rx_pcap=" + ether + ",rx_pcap=" + raw})
	q := p.Queues()
	if len(q) != 2 || p.Info().Symmetric {
		t.Fatalf("%+v", p.Info())
	}
	if b := q[0].Burst(); len(b) != 3 || b[0].Link != nic.Ethernet {
		t.Error(b)
	}
	if b := q[1].Burst(); len(b) != 2 || b[0].Link != nic.RawIP || b[1].Len != 40 {
		t.Error(b)
	}
}

func TestRegisteredThread(t *testing.T) {
	p := open(t, PortConfig{Device: "net_null_thread"})
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := eal.Register()
		if err == nil {
			for range 100 {
				p.Queues()[0].Burst()
			}
			eal.Unregister()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Received != 100*nic.Max {
		t.Error(s)
	}
}

func TestErrorsHelp(t *testing.T) {
	open(t, PortConfig{Device: "net_null_once"})
	unknown := "No such device"
	if os.Getuid() != 0 {
		unknown = "Could not open AF_PACKET socket"
	}
	for _, c := range []struct {
		config PortConfig
		want   string
	}{
		{PortConfig{}, "a PCI address or a vdev string"},
		{PortConfig{Device: "eth0"}, "net_af_packet0,iface=eth0"},
		{PortConfig{Device: "net_null_once"}, "open already"},
		{PortConfig{Device: "net_pcap9,rx_pcap=/nowhere.pcap"}, "/nowhere.pcap: No such file or directory"},
		{PortConfig{Device: "net_pcap9,rx_pcap=port_test.go"}, "unknown file format"},
		{PortConfig{Device: "net_pcap9,file=x"}, "net_pcap0,rx_pcap=FILE"},
		{PortConfig{Device: "net_af_packet9,iface=nowhere0"}, unknown},
		{PortConfig{Device: "0000:ff:1f.7"}, "network card"},
		{PortConfig{Device: "net_null9", MTU: 7}, "MTU of 7 out of range"},
		{PortConfig{Device: "net_null9", Buffers: 1 << 25}, "no memory"},
	} {
		p, err := eal.Open(c.config)
		if err == nil {
			t.Errorf("%+v was opened", c.config)
			_ = p.Close()
			continue
		}
		t.Log(err)
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %q does not say %q", c.config, err, c.want)
		}
	}
	open(t, PortConfig{Device: "net_null9"}) // what failed has left nothing behind
}

func TestPortsCanBeOpenedForEver(t *testing.T) {
	path := replacePath(t, written(t, layers.LinkTypeEthernet, 60), "a.pcap")
	files := func() int {
		e, _ := os.ReadDir("/proc/self/fd")
		return len(e)
	}
	before := 0
	for i := range 100 {
		p, err := eal.Open(PortConfig{Device: "net_pcap_again,rx_pcap=" + path})
		if err != nil {
			t.Fatal(i, err)
		}
		if b := p.Queues()[0].Burst(); len(b) != 1 {
			t.Fatal(i, b)
		}
		if err := p.Close(); err != nil {
			t.Fatal(i, err)
		}
		if i == 0 {
			before = files()
		}
	}
	if n := files(); n != before {
		t.Errorf("%d files are open, %d before", n, before)
	}
}

// BenchmarkBurst tells the processor time of a packet, which other programs do not change
// as much as they change the time that passes.
func BenchmarkBurst(b *testing.B) {
	q := open(b, PortConfig{Device: "net_null_bench,size=64"}).Queues()[0]
	for _, registered := range []bool{true, false} {
		b.Run(fmt.Sprintf("registered=%t", registered), func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if registered {
				if err := eal.Register(); err != nil {
					b.Fatal(err)
				}
				defer eal.Unregister()
			}
			b.ReportAllocs()
			n, before := 0, busy(b)
			for b.Loop() {
				n += len(q.Burst())
			}
			b.ReportMetric(float64(busy(b)-before)/float64(n), "cpu-ns/packet")
		})
	}
}

// BenchmarkCall tells the processor time of a call into C that does nothing.
func BenchmarkCall(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := busy(b)
	for b.Loop() {
		if errno() != 0 {
			b.Fatal("an error is left behind")
		}
	}
	b.ReportMetric(float64(busy(b)-before)/float64(b.N), "cpu-ns/op")
}

// busy returns the nanoseconds that this thread has run.
func busy(b *testing.B) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return t.Nano()
}
