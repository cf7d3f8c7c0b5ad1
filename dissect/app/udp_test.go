package app

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"
	"time"
)

func FuzzSNMP(f *testing.F)      { fuzzOne(f, &SNMP, snmpSamples) }
func FuzzNTP(f *testing.F)       { fuzzOne(f, &NTP, ntpSamples) }
func FuzzWireGuard(f *testing.F) { fuzzOne(f, &WireGuard, wireGuardSamples) }
func FuzzOpenVPN(f *testing.F)   { fuzzPieces(f, &OpenVPN) }

// berOf is a value in BER.
func berOf(tag byte, parts ...string) string {
	s := strings.Join(parts, "")
	if n := len(s); n >= 128 {
		return string([]byte{tag, 0x82, byte(n >> 8), byte(n)}) + s
	}
	return string([]byte{tag, byte(len(s))}) + s
}

// snmpAsks is a message of version 1 with a PDU about an object.
func snmpAsks(kind byte, id, status string) string {
	return berOf(0x30, berOf(2, "\x00"), berOf(4, "hunter2"), berOf(0xa0|kind, berOf(2, id), berOf(2, status), berOf(2, "\x00"),
		berOf(0x30, berOf(0x30, berOf(6, "\x2b\x06\x01\x86\x8d\x1f"), berOf(5)))))
}

func snmpSaid() []dialogue {
	return []dialogue{
		{"asked and answered out of turn", talks(17, 161, snmpAsks(0, "\x01", "\x00")+"", "", snmpAsks(1, "\x02", "\x00"),
			snmpAsks(2, "\x02", "\x05"), "", snmpAsks(2, "\x01", "\x00")),
			"transaction get-next-request 1.3.6.1.99999 5, transaction get-request 1.3.6.1.99999 0", ""},
		{"parts that do not fit", talks(17, 161, berOf(0x30, berOf(2, "\x01"), berOf(4, "c"),
			berOf(0xa0, berOf(2, "\x01"), berOf(2, "\x00"), berOf(2, "\x00"), berOf(0x30, "\x30\x7f")))),
			"unanswered get-request", snmpFlaw},
	}
}

