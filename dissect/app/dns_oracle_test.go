package app

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// said is a message of DNS as tshark tells it.
type said struct {
	where  string // who says it to whom
	frame  string
	fields map[string]string
}

// dnsMessages returns the messages of a capture by who says them to whom, in order. Of fragmented
// ones there is what the first fragment has.
func dnsMessages(t *testing.T, file string) map[string][]map[string]string {
	all := map[string][]map[string]string{}
	for _, c := range conversations(t, file) {
		ends, proto, _ := strings.Cut(c.name, " / ")
		src, dst, _ := strings.Cut(ends, " > ")
		o := drive(c, &DNS)
		for i, m := range o.messages {
			where := src + " > " + dst + " / " + proto
			if m.Server {
				where = dst + " > " + src + " / " + proto
			}
			m.Fields["flaw"] = m.Flaw
			if !c.stream() && len(o.messages) == len(c.turns) && c.turns[i].cut {
				m.Fields["cut"] = "cut"
			}
			all[where] = append(all[where], m.Fields)
		}
	}
	return all
}

// dnsTable returns the rows of a table with a header line.
func dnsTable(t *testing.T, file string, comma rune) (all []map[string]string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = comma, true, -1
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			if i < len(line) {
				row[name] = line[i]
			}
		}
		all = append(all, row)
	}
	return all
}

// inner is the innermost of the values that a tunnel repeats.
func inner(s string) string { return s[strings.LastIndexByte(s, ';')+1:] }

// sharkMessages returns the messages of a table of tshark.
func sharkMessages(t *testing.T, file string) (all []said) {
	for _, r := range dnsTable(t, file, '\t') {
		proto, sport, dport := 17, r["udp.srcport"], r["udp.dstport"]
		if r["tcp.srcport"] != "" {
			proto, sport, dport = 6, r["tcp.srcport"], r["tcp.dstport"]
		}
		src, dst := cmp.Or(r["ipv6.src"], r["ip.src"]), cmp.Or(r["ipv6.dst"], r["ip.dst"])
		where := fmt.Sprintf("%s > %s / %d", place(src, sport), place(dst, dport), proto)
		all = append(all, said{where, filepath.Base(file) + " " + r["frame.number"], r})
	}
	return all
}

// elements takes the elements of DNS_RESPONSE apart, by type.
func elements(s string) (byType map[string][]string, n int) {
	byType = map[string][]string{}
	quoted, begin := false, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] == '\\':
			i++
		case i < len(s) && s[i] == '"':
			quoted = !quoted
		case i == len(s) && i > begin || i < len(s) && s[i] == ';' && !quoted:
			at := strings.LastIndexByte(s[begin:i], '/') + begin
			byType[s[at+1:i]] = append(byType[s[at+1:i]], s[begin:at])
			begin, n = i+1, n+1
		}
	}
	return byType, n
}

// plain undoes escapes. What is not printable is a question mark, one for all in a row, as it
// is not told what tshark makes of it.
func plain(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			if c = s[i]; c >= '0' && c <= '9' && i+2 < len(s) {
				n, _ := strconv.Atoi(s[i : i+3])
				c, i = byte(n), i+2
			}
		}
		b = append(b, c)
	}
	return printable(string(b))
}

func printable(s string) string {
	var b []byte
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			c = '?'
		}
		if n := len(b); c != '?' || n == 0 || b[n-1] != '?' {
			b = append(b, c)
		}
	}
	return string(b)
}

// differ tells where our message is another than tshark's, by field.
func (s *said) differ(ours map[string]string) (fields []string) {
	check := func(field, got, want string) {
		if got != want {
			fields = append(fields, fmt.Sprintf("%s: %s is %q, tshark says %q", s.frame, field, got, want))
		}
	}
	r := s.fields
	first := func(name string) string { v, _, _ := strings.Cut(r[name], ";"); return v }
	id, _ := strconv.ParseUint(strings.TrimPrefix(first("dns.id"), "0x"), 16, 16)
	check("DNS_QUERY_ID", ours["DNS_QUERY_ID"], fmt.Sprint(id))
	op, _ := strconv.Atoi(r["dns.flags.opcode"])
	check("DNS_OPCODE", ours["DNS_OPCODE"], dnsNamed(dnsOpcodes[:], uint16(op)))
	name, want := plain(ours["DNS_QUERY"]), strings.Replace(printable(first("dns.qry.name")), "<Root>", ".", 1)
	if len(ours["DNS_QUERY"]) > 255-len(`\000`) { // no room for more escapes
		want = want[:min(len(want), len(name))]
	}
	check("DNS_QUERY", name, want)
	check("DNS_QUERY_TYPE", ours["DNS_QUERY_TYPE"], first("dns.qry.type"))
	check("DNS_NUM_QUERIES", ours["DNS_NUM_QUERIES"], r["dns.count.queries"])
	if r["dns.flags.response"] == "0" {
		return fields
	}
	check("DNS_RET_CODE", ours["DNS_RET_CODE"], r["dns.flags.rcode"])
	check("DNS_NUM_ANSWERS", ours["DNS_NUM_ANSWERS"], r["dns.count.answers"])
	check("DNS_NUM_AUTH", ours["DNS_NUM_AUTH"], r["dns.count.auth_rr"])
	check("DNS_NUM_ADDITIONAL", ours["DNS_NUM_ADDITIONAL"], r["dns.count.add_rr"])
	truncated := strings.Contains(ours["DNS_FLAGS"], "TC")
	check("TC", fmt.Sprint(truncated), fmt.Sprint(r["dns.flags.truncated"] == "1"))
	if ours["DNS_FIRST_TTL"] != "" || ours["DNS_NUM_ANSWERS"] != "0" && ours["cut"] == "" {
		check("DNS_FIRST_TTL", ours["DNS_FIRST_TTL"], first("dns.resp.ttl"))
	}
	return append(fields, s.answers(ours)...)
}

