package app

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzPFCP(f *testing.F) { fuzzOne(f, &PFCP, pfcpSamples) }

// pfcpBytes returns a message, with a session endpoint if it is about a session.
func pfcpBytes(kind byte, seid uint64, seq uint32, elements ...string) []byte {
	all := strings.Join(elements, "")
	b := []byte{0x20, kind, 0, 0}
	if kind >= 50 {
		b[0] |= 1
		b = binary.BigEndian.AppendUint64(b, seid)
	}
	b = append(binary.BigEndian.AppendUint32(b, seq<<8), all...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-4))
	return b
}

func pfcpTLV(kind uint16, value ...string) string {
	all := strings.Join(value, "")
	return string(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, kind), uint16(len(all)))) + all
}

// pfcpSamples are an association and a session with every field.
func pfcpSamples() []conversation {
	node := func(b string) string { return pfcpTLV(60, b) }
	ask := pfcpBytes(50, 0, 3, node("\x00\xc0\x00\x02\x01"), pfcpTLV(57, "\x02\x00\x00\x00\x00\x00\x00\x00\x11\xc0\x00\x02\x01"),
		pfcpTLV(1, pfcpTLV(56, "\x00\x01"), pfcpTLV(2, pfcpTLV(20, "\x00"), pfcpTLV(21, "\x05\x01"), pfcpTLV(22, "\x06access"),
			pfcpTLV(93, "\x03\xc6\x33\x64\x07\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"))),
		pfcpTLV(3, pfcpTLV(4, pfcpTLV(84, "\x01\x00\x00\x00\x05\x05\xc0\x00\x02\x63"))),
		pfcpTLV(141, "\x07\x08"+gtpIMSI+"\x08"+gtpIMEI+"\x06"+gtpNumber), pfcpTLV(159, "\x08internet"))
	tell := pfcpBytes(51, 0x11, 3, node("\x02\x03upf\x07example"), pfcpTLV(19, "\x01"),
		pfcpTLV(57, "\x02\x00\x00\x00\x00\x00\x00\x00\x22\xc0\x00\x02\x02"),
		pfcpTLV(8, pfcpTLV(56, "\x00\x01"), pfcpTLV(21, "\x01\x00\x00\x06\x06\xc0\x00\x02\x02")))
	change := pfcpBytes(52, 0x22, 4, pfcpTLV(10, pfcpTLV(11, pfcpTLV(84, "\x02\x00\x00\x00\x07\x07", "\x20\x01\x0d\xb8"+
		strings.Repeat("\x00", 11)+"\x09"))))
	change[0] |= 4 // another message follows
	both := append(change, pfcpBytes(54, 0x22, 5)...)
	return []conversation{gtpTalk("sessions", portPFCP, gtpAsk(pfcpBytes(5, 0, 1, node("\x00\xc0\x00\x02\x01"))),
		gtpTell(pfcpBytes(6, 0, 1, node("\x01\x20\x01\x0d\xb8"+strings.Repeat("\x00", 12)), pfcpTLV(19, "\x01"))),
		gtpAsk(ask), gtpAsk(ask), gtpTell(tell), gtpAsk(ask), gtpAsk(both), gtpTell(pfcpBytes(53, 0x11, 4, pfcpTLV(19, "\x01"))),
		gtpTell(pfcpBytes(55, 0x11, 5, pfcpTLV(19, "\x41"))))}
}

