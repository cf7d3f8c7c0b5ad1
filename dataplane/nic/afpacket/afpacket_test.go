package afpacket

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Every frame comes as it was sent, tags included, with its time and interface.
func TestFrames(t *testing.T) {
	if !isolated(t) {
		return
	}
	here := opened(t, "here", 1, Options{})
	var frames [][]byte
	for i := range 1000 {
		ports := [2]uint16{uint16(i), 53}
		frames = append(frames, udp(1, 2, ports, i), udp(1, 2, ports, i, 0x81000000+uint32(i)),
			udp(1, 2, ports, i, 0x88a8e000+uint32(i), 0x81000005))
	}
	start := time.Now()
	sender(t, "there")(frames...)
	i, err := net.InterfaceByName("here")
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, here, len(frames))[0]
	for n, f := range got[:min(len(got), len(frames))] {
		if !bytes.Equal(f.data, frames[n]) || f.Wire != uint32(len(frames[n])) {
			t.Fatalf("frame %d of %d octets: % x, want % x", n, f.Wire, f.data, frames[n])
		}
		if at := time.Unix(0, int64(f.Time)); at.Before(start) || at.After(time.Now()) {
			t.Fatalf("frame %d came at %v, sent after %v", n, at, start)
		}
		if f.Link != nic.Ethernet || int(f.Port) != i.Index || f.Hash != 0 {
			t.Fatalf("frame %d: %+v", n, f.Frame)
		}
	}
	if s := here[0].Stats(); s != (nic.Stats{Received: uint64(len(frames))}) {
		t.Errorf("%+v", s)
	}
	if err := here[0].Err(); err != nil {
		t.Error(err)
	}
	commands(t, "ip link del there")
	if err := here[0].Err(); err == nil || !strings.Contains(err.Error(), "was removed") {
		t.Errorf("after the interface is gone: %v", err)
	}
}

// What this machine sends is seen unless it is left out.
func TestOutgoing(t *testing.T) {
	if !isolated(t) {
		return
	}
	for _, queues := range []int{1, 3} {
		both := opened(t, "here", queues, Options{})
		in := opened(t, "here", queues, Options{IgnoreOutgoing: true, Local: true})
		sender(t, "here")(udp(1, 2, [2]uint16{1, 2}, 10), udp(1, 2, [2]uint16{1, 2}, 10, 0x81000007))
		sender(t, "there")(udp(2, 1, [2]uint16{2, 1}, 20))
		collect(t, both, 3)
		collect(t, in, 1)
	}
}

// Both directions of a flow go to one queue, and each frame to one queue only. So do the
// fragments of a datagram, which are not put together unless that is asked for.
func TestFanout(t *testing.T) {
	if !isolated(t) {
		return
	}
	const flows = 300
	for name, c := range map[string]struct {
		Options
		datagram int // frames that a datagram in two fragments is seen as
	}{"plain": {Options{}, 2}, "defragmented": {Options{Defrag: true}, 1}} {
		queues := opened(t, "here", 4, c.Options)
		send := sender(t, "there")
		for i := range flows {
			a, b := byte(i%7+1), byte(i%11+100)
			port := uint16(2000 + i)
			there, back := udp(a, b, [2]uint16{port, 53}, 8), udp(b, a, [2]uint16{53, port}, 8)
			first, second := udp(a, b, [2]uint16{port, 54}, 8), udp(a, b, [2]uint16{port, 54}, 8)
			binary.BigEndian.PutUint32(first[18:], uint32(i)<<16|0x2000) // more fragments
			binary.BigEndian.PutUint32(second[18:], uint32(i)<<16|2)     // at octet 16
			send(there, udp(a, b, [2]uint16{port, 53}, 8, 0x81000009), back, sum(first), sum(second))
		}
		seen, used := map[uint16]int{}, 0
		for q, frames := range collect(t, queues, flows*(3+c.datagram)) {
			used += min(len(frames), 1)
			datagrams := map[uint16]int{}
			for _, f := range frames {
				ip := f.data[len(f.data)-36:]
				src, dst := binary.BigEndian.Uint16(ip[20:]), binary.BigEndian.Uint16(ip[22:])
				if id := binary.BigEndian.Uint16(ip[4:]); id != 0 || ip[6] != 0 || dst == 54 {
					datagrams[id]++
					continue
				}
				if before, ok := seen[src+dst]; ok && before != q {
					t.Errorf("%s: flow of port %d is in queues %d and %d", name, src+dst-53, before, q)
				}
				seen[src+dst] = q
			}
			for id, n := range datagrams {
				if n != c.datagram {
					t.Errorf("%s: %d frames of datagram %d in queue %d", name, n, id, q)
				}
			}
		}
		if used < 2 || len(seen) != flows {
			t.Errorf("%s: %d queues used, %d flows seen", name, used, len(seen))
		}
	}
}

// sum puts the checksum in the IPv4 header of a frame without tags, which the kernel looks at
// before it puts fragments together.
func sum(frame []byte) []byte {
	total := uint32(0)
	for i := 14; i < 34; i += 2 {
		total += uint32(binary.BigEndian.Uint16(frame[i:]))
	}
	total = total&0xffff + total>>16
	binary.BigEndian.PutUint16(frame[24:], ^uint16(total+total>>16))
	return frame
}