// answers compares the answers. tshark's are those of all sections in order, by type: ours are
// the first of them, and as many as there are answers unless there was no room.
func (s *said) answers(ours map[string]string) (fields []string) {
	byType, n := elements(ours["DNS_RESPONSE"])
	room := len(ours["DNS_RESPONSE"])+len(s.fields["dns.txt"]) < 200
	if room && ours["cut"] == "" && fmt.Sprint(n) != s.fields["dns.count.answers"] {
		fields = append(fields, fmt.Sprintf("%s: %d answers of %s", s.frame, n, s.fields["dns.count.answers"]))
	}
	if servers := ours["DNS_AUTH_NS"]; servers != "" {
		byType["NS"] = append(byType["NS"], strings.Split(servers, ";")...)
	}
	for i, mx := range byType["MX"] {
		_, byType["MX"][i], _ = strings.Cut(mx, " ")
	}
	for kind, name := range map[string]string{"A": "dns.a", "AAAA": "dns.aaaa", "CNAME": "dns.cname",
		"NS": "dns.ns", "MX": "dns.mx.mail_exchange", "TXT": "dns.txt", "PTR": "dns.ptr.domain_name"} {
		got, want := strings.Join(byType[kind], ";"), s.fields[name]
		if kind == "TXT" {
			got = strings.NewReplacer(`" "`, ";", `";"`, ";").Replace(got)
			got = strings.TrimSuffix(strings.TrimPrefix(got, `"`), `"`)
		}
		got, want = plain(got), printable(want)
		if !strings.HasPrefix(want, strings.TrimSuffix(got, ".")) {
			fields = append(fields, fmt.Sprintf("%s: %s answers %q, tshark says %q", s.frame, kind, got, want))
		}
	}
	return fields
}

// quoting tells of captures how many addresses a frame has that only quotes a query, in an
// error of ICMP. tshark shows what is quoted like what is said.
var quoting = map[string]int{"zeek__tunnels__gre-sample.pcap": 3, "ipfixprobe__mixed.pcap": 2}

// TestDNSOracle compares every message in the captures with what tshark says of it.
func TestDNSOracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.tshark.dns.tsv"))
	messages, differences, quoted := 0, 0, 0
	for _, file := range files {
		file = strings.TrimSuffix(file, ".tshark.dns.tsv")
		capture := filepath.Base(file)
		ours := dnsMessages(t, file)
		for _, s := range sharkMessages(t, file+".tshark.dns.tsv") {
			if n := quoting[capture]; n > 0 && strings.Count(s.fields["ip.src"], ";") == n-1 {
				quoted++
				continue
			}
			messages++
			mine := ours[s.where]
			if len(mine) == 0 {
				t.Errorf("%s: not seen: %s %s", s.frame, s.where, s.fields["dns.qry.name"])
				continue
			}
			ours[s.where] = mine[1:]
			if d := s.differ(mine[0]); len(d) > 0 {
				differences++
				for _, d := range d {
					t.Error(d)
				}
			}
		}
		for where, rest := range ours {
			for _, m := range rest {
				t.Errorf("%s: only we see %v: %v", capture, where, m)
			}
		}
	}
	t.Logf("%d of %d messages in %d captures as tshark says, %d more quoted in errors of ICMP",
		messages-differences, messages, len(files), quoted)
	if messages == 0 {
		t.Error("no messages compared")
	}
}

// apart tells of captures in which the transactions of the table are others, and why.
var apart = map[string]string{
	"ipfixprobe__vlan.pcap": "the same two hosts say the same on several VLANs, which tshark takes for one flow",
}

