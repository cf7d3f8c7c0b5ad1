package app

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzRADIUS(f *testing.F) { fuzzOne(f, &RADIUS, radiusSamples) }

// radiusAttr returns an attribute.
func radiusAttr(kind byte, value string) string {
	return string([]byte{kind, byte(len(value) + 2)}) + value
}

// radiusOf returns an attribute of a vendor.
func radiusOf(vendor uint32, kind byte, value string) string {
	return radiusAttr(26, string(binary.BigEndian.AppendUint32(nil, vendor))+radiusAttr(kind, value))
}

// radiusBytes returns a message; the authenticator is made of one octet.
func radiusBytes(code, id, auth byte, attrs ...string) []byte {
	all := strings.Join(attrs, "")
	b := binary.BigEndian.AppendUint16([]byte{code, id}, uint16(radiusHeader+len(all)))
	return append(append(b, strings.Repeat(string([]byte{auth}), 16)...), all...)
}

func radiusTurn(dir flow.Dir, at uint64, b []byte) turn {
	return turn{dir: dir, octets: b, time: noon + at*msec}
}

// radiusAsks are the attributes of a request for access with everything that is said of one.
func radiusAsks() []string {
	return []string{
		radiusAttr(1, "ann@example.net"), radiusAttr(2, "0123456789abcdef"), radiusAttr(4, "\xc0\x00\x02\x01"),
		radiusAttr(5, "\x00\x00\x00\x07"), radiusAttr(6, "\x00\x00\x00\x02"), radiusAttr(32, "bras1"),
		radiusAttr(30, "internet"), radiusAttr(31, "02-00-5E-10-00-01"), radiusAttr(61, "\x00\x00\x00\x0f"),
		radiusAttr(87, "eth 1/0/7"), radiusAttr(95, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 12)),
		radiusOf(vendor3GPP, 1, "001010000000001"), radiusOf(vendor3GPP, 2, "\x00\x00\x30\x39"),
		radiusOf(vendor3GPP, 6, "\xc0\x00\x02\x0a"), radiusOf(vendor3GPP, 7, "\xc0\x00\x02\x0b"),
		radiusOf(vendor3GPP, 18, "00101"), radiusOf(vendor3GPP, 20, "3557370200000091"),
		radiusOf(vendor3GPP, 21, "\x06"), radiusOf(vendor3GPP, 22, "\x82\x00\xf1\x10\x00\x07\x00\xf1\x10\x01\x23\x45\x67"),
		radiusOf(vendorWISPr, 1, "isocc=de"), radiusOf(vendorWISPr, 2, "Hall"),
		radiusOf(vendorCisco, 1, "client-mac-address=0200.5e10.0001"), radiusOf(vendorCisco, 1, "tunnel-password=hush"),
		radiusOf(vendorCisco, 1, "ip:source-ip=192.0.2.9"),
	}
}

