package app

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// samples are conversations that the dissectors understand, beside those in testdata: each
// testdata/NAME/*.pcap is a capture all of whose flows are of the dissector NAME, and each
// testdata/NAME/tcp-client-WHAT.bin (or udp, sctp; or server) is one message.
var samples = map[*Dissector]func() []conversation{
	&SSH:  sshSamples,
	&DNS:  dnsSamples,
	&QUIC: quicSamples,
	&HTTP: httpSamples, &HTTP2: http2Samples,
	&SIP:    sipSamples,
	&SMTP:   smtpSamples,
	&RADIUS: radiusSamples,
	&STUN:   stunSamples, &RTP: rtpSamples, &DTLS: dtlsSamples,
	&IMAP:      imapSamples,
	&POP3:      pop3Samples,
	&Oracle:    oracleSamples,
	&FTP:       ftpSamples,
	&MQTT:      mqttSamples,
	&Modbus:    modbusSamples,
	&MongoDB:   mongoSamples,
	&NTP:       ntpSamples,
	&RPC:       rpcSamples,
	&RTSP:      rtspSamples,
	&SNMP:      snmpSamples,
	&TDS:       tdsSamples,
	&VNC:       vncSamples,
	&WireGuard: wireGuardSamples,
	&TFTP:      tftpSamples,
	&SMB:       smbSamples,
	&NetBIOS:   netbiosSamples,
	&RDP:       rdpSamples,
	&SSDP:      ssdpSamples,
	&Syslog:    syslogSamples,
	&SIP:       sipSamples,
	&DHCP:      dhcpSamples, &DHCPv6: dhcpv6Samples,
	&STUN: stunSamples, &RTP: rtpSamples, &DTLS: dtlsSamples,
	&GTP: gtpSamples, &PFCP: pfcpSamples, &Diameter: diameterSamples,
	&S1AP: s1apSamples,
	&NGAP: ngapSamples,
	&BGP:  bgpSamples, &BMP: bmpSamples, &BitTorrent: bitTorrentSamples,
}

// alike explains why samples of a dissector are accepted by another, asked alone.
var alike = map[[2]string]string{
	{"stun", "rtp"}: "messages of STUN share the ports of media, so that RTP takes them too",
}

// budgets are the allocations that a dissector may make for a message, and why.
var budgets = map[string]struct {
	allocs float64
	why    string
}{
	"quic": {quicBudget, "the ciphers of the standard library, for each packet opened"},
}

// silent are fields that no sample sets, and why.
var silent = map[string]string{
	"RTP_SIP_CALL_ID": "only the signalling tells it",

	"SIP_CALL_STATE": "it is known of calls, which are put together of several transactions",
}

func of(t testing.TB, d *Dissector) []conversation {
	t.Helper()
	var all []conversation
	if f := samples[d]; f != nil {
		all = f()
	}
	files, _ := filepath.Glob(filepath.Join("testdata", d.Name, "*"))
	for _, file := range files {
		base := filepath.Base(file)
		switch filepath.Ext(file) {
		case ".bin":
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, message(t, base, b))
		case ".pcap", ".pcapng":
			for _, c := range conversations(t, file) {
				c.name = base + " " + c.name
				all = append(all, *c)
			}
		}
	}
	return all
}

func message(t testing.TB, name string, b []byte) conversation {
	t.Helper()
	parts := strings.SplitN(name, "-", 3)
	proto := map[string]uint8{"tcp": 6, "udp": 17, "sctp": 132}[parts[0]]
	if len(parts) != 3 || proto == 0 || parts[1] != "client" && parts[1] != "server" {
		t.Fatalf("%s is not called TRANSPORT-SIDE-WHAT.bin", name)
	}
	dir := flow.Forward
	if parts[1] == "server" {
		dir = flow.Reverse
	}
	return says(name, proto, dir, b)
}

// TestContract holds every dissector to what Dissector says.
func TestContract(t *testing.T) {
	for _, d := range All {
		t.Run(d.Name, func(t *testing.T) {
			all := of(t, d)
			if len(all) == 0 {
				t.Fatal("no sample: add testdata/" + d.Name + " or a line to samples")
			}
			for _, c := range all {
				t.Run(c.name, func(t *testing.T) {
					accepts(t, d, &c)
					begins(t, d, &c)
					splits(t, d, &c)
					damages(t, d, &c)
					allocates(t, d, &c)
					isAlone(t, d, &c)
				})
			}
			says := exercises(t, d, all)
			for _, f := range d.Fields {
				if said, why := says[f.Key()], silent[f.Key()]; said == (why != "") {
					t.Errorf("field %s: set by a sample: %v; reason why none sets it: %q", f.Key(), said, why)
				}
			}
		})
	}
}

