package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// conns returns the rows of a conn.log by endpoints and protocol.
func conns(log string) map[string][]map[string]string {
	all := map[string][]map[string]string{}
	var names []string
	for line := range strings.Lines(log) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if cells[0] == "#fields" {
			names = cells[1:]
		}
		if line[0] == '#' || len(cells) != len(names) {
			continue
		}
		row := map[string]string{}
		for i, c := range cells {
			row[names[i]] = c
		}
		id := strings.Join([]string{row["id.orig_h"], row["id.orig_p"], row["id.resp_h"], row["id.resp_p"],
			row["proto"]}, " ")
		all[id] = append(all[id], row)
	}
	return all
}

// agrees compares what two rows say of a connection: what is not known there says nothing. Of the
// history it is the letters for the beginning and the end, in any order.
func agrees(t *testing.T, id string, zeek, weir map[string]string) {
	t.Helper()
	for _, name := range []string{"conn_state", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
		"orig_bytes", "resp_bytes", "vlan", "inner_vlan", "ip_proto"} {
		if want := zeek[name]; want != "" && want != "-" && weir[name] != "-" && weir[name] != want {
			t.Errorf("%s: %s is %s, Zeek says %s (%s)", id, name, weir[name], want, zeek["history"])
		}
	}
	for _, letter := range "SsHhFfRr" {
		if strings.ContainsRune(zeek["history"], letter) != strings.ContainsRune(weir["history"], letter) {
			t.Errorf("%s: history is %s, Zeek has %s", id, weir["history"], zeek["history"])
		}
	}
}

// What Zeek made of captures is what the conn.log of their flows says.
func TestZeek(t *testing.T) {
	logs, err := filepath.Glob("../../../shared/captures/*/*.conn.log")
	if err != nil || len(logs) == 0 {
		t.Skip("captures are not there")
	}
	compared, replayed := 0, map[string]map[string][]map[string]string{}
	for _, log := range logs {
		name := filepath.Base(log)
		if strings.Contains(name, ".packetfilter.") { // Zeek was told to leave packets out
			continue
		}
		octets, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		capture := log[:strings.Index(log, ".pcap")] + ".pcap"
		if replayed[capture] == nil {
			replayed[capture] = conns(must(t, "replay", "-q", "--idle", "10m", "--zeek", capture))
		}
		for id, zeek := range conns(string(octets)) {
			weir := replayed[capture][id]
			// Those that are cut or told apart in other ways, as by their tunnels, have no counterpart; nor
			// has one of which Zeek missed packets, which is a g.
			if len(zeek) == 1 && len(weir) == 1 && !strings.ContainsAny(zeek[0]["history"], "gG") {
				agrees(t, name+" "+id, zeek[0], weir[0])
				compared++
			}
		}
	}
	if compared < 50 {
		t.Errorf("only %d connections were compared", compared)
	}
}
