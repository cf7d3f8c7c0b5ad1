package app

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sharks are the names that tshark has for what a dissector understands, where it has others than the
// dissector's own.
var sharks = map[string][]string{
	"bittorrent": {"bittorrent", "bt-dht", "bt-utp", "bt-tracker"},
	"dns":        {"dns", "mdns", "llmnr"},
	"modbus":     {"modbus", "mbtcp"},
	"mongodb":    {"mongo"},
	"oracle":     {"tns"},
	"gtp":        {"gtp", "gtpv2", "gtpprime"},
	"postgresql": {"pgsql"},
	"pop3":       {"pop"},
	"ldap":       {"ldap", "cldap"},
	"smb":        {"smb", "smb2"},
	"netbios":    {"nbns", "nbss", "nbdgm"},
	"quic":       {"quic", "gquic"},
	"rtp":        {"rtp", "rtcp", "rtpevent", "srtp"},
	"wireguard":  {"wg"},
	"stun":       {"stun", "classicstun"},
}

// sharkTold is what tshark has to be told: what it looks for at any port only if asked to, that it need
// not wait for the end of a body, and ports of captures that it does not know.
func sharkTold(file string) []string {
	args := []string{"--enable-heuristic", "rtp_udp", "--enable-heuristic", "rtcp_udp",
		"--enable-heuristic", "bt_utp_udp", "-o", "http.desegment_body:FALSE"}
	if at := dbPorts[filepath.Base(file)]; at != "" {
		args = append(args, "-d", at)
	}
	return args
}

// mistaken are conversations that a dissector claims and tshark does not, and why the claim is right.
var mistaken = []struct{ capture, conversation, dissector, why string }{
	{"open5gs__volte.pcapng", "10.4.128.21:3871 > 10.4.128.21:49046 / 6", "diameter",
		"a network function speaks Diameter at a port that tshark does not know"},
	{"nDPI__ssh.pcap", "127.0.0.1:58496 > 127.0.0.1:8000 / 6", "ssh",
		"nDPI says so, too: the port is not SSH's"},
	{"nDPI__fuzz-2006-06-26-2594.pcap", "192.168.1.6:5060 > 212.242.33.35:5060 / 17", "sip",
		"blanks with which a phone keeps its port open"},
	{"zeek__tunnels__Teredo.pcap",
		"[2001:0:4137:9e50:8000:f12a:b9c8:2815]:1286 > [2001:4860:0:2001::68]:80 / 6", "http",
		"tshark says so, too, if it waits for the end of the body"},
}

// TestConfusion shows every conversation of the captures to all dissectors at once, and holds that who
// claims one is right in the eyes of tshark, which knows nothing of us. testdata/confusion.txt has
// the table: what tshark makes of conversations, who claims them, and how many. -update writes it.
func TestConfusion(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	counts, wrong, explained := map[string]int{}, 0, map[string]bool{}
	for _, x := range mistaken {
		explained[x.capture+" "+x.conversation+" "+x.dissector] = true
	}
	for _, file := range everyCapture(t) {
		truth := sharkFlows(t, file)
		for _, c := range conversations(t, file) {
			is, claims := truth[c.name], claimants(c)
			counts[fmt.Sprintf("%-24s %-24s", is.label(), orNobody(claims))]++
			for _, d := range claims {
				why := fmt.Sprintf("%s %s %s", filepath.Base(file), c.name, d)
				switch {
				case is.any(d):
				case explained[why]:
					delete(explained, why)
				default:
					wrong++
					t.Errorf("%s, but it is %s", why, is.label())
				}
			}
		}
	}
	for why := range explained {
		t.Errorf("%s is no mistake of tshark any more", why)
	}
	var lines []string
	for line, n := range counts {
		lines = append(lines, fmt.Sprintf("%s %5d\n", line, n))
	}
	slices.Sort(lines)
	table := fmt.Sprintf("%-24s %-24s %5s\n", "tshark", "claimed by", "flows") + strings.Join(lines, "")
	t.Logf("%d wrong claims\n%s", wrong, table)
	compareTable(t, filepath.Join("testdata", "confusion.txt"), table)
}

func compareTable(t *testing.T, path, table string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != table {
		t.Errorf("%s is not the table (%v); -update rewrites it, read the difference", path, err)
	}
}

func orNobody(claims []string) string {
	if len(claims) == 0 {
		return "-"
	}
	return strings.Join(claims, "+")
}