// exercises holds that samples show everything that a dissector does beside parsing, and returns
// the labels of what they say.
func exercises(t *testing.T, d *Dissector, all []conversation) map[string]bool {
	t.Helper()
	says, wavered, reported := map[string]bool{}, 0, 0
	for _, c := range all {
		o := drive(&c, d)
		for _, m := range o.messages {
			for label := range m.Fields {
				says[label] = true
			}
		}
		for label := range o.reported {
			says[label] = true
		}
		wavered, reported = wavered+o.wavered, reported+len(o.reported)
	}
	if d.Tentative && wavered == 0 {
		t.Error("tentative, but the first datagram of every sample suffices")
	}
	if d.Report != nil && reported == 0 {
		t.Error("no sample of which something is reported")
	}
	return says
}

// begins holds that First leaves out nothing: without it the same is said, and no flow begins with
// another octet.
func begins(t *testing.T, d *Dissector, c *conversation) {
	t.Helper()
	open := *d
	open.First, open.At = "", 0
	if err := same(drive(c, &open), drive(c, d)); err != nil {
		t.Errorf("but for First: %v", err)
	}
	k := callsOf(c, d)[0]
	if len(k.octets) <= d.At {
		return
	}
	for octet := range 256 {
		if d.begins(byte(octet)) {
			continue
		}
		other := k
		other.octets = slices.Clone(k.octets)
		other.octets[d.At] = byte(octet)
		if v := verdict(&other); v != Reject {
			t.Errorf("verdict %d on what begins with %#x, which is not in First", v, octet)
		}
	}
}

// accepts holds that everything in a sample is understood.
func accepts(t *testing.T, d *Dissector, c *conversation) {
	t.Helper()
	o := drive(c, d)
	if len(o.messages) == 0 || len(o.rejected) > 0 {
		t.Fatalf("%d messages accepted; rejected by %v", len(o.messages), o.rejected)
	}
	for _, f := range o.faults {
		t.Error(f)
	}
	if o.dropped > 0 {
		t.Errorf("%d attributes did not fit", o.dropped)
	}
	last := Reject
	for _, k := range callsOf(c, d) {
		last = verdict(&k)
	}
	if last == More && !c.stream() {
		t.Error("the last datagram is said to go on")
	}
}

// verdict shows a message again.
func verdict(k *call) Verdict {
	var m Message
	k.again(&m, slices.Clone(k.state))
	return k.d.Ask(&m)
}

// again prepares m for the same call.
func (k *call) again(m *Message, state []byte) {
	m.Show(k.octets, k.dir)
	m.State = state
	m.Begun, m.Time, m.SrcPort, m.DstPort = k.m.Begun, k.m.Time, k.m.SrcPort, k.m.DstPort
	m.Stream, m.Lost, m.Full, m.Closed, m.Cut = k.m.Stream, k.m.Lost, k.m.Full, k.m.Closed, k.m.Cut
}

// splits holds that it does not matter how a stream is cut into segments. That implies that
// no prefix of it is rejected.
func splits(t *testing.T, d *Dissector, c *conversation) {
	t.Helper()
	if !c.stream() {
		return
	}
	want := drive(c, d)
	check := func(cut *conversation, how string) {
		t.Helper()
		got := drive(cut, d)
		if err := same(want, got); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
	}
	rnd := rand.New(rand.NewPCG(1, uint64(len(c.turns))))
	for i, turn := range c.turns {
		for _, at := range places(rnd, len(turn.octets)) {
			check(cutAt(c, i, at), fmt.Sprintf("turn %d split at %d", i, at))
		}
	}
	for n := range 8 {
		check(shred(rnd, c, 1+n*n*8), "random splits")
	}
	even := evened(c)
	if err := same(drive(even, d), drive(joined(even), d)); err != nil {
		t.Fatalf("joined: %v", err)
	}
}

// same tells how two outcomes differ.
func same(want, got *outcome) error {
	for i := range max(len(want.messages), len(got.messages)) {
		if i >= len(want.messages) || i >= len(got.messages) {
			return fmt.Errorf("%d messages, want %d; rejected by %v",
				len(got.messages), len(want.messages), got.rejected)
		}
		if a, b := want.messages[i], got.messages[i]; !reflect.DeepEqual(a, b) {
			return fmt.Errorf("message %d is %+v, want %+v", i, b, a)
		}
	}
	switch {
	case len(got.faults) > 0:
		return fmt.Errorf("%v", got.faults)
	case !reflect.DeepEqual(want.events, got.events):
		return fmt.Errorf("events %v, want %v", got.events, want.events)
	case !reflect.DeepEqual(want.fields, got.fields):
		return fmt.Errorf("fields %v, want %v", got.fields, want.fields)
	case want.application != got.application:
		return fmt.Errorf("application %d, want %d", got.application, want.application)
	}
	return nil
}

