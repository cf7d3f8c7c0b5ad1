package dissect

import "testing"

// Where the link layer has addresses they are those of the nearest frame; elsewhere there are none.
func TestMAC(t *testing.T) {
	ends := [2][6]byte{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}
	seen := 0
	for _, s := range samples() {
		switch s.name {
		case "tcp", "vlan", "vxlan", "pppoe", "pseudowire", "capwap", "capwap 802.11",
			"capwap 802.11 swapped",
			"capwap 802.11 bridge", "erspan 2", "gtp":
			seen++
			if p := dissected(&s, false); !p.HasMAC || [2][6]byte{p.SrcMAC, p.DstMAC} != ends {
				t.Errorf("%s: %v %x>%x", s.name, p.HasMAC, p.SrcMAC, p.DstMAC)
			}
		case "sll", "sll2", "raw 4", "null little", "ppp", "gre", "erspan 3 ip":
			seen++
			if p := dissected(&s, false); p.HasMAC {
				t.Errorf("%s: %x>%x", s.name, p.SrcMAC, p.DstMAC)
			}
		}
	}
	if seen != 18 {
		t.Errorf("%d of 18 samples are there", seen)
	}
}
