package dissect

import (
	"bufio"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// readZeek reads the flows of a conn.log that are no tunnels, a tuple for each direction. Ports
// of ICMP are left out: Zeek's are of another meaning.
func readZeek(t *testing.T, name string) map[tuple]total {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []map[string]string
	tunnels := map[string]bool{}
	var columns []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		c := strings.Split(lines.Text(), "\t")
		switch {
		case c[0] == "#fields":
			columns = c[1:]
		case !strings.HasPrefix(c[0], "#"):
			row := map[string]string{}
			for i, v := range c {
				row[columns[i]] = v
			}
			rows = append(rows, row)
			for uid := range strings.SplitSeq(row["tunnel_parents"], ",") {
				tunnels[uid] = true
			}
		}
	}
	flows := map[tuple]total{}
	for _, r := range rows {
		if !tunnels[r["uid"]] {
			addZeek(t, flows, r)
		}
	}
	return flows
}

func addZeek(t *testing.T, flows map[tuple]total, r map[string]string) {
	n := func(column string) int {
		v, err := strconv.Atoi(r[column])
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	k := tuple{
		netip.MustParseAddr(r["id.orig_h"]), netip.MustParseAddr(r["id.resp_h"]), uint8(n("ip_proto")),
		uint16(n("id.orig_p")), uint16(n("id.resp_p")),
	}
	if r["proto"] == "icmp" {
		k.sport, k.dport = 0, 0
	}
	for _, d := range []string{"orig", "resp"} {
		if v := flows[k]; n(d+"_pkts") > 0 {
			flows[k] = total{v.packets + n(d+"_pkts"), v.octets + n(d+"_ip_bytes"), 0}
		}
		k.src, k.dst, k.sport, k.dport = k.dst, k.src, k.dport, k.sport
	}
}

// unlikeZeek are the differences to Zeek's logs, each with its reason.
var unlikeZeek = map[string]struct {
	why   string
	diffs []string
}{
	"encap/zeek__mixed-vlan-mpls.pcap.zeek.print-bpf-filters.conn.log": {
		"Zeek was run with a filter that keeps untagged IP only; the log of vlan-mpls has the rest.",
		[]string{
			"10.1.2.1:11001>10.34.0.1:23/6: got {11 470 0}, want none",
			"125.190.109.199:80>141.42.64.125:56730/6: got {10 9945 0}, want none",
			"141.42.64.125:56730>125.190.109.199:80/6: got {12 730 0}, want none",
		},
	},
	"encap/zeek__tunnels__Teredo.pcap.zeek.teredo.conn.log": {
		"Bubbles are IPv6 packets without a next header. Zeek logs no connection for them; weir meters them.",
		[]string{
			"[2001:0:4137:9e50:8000:f12a:b9c8:2815]:0>[2001:4860:0:2001::68]:0/59: got {1 40 0}, want none",
			"[2001:0:4137:9e50:8000:f12a:b9c8:2815]:0>[fe80::708d:fe83:4114:a512]:0/59: got {1 40 0}, want none",
			"[fe80::708d:fe83:4114:a512]:0>[2001:0:4137:9e50:8000:f12a:b9c8:2815]:0/59: got {1 40 0}, want none",
		},
	},
	"gtp/zeek__tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap.zeek.outer_ip_frag.conn.log": {
		"40 tunnel packets are fragmented and 4 of their second fragments are missing. Zeek reassembles, so it " +
			"has 4 packets of 1480 octets less. Weir meters the inner packet by the first fragment, and the " +
			"36 later fragments, 36 octets each, as what they are: fragments of the outer packet.",
		[]string{
			"239.114.155.111:0>63.94.149.181:0/17: got {1 36 0}, want none",
			"63.94.149.181:0>239.114.155.111:0/17: got {35 1260 0}, want none",
			"79.101.110.141:80>10.131.47.185:1923/6: got {45 58514 0}, want {41 52594 0}",
		},
	},
}

// The innermost packets are those that Zeek found.
func TestInnermost(t *testing.T) {
	dir := captures(t)
	logs, err := filepath.Glob(filepath.Join(dir, "*", "zeek__*.zeek.*conn.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal("no logs", err)
	}
	for _, log := range logs {
		name := strings.TrimPrefix(log, dir+"/")
		if !strings.HasPrefix(name, "encap/") && !strings.HasPrefix(name, "gtp/") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			capture, _, _ := strings.Cut(log, ".zeek.")
			got := summarize(t, capture, false)
			flows := map[tuple]total{}
			for k, v := range got.flows {
				if k.proto == protoICMP || k.proto == protoICMPv6 {
					k.sport, k.dport = 0, 0
				}
				flows[k] = total{flows[k].packets + v.packets, flows[k].octets + v.octets, 0}
			}
			diffs := differ(summary{flows: flows}, summary{flows: readZeek(t, log)})
			if !slices.Equal(diffs, unlikeZeek[name].diffs) {
				t.Errorf("differences:\n%s", strings.Join(diffs, "\n"))
			}
		})
	}
}
