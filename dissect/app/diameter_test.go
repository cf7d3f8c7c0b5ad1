package app

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzDiameter(f *testing.F) { fuzzOne(f, &Diameter, diameterSamples) }

// dAVP returns an AVP, that of a vendor if there is one.
func dAVP(code, vendor uint32, value ...string) string {
	all := strings.Join(value, "")
	b := binary.BigEndian.AppendUint32(nil, code)
	if vendor == 0 {
		b = binary.BigEndian.AppendUint32(b, 0x40<<24|uint32(8+len(all)))
	} else {
		b = binary.BigEndian.AppendUint32(b, 0xc0<<24|uint32(12+len(all)))
		b = binary.BigEndian.AppendUint32(b, vendor)
	}
	return string(b) + all + strings.Repeat("\x00", -len(all)&3)
}

func dNumber(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

// dBytes returns a message.
func dBytes(flags byte, code, app, hop uint32, avps ...string) []byte {
	all := strings.Join(avps, "")
	b := binary.BigEndian.AppendUint32(nil, 1<<24|uint32(diameterHeader+len(all)))
	for _, n := range []uint32{uint32(flags)<<24 | code, app, hop, hop + 1000} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, all...)
}

func dHost(name string) string { return dAVP(264, 0, name) + dAVP(296, 0, "example.org") }

// diameterSamples are a conversation with every field, over TCP and SCTP.
func diameterSamples() []conversation {
	session, pgw, pcrf := dAVP(263, 0, "pgw;1;2"), dHost("pgw.example.org"), dHost("pcrf.example.org")
	who := func(kind uint32, data string) string {
		return dAVP(443, 0, dAVP(450, 0, dNumber(kind)), dAVP(444, 0, data))
	}
	charge := dAVP(456, 0, dAVP(446, 0, dAVP(412, 0, "\x00\x00\x00\x01\x00\x00\x00\x05"), dAVP(414, 0, "\x00\x00\x00\x00\x00\x00\x00\x07")))
	turns := []turn{
		gtpAsk(dBytes(0x80, 257, 0, 1, pgw, dAVP(257, 0, "\x00\x01\xc0\x00\x02\x01"), dAVP(266, 0, dNumber(10415)))),
		gtpTell(dBytes(0, 257, 0, 1, dAVP(268, 0, dNumber(2001)), pcrf)),
		gtpAsk(dBytes(0xc0, 272, 16777238, 2, session, pgw, dAVP(283, 0, "example.org"), dAVP(293, 0, "pcrf.example.org"),
			dAVP(416, 0, dNumber(1)), dAVP(415, 0, dNumber(0)), who(0, "49170100023"), who(1, "001010000000001"),
			dAVP(8, 0, "\xc6\x33\x64\x07"), dAVP(97, 0, "\x00\x40\x20\x01\x0d\xb8\x00\x01\x00\x00"), dAVP(30, 0, "internet"),
			dAVP(31, 0, "02-00-5E-10-00-01"), dAVP(458, 0, dAVP(459, 0, dNumber(0)), dAVP(460, 0, gtpIMEI)),
			dAVP(22, vendor3GPP, "\x82\x00\xf1\x10\x00\x07\x00\xf1\x10\x01\x23\x45\x67"), dAVP(1032, vendor3GPP, dNumber(1004)))),
		gtpAsk(dBytes(0x80, 272, 4, 3, session, pgw, dAVP(416, 0, dNumber(2)), charge, charge,
			dAVP(873, vendor3GPP, dAVP(876, vendor3GPP, dAVP(831, vendor3GPP, "sip:ann@example.org"),
				dAVP(832, vendor3GPP, "tel:+491701"), dAVP(848, vendor3GPP, "\x00\x01\xc6\x33\x64\x07"))))),
		gtpTell(dBytes(0, 272, 4, 3, session, dAVP(268, 0, dNumber(2001)), pcrf)),
		gtpTell(dBytes(0x20, 272, 16777238, 2, session, dAVP(268, 0, dNumber(5012)), pcrf, dAVP(281, 0, "no"))),
		gtpAsk(dBytes(0x80, 316, 16777251, 4, session, dHost("mme.example.org"), dAVP(1, 0, "001010000000001"),
			dAVP(1401, vendor3GPP, dAVP(1402, vendor3GPP, "35573702000000")), dAVP(1407, vendor3GPP, "\x00\xf1\x10"))),
		gtpTell(dBytes(0, 316, 16777251, 4, session, dHost("hss.example.org"), dAVP(297, 0, dAVP(266, 0, dNumber(10415)),
			dAVP(298, 0, dNumber(5001))), dAVP(1400, vendor3GPP, dAVP(701, vendor3GPP, gtpNumber)))),
		gtpTell(dBytes(0x80, 317, 16777251, 5, session, dHost("hss.example.org"), dAVP(1420, vendor3GPP, dNumber(2)),
			dAVP(1638, vendor3GPP, dNumber(1)))),
		gtpAsk(dBytes(0x80, 300, 16777216, 6, session, pgw, dAVP(601, vendor3GPP, "sip:ann@example.org"))),
		gtpAsk(dBytes(0x80, 271, 3, 7, session, pgw, dAVP(480, 0, dNumber(2)), dAVP(493, 0, "ims"))),
		gtpTell(dBytes(0x80, 280, 0, 8, pcrf)), gtpAsk(dBytes(0, 280, 0, 8, dAVP(268, 0, dNumber(2001)), pgw)),
		gtpAsk(dBytes(0x80, 282, 0, 9, pgw, dAVP(273, 0, dNumber(1)))),
		gtpTell(dBytes(0, 282, 0, 9, dAVP(268, 0, dNumber(2001)), pcrf)),
		gtpAsk(dBytes(0x80, 301, 16777217, 10, session, pgw, dAVP(1, vendor3GPP, "001010000000001"),
			dAVP(20, vendor3GPP, "3557370200000091"))),
	}
	one := gtpTalk("TCP", 3868, turns...)
	two := gtpTalk("SCTP", 3868, append([]turn{}, turns...)...)
	one.proto, two.proto = 6, 132
	return []conversation{one, two}
}

