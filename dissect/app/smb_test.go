package app

import (
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzSMB(f *testing.F) { fuzzPieces(f, &SMB) }

func smbSamples() []conversation {
	old := func(flags byte, status string) []byte {
		b := append([]byte{0, 0, 0, 35}, "\xffSMB\x72"+status...)
		return append(append(b, flags), make([]byte, 25)...)
	}
	c := says("version 1", 6, flow.Forward, old(0, "\x00\x00\x00\x00"))
	c.dstPort = 445
	c.turns = append(c.turns, turn{dir: flow.Reverse, octets: old(0x80, "\x00\x00\x00\x00")},
		turn{dir: flow.Forward, octets: []byte("\x00\x00\x00\x2c\xfdSMB" + strings.Repeat("x", 40))})
	return []conversation{c}
}

// TestSMBOld holds that version 1 is recognised, and that it is not what version 2 is.
func TestSMBOld(t *testing.T) {
	c := smbSamples()[0]
	o := drive(&c, &SMB)
	if o.application != numberSMB1 || len(o.events) != 1 || o.events[0].Fields["SMB_DIALECT"] != "1" {
		t.Errorf("application %d, %v", o.application, o.events)
	}
}

// TestSMBOracle compares commands, statuses, shares, files and users with what tshark says.
func TestSMBOracle(t *testing.T) {
	status := func(s string) (string, bool) {
		n, err := strconv.ParseUint(s, 0, 32)
		return strconv.FormatUint(n, 10), err == nil
	}
	named := func(field, command string) func(m *heard) (string, bool) {
		return func(m *heard) (string, bool) {
			v, ok := m.Fields[field]
			return v, ok && m.Fields["SMB_COMMAND"] == command && m.Role == roles[Request]
		}
	}
	dbCompare(t, &SMB, dbCaptures(t, "smb", ""), []dbJudge{
		{"smb2.cmd", func(m *heard) (string, bool) {
			for i, name := range smbNames {
				if n := strconv.Itoa(i); m.Fields["SMB_COMMAND"] == name && m.Key > 1 {
					return n + dbBetween + n, true // and its response
				}
			}
			return "", false
		}, nil},
		{"smb2.nt_status", dbSays("SMB_STATUS", ""), status},
		{"ntlmssp.auth.username", named("SMB_USER", "session_setup"), nil},
	}, map[string]string{
		"samba.pcap smb2.cmd 0": "responses to the negotiation of version 1 are of version 2",
	})
}