// TestDNSLogs compares the transactions in the captures with those in tables made of what
// tshark says: each query with its answer or without. A query sent again is a row of its own
// there; here it belongs to the same transaction.
func TestDNSLogs(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.dns_log.csv"))
	var rows, wrong, again, others int
	for _, file := range files {
		file = strings.TrimSuffix(file, ".dns_log.csv")
		events := map[string][]event{}
		for _, c := range conversations(t, file) {
			ends, proto, _ := strings.Cut(c.name, " / ")
			for _, e := range drive(c, &DNS).events {
				at := ends + " / " + proto + " " + e.Fields["DNS_QUERY_ID"]
				events[at] = append(events[at], e)
			}
		}
		table := dnsTable(t, file+".dns_log.csv", ',')
		for i, r := range table {
			if r["resp_frame"] == "" && repeats(table, i) {
				again++
				continue
			}
			quotes := quoting[filepath.Base(file)]
			if apart[filepath.Base(file)] != "" || quotes > 0 && strings.Count(r["client"], ";") == quotes-1 {
				others++
				continue
			}
			rows++
			if why := logged(events, r); why != "" {
				wrong++
				t.Errorf("%s %s>%s: %s", filepath.Base(file), r["query_frame"], r["resp_frame"], why)
			}
		}
	}
	t.Logf("%d of %d transactions in %d captures as in the tables; %d queries sent again; %d rows explained",
		rows-wrong, rows, len(files), again, others)
	if rows == 0 {
		t.Error("no transactions compared")
	}
}

// repeats reports whether a row is of a query that another row, or an earlier one without an
// answer either, has too.
func repeats(table []map[string]string, i int) bool {
	for j, r := range table {
		same := j != i
		for _, column := range []string{"client", "cport", "server", "sport", "l4", "id", "qname", "qtype"} {
			same = same && r[column] == table[i][column]
		}
		if same && (r["resp_frame"] != "" || j < i) {
			return true
		}
	}
	return false
}

// logged tells how the transaction of a row is another in events, which it is taken from.
func logged(events map[string][]event, r map[string]string) string {
	proto := map[string]int{"udp": 17, "tcp": 6}[r["l4"]]
	id, _ := strconv.ParseUint(strings.TrimPrefix(r["id"], "0x"), 16, 16)
	kind, src, dst := "transaction", place(r["client"], r["cport"]), place(r["server"], r["sport"])
	if r["resp_frame"] == "" {
		kind = "unanswered"
	}
	at := fmt.Sprintf("%s > %s / %d %d", src, dst, proto, id)
	if r["query_frame"] == "" {
		kind = "unasked"
		if len(events[at]) == 0 { // who answers is the first to be seen
			at = fmt.Sprintf("%s > %s / %d %d", dst, src, proto, id)
		}
	}
	all := events[at]
	for i, e := range all {
		f := e.Fields
		name, want := plain(f["DNS_QUERY"]), printable(r["qname"])
		multicast := e.Kind == "notice"
		if !strings.HasPrefix(want, name) && name != "." || e.Kind != kind && !multicast {
			continue
		}
		events[at] = append(all[:i:i], all[i+1:]...)
		if f["DNS_QUERY_TYPE"] != r["qtype"] || r["resp_frame"] != "" &&
			(f["DNS_RET_CODE"] != r["rcode"] || f["DNS_NUM_ANSWERS"] != r["answers"]) {
			return fmt.Sprint("fields ", f)
		}
		return ""
	}
	return fmt.Sprintf("%s %s not among %v", at, r["qname"], all)
}

func place(addr, port string) string {
	a, _ := netip.ParseAddr(inner(addr))
	n, _ := strconv.Atoi(inner(port))
	return netip.AddrPortFrom(a, uint16(n)).String()
}

// moved are captures with messages of DNS at other ports, and why.
var moved = map[string]string{
	"nDPI__fuzz-2006-06-26-2594.pcap": "octets of the packets were changed at random, those of ports too",
}

// TestDNSElsewhere asks about everything in the captures that is said at other ports: where no
// DNS is expected there is none. It also asks as if it were expected, which shows how much is
// taken for DNS by that alone.
func TestDNSElsewhere(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.pcap*"))
	var datagrams, segments, strict, lenient int
	for _, file := range files {
		if ext := filepath.Ext(file); ext != ".pcap" && ext != ".pcapng" && ext != ".cap" {
			continue
		}
		for _, c := range conversations(t, file) {
			number, expected := dnsPlace(&Message{SrcPort: c.srcPort, DstPort: c.dstPort})
			if expected || number == 0 {
				continue
			}
			for _, turn := range c.turns {
				k := dnsCase{octets: turn.octets, stream: c.stream(), port: c.dstPort}
				if k.stream {
					segments++
				} else {
					datagrams++
				}
				if k.hear(&Message{}) == Accept {
					strict++
				}
				if k.port = portDNS; k.hear(&Message{}) == Accept {
					if lenient++; moved[filepath.Base(file)] == "" {
						t.Errorf("%s %s: %x taken for DNS", filepath.Base(file), c.name, turn.octets)
					}
				}
			}
		}
	}
	t.Logf("of %d datagrams and %d segments at other ports %d are taken for DNS, %d at port 53",
		datagrams, segments, strict, lenient)
}
