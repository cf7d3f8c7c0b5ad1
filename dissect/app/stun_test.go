package app

import (
	"path/filepath"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// TestSTUNFields holds what is said of each transaction.
func TestSTUNFields(t *testing.T) {
	c := says("stun", 17, flow.Forward, nil)
	c.turns = stunTurns(noon)
	want := []map[string]string{
		{"STUN_METHOD": "Binding", "STUN_ICE_ROLE": "nominating", "STUN_MAPPED_IPV4_ADDR": "192.0.2.1",
			"STUN_MAPPED_PORT": "32853", "STUN_SOFTWARE": "weir test"},
		{"STUN_METHOD": "Binding", "STUN_ICE_ROLE": "controlled", "STUN_MAPPED_IPV6_ADDR": "2001:db8::7",
			"STUN_MAPPED_PORT": "5000"},
		{"STUN_METHOD": "Allocate", "STUN_ERROR_CODE": "401"},
		{"STUN_METHOD": "Allocate", "STUN_RELAYED_ADDRESS": "198.51.100.7:49152"},
		{"STUN_METHOD": "CreatePermission", "STUN_PEER_ADDRESS": "203.0.113.9:4000"},
	}
	o := drive(&c, &STUN)
	if len(o.events) != len(want) {
		t.Fatalf("%d transactions, want %d", len(o.events), len(want))
	}
	for i, e := range o.events {
		if e.Kind != "transaction" || len(e.Fields) != len(want[i]) {
			t.Errorf("transaction %d: %+v, want %v", i, e, want[i])
		}
		for label, v := range want[i] {
			if e.Fields[label] != v {
				t.Errorf("transaction %d: %s is %q, want %q", i, label, e.Fields[label], v)
			}
		}
	}
}

// TestSTUNOld holds what is taken for messages of RFC 3489, which have no cookie.
func TestSTUNOld(t *testing.T) {
	old := func(kind uint16, port uint16, attrs ...stunAttr) Verdict {
		b := stunBytes(kind, 1, attrs...)
		b[4] ^= 0xff
		c := says("", 17, flow.Forward, b)
		c.dstPort = port
		return meter(t, &c, &STUN).verdicts[0]
	}
	mapped := stunAttr{0x0001, []byte{0, 1, 0x13, 0x88, 192, 0, 2, 1}}
	for _, c := range []struct {
		name string
		got  Verdict
		want Verdict
	}{
		{"a request without attributes to the port", old(0x0001, 3478), Accept},
		{"to another port", old(0x0001, 4000), Reject},
		{"a response", old(0x0101, 4000, mapped), Accept},
		{"an attribute of later", old(0x0101, 4000, mapped, stunAttr{0x0020, make([]byte, 8)}), Reject},
		{"a method of TURN", old(0x0103, 4000, mapped), Reject},
	} {
		if c.got != c.want {
			t.Errorf("%s: verdict %d, want %d", c.name, c.got, c.want)
		}
	}
}

// TestSTUNAlone looks for STUN in all captures: where this finds it, tshark has to. The collection has none.
func TestSTUNAlone(t *testing.T) {
	found, asked := 0, 0
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.cap"} {
		files, _ := filepath.Glob(filepath.Join(corpus(t), "*", pattern))
		for _, file := range files {
			if filepath.Base(file) == unreadable {
				continue
			}
			for _, c := range conversations(t, file) {
				asked++
				o := drive(c, &STUN)
				if len(o.messages) == 0 {
					continue
				}
				if found++; !isShark(t, file, c, "(stun || classicstun)") {
					t.Errorf("%s: %s is taken for STUN: %+v", file, c.name, o.messages[0])
				}
			}
		}
	}
	if t.Logf("%d flows, %d of them STUN", asked, found); asked == 0 {
		t.Error("nothing was asked")
	}
}
