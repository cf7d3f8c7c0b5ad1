package app

import (
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bgpJudge compares all values that tshark has of some columns in a capture with ours, in any order.
type bgpJudge struct {
	columns string
	field   string
	reads   func(string) string // how ours reads there
}

// bgpOnly returns what of ours has no length behind it.
func bgpOnly(s string) string { addr, _, _ := strings.Cut(s, "/"); return addr }

func bgpSame(s string) string { return s }

var bgpJudges = []bgpJudge{
	{"bgp.open.identifier", "BGP_IDENTIFIER", bgpSame},
	{"bgp.open.holdtime", "BGP_HOLD_TIME", bgpSame},
	{"bgp.nlri_prefix bgp.mp_reach_nlri_ipv4_prefix bgp.mp_reach_nlri_ipv6_prefix", "BGP_PREFIXES", bgpOnly},
	{"bgp.withdrawn_prefix bgp.mp_unreach_nlri_ipv4_prefix bgp.mp_unreach_nlri_ipv6_prefix", "BGP_WITHDRAWN",
		bgpOnly},
	{"bgp.update.path_attribute.next_hop bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv4 " +
		"bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6", "BGP_NEXT_HOP", bgpSame},
	{"bgp.update.path_attribute.origin", "BGP_ORIGIN", func(s string) string {
		return map[string]string{"IGP": "0", "EGP": "1", "incomplete": "2"}[s]
	}},
	{"bgp.update.path_attribute.multi_exit_disc", "BGP_MED", bgpSame},
	{"bgp.update.path_attribute.as_path_segment.as2 bgp.update.path_attribute.as_path_segment.as4",
		"BGP_AS_PATH", bgpSame},
	{"bgp.notify.major_error", "BGP_ERROR_CODE", bgpSame},
	{"bgp.notify.minor_error_cease", "BGP_ERROR_SUBCODE", bgpSame},
	{"bgp.notify.communication", "BGP_ERROR_TEXT", bgpSame},
}

// TestBGPAgainstTshark compares what is said of sessions and routes with what tshark says.
func TestBGPAgainstTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	equal, all := map[string]int{}, map[string]int{}
	for _, file := range dbCaptures(t, "bgp", "bgp") {
		base := filepath.Base(file)
		columns := []dbJudge{}
		for _, j := range bgpJudges {
			for _, column := range strings.Fields(j.columns) {
				columns = append(columns, dbJudge{column: column})
			}
		}
		said := dbTshark(t, file, columns)
		for _, j := range bgpJudges {
			theirs, ours := map[string]int{}, map[string]int{}
			for range strings.Fields(j.columns) {
				for v, n := range said[0] {
					theirs[v] += n
				}
				said = said[1:]
			}
			for _, c := range conversations(t, file) {
				if base == bgpOffByOne {
					c.turns[1].octets = append([]byte{0xff}, c.turns[1].octets...)
				}
				for _, m := range drive(c, &BGP).messages {
					for _, v := range strings.FieldsFunc(m.Fields[j.field], func(r rune) bool {
						return j.field != "BGP_ERROR_TEXT" && strings.ContainsRune("; {}()", r)
					}) {
						ours[j.reads(v)]++
					}
				}
			}
			both := maps.Clone(theirs)
			maps.Copy(both, ours)
			for v := range both {
				all[j.field] += max(theirs[v], ours[v])
				equal[j.field] += min(theirs[v], ours[v])
				if theirs[v] != ours[v] && !bgpExplains(base, j.field, v) {
					t.Errorf("%s: %s %s: %d here, %d by tshark", base, j.field, v, ours[v], theirs[v])
				}
			}
		}
	}
	for _, j := range bgpJudges {
		t.Logf("%-20s %4d of %4d as tshark says", j.field, equal[j.field], all[j.field])
		if all[j.field] == 0 {
			t.Errorf("%s: nothing to compare", j.field)
		}
	}
}

// bgpOffByOne is a capture in which the SYN has octets, and takes up no place before them.
const bgpOffByOne = "pmacct__300-BGP-IPv6-CISCO-extNH_enc__traffic-00.pcap"

// bgpExplained are values in captures that tshark does not say, or says besides.
var bgpExplained = []struct{ capture, field, like, why string }{
	{bgpOffByOne, "BGP_PREFIXES", ":", "tshark has no field for prefixes of IPv6 in VPNs"},
	{"tcpdump__bgp-4byte-asn.pcap", "BGP_AS_PATH", "", "one path is made of two (RFC 6793)"},
}

func bgpExplains(capture, field, value string) bool {
	for _, x := range bgpExplained {
		if x.capture == capture && x.field == field && strings.Contains(value, x.like) {
			return true
		}
	}
	return false
}