// everyCapture returns the captures of the collection that can be read.
func everyCapture(t *testing.T) (all []string) {
	t.Helper()
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.cap"} {
		files, _ := filepath.Glob(filepath.Join(corpus(t), "*", pattern))
		all = append(all, files...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(all, func(file string) bool { return filepath.Base(file) == unreadable })
}

// claimants returns the dissectors that take what is said for their own, in their order.
func claimants(c *conversation) (names []string) {
	for _, m := range drive(c, All...).messages {
		if !slices.Contains(names, m.Dissector) {
			names = append(names, m.Dissector)
		}
	}
	return names
}

// sharkFlow is what tshark finds in a conversation.
type sharkFlow struct {
	over map[string]bool // right above the transport
	all  map[string]bool // anywhere above it
}

// label returns the protocols of the conversation, those of a transport alone as "-".
func (f *sharkFlow) label() string {
	if f == nil || len(f.over) == 0 {
		return "-"
	}
	var names []string
	for name := range f.over {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, "+")
}

// any reports whether what a dissector understands is there.
func (f *sharkFlow) any(dissector string) bool {
	names := sharks[dissector]
	if names == nil {
		names = []string{dissector}
	}
	return f != nil && slices.ContainsFunc(names, func(name string) bool { return f.all[name] })
}

// sharkFlows returns what tshark finds in a capture, by the names of conversations whoever began.
func sharkFlows(t *testing.T, file string) map[string]*sharkFlow {
	t.Helper()
	args := append(sharkTold(file), "-r", file, "-T", "fields", "-e", "frame.protocols")
	columns := []string{"ip.src", "ip.dst", "ipv6.src", "ipv6.dst"}
	for _, transport := range sharkTransports {
		columns = append(columns, transport.name+".srcport", transport.name+".dstport")
	}
	for _, column := range columns {
		args = append(args, "-e", column)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark of %s: %v", file, err)
	}
	all := map[string]*sharkFlow{}
	for _, line := range strings.Split(string(out), "\n") {
		cells := strings.Split(line, "\t")
		if len(cells) != 1+len(columns) {
			continue
		}
		var lists [][]string
		for _, cell := range cells[1:] {
			lists = append(lists, strings.FieldsFunc(cell, func(r rune) bool { return r == ',' }))
		}
		for _, name := range sharkNames(lists) {
			if all[name] == nil {
				all[name] = &sharkFlow{map[string]bool{}, map[string]bool{}}
			}
			all[name].add(cells[0])
		}
	}
	return all
}

var sharkTransports = []struct {
	name   string
	number uint8
}{{"tcp", 6}, {"udp", 17}, {"sctp", 132}}

// sharkNames returns what the conversation of a frame may be called: with tunnels it has several
// addresses, and maybe ports.
func sharkNames(lists [][]string) (names []string) {
	addrs := [2][]string{slices.Concat(lists[0], lists[2]), slices.Concat(lists[1], lists[3])}
	for k, transport := range sharkTransports {
		src, dst := lists[4+2*k], lists[5+2*k]
		for i := range min(len(src), len(dst)) {
			for j := range min(len(addrs[0]), len(addrs[1])) {
				ends := [2]netip.AddrPort{}
				for n, end := range [2][2]string{{addrs[0][j], src[i]}, {addrs[1][j], dst[i]}} {
					ends[n] = netip.AddrPortFrom(netip.MustParseAddr(end[0]).Unmap(), number(end[1]))
				}
				for n := range ends {
					names = append(names, fmt.Sprintf("%v > %v / %d", ends[n], ends[1-n], transport.number))
				}
			}
		}
	}
	return names
}

// add notes the protocols of a frame. What is above an error of ICMP is a quotation.
func (f *sharkFlow) add(protocols string) {
	names := strings.Split(protocols, ":")
	above := 0
	for i, name := range names {
		switch name {
		case "icmp", "icmpv6":
			return
		case "tcp", "udp", "sctp":
			above = i + 1
		}
	}
	for i, name := range names[above:] {
		if above == 0 || name == "data" || strings.HasPrefix(name, "_ws") {
			continue
		}
		if f.all[name] = true; i == 0 {
			f.over[name] = true
		}
	}
}

// TestSharkNames holds what a frame in a tunnel may belong to.
func TestSharkNames(t *testing.T) {
	none := []string(nil)
	got := sharkNames([][]string{{"192.0.2.1", "10.0.0.1"}, {"192.0.2.2", "10.0.0.2"}, none, none,
		{"1"}, {"2"}, none, none, none, none})
	if want := "10.0.0.2:2 > 10.0.0.1:1 / 6"; len(got) != 4 || !slices.Contains(got, want) {
		t.Errorf("%q, %q is not among them", got, want)
	}
	f := &sharkFlow{map[string]bool{}, map[string]bool{}}
	f.add("eth:ethertype:ip:udp:vxlan:eth:ethertype:ip:tcp:tls:http")
	f.add("eth:ethertype:ip:icmp:ip:udp:dns")
	if f.label() != "tls" || !f.any("http") || f.any("dns") {
		t.Errorf("%v", f)
	}
}
