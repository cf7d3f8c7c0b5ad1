package app

import (
	"encoding/binary"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzBMP(f *testing.F)        { fuzzPieces(f, &BMP) }
func FuzzBGP(f *testing.F)        { fuzzPieces(f, &BGP) }
func FuzzBitTorrent(f *testing.F) { fuzzPieces(f, &BitTorrent) }

// bmpBytes returns a message.
func bmpBytes(kind byte, body ...[]byte) []byte {
	b := append([]byte{bmpVersion, 0, 0, 0, 0, kind}, slices.Concat(body...)...)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)))
	return b
}

// bmpAbout returns the header of a neighbour, 192.0.2.1 or 2001:db8::1 of system 64500.
func bmpAbout(kind, flags byte) []byte {
	b := make([]byte, 42)
	b[0], b[1] = kind, flags
	copy(b[22:], "\xc0\x00\x02\x01\x00\x00\xfb\xf4\xc0\x00\x02\x01")
	if flags&0x80 != 0 {
		copy(b[10:], "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	}
	return b
}

var bmpBegin = bmpBytes(bmpInitiation, []byte("\x00\x01\x00\x05Weir!"), []byte("\x00\x02\x00\x02r1"))

// bmpTold are messages that the recordings do not have, with what is said of each.
var bmpTold = []struct {
	octets []byte
	says   map[string]string
	flaw   string
}{
	{bmpBegin, map[string]string{"BMP_MESSAGE": "Initiation", "BMP_SYSTEM": "r1", "BMP_DESCRIPTION": "Weir!"}, ""},
	{bmpBytes(bmpStatistics, bmpAbout(0, 0), []byte{0, 0, 0, 0}), nil, ""},
	{bmpBytes(bmpRoutes, bmpAbout(0, 0x80|0x40), bgpPathOf("\x18\xc0\x00\x02", "\x01", "\x00", "\x02",
		"\x02\x01\x00\x00\xfb\xf4", "\x03", "\xc0\x00\x02\x01", "\x04", "\x00\x00\x00\x09", "\x05",
		"\x00\x00\x00\x64", "\x08", "\xfb\xf4\x00\x01", "\x0f", "\x00\x02\x01\x20\x20\x01\x0d\xb8")),
		map[string]string{"BMP_PEER": "2001:db8::1", "BMP_PEER_AS": "64500", "BGP_AS_PATH": "64500",
			"BMP_TABLE": "Adj-RIB-In post-policy", "BGP_PREFIXES": "192.0.2.0/24", "BGP_WITHDRAWN": "2001:db8::/32",
			"BGP_MED": "9", "BMP_PEER_TYPE": "global"}, ""},
	{bmpBytes(bmpRoutes, bmpAbout(1, 0x20|0x10), bgpPathOf("\x08\x0a", "\x02", "\x02\x02\xfb\xf4\xfb\xf5")),
		map[string]string{"BMP_PEER": "192.0.2.1", "BMP_TABLE": "Adj-RIB-Out pre-policy", "BMP_PEER_TYPE": "RD",
			"BGP_AS_PATH": "64500 64501"}, ""},
	{bmpBytes(bmpRoutes, bmpAbout(3, 0x80), bgpPathOf("\x08\x0a")),
		map[string]string{"BMP_TABLE": "Loc-RIB", "BMP_PEER": "", "BGP_PREFIXES": "10.0.0.0/8"}, ""},
	{bmpBytes(bmpDown, bmpAbout(0, 0), []byte{3}, bgpBytes(bgpNotification, []byte("\x06\x02\x03bye"))),
		map[string]string{"BMP_DOWN_REASON": "3", "BGP_ERROR": "Cease: Administrative Shutdown",
			"BGP_ERROR_TEXT": "bye", "BGP_ERROR_CODE": "6"}, ""},
	{bmpBytes(bmpDown, bmpAbout(0, 0), []byte{2, 0, 1}), map[string]string{"BMP_DOWN_REASON": "2"}, ""},
	{bmpBytes(bmpUp, bmpAbout(0, 0)[:30]), nil, bmpFlaw},
	{bmpBytes(bmpRoutes, bmpAbout(0, 0), []byte(bgpMarker)), nil, bmpFlaw},
	{bmpBytes(bmpTermination, []byte("\x00\x01\x00\x02\x00\x00")),
		map[string]string{"BMP_MESSAGE": "Termination"}, ""},
}

func bmpSamples() []conversation {
	all := []byte{}
	for _, x := range bmpTold {
		all = append(all, x.octets...)
	}
	return []conversation{says("told", 6, flow.Forward, all)}
}

// TestBMP holds what is said of messages.
func TestBMP(t *testing.T) {
	c := bmpSamples()[0]
	all := drive(&c, &BMP).messages
	if len(all) != len(bmpTold) {
		t.Fatalf("%d messages, want %d", len(all), len(bmpTold))
	}
	for i, want := range bmpTold {
		if all[i].Flaw != want.flaw {
			t.Errorf("message %d: %q, want %q", i, all[i].Flaw, want.flaw)
		}
		for label, v := range want.says {
			if got := all[i].Fields[label]; got != v {
				t.Errorf("message %d: %s is %q, want %q", i, label, got, v)
			}
		}
	}
}

// TestBMPBegin holds that nothing is BMP that does not begin with the names of a router.
func TestBMPBegin(t *testing.T) {
	for _, octets := range [][]byte{
		bmpBytes(bmpInitiation), bmpBytes(bmpInitiation, []byte("\x00\x02\x00\x02r1")),
		bmpBytes(bmpInitiation, []byte("\x00\x02\x00\x09r1")), bmpBytes(bmpStatistics, bmpAbout(0, 0)),
		[]byte("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"), // RDP
	} {
		c := says("begin", 6, flow.Forward, octets)
		if got := drive(&c, &BMP).messages; len(got) != 0 {
			t.Errorf("% x is accepted", octets)
		}
	}
}

var bmpJudges = []struct{ column, field string }{
	{"bmp.peer.ip.addr", "BMP_PEER"}, {"bmp.peer.asn", "BMP_PEER_AS"},
	{"bmp.init.info", "BMP_SYSTEM BMP_DESCRIPTION"},
	{"bgp.nlri_prefix bgp.mp_reach_nlri_ipv6_prefix", "BGP_PREFIXES"},
	{"bgp.withdrawn_prefix bgp.mp_unreach_nlri_ipv6_prefix", "BGP_WITHDRAWN"},
	{"bgp.update.path_attribute.as_path_segment.as4", "BGP_AS_PATH"},
}

// TestBMPAgainstTshark compares what is said of a router with what tshark says: every value of either.
func TestBMPAgainstTshark(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("tshark is not installed: apt-get install tshark")
	}
	for _, file := range dbCaptures(t, "bmp", "") {
		for _, j := range bmpJudges {
			theirs, ours := map[string]bool{}, map[string]bool{}
			for _, column := range strings.Fields(j.column) {
				for v := range dbTshark(t, file, []dbJudge{{column: column}})[0] {
					theirs[v] = true
				}
			}
			for _, c := range conversations(t, file) {
				for _, m := range drive(c, &BMP).messages {
					for _, label := range strings.Fields(j.field) {
						for _, v := range bmpValues(label, m.Fields[label]) {
							ours[v] = true
						}
					}
				}
			}
			for v := range theirs {
				if !ours[v] {
					t.Errorf("%s: %s %q is not told; ours are %v", file, j.column, v, ours)
				}
			}
			for v := range ours {
				if !theirs[v] {
					t.Errorf("%s: %s %q is not what tshark says: %v", file, j.field, v, theirs)
				}
			}
			t.Logf("%-28s %d equal", j.field, len(theirs))
		}
	}
}

// bmpValues returns the values that a field has in it.
func bmpValues(label, s string) (all []string) {
	if s == "" {
		return nil
	}
	if !strings.HasPrefix(label, "BGP_") {
		return []string{s}
	}
	for _, v := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("; {}()", r) }) {
		all = append(all, bgpOnly(v))
	}
	return all
}
