package main

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// captures returns the captures that have a table of expected transactions beside them.
func captures(t *testing.T, table string) (paths []string) {
	t.Helper()
	found, err := filepath.Glob("../../../shared/captures/*/*" + table)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Skip("captures are not there")
	}
	for _, f := range found {
		paths = append(paths, strings.TrimSuffix(f, table))
	}
	return paths
}

// rows reads a table of expected transactions.
func rows(t *testing.T, path string) (all []map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		all = append(all, row)
	}
	return all
}

// logged returns the lines that replaying a capture writes to a log, by the names of columns.
func logged(t *testing.T, capture, log string) (all []map[string]string) {
	t.Helper()
	dir := t.TempDir()
	must(t, "replay", "-q", "--logs", dir, capture)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), log+"-") {
			return err
		}
		b, err := os.ReadFile(path)
		lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		columns := strings.Split(strings.TrimPrefix(lines[1], "# "), "\t")
		for _, line := range lines[3:] {
			cells, row := strings.Split(line, "\t"), map[string]string{}
			if len(cells) != len(columns) {
				t.Errorf("%s: %d cells for %d columns", path, len(cells), len(columns))
				continue
			}
			for i, c := range columns {
				name, _, _ := strings.Cut(c, "[")
				row[name] = cells[i]
			}
			all = append(all, row)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// compare counts the lines that are in both, and says which are not.
func compare(t *testing.T, capture string, got, want []string) (same int) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	for len(got) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(got) > 0 && got[0] < want[0]:
			t.Logf("%s: more  %s", filepath.Base(capture), got[0])
			got = got[1:]
		case len(got) == 0 || want[0] < got[0]:
			t.Logf("%s: lacks %s", filepath.Base(capture), want[0])
			want = want[1:]
		default:
			same++
			got, want = got[1:], want[1:]
		}
	}
	return same
}

