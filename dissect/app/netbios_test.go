package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// netbiosEncode writes a name as messages have it.
func netbiosEncode(name string, suffix byte) string {
	b := fmt.Appendf(nil, "%-15s%c", name, suffix)
	b[15] = suffix
	out := []byte{32}
	for _, c := range b[:16] {
		out = append(out, 'A'+c>>4, 'A'+c&0xf)
	}
	return string(append(out, 0))
}

func netbiosSamples() []conversation {
	// A host announces itself: the head of the datagram, of SMB's transaction with its mailslot, and the announcement.
	smb := "\xffSMB\x25" + strings.Repeat("\x00", 27) + "\x11" + strings.Repeat("\x00",
		22) + "\x20\x00\x58\x00" +
		strings.Repeat("\x00", 12) + "\\MAILSLOT\\BROWSE\x00"
	smb += "\x01\x00\x80\xfc\x0a\x00FILES\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x06\x01\x03\x9a\x81\x00\x0f\x01\x55\xaa"
	dgram := "\x11\x02\x12\x34\xc0\x00\x02\x01\x00\x8a\x00\xc0\x00\x00" + netbiosEncode("FILES",
		0) + netbiosEncode("EXAMPLE", 0x1d) + smb
	announcement := says("an announcement", 17, flow.Forward, []byte(dgram))
	announcement.srcPort, announcement.dstPort = 138, 138
	refused := says("a session that is refused", 6, flow.Forward,
		[]byte("\x81\x00\x00\x44"+netbiosEncode("FILES", 0x20)+netbiosEncode("DESK", 0)))
	refused.turns = append(refused.turns, turn{dir: flow.Reverse, octets: []byte("\x83\x00\x00\x01\x82")})
	return []conversation{announcement, refused}
}

// TestNetBIOSSays holds what is said of announcements and sessions.
func TestNetBIOSSays(t *testing.T) {
	got := ""
	for _, c := range netbiosSamples() {
		for _, e := range drive(&c, &NetBIOS).events {
			got += fmt.Sprintln(e.Kind, e.Fields)
		}
	}
	if want := `notice map[NETBIOS_OPERATION:announcement NETBIOS_QUERY_NAME:FILES<00> NETBIOS_QUERY_OS:6.1]
transaction map[NETBIOS_CALLING_NAME:DESK<00> NETBIOS_OPERATION:session NETBIOS_QUERY_NAME:FILES<20> NETBIOS_RESPONSE:refused]
`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestNetBIOSOracle compares names and addresses with what tshark says.
func TestNetBIOSOracle(t *testing.T) {
	name := func(s string) (string, bool) {
		s, _, _ = strings.Cut(s, " (")
		s = strings.ReplaceAll(s, " ", "")
		at := strings.IndexByte(s, '<')
		return s[:max(at, 0)+min(len(s)-max(at, 0), 4)], at > 0
	}
	files := dbCaptures(t, "netbios", "")
	if more := filepath.Join("..", "..", "..", "shared", "captures", "mixed", "nDPI__1kxun.pcap"); exists(more) {
		files = append(files, more)
	}
	dbCompare(t, &NetBIOS, files, []dbJudge{
		{"nbns.name", func(m *heard) (string, bool) {
			v, ok := m.Fields["NETBIOS_QUERY_NAME"]
			if m.Fields["NETBIOS_OPERATION"] == "registration" {
				v += dbBetween + v // with its record
			}
			of := m.Fields["NETBIOS_OPERATION"]
			return v, ok && of != "session" && of != "announcement"
		}, name},
		{"nbns.addr", func(m *heard) (string, bool) {
			v, ok := m.Fields["NETBIOS_RESPONSE"]
			return strings.ReplaceAll(v, ",", dbBetween),
				ok && m.Fields["NETBIOS_QUERY_TYPE"] == "NB" && !strings.Contains(v, " ")
		}, nil},
	}, map[string]string{
		"names.pcap nbns.addr 192.0.2.1":  "tshark tells of addresses that are registered, too",
		"names.pcap nbns.addr 192.0.2.10": "tshark tells of addresses that are registered, too",
	})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
