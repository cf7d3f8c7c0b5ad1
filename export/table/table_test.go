package table

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

func flowOf(src, dst string, sport, dport uint16) *flow.Record {
	r := &flow.Record{}
	r.Src, r.Dst = netip.MustParseAddr(src).As16(), netip.MustParseAddr(dst).As16()
	r.SrcPort, r.DstPort, r.Proto, r.Version = sport, dport, 6, 4
	if strings.Contains(src, ":") {
		r.Version = 6
	}
	r.First, r.Last = 1e18, 1e18+uint64(90*time.Second)
	r.Packets, r.Octets = [2]uint64{1, 20}, [2]uint64{60, 3 << 20}
	r.Latency.Server = 22_340_000
	r.TCP[1].RetransmittedPackets = 3
	return r
}

func write(t *testing.T, f *Format, records ...*flow.Record) string {
	t.Helper()
	b := f.Begin(nil, 0)
	for _, r := range records {
		var ok bool
		if b, ok = f.Append(b, &flow.View{Record: r}); !ok {
			t.Fatal("a flow does not fit")
		}
	}
	return string(f.Seal(b))
}

// TestSummary lines the columns up, widens them for what comes later, and says nothing of
// what is not known.
func TestSummary(t *testing.T) {
	f, err := New(export.FormatOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first := write(t, f, flowOf("192.0.2.1", "192.0.2.2", 40000, 80))
	want := "Client           Server          Proto  Application  Packets →   ←  Bytes →     ←  " +
		"Client RTT  Server RTT  Response  Retrans →  ←  Duration\n" +
		"192.0.2.1:40000  → 192.0.2.2:80  TCP    -                    1  20      60B  3.0M  " +
		"         -    22.34 ms         -          0  3     1m30s\n"
	if first != want {
		t.Errorf("table\n%swant\n%s", first, want)
	}
	second := write(t, f, flowOf("2001:db8::1", "2001:db8::2", 40000, 80))
	if strings.Contains(second, "Client") || !strings.HasPrefix(second, "[2001:db8::1]:40000  → [2001:db8::2]:80  TCP") {
		t.Errorf("second message\n%s", second)
	}
	if empty := write(t, f); empty != "" {
		t.Errorf("an empty message: %q", empty)
	}
}

// TestTemplate has a column for each field, and takes the address of the flow's version.
func TestTemplate(t *testing.T) {
	schema, err := flow.Compile(flow.All()...)
	if err != nil {
		t.Fatal(err)
	}
	template, err := schema.Template("%IPV4_SRC_ADDR %OUT_PKTS %ICMP_TYPE")
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(export.FormatOptions{Template: template})
	if err != nil {
		t.Fatal(err)
	}
	got := write(t, f, flowOf("192.0.2.1", "192.0.2.2", 1, 2), flowOf("2001:db8::1", "2001:db8::2", 1, 2))
	want := "IPV4_SRC_ADDR  OUT_PKTS  ICMP_TYPE\n192.0.2.1            20          -\n2001:db8::1          20          -\n"
	if got != want {
		t.Errorf("table\n%swant\n%s", got, want)
	}
}

func TestOctets(t *testing.T) {
	for n, want := range map[uint64]string{0: "0B", 1023: "1023B", 1024: "1.0K", 150 << 10: "150K", 999 << 10: "999K",
		1000 << 10: "1.0M", 5 << 40: "5.0T", 1 << 62: "4096P"} {
		if got := string(appendOctets(nil, n)); got != want {
			t.Errorf("%d octets are %s, want %s", n, got, want)
		}
	}
}
