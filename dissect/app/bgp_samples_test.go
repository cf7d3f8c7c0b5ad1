package app

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// bgpBytes returns a message.
func bgpBytes(kind byte, body ...[]byte) []byte {
	b := append([]byte(bgpMarker), 0, 0, kind)
	b = append(b, slices.Concat(body...)...)
	binary.BigEndian.PutUint16(b[16:], uint16(len(b)))
	return b
}

// bgpPathOf returns an UPDATE with attributes and prefixes.
func bgpPathOf(prefixes string, attrs ...string) []byte {
	all := []byte{}
	for i := 0; i+1 < len(attrs); i += 2 {
		all = append(all, 0x40, attrs[i][0], byte(len(attrs[i+1])))
		all = append(all, attrs[i+1]...)
	}
	head := binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(len(all)))
	return bgpBytes(bgpUpdate, head, all, []byte(prefixes))
}

// bgpSamples are routes that the captures do not have, of a session whose begin was not seen.
func bgpSamples() []conversation {
	old := bgpPathOf("\x18\xc0\x00\x02", "\x01", "\x01", "\x02", "\x02\x03\x00\x64\x5b\xa0\x5b\xa0", // AS_TRANS
		"\x11", "\x02\x02\x00\x01\x00\x00\x00\x02\x00\x00", "\x03", "\xc0\x00\x02\x01", "\x05", "\x00\x00\x00\x64",
		"\x08", "\xfb\xf4\x00\x01\xfb\xf4\x00\x02")
	set := bgpPathOf("\x08\x0a", "\x02", "\x02\x01\x00\x00\x00\x01\x01\x02\x00\x00\x00\x02\x00\x00\x00\x03")
	paths := bgpPathOf("\x00\x00\x00\x07\x18\xc6\x33\x64")
	broken := bgpPathOf("\x21\x01\x02", "\x01", "\x00")
	c := says("routes", 6, flow.Forward, slices.Concat(old, set, paths, broken))
	return []conversation{c}
}

// TestBGPPaths holds how paths read.
func TestBGPPaths(t *testing.T) {
	c := bgpSamples()[0]
	want := []struct{ path, prefixes, flaw string }{
		{"100 65536 131072", "192.0.2.0/24", ""}, {"1 {2 3}", "10.0.0.0/8", ""}, {"", "198.51.100.0/24", ""},
		{"", "", bgpFlawLength},
	}
	all := drive(&c, &BGP).messages
	if len(all) != len(want) {
		t.Fatalf("%d messages, want %d", len(all), len(want))
	}
	for i, m := range all {
		got := struct{ path, prefixes, flaw string }{m.Fields["BGP_AS_PATH"], m.Fields["BGP_PREFIXES"], m.Flaw}
		if got != want[i] {
			t.Errorf("message %d: %v, want %v", i, got, want[i])
		}
	}
}
