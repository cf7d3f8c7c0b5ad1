package expect

import (
	"net/netip"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
)

var client, server = netip.MustParseAddr("192.0.2.10").As16(), netip.MustParseAddr("198.51.100.1").As16()

// bench is a Correlator with what its test needs.
type bench struct {
	*Correlator
	ftp egress.Kind
	now uint64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if _, err := flow.Compile(append(flow.All(), app.Fields())...); err != nil {
		t.Fatal(err)
	}
	s, err := session.New(session.Limits{Entries: 1024, Octets: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Correlator: New(s, 10*time.Second), now: 1e18}
	for i, d := range app.All {
		if d == &app.FTP {
			b.ftp = egress.EventsOf(i)
		}
	}
	b.pass(0)
	return b
}

func (b *bench) pass(d time.Duration) {
	b.now += uint64(d)
	b.Tick(b.now, nil)
}

// says has a control connection say something.
func (b *bench) says(command, listener, address string, port, code uint64) {
	var a flow.Attrs
	a.Text(app.FTPCommand, command)
	a.Text(app.FTPArgument, "a file")
	a.Text(app.FTPLogin, "bob")
	a.Text(app.FTPDataListener, listener)
	if address != "" {
		a.Text(app.FTPDataAddress, address)
	}
	a.Uint(app.FTPDataPort, port)
	a.Uint(app.FTPCode, code)
	v := flow.View{Record: &flow.Record{}, Attrs: a.All()}
	v.Src, v.Dst, v.SrcPort, v.DstPort, v.Proto = client, server, 40000, 21, 6
	b.Take(b.ftp, &v, &a)
}

// command returns what a flow is told of its command, and the application.
func (b *bench) command(src, dst [16]byte, port uint16, known flow.Confidence) (string, uint16) {
	var a flow.Attrs
	v := flow.View{Record: &flow.Record{}}
	v.Src, v.Dst, v.SrcPort, v.DstPort, v.Proto = src, dst, 50000, port, 6
	v.Application, v.Confidence = 7, known
	b.Take(egress.Flows, &v, &a)
	v.Attrs = a.All()
	x, _ := v.Value(app.FTPCommand)
	return string(x.B), v.Application
}

// TestExpected holds which flows are tied to a command, and until when.
func TestExpected(t *testing.T) {
	b := newBench(t)
	b.says("PASV", "server", "10.0.0.1", 2000, 227) // behind an address translator
	b.says("STOR", "client", "192.0.2.10", 3000, 150)
	inside := netip.MustParseAddr("10.0.0.1").As16()
	for _, c := range []struct {
		name     string
		src, dst [16]byte
		port     uint16
		known    flow.Confidence
		command  string
		number   uint16
	}{
		{"to the server", client, server, 2000, 0, "PASV", 175},
		{"to the address it has told", client, inside, 2000, 0, "PASV", 175},
		{"to the client", server, client, 3000, flow.ByPort, "STOR", 175},
		{"of which the content is known", server, client, 3000, flow.ByContent, "STOR", 7},
		{"elsewhere", client, server, 2001, 0, "", 7},
	} {
		if command, number := b.command(c.src, c.dst, c.port, c.known); command != c.command || number != c.number {
			t.Errorf("%s: %q, application %d; want %q, %d", c.name, command, number, c.command, c.number)
		}
	}
	if b.counts[Announced] != 2 || b.counts[Tied] != 4 {
		t.Errorf("counted %v", b.counts)
	}
	b.pass(3 * time.Minute)
	if command, _ := b.command(client, server, 2000, 0); command != "" {
		t.Errorf("after minutes without a transfer a flow is of %s", command)
	}
	if command, _ := b.command(server, client, 3000, 0); command != "STOR" {
		t.Error("a transfer that goes on is forgotten")
	}
	b.says("STOR", "client", "192.0.2.10", 3000, 226)
	b.pass(9 * time.Second)
	if command, _ := b.command(server, client, 3000, 0); command != "STOR" {
		t.Error("a transfer is forgotten before its record can have come")
	}
	b.pass(2 * time.Second)
	if command, _ := b.command(server, client, 3000, 0); command != "" {
		t.Error("a transfer that is over is remembered")
	}
}

// TestTallies holds that everything that is counted is explained.
func TestTallies(t *testing.T) {
	for _, x := range newBench(t).Tally() {
		if x.Name == "" || x.Doc == "" || x.Part == "" {
			t.Errorf("%+v", x)
		}
	}
}