// A filter is run by the kernel, which cannot judge frames with a tag.
func TestFilter(t *testing.T) {
	if !isolated(t) {
		return
	}
	queues := opened(t, "here", 2, Options{Filter: []unix.SockFilter{ // greater 100
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_LEN},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: 100, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 64},
		{Code: unix.BPF_RET | unix.BPF_K},
	}})
	ports := [2]uint16{1, 2}
	sender(t, "there")(udp(1, 2, ports, 10), udp(1, 2, ports, 200), udp(1, 2, ports, 10, 0x81000003))
	for _, frames := range collect(t, queues, 2) {
		for _, f := range frames {
			if tagged := f.Wire == 42+10+4 && f.Len == f.Wire; !tagged && (f.Wire != 42+200 || f.Len != 64) {
				t.Errorf("%d octets of %d passed", f.Len, f.Wire)
			}
		}
	}
}

// What comes when the ring is full is counted, and no frame is neither received nor missed.
func TestMissed(t *testing.T) {
	if !isolated(t) {
		return
	}
	const sent = 5000
	here, send := opened(t, "here", 1, Options{Memory: 1}), sender(t, "there")
	for range sent {
		send(udp(1, 2, [2]uint16{1, 2}, 1400))
	}
	q := here[0]
	kept := 0
	for end := time.Now().Add(20 * timeout * time.Millisecond); time.Now().Before(end); {
		kept += len(q.Burst())
	}
	s := q.Stats()
	if s.Missed == 0 || s.Received != uint64(kept) || s.Received+s.Missed != sent {
		t.Errorf("%+v, %d received of %d", s, kept, sent)
	}
	if again := q.Stats(); again != s {
		t.Errorf("%+v, then %+v", s, again)
	}
	send(udp(1, 2, [2]uint16{1, 2}, 5))
	collect(t, here, 1)
}

// The loopback interface has Ethernet headers.
func TestLoopback(t *testing.T) {
	if !isolated(t) {
		return
	}
	commands(t, "ip link set lo up")
	queues := opened(t, "lo", 1, Options{IgnoreOutgoing: true})
	c, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("knock")); err != nil {
		t.Fatal(err)
	}
	// The answer, that nobody listens, is the second.
	for _, f := range collect(t, queues, 2)[0] {
		if f.Link != nic.Ethernet || f.data[14] != 0x45 {
			t.Errorf("link type %d, % x", f.Link, f.data)
		}
	}
}

// An interface without a link layer gives IP packets.
func TestTunnel(t *testing.T) {
	if !isolated(t) {
		return
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("tunnel")
	if err != nil {
		t.Fatal(err)
	}
	r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, r); err != nil {
		t.Fatal(err)
	}
	commands(t, "ip link set tunnel up")
	queues := opened(t, "tunnel", 1, Options{})
	packet := udp(1, 2, [2]uint16{3, 4}, 50)[14:]
	if _, err := unix.Write(fd, packet); err != nil {
		t.Fatal(err)
	}
	for _, f := range collect(t, queues, 1)[0] {
		if f.Link != nic.RawIP || f.Wire != f.Len || !bytes.Equal(f.data, packet) {
			t.Errorf("link type %d, % x, want % x", f.Link, f.data, packet)
		}
	}
}

// Receiving takes no memory.
func TestAllocations(t *testing.T) {
	if !isolated(t) {
		return
	}
	here, send := opened(t, "here", 1, Options{}), sender(t, "there")
	for range 20000 {
		send(udp(1, 2, [2]uint16{1, 2}, 64, 0x81000003))
	}
	n := 0
	if avg := testing.AllocsPerRun(200, func() { n += len(here[0].Burst()) }); avg != 0 || n < 100*nic.Max {
		t.Errorf("%v allocations a burst, %d frames", avg, n)
	}
	if avg := testing.AllocsPerRun(200, func() { here[0].Stats() }); avg != 0 {
		t.Errorf("%v allocations for statistics", avg)
	}
}

// Errors say what to do.
func TestErrors(t *testing.T) {
	if _, err := Open("nowhere0", 1, Options{}); err == nil || !strings.Contains(err.Error(), "there are lo") {
		t.Error(err)
	}
	if _, err := Open("lo", 0, Options{}); err == nil || !strings.Contains(err.Error(), "1 to 256") {
		t.Error(err)
	}
	if !isolated(t) {
		return
	}
	for want, opt := range map[string]Options{
		"give it less memory":     {Memory: 1 << 50},
		"ethtool -T":              {HardwareTime: true},
		"where the kernel takes":  {Filter: make([]unix.SockFilter, 5000)},
		"instructions is refused": {Filter: []unix.SockFilter{{Code: 0xffff}}},
	} {
		queues, err := Open("here", 2, opt)
		if queues != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := unix.Setuid(65534); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("here", 1, Options{}); err == nil || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Error(err)
	}
}
