package worker

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic/capture"
)

// corpus returns the captures kept beside the repository for which the totals of every
// flow are known, and skips the test where there are none.
func corpus(t testing.TB) []string {
	t.Helper()
	var found []string
	filepath.WalkDir(captures(t), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".flows.csv") {
			found = append(found, strings.TrimSuffix(path, ".flows.csv"))
		}
		return nil
	})
	if len(found) == 0 {
		t.Skip("no captures beside the repository")
	}
	sort.Strings(found)
	return found
}

// captures returns where captures are kept beside the repository.
func captures(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return filepath.Join(dir, "..", "shared", "captures")
}

// conversation is a pair of endpoints, the smaller first. ICMP has no ports here: what a
// key holds in their place is not what others do.
type conversation struct {
	proto uint8
	a, b  netip.AddrPort
}

func converse(proto uint8, a, b netip.AddrPort) conversation {
	if proto == protoICMP || proto == protoICMPv6 {
		a, b = netip.AddrPortFrom(a.Addr(), 0), netip.AddrPortFrom(b.Addr(), 0)
	}
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	return conversation{proto, a, b}
}

func (c conversation) String() string {
	return strconv.Itoa(int(c.proto)) + " " + c.a.String() + " " + c.b.String()
}

// total is what both directions of a conversation add up to.
type total struct{ packets, octets, fragments uint64 }

// expected reads the totals that were worked out for a capture by others.
func expected(t testing.TB, path string) map[conversation]total {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	buffered := bufio.NewReader(in)
	if _, err := buffered.ReadString('\n'); err != nil { // frame counts
		t.Fatal(err)
	}
	rows, err := csv.NewReader(buffered).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	sums := map[conversation]total{}
	for _, row := range rows[1:] {
		num := func(name string) uint64 {
			n, _ := strconv.ParseUint(row[column[name]], 10, 64)
			return n
		}
		end := func(addr, port string) netip.AddrPort {
			a, err := netip.ParseAddr(row[column[addr]])
			if err != nil {
				t.Fatal(err)
			}
			return netip.AddrPortFrom(a, uint16(num(port)))
		}
		c := converse(uint8(num("proto")), end("src", "sport"), end("dst", "dport"))
		sum := sums[c]
		sum.packets += num("packets")
		sum.octets += num("ip_bytes")
		sum.fragments += num("fragment_packets")
		sums[c] = sum
	}
	return sums
}

// totals adds up records.
func totals(records []flow.Record) map[conversation]total {
	sums := map[conversation]total{}
	for i := range records {
		r := &records[i]
		end := func(addr [16]byte, port uint16) netip.AddrPort {
			a := netip.AddrFrom16(addr)
			if r.Version == 4 {
				a = a.Unmap()
			}
			return netip.AddrPortFrom(a, port)
		}
		c := converse(r.Proto, end(r.Src, r.SrcPort), end(r.Dst, r.DstPort))
		sum := sums[c]
		sum.packets += r.Packets[0] + r.Packets[1]
		sum.octets += r.Octets[0] + r.Octets[1]
		sum.fragments += uint64(r.Fragments[0] + r.Fragments[1])
		sums[c] = sum
	}
	return sums
}

// replayed meters a capture file.
func replayed(t testing.TB, path string, conf Config) *bench {
	t.Helper()
	src, err := capture.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	b := newBench(t, src, conf)
	b.run(0)
	return b
}

// difference is a conversation that weir counts otherwise than others did.
type difference struct {
	conversation string
	theirs, ours total
}

// different lists all differences there are, and why.
var different = map[string]struct {
	why  string
	what []difference // nil if the capture cannot be read
}{
	"robustness/wireshark-wiki__c07-sip-r2.cap": {why: "Network Monitor's format is not read"},
	"robustness/nDPI__fuzz-2006-06-26-2594.pcap": {
		why: "a frame of EtherType IPv4 whose header begins with version 6 is refused, not taken for IPv6",
		what: []difference{
			{"4 [34:4489:e530:100:1::]:0 [8011:4af7:c0a8:102:c0a8:101:b0b:35]:0", total{1, 27778, 0}, total{}},
		},
	},
	"bench/realmix_share.pcap.zst": {
		why: "a total length of 0 is that of segmentation offload and stands for the length of the frame, " +
			"as in Wireshark; PPP with a compressed protocol field is read",
		what: []difference{
			{"6 10.199.2.111:389 10.199.2.121:59355", total{12, 4557, 0}, total{12, 6437, 0}},
			{"6 10.199.2.111:389 10.199.2.121:59356", total{9, 4099, 0}, total{9, 5979, 0}},
			{"6 10.199.2.111:389 10.199.2.121:59327", total{294, 413982, 0}, total{294, 415830, 0}},
			{"6 10.87.101.8:30353 54.165.118.142:443", total{65, 11734, 0}, total{65, 37020, 0}},
			{"6 169.254.46.4:11010 169.254.59.247:53387", total{170, 78699, 0}, total{170, 92569, 0}},
			{"6 192.168.1.178:7070 192.168.1.187:54164", total{2502, 306171, 0}, total{2502, 2102810, 0}},
			{"6 10.200.200.27:5357 10.200.200.192:49653", total{8, 1187, 0}, total{8, 3609, 0}},
			{"6 10.100.0.0:57013 142.250.179.131:80", total{}, total{30, 17084, 0}},
		},
	},
}