// radiusSamples are a login with a retransmission, accounting and a disconnect.
func radiusSamples() []conversation {
	six := "\x20\x01\x0d\xb8\x00\x01" + strings.Repeat("\x00", 10)
	ask := radiusBytes(1, 7, 'a', radiusAsks()...)
	accept := radiusBytes(2, 7, 'A', radiusAttr(8, "\xc6\x33\x64\x05"), radiusAttr(97, "\x00\x38"+six[:7]),
		radiusAttr(123, "\x00\x30"+six[:6]), radiusAttr(168, six), radiusAttr(18, "Good "), radiusAttr(18, "morning"),
		radiusAttr(27, "\x00\x00\x0e\x10"), radiusAttr(85, "\x00\x00\x01\x2c"), radiusAttr(81, "\x01"+"120"),
		radiusAttr(11, "std"), radiusOf(vendorWISPr, 7, "\x00\x0f\x42\x40"), radiusOf(vendorWISPr, 8, "\x00\x1e\x84\x80"))
	login := conversation{name: "login", proto: 17, srcPort: 40000, dstPort: 1812, turns: []turn{
		radiusTurn(0, 0, ask), radiusTurn(0, 3000, ask), radiusTurn(1, 3001, accept), radiusTurn(1, 3002, accept),
		radiusTurn(0, 4000, ask),
		radiusTurn(0, 5000, radiusBytes(1, 7, 'b', radiusAttr(1, "bob"), radiusAttr(79, "\x02\x00\x00\x09\x04abc\x00"))),
		radiusTurn(1, 5001, radiusBytes(11, 7, 'B', radiusAttr(79, "\x01\x01\x00\x06"), radiusAttr(79, "\x19\x20"))),
		radiusTurn(0, 5002, radiusBytes(1, 8, 'c', radiusAttr(1, "eve"), radiusAttr(3, "0123456789abcdefg"))),
		radiusTurn(1, 5003, radiusBytes(3, 8, 'C', radiusAttr(18, "no"))),
		radiusTurn(0, 5004, radiusBytes(1, 9, 'd', radiusAttr(1, "mal"), radiusOf(vendorMicrosoft, 25, strings.Repeat("x", 50)))),
	}}
	account := conversation{name: "accounting", proto: 17, srcPort: 40000, dstPort: 1813, turns: []turn{
		radiusTurn(0, 0, radiusBytes(4, 1, 'e', radiusAttr(40, "\x00\x00\x00\x02"), radiusAttr(44, "s1"), radiusAttr(50, "m1"),
			radiusAttr(42, "\x00\x00\x00\x05"), radiusAttr(52, "\x00\x00\x00\x02"), radiusAttr(43, "\xff\xff\xff\xff"),
			radiusAttr(47, "\x00\x00\x00\x03"), radiusAttr(48, "\x00\x00\x00\x04"), radiusAttr(46, "\x00\x00\x00\x3c"),
			radiusAttr(41, "\x00\x00\x00\x02"), radiusAttr(49, "\x00\x00\x00\x01"), radiusAttr(55, "\x65\x53\xf1\x00"),
			radiusAttr(1, "ann@example.net"), radiusAttr(8, "\xc6\x33\x64\x05"))),
		radiusTurn(1, 1, radiusBytes(5, 1, 'E')),
	}}
	change := conversation{name: "disconnect", proto: 17, srcPort: 40000, dstPort: 3799, turns: []turn{
		radiusTurn(0, 0, radiusBytes(40, 1, 'f', radiusAttr(44, "s1"))),
		radiusTurn(1, 1, radiusBytes(42, 1, 'F', radiusAttr(101, "\x00\x00\x01\xf7"))),
		radiusTurn(0, 2, radiusBytes(43, 2, 'g', radiusAttr(44, "s2"))),
		radiusTurn(1, 3, radiusBytes(44, 2, 'G')),
	}}
	return []conversation{login, account, change}
}

