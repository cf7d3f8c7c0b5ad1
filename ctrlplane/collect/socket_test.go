package collect

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

// Workers share what comes to a port: each sender goes to one of them, and all know the templates.
func TestWorkers(t *testing.T) {
	const senders, workers = 64, 4
	address := free(t)
	b := newBench(t, func(o *Options) { o.Listen, o.Workers = []string{"udp://" + address}, workers })
	if err := b.c.Start(); err != nil {
		t.Fatal(err)
	}
	send := func(conn net.Conn, m []byte) {
		if _, err := conn.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	records := func() (n uint64) {
		for _, w := range b.c.workers {
			n += w.counts[Records].Load()
		}
		return n
	}
	for i := range senders {
		conn, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i == 0 { // the others have it from the first
			send(conn, ipfixMessage(0, aTemplate))
			until(t, "the template is known", func() bool { return b.c.registry.size() == 1 })
		}
		send(conn, ipfixMessage(0, set(256, 192, 0, 2, byte(i))))
	}
	until(t, "all records came", func() bool { return records() == senders })
	if err := b.c.Close(); err != nil {
		t.Fatal(err)
	}
	busy, known := 0, map[string]bool{}
	for i := range b.c.workers {
		before := len(b.records)
		b.drainOf(i)
		if len(b.records) > before {
			busy++
		}
	}
	for _, r := range b.records {
		known[r["IPV4_SRC_ADDR"]] = true
	}
	if len(known) != senders || busy < 2 {
		t.Errorf("%d senders are known, want %d; %d workers had something to do", len(known), senders, busy)
	}
}

// Copies that come from the exporter itself have its address and port, of both versions of IP.
func TestOriginalSource(t *testing.T) {
	for _, family := range []string{"127.0.0.1", "::1"} {
		t.Run(family, func(t *testing.T) {
			other, err := net.ListenPacket("udp", net.JoinHostPort(family, "0"))
			if err != nil {
				t.Skip("no such addresses here: ", err)
			}
			defer other.Close()
			_, port, _ := net.SplitHostPort(free(t))
			address := net.JoinHostPort(family, port)
			b := newBench(t, func(o *Options) {
				o.Listen, o.Relay, o.RelayAs = []string{"udp://" + address}, []string{other.LocalAddr().String()}, "original"
			})
			if err := b.c.Start(); errors.Is(err, unix.EPERM) {
				t.Skip("a raw socket needs CAP_NET_RAW")
			} else if err != nil {
				t.Fatal(err)
			}
			defer b.c.Close()
			conn, err := net.Dial("udp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, n := range []int{1, 8, 300} { // of even and odd lengths
				message := append(ipfixMessage(0, aTemplate), make([]byte, n)...)
				if _, err := conn.Write(message); err != nil {
					t.Fatal(err)
				}
				copied := make([]byte, 1000)
				other.SetReadDeadline(time.Now().Add(10 * time.Second))
				n, from, err := other.ReadFrom(copied)
				if err != nil || string(copied[:n]) != string(message) || from.String() != conn.LocalAddr().String() {
					t.Fatalf("a copy of %x came from %v, want %v: %v", copied[:n], from, conn.LocalAddr(), err)
				}
			}
			until(t, "three copies are counted", func() bool { return b.count(Relayed) == 3 })
			if n := b.count(RelayFailed); n != 0 {
				t.Errorf("%d copies could not be sent", n)
			}
		})
	}
}

// Times of an exporter whose clock is wrong are moved by as much as it is wrong.
func TestReforge(t *testing.T) {
	const sent = 0x5f000000 // seconds: of messages of ipfixMessage
	for _, reforge := range []bool{false, true} {
		b := newBench(t, func(o *Options) { o.Reforge = reforge })
		now := uint64(1_800_000_000) * second
		first, last := uint64(sent-70)*1000, uint64(sent-10)*1000
		record := be.AppendUint64(be.AppendUint64(nil, first), last)
		b.take(ipfixMessage(0, set(2, words(256, 2, 152, 8, 153, 8)...), set(256, record...)), now)
		moved := uint64(0)
		if reforge {
			moved = now/1e6 - sent*1000
		}
		for key, want := range map[string]uint64{
			"FLOW_START_MILLISECONDS": first + moved, "FLOW_END_MILLISECONDS": last + moved,
			"EXPORT_TIME_MILLISECONDS": sent * 1000, "COLLECTION_TIME_MILLISECONDS": now / 1e6,
		} {
			if got := b.records[0][key]; got != strconv.FormatUint(want, 10) {
				t.Errorf("moved %v: %s is %s, want %d", reforge, key, got, want)
			}
		}
	}
}

// Elements that a dictionary names are fields, of whatever type it says.
func TestDictionary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "elements.csv")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# ours\nourRoom,64999,1,string,Where it hangs.\nourLoad,64999,2,float64\nourGate,64999,3,ipv4Address\n")
	fields, err := Dictionary(path)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, nil)
	if b.schema, err = flow.Compile(append(flow.All(), app.Fields())...); err != nil {
		t.Fatal(err)
	}
	if err := b.schema.Extend(fields); err != nil {
		t.Fatal(err)
	}
	if b.c, err = New(b.c.o, b.schema, nil); err != nil {
		t.Fatal(err)
	}
	element := func(id uint16, length uint16) []byte { return append(words(id|1<<15, length), 0, 0, 0xfd, 0xe7) }
	template := append(append(append(words(256, 3), element(1, 65535)...), element(2, 8)...), element(3, 4)...)
	record := append([]byte{4, 'd', 'e', 's', 'k', 0x3f, 0xe0, 0, 0, 0, 0, 0, 0}, 192, 0, 2, 9)
	b.take(ipfixMessage(0, set(2, template...), set(256, record...)), second)
	for key, want := range map[string]string{"ourRoom": "desk", "ourLoad": "0.5", "ourGate": "192.0.2.9", "COLLECTED_ELEMENTS": ""} {
		if got := b.records[0][key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for text, complaint := range map[string]string{
		"a,1\n":                  path + ":1: 2 columns; write name,enterprise,element,type",
		"\na b,1,2,string\n":     path + `:2: "a b" is no name; write one without spaces`,
		"a,1,0,string\n":         path + ":1: 1.0 is no element; write the numbers of its enterprise and its own",
		"a,1,2,basicList\n":      path + `:1: "basicList" is no type that can be read; write one of RFC 7012, as unsigned32 or string`,
		"a,1,2,string\na,b,1,3,": path + ":2: b.1 is no element; write the numbers of its enterprise and its own",
	} {
		write(text)
		if _, err := Dictionary(path); err == nil || err.Error() != "dictionary "+complaint {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What comes over an association becomes records.
func TestKernelSCTP(t *testing.T) {
	address := free(t)
	b := newBench(t, func(o *Options) { o.Listen = []string{"sctp://" + address} })
	if err := b.c.Start(); err != nil {
		t.Skip(err, ": make vm-test runs the test under a kernel that has it")
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP)
	if err == nil {
		err = unix.Connect(fd, address4(address))
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		m := ipfixMessage(uint32(i), aTemplate, set(256, 192, 0, 2, byte(i)))
		if _, err := unix.Write(fd, m); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all records came", func() bool { return b.count(Records) == 3 })
	unix.Close(fd)
	if err := b.c.Close(); err != nil {
		t.Error(err)
	}
	b.drain()
	for i, r := range b.records {
		if r["IPV4_SRC_ADDR"] != fmt.Sprint("192.0.2.", i) || r["EXPORTER_IPV4_ADDRESS"] != "127.0.0.1" {
			t.Errorf("record %d: %v", i, r)
		}
	}
	b.counts(map[Counter]uint64{})
}

func address4(text string) unix.Sockaddr { return address(netip.MustParseAddrPort(text)) }
