package app

import (
	"fmt"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// tpkt returns a packet of X.224 with a code and what is behind its header.
func tpkt(code byte, rest string) []byte {
	size := 11 + len(rest)
	return append([]byte{3, 0, byte(size >> 8), byte(size), byte(size - 5), code, 0, 0, 0, 0, 0}, rest...)
}

func rdpSamples() []conversation {
	talk := func(name string, request, answer string) conversation {
		c := says(name, 6, flow.Forward, tpkt(rdpRequest, request))
		c.dstPort = 3389
		c.turns = append(c.turns, turn{dir: flow.Reverse, octets: tpkt(rdpConfirm, answer)})
		return c
	}
	return []conversation{
		talk("credssp", "Cookie: mstshash=administr\r\n\x01\x00\x08\x00\x0b\x00\x00\x00",
			"\x02\x1f\x08\x00\x02\x00\x00\x00"),
		talk("a balancer", "Cookie: msts=3640205228.15629.0000\r\n\x01\x00\x08\x00\x00\x00\x00\x00", ""),
		talk("refused", "Cookie: mstshash=bob\r\n\x01\x00\x08\x00\x00\x00\x00\x00",
			"\x03\x00\x08\x00\x05\x00\x00\x00"),
	}
}

// TestRDPSays holds what is said of connections, and what is none.
func TestRDPSays(t *testing.T) {
	got := ""
	for _, c := range rdpSamples() {
		for _, e := range drive(&c, &RDP).events {
			got += fmt.Sprintln(e.Kind, e.Fields)
		}
	}
	if want := `transaction map[FLOW_USER_NAME:administr RDP_COOKIE:administr RDP_REQUESTED_SECURITY:rdp,tls,credssp,credssp-ex RDP_SECURITY:credssp]
transaction map[RDP_REQUESTED_SECURITY:rdp RDP_ROUTING_TOKEN:3640205228.15629.0000 RDP_SECURITY:rdp]
transaction map[FLOW_USER_NAME:bob RDP_COOKIE:bob RDP_FAILURE:5 RDP_REQUESTED_SECURITY:rdp]
`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for _, said := range [][]byte{tpkt(rdpRequest, ""), tpkt(rdpConfirm, ""), tpkt(rdpRequest,
		"Cookie: x\r\n"), {3, 0, 0, 22, 17, 0xf0}} {
		x := says("", 6, flow.Forward, said)
		if o := drive(&x, &RDP); len(o.messages) > 0 {
			t.Errorf("%x is taken for RDP", said)
		}
	}
}