// TestRADIUS holds what transactions there are, and what they say.
func TestRADIUS(t *testing.T) {
	want := [][]string{
		{"transaction 1 2 ann@example.net pap", "transaction 1 11 bob eap", "transaction 1 3 eve chap",
			"unanswered 1  mal mschapv2"},
		{"transaction 4 5 ann@example.net "}, {"transaction 40 42  ", "transaction 43 44  "},
	}
	all := radiusSamples()
	for i, c := range all {
		var got []string
		o := drive(&c, &RADIUS)
		for _, e := range o.events {
			f := e.Fields
			got = append(got, fmt.Sprintf("%s %s %s %s %s", e.Kind, f["RADIUS_REQ_MSG_TYPE"], f["RADIUS_RSP_MSG_TYPE"],
				f["RADIUS_USER_NAME"], f["RADIUS_AUTH_METHOD"]))
			for k, v := range f {
				if strings.Contains(v, "hush") || strings.Contains(v, "0123456789abcdef") {
					t.Errorf("%s is %q", k, v)
				}
			}
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want[i]) {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, want[i])
		}
	}
	for label, value := range map[string]string{
		"RADIUS_FRAMED_IP_ADDR": "198.51.100.5", "RADIUS_FRAMED_IPV6_PREFIX": "2001:db8:1::/56",
		"RADIUS_DELEGATED_IPV6_PREFIX": "2001:db8:1::/48", "RADIUS_FRAMED_IPV6_ADDR": "2001:db8:1::",
		"RADIUS_REPLY_MESSAGE": "Good morning", "RADIUS_TUNNEL_GROUP_ID": "120", "RADIUS_3GPP_CELL": "tai+ecgi:001-01-7-19088743",
		"RADIUS_CISCO_AVPAIR": "client-mac-address=0200.5e10.0001;ip:source-ip=192.0.2.9", "RADIUS_USER_IMEI": "3557370200000091",
		"RADIUS_NAS_IPV6_ADDR": "2001:db8::", "RADIUS_WISPR_MAX_DOWN": "2000000",
	} {
		if got := drive(&all[0], &RADIUS).events[0].Fields[label]; got != value {
			t.Errorf("%s is %q, want %q", label, got, value)
		}
	}
	count := drive(&all[1], &RADIUS).events[0].Fields
	for label, value := range map[string]string{
		"RADIUS_ACCT_IN_OCTETS": "8589934597", "RADIUS_ACCT_OUT_OCTETS": "4294967295", "RADIUS_ACCT_STATUS_TYPE": "2",
		"RADIUS_EVENT_TIME": "1700000000",
	} {
		if count[label] != value {
			t.Errorf("%s is %q, want %q", label, count[label], value)
		}
	}
}

// TestRADIUSRefuses holds what is not taken for RADIUS, and which flaws are found.
func TestRADIUSRefuses(t *testing.T) {
	ask := string(radiusBytes(1, 7, 'a', radiusAsks()...))
	for _, c := range []struct {
		name, octets string
		port         uint16
		accepted     bool
		flaw         string
	}{
		{"a request elsewhere", ask, 40001, true, ""},
		{"an answer elsewhere", string(radiusBytes(2, 7, 'a')), 40001, false, ""},
		{"an answer", string(radiusBytes(2, 7, 'a')), 1812, true, ""},
		{"octets behind the end", ask + "padding", 1812, true, ""},
		{"one octet less", ask[:len(ask)-1], 1812, false, ""},
		{"another code", "\x06" + ask[1:], 1812, false, ""},
		{"an attribute that lies", string(radiusBytes(1, 7, 'a', "\x01\x40ann")), 1812, true, radiusFlawTiles},
		{"an attribute without length", string(radiusBytes(1, 7, 'a', "\x01\x00ann")), 1812, true, radiusFlawTiles},
		{"the same elsewhere", string(radiusBytes(1, 7, 'a', "\x01\x40ann")), 40001, false, ""},
	} {
		x := says(c.name, 17, flow.Forward, []byte(c.octets))
		x.dstPort = c.port
		o := drive(&x, &RADIUS)
		if len(o.messages) == 1 != c.accepted || c.accepted && o.messages[0].Flaw != c.flaw {
			t.Errorf("%s: %+v", c.name, o.messages)
		}
	}
}