// TestDiameter holds what transactions there are and what they say.
func TestDiameter(t *testing.T) {
	want := "transaction Capabilities-Exchange base 2001, transaction Credit-Control Gy 2001, " +
		"transaction Credit-Control Gx 5012, transaction Update-Location S6a 5001, transaction Device-Watchdog base 2001, " +
		"transaction Disconnect-Peer base 2001, unanswered Cancel-Location S6a , unanswered User-Authorization Cx , " +
		"unanswered Accounting Rf , unanswered Server-Assignment Sh "
	for _, c := range diameterSamples() {
		got := map[string]int{}
		o := drive(&c, &Diameter)
		for _, e := range o.events {
			f := e.Fields
			got[e.Kind+" "+f["DIAMETER_COMMAND"]+" "+f["DIAMETER_APPLICATION"]+" "+
				f["DIAMETER_RSP_RESULT_CODE"]+f["DIAMETER_EXP_RES_RESULT_CODE"]]++
		}
		for _, one := range strings.Split(want, ", ") {
			if got[one] != 1 {
				t.Errorf("%s: %q is missing in %v", c.name, one, got)
			}
		}
		if len(got) != len(strings.Split(want, ", ")) {
			t.Errorf("%s: %v", c.name, got)
		}
		for label, value := range map[string]string{
			"DIAMETER_SUBSCRIPTION_ID": "49170100023;001010000000001", "DIAMETER_USER_IMSI": "001010000000001",
			"DIAMETER_FRAMED_IP_ADDR": "198.51.100.7", "DIAMETER_FRAMED_IPV6_PREFIX": "2001:db8:1::/64",
			"DIAMETER_USER_IMEI": "3557370200000091", "DIAMETER_CELL": "tai+ecgi:001-01-7-19088743",
		} {
			if got := o.messages[2].Fields[label]; got != value {
				t.Errorf("%s: %s is %q, want %q", c.name, label, got, value)
			}
		}
		if f := o.messages[3].Fields; f["DIAMETER_USED_IN_OCTETS"] != "8589934602" || f["DIAMETER_USED_OUT_OCTETS"] != "14" {
			t.Errorf("%s: %v", c.name, f)
		}
	}
}