// Every conversation of every capture adds up to what others counted.
func TestTotalsAgree(t *testing.T) {
	for _, path := range corpus(t) {
		name := filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			known := different[name]
			if known.why != "" && known.what == nil {
				t.Skip(known.why)
			}
			conf := usual()
			conf.Outer = true
			agree(t, totals(replayed(t, path, conf).records), expected(t, path+".flows.csv"), known.what)
		})
	}
}

// The same holds for the large mixes, with many workers or one.
func TestTotalsOfMixes(t *testing.T) {
	if testing.Short() {
		t.Skip("reads some hundred megabytes")
	}
	corpus(t)
	mixes, _ := filepath.Glob(filepath.Join(captures(t), "bench", "*.flows.csv.gz"))
	for _, csv := range mixes {
		path := strings.TrimSuffix(csv, ".flows.csv.gz") + ".zst"
		t.Run(filepath.Base(path), func(t *testing.T) {
			conf := usual()
			conf.Outer, conf.Flows = true, 100_000
			b := replayed(t, path, conf)
			t.Logf("%d packets, %d records", b.report.Counters[Metered], len(b.records))
			agree(t, totals(b.records), expected(t, csv), different["bench/"+filepath.Base(path)].what)
		})
	}
}

// agree compares totals; the known differences have to be as they are known.
func agree(t *testing.T, got, want map[conversation]total, known []difference) {
	excused := map[string]difference{}
	for _, d := range known {
		excused[d.conversation] = d
	}
	for c := range got {
		if _, ok := want[c]; !ok {
			want[c] = total{}
		}
	}
	for c, theirs := range want {
		ours := got[c]
		d, ok := excused[c.String()]
		delete(excused, c.String())
		if !ok && ours != theirs || ok && (d.ours != ours || d.theirs != theirs) {
			t.Errorf("%v: %+v, want %+v", c, ours, theirs)
		}
	}
	for c := range excused {
		t.Errorf("%s: does not occur", c)
	}
}

// One worker and any number of them make the same records, octet for octet.
func TestShardsMakeTheSame(t *testing.T) {
	for _, path := range corpus(t) {
		name := filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
		if different[name].why != "" && different[name].what == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			long, short := usual(), usual()
			short.Idle, short.Active, short.Linger = time.Second/2, 3*time.Second, 0
			short.Sampling, short.Lateness = 3, time.Second/10
			for _, conf := range []Config{long, short} {
				shards(t, path, conf)
			}
		})
	}
}

func shards(t *testing.T, path string, conf Config) {
	one := replayed(t, path, conf)
	for _, of := range []uint32{2, 5} {
		var records []flow.Record
		var sum Report
		for i := range of {
			conf.Shard = Shard{i, of}
			b := replayed(t, path, conf)
			records = append(records, b.records...)
			for c, n := range b.report.Counters {
				sum.Counters[c] += n
			}
		}
		same(t, one.records, records)
		sum.Counters[Received] -= sum.Counters[NotInShard]
		sum.Counters[NotInShard] = 0
		want := one.report.Counters
		want[RingWaits], sum.Counters[RingWaits] = 0, 0
		if sum.Counters != want {
			t.Errorf("%d shards count %v, one %v", of, sum.Counters, want)
		}
	}
}

// same compares sets of records.
func same(t *testing.T, a, b []flow.Record) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%d records and %d", len(a), len(b))
	}
	count := map[flow.Record]int{}
	for i := range a {
		count[a[i]]++
	}
	differences := 0
	for i := range b {
		if count[b[i]]--; count[b[i]] < 0 {
			if differences++; differences < 4 {
				t.Errorf("only in the second: %+v", b[i].Hot)
			}
		}
	}
}