// TestPFCP holds what transactions there are and what they say.
func TestPFCP(t *testing.T) {
	c := pfcpSamples()[0]
	var got []string
	o := drive(&c, &PFCP)
	for _, e := range o.events {
		f := e.Fields
		got = append(got, strings.Join([]string{e.Kind, f["PFCP_REQ_MSG_TYPE"], f["PFCP_RSP_MSG_TYPE"],
			f["PFCP_RESPONSE_CAUSE"], f["PFCP_C2S_SEID"], f["PFCP_C2S_F_TEIDS"], f["PFCP_S2C_F_TEIDS"]}, " "))
	}
	want := []string{"transaction 5 6 1   ", "transaction 50 51 1  out/505/192.0.2.99 in/606/192.0.2.2",
		"transaction 52 53 1 34 out/707/2001:db8::9 ", "transaction 54 55 65 34  "}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	for label, value := range map[string]string{
		"PFCP_UE_IPV4_ADDR": "198.51.100.7", "PFCP_UE_IPV6_PREFIX": "2001:db8:1::/64", "PFCP_NETWORK": "internet",
		"PFCP_USER_IMSI": "001010000000001", "PFCP_USER_MSISDN": "49170100023", "PFCP_PEER_NODE_ID": "upf.example",
		"PFCP_C2S_F_SEID": "11/192.0.2.1",
	} {
		if got := o.events[1].Fields[label]; got != value {
			t.Errorf("%s is %q, want %q", label, got, value)
		}
	}
}

// TestPFCPFlaws holds which flaws are found.
func TestPFCPFlaws(t *testing.T) {
	deep := pfcpTLV(19, "\x01")
	for range 8 {
		deep = pfcpTLV(1, deep)
	}
	for _, c := range []struct{ name, elements, flaw string }{
		{"an element that lies", "\x00\x13\x00\x09\x01", pfcpFlawElement}, {"rules in rules", deep, pfcpFlawDepth},
	} {
		x := says(c.name, 17, flow.Forward, pfcpBytes(50, 0, 1, c.elements))
		x.dstPort = portPFCP
		if o := drive(&x, &PFCP); len(o.messages) != 1 || o.messages[0].Flaw != c.flaw {
			t.Errorf("%s: %+v", c.name, o.messages)
		}
	}
}

// TestPFCPOracle compares what is said with what tshark says.
func TestPFCPOracle(t *testing.T) {
	corpus(t)
	attach, why := "open5gs__testattach.pcapng pfcp.", "tshark looks into what errors of ICMP quote"
	teids := func(way string, n int) func(m *heard) (string, bool) {
		return func(m *heard) (string, bool) {
			var all []string
			for _, one := range strings.Split(m.Fields["PFCP_C2S_F_TEIDS"]+m.Fields["PFCP_S2C_F_TEIDS"], ";") {
				if parts := strings.Split(one, "/"); parts[0] == way {
					all = append(all, parts[n])
				}
			}
			return strings.Join(all, dbBetween), len(all) > 0
		}
	}
	seid := func(s string) (string, bool) {
		v, ok := gtpWide(s)
		return v, ok && v != "0"
	}
	dbCompare(t, &PFCP, dbCaptures(t, "pfcp", "diameter"), []dbJudge{
		{"pfcp.msg_type", gtpAny("PFCP_REQ_MSG_TYPE", "PFCP_RSP_MSG_TYPE"), nil},
		{"^pfcp.cause", gtpAny("PFCP_RESPONSE_CAUSE"), nil},
		{"^pfcp.seid", gtpAny("PFCP_C2S_SEID", "PFCP_S2C_SEID"), seid},
		{"^pfcp.ue_ip_addr_ipv4", gtpAny("PFCP_UE_IPV4_ADDR"), nil},
		{"pfcp.f_teid.teid", teids("in", 1), gtpBare},
		{"pfcp.f_teid.ipv4_addr", teids("in", 2), nil},
		{"pfcp.outer_hdr_creation.teid", teids("out", 1), gtpBare},
		{"pfcp.outer_hdr_creation.ipv4", teids("out", 2), nil},
		{"pfcp.node_id_ipv4", gtpAny("PFCP_NODE_ID", "PFCP_PEER_NODE_ID"), nil},
	}, map[string]string{attach + "msg_type 5": why, attach + "node_id_ipv4 127.0.0.7": why,
		attach + "node_id_ipv4 127.0.0.6": why})
}