// damages cuts every message at every octet and changes each octet; all that is asked for is
// that it is survived, and that only accepted messages change the memory.
func damages(t *testing.T, d *Dissector, c *conversation) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(2, 0))
	budget := 20000
	var m Message
	for _, k := range callsOf(c, d) {
		for _, at := range places(rnd, len(k.octets)+1) {
			if budget--; budget < 0 {
				return
			}
			whole := k.octets
			k.octets = whole[: at-1 : at-1]
			show(t, &k, &m)
			k.octets = slices.Clone(whole)
			k.octets[at-1] ^= byte(1 + rnd.IntN(255))
			show(t, &k, &m)
			k.octets = whole
		}
	}
}

// show shows a damaged message, as one that goes on and as one that does not.
func show(t *testing.T, k *call, m *Message) {
	t.Helper()
	for _, closed := range []bool{false, true} {
		state := slices.Clone(k.state)
		k.again(m, state)
		m.Closed = closed && m.Stream
		if v := k.d.Ask(m); v < Accept && !k.d.wavers(v, m) && !slices.Equal(state, k.state) {
			t.Fatalf("verdict %d on %x, but State was written", v, k.octets)
		} else if v > Done {
			t.Fatalf("verdict %d", v)
		}
	}
}

// allocates holds that Parse needs no memory beyond its budget.
func allocates(t *testing.T, d *Dissector, c *conversation) {
	t.Helper()
	var m Message
	for _, k := range callsOf(c, d) {
		state, budget := slices.Clone(k.state), budgets[k.d.Name]
		if n := testing.AllocsPerRun(5, func() {
			copy(state, k.state)
			k.again(&m, state)
			k.d.Ask(&m)
		}); n > budget.allocs {
			t.Fatalf("%v allocations for %x, more than %v (%s)", n, k.octets, budget.allocs, budget.why)
		}
	}
}

// isAlone holds that no other dissector takes the sample for its own, and that asking all of
// them says the same as asking one.
func isAlone(t *testing.T, d *Dissector, c *conversation) {
	t.Helper()
	for _, other := range All {
		why := alike[[2]string{d.Name, other.Name}]
		if o := drive(c, other); other != d && len(o.messages) > 0 && why == "" {
			t.Errorf("accepted by %s: %+v", other.Name, o.messages[0])
		}
	}
	if err := same(drive(c, d), drive(c, All...)); err != nil {
		t.Errorf("among all: %v", err)
	}
}

// mostDissectors is how many there may be: their events and three other kinds of records are the
// bits of a number.
const mostDissectors = 61

// TestFields holds what the package flow holds of its own fields.
func TestFields(t *testing.T) {
	s, err := flow.Compile(append(flow.All(), Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Fields() {
		if s.Named(f.Key()) != f || f.Label == "" || f.Label != strings.ToUpper(f.Label) {
			t.Errorf("%s: not found by its label, or not in upper case", f.Key())
		}
		if len(f.Doc) < 8 || !strings.HasSuffix(f.Doc, ".") || strings.Contains(f.Doc, ". ") ||
			strings.ToUpper(f.Doc[:1]) != f.Doc[:1] || strings.ContainsAny(f.Doc, "\n|") {
			t.Errorf("%s: %q is not one sentence", f.Key(), f.Doc)
		}
		if f.Type.Size() == 0 && f.Width == 0 {
			t.Errorf("%s: a %s needs a width for NetFlow v9", f.Key(), f.Type)
		}
	}
	if len(All) > mostDissectors {
		t.Errorf("%d dissectors, room for %d", len(All), mostDissectors)
	}
	tentative := 0
	for i, d := range All {
		if d.Name == "" || d.Parse == nil || d.State > MaxState || !strings.HasSuffix(d.Doc, ".") {
			t.Errorf("dissector %d, %q: no name, Parse or sentence, or too much State", i, d.Name)
		}
		if slices.IndexFunc(All, func(x *Dissector) bool { return x.Name == d.Name }) != i {
			t.Errorf("%s is there twice", d.Name)
		}
		tentative += int(boolean(d.Tentative))
		if d.Report != nil && d.State == 0 {
			t.Errorf("%s reports what it cannot have remembered: it has no State", d.Name)
		}
	}
	if tentative > 1 {
		t.Errorf("%d tentative dissectors, at most 1", tentative)
	}
}