// TestRADIUSOracle compares what is said with what tshark says, in the captures and in our own.
func TestRADIUSOracle(t *testing.T) {
	code := func(m *heard) (string, bool) {
		v := m.Fields["RADIUS_REQ_MSG_TYPE"] + m.Fields["RADIUS_RSP_MSG_TYPE"]
		return v, v != ""
	}
	plain := func(s string) (string, bool) { return s, !strings.HasPrefix(s, "255.255.255.25") }
	net := func(s string) (string, bool) {
		b, _ := hex.DecodeString(s)
		p, ok := radiusPrefix(b)
		return p.String(), ok
	}
	joined := "freeradius.pcap radius.Reply_Message Welcome, "
	why := "tshark tells of each part of what is one message"
	dbCompare(t, &RADIUS, dbCaptures(t, "radius", "radius"), []dbJudge{
		{"radius.code", code, nil},
		{"radius.User_Name", dbSays("RADIUS_USER_NAME", ""), nil},
		{"radius.NAS_IP_Address", dbSays("RADIUS_NAS_IP_ADDR", ""), nil},
		{"radius.NAS_Identifier", dbSays("RADIUS_NAS_IDENTIFIER", ""), nil},
		{"radius.NAS_Port", dbSays("RADIUS_NAS_PORT", ""), nil},
		{"radius.NAS_Port_Type", dbSays("RADIUS_NAS_PORT_TYPE", ""), nil},
		{"radius.Framed-IP-Address", dbSays("RADIUS_FRAMED_IP_ADDR", ""), plain},
		{"radius.Framed_IPv6_Prefix", dbSays("RADIUS_FRAMED_IPV6_PREFIX", ""), net},
		{"radius.Calling_Station_Id", dbSays("RADIUS_CALLING_STATION_ID", ""), nil},
		{"radius.Called_Station_Id", dbSays("RADIUS_CALLED_STATION_ID", ""), nil},
		{"radius.Acct_Session_Id", dbSays("RADIUS_ACCT_SESSION_ID", ""), nil},
		{"radius.Acct_Multi_Session_Id", dbSays("RADIUS_ACCT_MULTI_SESSION_ID", ""), nil},
		{"radius.Acct_Status_Type", dbSays("RADIUS_ACCT_STATUS_TYPE", ""), nil},
		{"radius.Acct_Input_Packets", dbSays("RADIUS_ACCT_IN_PKTS", ""), nil},
		{"radius.Acct_Session_Time", dbSays("RADIUS_ACCT_SESSION_TIME", ""), nil},
		{"radius.Acct_Delay_Time", dbSays("RADIUS_ACCT_DELAY_TIME", ""), nil},
		{"radius.Acct_Terminate_Cause", dbSays("RADIUS_TERMINATE_CAUSE", ""), nil},
		{"radius.Service_Type", dbSays("RADIUS_SERVICE_TYPE", ""), nil},
		{"radius.Reply_Message", dbSays("RADIUS_REPLY_MESSAGE", ""), nil},
		{"radius.Session_Timeout", dbSays("RADIUS_SESSION_TIMEOUT", ""), nil},
		{"radius.Acct_Interim_Interval", dbSays("RADIUS_ACCT_INTERIM_INTERVAL", ""), nil},
		{"radius.NAS_Port_Id", dbSays("RADIUS_NAS_PORT_ID", ""), nil},
		{"radius.NAS_IPv6_Address", dbSays("RADIUS_NAS_IPV6_ADDR", ""), nil},
		{"e212.imsi", dbSays("RADIUS_USER_IMSI", ""), nil},
		{"radius.3GPP_IMEISV", dbSays("RADIUS_USER_IMEI", ""), nil},
		{"radius.3GPP_Charging_ID", dbSays("RADIUS_3GPP_CHARGING_ID", ""), nil},
		{"radius.3GPP_SGSN_Address", dbSays("RADIUS_3GPP_SGSN_ADDR", ""), nil},
		{"radius.3GPP_GGSN_Address", dbSays("RADIUS_3GPP_GGSN_ADDR", ""), nil},
		{"radius.3GPP_SGSN_MCC_MNC", dbSays("RADIUS_3GPP_SGSN_MCC_MNC", ""), nil},
		{"radius.WISPr_Location_ID", dbSays("RADIUS_WISPR_LOCATION_ID", ""), nil},
		{"radius.WISPr_Location_Name", dbSays("RADIUS_WISPR_LOCATION_NAME", ""), nil},
		{"radius.Cisco_AVPair", dbSays("RADIUS_CISCO_AVPAIR", ""), nil},
	}, map[string]string{joined: why, joined + "ann": why, "freeradius.pcap radius.Reply_Message ann": why})
}
