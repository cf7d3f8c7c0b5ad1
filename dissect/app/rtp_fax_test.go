package app

import (
	"encoding/binary"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// faxPacket is a packet of UDPTL: data of V.21, with the two packets before it, or parity over three.
func faxPacket(n int, parity bool) []byte {
	data := []byte{0xc0, 1, 0x80, 0, 0, byte(n)}
	b := binary.BigEndian.AppendUint16(nil, uint16(n))
	b = append(append(b, byte(len(data))), data...)
	if parity {
		return append(b, 0x80, 1, 3, 1, 4, 1, 2, 3, 4)
	}
	if n < 2 { // so far there is nothing but a tone
		return append(binary.BigEndian.AppendUint16(nil, uint16(n)), 1, 4, 0, 0)
	}
	return append(b, 0, 2, 1, 4, 1, 2)
}

// faxTurns are packets of both sides, but for some of the first.
func faxTurns(from uint64, lost map[int]bool) (all []turn) {
	for n := range 300 {
		at := noon + from*msec + uint64(40*n)*msec
		if !lost[n] {
			all = append(all, turn{dir: flow.Forward, octets: faxPacket(n, false), time: at})
		}
		all = append(all, turn{dir: flow.Reverse, octets: faxPacket(n, true), time: at + 5*msec})
	}
	return all
}

// TestRTPFax counts packets of facsimile, alone and behind sound.
func TestRTPFax(t *testing.T) {
	alone := conversation{name: "fax", proto: 17, srcPort: 4000, dstPort: 6000,
		turns: faxTurns(0, map[int]bool{100: true, 101: true, 260: true})}
	behind := mediaConversation("sound, then fax")
	behind.turns = append(behind.turns, faxTurns(8000, map[int]bool{7: true})...)
	for _, c := range []struct {
		conversation
		want map[string]string
	}{
		{alone, map[string]string{"T38_IN_PKTS": "297", "T38_IN_LOST_PKTS": "3", "T38_OUT_PKTS": "300",
			"T38_OUT_LOST_PKTS": "0", "RTP_IN_CODEC": "t38", "RTP_OUT_CODEC": "t38", "RTP_IN_PKTS": ""}},
		{behind, map[string]string{"T38_IN_PKTS": "299", "T38_IN_LOST_PKTS": "1", "T38_OUT_PKTS": "300",
			"RTP_IN_CODEC": "PCMU", "RTP_OUT_CODEC": "PCMA", "RTP_IN_LOST_PKTS": "3"}},
	} {
		x := meter(t, &c.conversation, &RTP)
		for label, want := range c.want {
			if x.fields[label] != want {
				t.Errorf("%s: %s is %q, want %q", c.name, label, x.fields[label], want)
			}
		}
		for i, v := range x.verdicts {
			if v == Reject || i > 8 && v != Accept {
				t.Fatalf("%s: datagram %d of %d: verdict %d", c.name, i, len(c.turns), v)
			}
		}
	}
}

// TestRTPNoFax rejects what is not, and does not take a few packets for enough.
func TestRTPNoFax(t *testing.T) {
	whole := faxPacket(5, false)
	for name, octets := range map[string][]byte{
		"cut":           whole[:len(whole)-1],
		"more":          append(faxPacket(5, false), 0),
		"no packet":     {0, 5, 0, 0, 0},
		"other choice":  {0, 5, 1, 4, 0x40, 0},
		"no such tone":  {0, 5, 3, 4, 4, 4, 0, 0},
		"no such data":  {0, 5, 3, 0xd2, 1, 1, 0, 0},
		"no fields":     {0, 5, 3, 0xc0, 0, 1, 0, 0},
		"many repeated": append([]byte{0, 5, 1, 4, 0, 200}, make([]byte, 200)...),
	} {
		if _, ok := readUDPTL(octets); ok {
			t.Errorf("%s is taken for facsimile", name)
		}
	}
	c := says("numbers that do not follow", 17, flow.Forward, nil)
	c.turns = nil
	for _, n := range []int{0, 900, 200, 500, 100, 700, 300, 800, 400} {
		c.turns = append(c.turns, turn{octets: faxPacket(n, false), time: noon})
	}
	if x := meter(t, &c, &RTP); x.accepted > 0 || x.verdicts[len(x.verdicts)-1] != Reject {
		t.Errorf("accepted %d: %v", x.accepted, x.verdicts)
	}
}
