package lease

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

const (
	second = uint64(time.Second)
	noon   = 1_700_000_000 * second
)

// said are attributes by their labels.
type said = map[string]any

// desk shows DHCP and flows to a Correlator.
type desk struct {
	t      *testing.T
	c      *Correlator
	schema *flow.Schema
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	store, err := session.New(session.Limits{Entries: 1024, Octets: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, New(store, false), s}
}

func addr(s string) [16]byte { return netip.MustParseAddr(s).As16() }

// show shows a record from an address to another at a time, and returns what is known of it then.
func (d *desk) show(kind egress.Kind, src, dst string, from, to uint64, said said) map[string]string {
	d.t.Helper()
	v := &flow.View{Record: &flow.Record{}}
	v.Version, v.Proto, v.Src, v.Dst, v.First, v.Last = 4, 17, addr(src), addr(dst), noon+from, noon+to
	if netip.MustParseAddr(src).Is6() {
		v.Version, v.SrcPort, v.DstPort = 6, 546, 547
		v.HasMAC, v.SrcMAC, v.DstMAC = 1, [6]byte{2, 0, 0, 0, 0, 6}, [6]byte{2, 0, 0, 0, 0, 9}
	}
	var a flow.Attrs
	for label, x := range said {
		switch x := x.(type) {
		case int:
			a.Uint(d.schema.Named(label), uint64(x))
		case string:
			a.Text(d.schema.Named(label), x)
		case []byte:
			a.Bytes(d.schema.Named(label), x)
		}
	}
	if kind != egress.Flows {
		a.Uint(app.TransactionRequestBegin, noon+from)
	}
	v.Attrs = bytes.Clone(a.All())
	d.c.Tick(noon+to, nil)
	d.c.Take(kind, v, &a)
	v.Attrs = a.All()
	all := map[string]string{}
	for _, f := range []*flow.Field{flow.SrcLeaseMAC, flow.DstLeaseMAC, flow.SrcLeaseName, flow.DstLeaseName,
		app.TransactionLatency} {
		if x, ok := v.Value(f); ok {
			all[f.Label] = string(f.Text(nil, x))
		}
	}
	return all
}

// says shows a message of DHCP.
func (d *desk) says(kind int, at uint64, more said) map[string]string {
	d.t.Helper()
	all := said{"DHCP_MESSAGE_TYPE": kind, "DHCP_TRANSACTION_ID": 7, "DHCP_CLIENT_MAC": mac}
	for label, x := range more {
		all[label] = x
	}
	return d.show(d.c.v4, "0.0.0.0", "255.255.255.255", at, at, all)
}

var (
	mac   = []byte{2, 0, 0, 0, 1, 0x10}
	given = said{"DHCP_CLIENT_IP": []byte{192, 0, 2, 100}, "DHCP_LEASE_TIME": 600}
)

// who returns what a flow says of its client and server.
func (d *desk) who(from, to uint64) map[string]string {
	d.t.Helper()
	return d.show(egress.Flows, "192.0.2.100", "198.51.100.1", from, to, nil)
}

func (d *desk) want(got map[string]string, want ...string) {
	d.t.Helper()
	if len(got) != len(want)/2 {
		d.t.Errorf("%v, want %v", got, want)
		return
	}
	for i := 0; i < len(want); i += 2 {
		if got[want[i]] != want[i+1] {
			d.t.Errorf("%v, want %v", got, want)
		}
	}
}

// TestLease holds that a flow says who had its address while it lasted, and nobody else.
func TestLease(t *testing.T) {
	d := newDesk(t)
	d.want(d.who(0, 1*second))
	d.says(3, 10*second, said{"DHCP_CLIENT_NAME": "printer-7"})
	d.want(d.says(5, 11*second, given), "TRANSACTION_LATENCY_USEC", "1000000")
	is := []string{"SRC_DHCP_MAC", "02:00:00:00:01:10", "SRC_DHCP_NAME", "printer-7"}
	d.want(d.who(12*second, 20*second), is...)
	d.want(d.who(2*second, 9*second)) // it was over before
	d.want(d.show(egress.Flows, "198.51.100.1", "192.0.2.100", 12*second, 13*second, nil),
		"DST_DHCP_MAC", "02:00:00:00:01:10", "DST_DHCP_NAME", "printer-7")

	d.says(5, 300*second, given) // renewed, and it is not said again how the client is called
	d.want(d.who(700*second, 701*second), is...)
	d.want(d.who(12*second, 20*second), is...)
	other := []byte{2, 0, 0, 0, 0, 0}
	d.says(7, 710*second, said{"DHCP_CLIENT_IP": given["DHCP_CLIENT_IP"], "DHCP_CLIENT_MAC": other})
	d.want(d.who(711*second, 712*second), is...) // it was not the client
	d.says(7, 720*second, said{"DHCP_CLIENT_IP": given["DHCP_CLIENT_IP"]})
	d.want(d.who(719*second, 721*second), is...)
	d.want(d.who(725*second, 726*second))

	d.says(5, 800*second, said{"DHCP_CLIENT_IP": given["DHCP_CLIENT_IP"], "DHCP_LEASE_TIME": 10,
		"DHCP_CLIENT_MAC": []byte{2, 0, 0, 0, 0, 1}})
	d.want(d.who(801*second, 802*second), "SRC_DHCP_MAC", "02:00:00:00:00:01")
	d.want(d.who(719*second, 721*second)) // that client is forgotten, and not taken for this one
	d.want(d.who(811*second, 812*second)) // it expired
	counts := [Counters]uint64{Learned: 2, Renewed: 1, Ended: 1, Foreign: 1, Told: 7}
	if d.c.counts != counts {
		t.Errorf("counted %v, want %v", d.c.counts, counts)
	}
}

// TestOthers holds what does not make a lease: offers, refusals, answers to who has an address already.
func TestOthers(t *testing.T) {
	d := newDesk(t)
	d.says(2, 0, given)
	d.says(6, 0, given)
	d.says(5, 0, said{"DHCP_CLIENT_IP": given["DHCP_CLIENT_IP"]})
	d.want(d.who(0, second))
	both := said{"DHCP_REPLY_TYPE": 5}
	for label, x := range given {
		both[label] = x
	}
	d.says(3, 2*second, both) // a transaction
	d.want(d.who(3*second, 3*second), "SRC_DHCP_MAC", "02:00:00:00:01:10")
}

// TestVersion6 holds that clients of DHCPv6 are known by the frames they are in, and by their identifiers.
func TestVersion6(t *testing.T) {
	d := newDesk(t)
	reply := func(kind int, id string) said {
		return said{"DHCP_MESSAGE_TYPE": kind, "DHCP_CLIENT_ID": id, "DHCP_LEASE_TIME": 600,
			"DHCP_CLIENT_IPV6": netip.MustParseAddr("2001:db8::7").AsSlice(), "DHCP_CLIENT_NAME": "laptop"}
	}
	d.show(d.c.v6, "fe80::6", "fe80::9", 0, 0, reply(7, "0001"))
	at := func(when uint64) map[string]string {
		return d.show(egress.Flows, "2001:db8::7", "2001:db8::1", when, when, nil)
	}
	is := []string{"SRC_DHCP_MAC", "02:00:00:00:00:06", "SRC_DHCP_NAME", "laptop"}
	d.want(at(second), is...)
	d.show(d.c.v6, "fe80::6", "ff02::1:2", 2*second, 2*second, reply(8, "0002"))
	d.want(at(3*second), is...)
	d.show(d.c.v6, "fe80::6", "ff02::1:2", 4*second, 4*second, reply(8, "0001"))
	d.want(at(5 * second))
}

// FuzzRead reads values that other probes may have written.
// TestHolder knows a holder only of the time that his lease lasted, and nobody before there are leases.
func TestHolder(t *testing.T) {
	s, err := session.New(session.Limits{Entries: 64, Octets: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	c := New(s, false)
	a := netip.MustParseAddr("192.0.2.5").As16()
	if _, _, ok := c.Holder(a, noon, noon); ok {
		t.Error("somebody is known")
	}
	c.known = true
	c.put(a, &lease{mac: []byte{2, 0, 0, 0, 0, 1}, begin: noon, end: noon + 10*second, name: "host"}, noon)
	for _, x := range []struct {
		first, last uint64
		want        bool
	}{{noon, noon + second, true}, {noon - second, noon, false}, {noon + second, noon + 11*second, false}} {
		mac, name, ok := c.Holder(a, x.first, x.last)
		if ok != x.want || ok && (name != "host" || len(mac) != 6) {
			t.Errorf("%+v: %v %q %v", x, mac, name, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("02:00:00:00:01:10 1700000000000 1700000600000 - printer 7"))
	f.Add([]byte("- 0 0 0001 -"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := read(b)
		if !ok {
			return
		}
		y, again := read(x.append(nil))
		if !again || !reflect.DeepEqual(x, y) {
			t.Errorf("%+v is read as %+v", x, y)
		}
	})
}