func snmpSamples() (all []conversation) {
	for _, c := range snmpSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestSNMPSays holds what is made of conversations.
func TestSNMPSays(t *testing.T) {
	heardAs(t, &SNMP, []string{"SNMP_PDU", "SNMP_OID", "SNMP_ERROR_STATUS"}, snmpSaid())
}

// TestSNMPRefuses holds what is not SNMP: what is longer or shorter than it says, and other protocols in BER.
func TestSNMPRefuses(t *testing.T) {
	good := snmpAsks(0, "\x01", "\x00")
	refuses(t, &SNMP, cornered(161, good+"x", good[:len(good)-1], berOf(0x30, berOf(2, "\x02"), berOf(4, "c"), berOf(0xa0)),
		berOf(0x30, berOf(2, "\x01"), berOf(0x60, "x")), berOf(0x30, berOf(2, "\x01"), berOf(4, "c"), berOf(0xab)), "\x30")...)
}

// TestSNMPOracle compares operations, users and errors with what tshark says.
func TestSNMPOracle(t *testing.T) {
	dbCompare(t, &SNMP, dbCaptures(t, "snmp", "sip"), []dbJudge{
		{"snmp.data", func(m *heard) (string, bool) {
			for i, name := range snmpPDUs {
				if m.Fields["SNMP_PDU"] == name {
					return strconv.Itoa(i), true
				}
			}
			return "", false
		}, nil},
		{"snmp.error_status", func(m *heard) (string, bool) {
			v := m.Fields["SNMP_ERROR_STATUS"]
			return v, v != "" && v != "0"
		}, func(s string) (string, bool) { return s, s != "0" }},
		{"snmp.msgUserName", dbSays("FLOW_USER_NAME", ""), nil},
		{"snmp.version", func(m *heard) (string, bool) {
			v := m.Fields["SNMP_VERSION"]
			return map[string]string{"v1": "0", "v2c": "1"}[v], v == "v1" || v == "v2c"
		}, nil},
	}, nil)
}

// ntpMessage is one about the time, sent at a time and answering another one.
func ntpMessage(first, stratum byte, refID string, origin, sent uint64) string {
	b := make([]byte, ntpHeader)
	b[0], b[1], b[2], b[3] = first, stratum, 6, 0xec
	copy(b[12:], refID)
	binary.BigEndian.PutUint64(b[24:], origin)
	binary.BigEndian.PutUint64(b[40:], sent)
	return string(b)
}

func ntpSaid() []dialogue {
	return []dialogue{
		{"a clock of its own", talks(17, 123, ntpMessage(0x23, 0, "", 0, 7), ntpMessage(0x24, 1, "GPS\x00", 7, 8)),
			"transaction client 4 1 GPS", ""},
		{"a kiss of death", talks(17, 123, ntpMessage(0x1b, 0, "", 0, 7), ntpMessage(0x1c, 0, "RATE", 7, 8)),
			"transaction client 3 RATE", ""},
		{"a list of clients", talks(17, 123, "\x17\x00\x03\x2a\x00\x00\x00\x00", "\xd7\x00\x03\x2a\x00\x01\x00\x04abcd", "",
			"\x97\x01\x03\x2a\x00\x01\x00\x04abcd"), "transaction private 2 42", ""},
		{"variables", talks(17, 123, "\x16\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00",
			"\x16\x82\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04a=1\n"), "transaction control 2 2", ""},
	}
}

func ntpSamples() (all []conversation) {
	for _, c := range ntpSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestNTPSays holds what is made of conversations.
func TestNTPSays(t *testing.T) {
	heardAs(t, &NTP, []string{"NTP_MODE", "NTP_VERSION", "NTP_STRATUM", "NTP_REFERENCE_ID", "NTP_CONTROL_OPCODE",
		"NTP_PRIVATE_CODE"}, func() (all []dialogue) {
		for _, c := range ntpSaid() {
			c.events = strings.Replace(c.events, "3 RATE", "3 0 RATE", 1)
			all = append(all, c)
		}
		return all
	}())
}

// TestNTPRefuses holds what is not NTP, and that at other ports nothing is.
func TestNTPRefuses(t *testing.T) {
	good := ntpMessage(0x23, 0, "", 0, 7)
	refuses(t, &NTP, cornered(5000, good)...)
	refuses(t, &NTP, cornered(123, good[:47], "\x23\x20"+good[2:], "\x00"+good[1:], "\x23\x00\x7f"+good[3:], "\x17\x00\x09\x2a",
		"\x16\x82\x00\x01\x00\x00\x00\x00\x00\x00\x00\x09a=1\n")...)
}

// TestNTPOracle compares modes, versions and strata with what tshark says.
func TestNTPOracle(t *testing.T) {
	dbCompare(t, &NTP, append(dbCaptures(t, "ntp", "encap"), dbCaptures(t, "", "mixed")...), []dbJudge{
		{"ntp.flags.mode", func(m *heard) (string, bool) {
			for i, name := range ntpModes {
				if name != "" && m.Fields["NTP_MODE"] == name {
					return strconv.Itoa(i), true
				}
			}
			return "", false
		}, nil},
		{"ntp.flags.vn", dbSays("NTP_VERSION", ""), nil},
		{"ntp.stratum", func(m *heard) (string, bool) {
			v := m.Fields["NTP_STRATUM"]
			return v, v != "" && v != "0"
		}, func(s string) (string, bool) { return s, s != "0" }},
	}, nil)
}

// wireGuardMessage is one of a type and a length, with numbers behind the type.
func wireGuardMessage(kind byte, size int, numbers ...uint32) string {
	b := make([]byte, size)
	b[0] = kind
	for i := 4; i < size-wireGuardMAC; i++ {
		b[i] = byte(i * 7)
	}
	for i, n := range numbers {
		binary.LittleEndian.PutUint32(b[4+4*i:], n)
	}
	return string(b)
}

func wireGuardSaid() []dialogue {
	first := wireGuardMessage(wireGuardInitiation, wireGuardLong, 5)
	return []dialogue{
		{"a handshake", talks(17, 4500, first, wireGuardMessage(wireGuardResponse, wireGuardShort, 9, 5)), "transaction 5 9", ""},
		{"under load", talks(17, 4500, first, wireGuardMessage(wireGuardCookie, wireGuardCookieReply, 5), first,
			wireGuardMessage(wireGuardResponse, wireGuardShort, 9, 5)), "transaction 5 9", ""},
		{"data alone", talks(17, wireGuardPort, wireGuardMessage(wireGuardData, 96, 5)), "", ""},
	}
}

func wireGuardSamples() (all []conversation) {
	for _, c := range wireGuardSaid() {
		all = append(all, c.talk.named(c.name))
	}
	return all
}

// TestWireGuardSays holds what is made of conversations.
func TestWireGuardSays(t *testing.T) {
	heardAs(t, &WireGuard, []string{"WIREGUARD_SENDER_INDEX", "WIREGUARD_RECEIVER_INDEX"}, wireGuardSaid())
}

// TestWireGuardRefuses holds what is not WireGuard.
func TestWireGuardRefuses(t *testing.T) {
	good := wireGuardMessage(wireGuardInitiation, wireGuardLong, 5)
	refuses(t, &WireGuard, cornered(4500, good+"x", good[:147], "\x01\x00\x01"+good[3:], good[:147]+"x",
		wireGuardMessage(wireGuardData, 96, 5), wireGuardMessage(wireGuardResponse, wireGuardShort, 9, 5))...)
}

// TestOpenVPNRefuses holds what is not OpenVPN.
func TestOpenVPNRefuses(t *testing.T) {
	plain := "\x38" + strings.Repeat("s", 8) + "\x00\x00\x00\x00\x00"
	refuses(t, &OpenVPN, cornered(5000, plain+"x", plain[:13], "\x39"+plain[1:], plain[:13]+"\x01", "\x40"+plain[1:])...)
	protected := tcpTalk(5000, "\x38"+strings.Repeat("s", 28)+"\x00\x00\x00\x01\x60\x00\x00\x00\x00\x00\x00\x00\x00")
	protected.proto = 17
	refuses(t, &OpenVPN, protected) // it is of another time
	protected.turns[0].time = uint64(0x60000000 * time.Second)
	if o := drive(protected, &OpenVPN); len(o.messages) != 1 || o.messages[0].Fields["OPENVPN_CONTROL_PROTECTION"] != "tls-auth" {
		t.Errorf("%+v", o)
	}
}

// TestOpenVPNOracle compares resets with what tshark says.
func TestOpenVPNOracle(t *testing.T) {
	dbCompare(t, &OpenVPN, dbCaptures(t, "openvpn", ""), []dbJudge{
		{"openvpn.opcode", func(m *heard) (string, bool) {
			return "0x07", m.Fields["OPENVPN_SESSION_ID"] != ""
		}, func(s string) (string, bool) { return s, s == "0x07" }},
	}, nil)
}
