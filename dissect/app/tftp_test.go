package app

import (
	"fmt"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func tftpSamples() []conversation {
	long := says("from the same port", 17, flow.Forward, []byte("\x00\x02a\x00NetASCII\x00"))
	long.turns = append(long.turns, turn{dir: flow.Reverse, octets: []byte("\x00\x04\x00\x00")},
		turn{dir: flow.Forward, octets: []byte("\x00\x03\x00\x01hello")},
		turn{dir: flow.Reverse, octets: []byte("\x00\x05\x00\x03disk full\x00")})
	return []conversation{long}
}

// TestTFTPSays holds what is said of requests, and what is none.
func TestTFTPSays(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"\x00\x01boot/x\x00octet\x00blksize\x001428\x00tsize\x000\x00",
			"map[TFTP_FILE:boot/x TFTP_MODE:octet TFTP_OPERATION:read TFTP_OPTIONS:blksize=1428,tsize=0]"},
		{"\x00\x02x\x00mail\x00", "map[TFTP_FILE:x TFTP_MODE:mail TFTP_OPERATION:write]"},
		{"\x00\x01x\x00octet", ""}, {"\x00\x01\x00octet\x00", ""}, {"\x00\x01x\x00other\x00", ""},
		{"\x00\x01x\x00octet\x00a\x00", ""},
		{"\x00\x03\x00\x01data", ""}, {"\x00\x01a\x01b\x00octet\x00", ""},
	} {
		x := says("", 17, flow.Forward, []byte(c.said))
		o, got := drive(&x, &TFTP), ""
		if len(o.events) > 0 {
			got = fmt.Sprint(o.events[0].Fields)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.said, got, c.want)
		}
	}
}

// TestTFTPOracle compares requests with what tshark says.
func TestTFTPOracle(t *testing.T) {
	dbCompare(t, &TFTP, dbCaptures(t, "tftp", ""), []dbJudge{
		{"tftp.source_file", func(m *heard) (string, bool) {
			return m.Fields["TFTP_FILE"],
				m.Fields["TFTP_OPERATION"] == "read"
		}, nil},
		{"tftp.destination_file", func(m *heard) (string, bool) {
			return m.Fields["TFTP_FILE"],
				m.Fields["TFTP_OPERATION"] == "write"
		}, nil},
		{"tftp.type", dbSays("TFTP_MODE", ""), nil},
	}, nil)
}
