package sink

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for target, want := range map[string][2]string{
		"udp://h:1":               {"udp", "h:1"},
		"tcp://[2001:db8::1]:443": {"tcp", "[2001:db8::1]:443"},
		"-":                       {"stdout", ""},
		"/var/lib/weir/a:b.ipfix": {"file", "/var/lib/weir/a:b.ipfix"},
		"flows.json":              {"file", "flows.json"},
		"file:///a/b":             {"file", "/a/b"},
		"stdout://":               {"stdout", ""},
	} {
		s, place, err := Find(target)
		if err != nil || s.Name != want[0] || place != want[1] {
			t.Errorf("%s: got %v %s, %v", target, s, place, err)
		}
	}
	for target, want := range map[string]string{
		"":            "is empty; write",
		"udp://h":     "has no port; write",
		"udp:h:1":     `no // after the protocol; write "udp://h:1"`,
		"h:1":         `says no protocol; write "udp://h:1"`,
		"upd://h:1":   "did you mean udp?",
		"pigeon://h":  "one of the protocols udp, tcp",
		"file://":     "names no file; write",
		"tcp://a b:1": "is not a host and a port; write",
	} {
		if _, _, err := Find(target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", target, err, want)
		}
	}
}