// TestDiameterLoss holds that the next message is found behind a hole.
func TestDiameterLoss(t *testing.T) {
	c := diameterSamples()[0]
	c.turns = c.turns[2:]
	c.turns[0].octets, c.turns[0].lost = c.turns[0].octets[40:], 40
	o := drive(&c, &Diameter)
	if len(o.messages) != 13 || o.messages[0].Fields["DIAMETER_APPLICATION"] != "Gy" {
		t.Errorf("%d messages, rejected by %v: %+v", len(o.messages), o.rejected, o.messages)
	}
}

// TestDiameterFlaws holds which flaws are found, and what is not taken for Diameter.
func TestDiameterFlaws(t *testing.T) {
	deep := dAVP(444, 0, "x")
	for range 10 {
		deep = dAVP(443, 0, deep)
	}
	for _, c := range []struct {
		name     string
		octets   []byte
		accepted int
		flaw     string
	}{
		{"an AVP that lies", dBytes(0x80, 272, 4, 1, dHost("a"), dAVP(443, 0, "\x00\x00\x01\xc2\x40\x00\x00\x40")), 1, diameterFlawAVP},
		{"groups in groups", dBytes(0x80, 272, 4, 1, dHost("a"), deep), 1, diameterFlawDepth},
		{"nobody who sends", dBytes(0x80, 272, 4, 1, dAVP(263, 0, "a")), 0, ""},
		{"reserved flags", dBytes(0x81, 272, 4, 1, dHost("a")), 0, ""},
		{"another version", append([]byte{2}, dBytes(0x80, 272, 4, 1, dHost("a"))[1:]...), 0, ""},
	} {
		x := says(c.name, 6, flow.Forward, c.octets)
		o := drive(&x, &Diameter)
		if len(o.messages) != c.accepted || c.accepted > 0 && o.messages[0].Flaw != c.flaw {
			t.Errorf("%s: %+v", c.name, o.messages)
		}
	}
}

// TestDiameterOracle compares what is said with what tshark says.
func TestDiameterOracle(t *testing.T) {
	subscribers := func(m *heard) (string, bool) {
		v := m.Fields["DIAMETER_SUBSCRIPTION_ID"]
		return strings.ReplaceAll(v, ";", dbBetween), v != ""
	}
	dbCompare(t, &Diameter, dbCaptures(t, "diameter", "diameter"), []dbJudge{
		{"diameter.cmd.code", gtpAny("DIAMETER_REQ_MSG_TYPE", "DIAMETER_RSP_MSG_TYPE"), nil},
		{"diameter.applicationId", gtpAny("DIAMETER_APPLICATION_ID"), nil},
		{"diameter.hopbyhopid", gtpAny("DIAMETER_HOP_BY_HOP_ID"), gtpWide},
		{"diameter.endtoendid", gtpAny("DIAMETER_END_TO_END_ID"), gtpWide},
		{"diameter.Session-Id", gtpAny("DIAMETER_SESSION_ID"), nil},
		{"diameter.Origin-Host", gtpAny("DIAMETER_REQ_ORIGIN_HOST", "DIAMETER_RSP_ORIGIN_HOST"), nil},
		{"diameter.Origin-Realm", gtpAny("DIAMETER_REQ_ORIGIN_REALM", "DIAMETER_RSP_ORIGIN_REALM"), nil},
		{"diameter.Destination-Host", gtpAny("DIAMETER_DESTINATION_HOST"), nil},
		{"diameter.Destination-Realm", gtpAny("DIAMETER_DESTINATION_REALM"), nil},
		{"diameter.Result-Code", gtpAny("DIAMETER_RSP_RESULT_CODE"), nil},
		{"diameter.Experimental-Result-Code", gtpAny("DIAMETER_EXP_RES_RESULT_CODE"), nil},
		{"diameter.CC-Request-Type", gtpAny("DIAMETER_CC_REQUEST_TYPE"), nil},
		{"diameter.CC-Request-Number", gtpAny("DIAMETER_CC_REQUEST_NUMBER"), nil},
		{"diameter.User-Name", gtpAny("DIAMETER_REQ_USER_NAME"), nil},
		{"diameter.Subscription-Id-Data", subscribers, nil},
		{"diameter.Framed-IP-Address.IPv4", gtpAny("DIAMETER_FRAMED_IP_ADDR"), nil},
		{"diameter.Called-Station-Id", gtpAny("DIAMETER_CALLED_STATION_ID"), nil},
		{"diameter.RAT-Type", gtpAny("DIAMETER_RAT_TYPE"), nil},
	}, map[string]string{})
}