// millis writes a number of seconds as the logs write times.
func millis(t *testing.T, seconds string) string {
	t.Helper()
	if seconds == "" {
		return ""
	}
	whole, fraction, _ := strings.Cut(seconds, ".")
	ns, err := strconv.ParseUint(whole+(fraction + "000000000")[:9], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	us := (ns + 500) / 1000
	return fmt.Sprintf("%d.%03d", us/1000, us%1000)
}

// inner returns the last of several addresses: that of the innermost packet.
func inner(addresses string) string { return addresses[strings.LastIndexByte(addresses, ';')+1:] }

// plain makes names alike of which tshark shows octets as UTF-8, where they are, and the log
// shows them as RFC 1035 does. Of names that need it, what the column has room for in any case
// is compared.
func plain(name string) string {
	octets := escape.ReplaceAllStringFunc(strings.Replace(name, "<Root>", ".", 1), func(s string) string {
		n, _ := strconv.Atoi(s[1:])
		return string([]byte{byte(n)})
	})
	if !strings.ContainsFunc(octets, func(r rune) bool { return r >= 0x80 }) {
		return octets[:min(len(octets), 64)]
	}
	const room = 64 / len(`\000`)
	return string([]rune(octets)[:min(len([]rune(octets)), room)])
}

var escape = regexp.MustCompile(`\\[0-9]{3}`)

// expectedDNS returns the lines that a table asks for. tshark has a row for a query each time
// it is sent again, and for the beginning of one that an ICMP error quotes; the log has one
// line for all of them, unless it is to everyone and each may be answered by another.
func expectedDNS(t *testing.T, path string) (lines []string) {
	t.Helper()
	answered, seen := map[string]bool{}, map[string]bool{}
	all := rows(t, path)
	key := func(r map[string]string) string {
		ends := []string{inner(r["client"]), inner(r["server"]), r["cport"]}
		return strings.Join(append(ends, r["id"], r["qname"], r["qtype"]), " ")
	}
	for _, r := range all {
		answered[key(r)] = answered[key(r)] || r["resp_frame"] != ""
	}
	for _, r := range all {
		everyone := netip.MustParseAddr(inner(r["server"])).IsMulticast()
		again := r["resp_frame"] == "" && (answered[key(r)] || seen[key(r)]) && !everyone
		if seen[key(r)] = true; again {
			continue
		}
		id, err := strconv.ParseUint(r["id"], 0, 16)
		if err != nil {
			t.Fatal(err)
		}
		second, _, _ := strings.Cut(r["ts"], ".")
		lines = append(lines, strings.Join([]string{
			second, inner(r["client"]), inner(r["server"]), plain(r["qname"]),
			strconv.FormatUint(id, 10), r["qtype"], r["rcode"], r["answers"], millis(t, r["latency_s"]),
		}, " "))
	}
	return lines
}

// otherDNS counts the lines that differ by what they mean.
var otherDNS = map[string]int{
	// The response has no VLAN tag, so to tshark it is not one to the query.
	"ipfixprobe__vlan.pcap": 1,
	// Responses over TCP in several segments: tshark waits for the last one.
	"zeek__dns-edns-ecs.pcap": 2,
	// A query that was sent again: the log says how long the client waited, tshark how long
	// after the last query the response came.
	"zeek__ipv6-fragmented-dns.pcap": 1,
}

// TestLogDNS compares the log of DNS with what tshark saw.
func TestLogDNS(t *testing.T) {
	const table = ".dns_log.csv"
	same, all := 0, 0
	for _, capture := range captures(t, table) {
		want := expectedDNS(t, capture+table)
		var got []string
		for _, r := range logged(t, capture, "dns") {
			got = append(got, strings.Join([]string{
				r["When"], r["DNS_Client"], r["DNS_Server"], plain(r["Query"]), r["TransactionId"], r["NumQueryType"],
				r["NumRetCode"], r["NumAnswer"], r["ServerResponseTime(ms)"],
			}, " "))
		}
		all += len(want)
		n := compare(t, capture, got, want)
		other := otherDNS[filepath.Base(capture)]
		if same += n; n != len(want)-other || n != len(got)-other {
			t.Errorf("%s: %d of %d lines are the same, and the log has %d", capture, n, len(want), len(got))
		}
	}
	t.Logf("%d of %d lines are the same", same, all)
}

// cells cuts each value to the width of its column, as in the log.
func cells(values []string, widths ...int) string {
	for i, n := range widths {
		values[i] = values[i][:min(len(values[i]), n)]
	}
	return strings.Join(values, " ")
}

// expectedHTTP returns the lines that a table asks for. It has rows for SSDP, which is like HTTP
// but is not. Where a request was answered by 100 Continue, its final response is a row of its
// own, further below.
func expectedHTTP(t *testing.T, path string) (lines []string) {
	t.Helper()
	all := rows(t, path)
	for i, r := range all {
		if r["status"] != "100" {
			continue
		}
		if r["status"] = ""; r["method"] == "" {
			r["method"] = "M-SEARCH" // tshark does not know what it belongs to
			continue
		}
		final := slices.IndexFunc(all[i:], func(x map[string]string) bool {
			return x["method"]+x["uri"] == "" && x["cport"] == r["cport"] && x["client"] == r["client"] &&
				x["status"] > "199"
		})
		if final >= 0 {
			r["status"], r["content_type"] = all[i+final]["status"], all[i+final]["content_type"]
			all[i+final]["method"] = "M-SEARCH"
		}
	}
	for _, r := range all {
		if r["method"] == "M-SEARCH" || r["method"] == "NOTIFY" {
			continue
		}
		second, _, _ := strings.Cut(r["req_ts"], ".")
		host, uri := r["host"], r["uri"]
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if rest, ok := strings.CutPrefix(uri, "http://"); ok && r["method"] != "CONNECT" {
			uri = rest[max(strings.IndexByte(rest, '/'), 0):]
		}
		lines = append(lines, cells([]string{
			second, inner(r["client"]), inner(r["server"]), r["method"], host, uri, r["status"], r["content_type"],
		}, 10, 39, 39, 8, 32, 255, 3, 96))
	}
	return lines
}

// otherHTTP counts the lines that differ by what they mean: those that the table has and the log
// does not, and the other way round.
var otherHTTP = map[string][2]int{
	// tshark tells of a response when all of its body was seen, which it was not, and of a
	// request when its last octet was.
	"PcapPlusPlus__650HttpResponses.pcap": {0, 311},
	"PcapPlusPlus__many-protocols.pcap":   {3, 3},
	"nDPI__1kxun.pcap":                    {8, 8},
	"nDPI__instagram.pcap":                {4, 4},
	// The table was made without looking into Teredo.
	"zeek__tunnels__Teredo.pcap": {0, 2},
	// The request is in fragments of the outer packet.
	"zeek__tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap": {1, 1},
}

// TestLogHTTP compares the log of HTTP with what tshark saw.
func TestLogHTTP(t *testing.T) {
	const table = ".http_log.csv"
	same, all := 0, 0
	for _, capture := range captures(t, table) {
		want := expectedHTTP(t, capture+table)
		var got []string
		for _, r := range logged(t, capture, "http") {
			begin := r["BeginTime"]
			if r["Method"] == "" {
				begin = "" // of the response; the table has none
			}
			got = append(got, cells([]string{
				begin, r["Client"], r["ServerIP"], r["Method"], r["Server"], r["URL"], r["HTTPReturnCode"],
				r["ContentType"],
			}))
		}
		all += len(want)
		n := compare(t, capture, got, want)
		other := otherHTTP[filepath.Base(capture)]
		if same += n; n != len(want)-other[0] || n != len(got)-other[1] {
			t.Errorf("%s: %d of %d lines are the same, and the log has %d", capture, n, len(want), len(got))
		}
	}
	t.Logf("%d of %d lines are the same", same, all)
}
