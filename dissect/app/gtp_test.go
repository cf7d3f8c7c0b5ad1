package app

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzGTP(f *testing.F) { fuzzOne(f, &GTP, gtpSamples) }

// gtp1 returns a message of version 1 with a sequence number.
func gtp1(kind byte, teid uint32, seq uint16, elements ...string) []byte {
	all := strings.Join(elements, "")
	b := binary.BigEndian.AppendUint16([]byte{0x32, kind}, uint16(len(all)+4))
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, teid), seq)
	return append(append(b, 0, 0), all...)
}

// gtp0 returns a message of version 0.
func gtp0(kind byte, seq uint16, tid string, elements ...string) []byte {
	all := strings.Join(elements, "")
	b := binary.BigEndian.AppendUint16([]byte{0x1e, kind}, uint16(len(all)))
	b = append(binary.BigEndian.AppendUint16(b, seq), 0, 0, 0xff, 0xff, 0xff, 0xff)
	return append(append(b, tid...), all...)
}

// gtp2 returns a message of version 2 with a TEID.
func gtp2(kind byte, teid, seq uint32, elements ...string) []byte {
	all := strings.Join(elements, "")
	b := binary.BigEndian.AppendUint16([]byte{0x48, kind}, uint16(len(all)+8))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, teid), seq<<8)
	return append(b, all...)
}

// tlv1 and tlv2 return information elements that say their length.
func tlv1(kind byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value)))) + value
}

func tlv2(kind byte, value string) string {
	return string(append(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(value))), 0)) + value
}

// fteid returns the value of an endpoint.
func fteid(kind byte, teid uint32, addr string) string {
	return string(binary.BigEndian.AppendUint32([]byte{0x80 | kind}, teid)) + addr
}

const (
	gtpIMSI   = "\x00\x01\x01\x00\x00\x00\x00\xf1"
	gtpIMEI   = "\x53\x75\x73\x20\x00\x00\x00\x19"
	gtpNumber = "\x94\x71\x10\x00\x20\xf3"
	gtpPAP    = "\xc0\x23\x0c\x01\x01\x00\x0c\x03ann\x03pwd"
)

func gtpTalk(name string, port uint16, turns ...turn) conversation {
	for i := range turns {
		turns[i].time = noon + uint64(i)*10*msec
	}
	return conversation{name: name, proto: 17, srcPort: port, dstPort: port, turns: turns}
}

func gtpAsk(b []byte) turn  { return turn{dir: flow.Forward, octets: b} }
func gtpTell(b []byte) turn { return turn{dir: flow.Reverse, octets: b} }

// gtpSamples are sessions of every version with every field.
func gtpSamples() []conversation {
	return []conversation{gtpSample0(), gtpSample1(), gtpSample2(), gtpSampleU(), gtpSamplePrime()}
}

func gtpSample0() conversation {
	tid := "\x00\x01\x01\x00\x00\x00\x00\x51"
	return gtpTalk("version 0", portGTP0,
		gtpAsk(gtp0(16, 1, tid, "\x06\x0b\x92\x1f", "\x0f\xfd", "\x10\x00\x01", "\x11\x00\x02", "\x03\x00\xf1\x10\x12\x34\x56",
			tlv1(128, "\xf1\x21"), tlv1(131, "\x08internet"), tlv1(133, "\xc0\x00\x02\x01"), tlv1(134, "\x91"+gtpNumber))),
		gtpTell(gtp0(17, 1, tid, "\x01\x80", "\x08\x00", "\x0e\x07", "\x10\x00\x03", "\x11\x00\x04", "\x7f\x00\x00\x30\x39",
			tlv1(128, "\xf1\x21\xc6\x33\x64\x07"))),
		gtpAsk(gtp0(255, 0, tid, "user data")),
	)
}

func gtpSample1() conversation {
	ask := gtp1(16, 0, 1, "\x02"+gtpIMSI, "\x03\x00\xf1\x10\x12\x34\x56", "\x0e\x01", "\x0f\xfd", "\x10\x00\x00\x01\x01",
		"\x11\x00\x00\x02\x02", "\x14\x05", tlv1(128, "\xf1\x21"), tlv1(131, "\x08internet\x07example"),
		tlv1(132, "\x80"+gtpPAP+"\x00\x0d\x00"), tlv1(133, "\xc0\x00\x02\x01"), tlv1(133, "\xc0\x00\x02\x02"),
		tlv1(134, "\x91"+gtpNumber), tlv1(151, "\x01"), tlv1(152, "\x00\x00\xf1\x10\x12\x34\x56\x78"), tlv1(154, gtpIMEI))
	tell := gtp1(17, 0x202, 1, "\x01\x80", "\x0e\x07", "\x10\x00\x00\x03\x03", "\x11\x00\x00\x04\x04", "\x7f\x00\x00\x30\x39",
		tlv1(128, "\xf1\x8d\xc6\x33\x64\x07\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
		tlv1(132, "\x80\x00\x0d\x04\xc0\x00\x02\x35\x00\x0d\x04\xc0\x00\x02\x36\x00\x0c\x04\xc0\x00\x02\x3c\xc2\x23\x00"),
		tlv1(133, "\xc0\x00\x02\x03"), tlv1(133, "\xc0\x00\x02\x03"))
	return gtpTalk("version 1", portGTPC, gtpAsk(ask), gtpAsk(ask), gtpTell(tell), gtpTell(tell), gtpAsk(ask),
		gtpAsk(gtp1(18, 0x404, 2, tlv1(152, "\x01\x00\xf1\x10\x12\x34\x56\x79"))),
		gtpTell(gtp1(19, 0x202, 2, "\x01\xc0")),
		gtpTell(gtp1(1, 0, 2)), gtpAsk(gtp1(2, 0, 2, "\x0e\x09")), gtpTell(gtp1(3, 0, 9)),
	)
}

func gtpSample2() conversation {
	where := "\x18\x00\xf1\x10\x00\x07\x00\xf1\x10\x01\x23\x45\x67"
	bearer := func(ends ...string) string {
		return tlv2(93, tlv2(73, "\x05")+tlv2(80, "\x44\x09"+strings.Repeat("\x00", 20))+strings.Join(ends, ""))
	}
	ask := gtp2(32, 0, 7, tlv2(1, gtpIMSI), tlv2(75, gtpIMEI), tlv2(76, gtpNumber), tlv2(86, where), tlv2(82, "\x06"),
		tlv2(87, fteid(10, 0x1010, "\xc0\x00\x02\x0a")), tlv2(87, fteid(7, 0, "\xc0\x00\x02\x0c")), tlv2(71, "\x03ims"),
		tlv2(79, "\x01\x00\x00\x00\x00"), tlv2(72, "\x00\x00\xc3\x50\x00\x01\x86\xa0"),
		bearer(tlv2(87, fteid(0, 0x2020, "\xc0\x00\x02\x14")), tlv2(87, fteid(4, 0x2121, "\xc0\x00\x02\x15")),
			tlv2(87, fteid(5, 0x2222, "\xc0\x00\x02\x16"))))
	tell := gtp2(33, 0x1010, 7, tlv2(2, "\x10\x00"), tlv2(87, fteid(11, 0x3030, "\xc0\x00\x02\x0b")),
		tlv2(87, fteid(7, 0x3131, "\xc0\x00\x02\x0c")), tlv2(87, fteid(6, 0x3232, "\xc0\x00\x02\x0d")),
		tlv2(79, "\x03\x40\x20\x01\x0d\xb8\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xc6\x33\x64\x07"),
		tlv2(78, "\x80\x00\x0d\x04\xc0\x00\x02\x35"), tlv2(94, "\x00\x00\x30\x39"),
		tlv2(93, tlv2(73, "\x05")+tlv2(2, "\x10\x00")+tlv2(87, fteid(1, 0x4040, "\xc0\x00\x02\x1e"))+
			tlv2(87, fteid(5, 0x4141, "\xc0\x00\x02\x1f"))+tlv2(87, fteid(4, 0x4242, "\xc0\x00\x02\x20"))))
	create := gtp2(95, 0x1010, 0x900, tlv2(73, "\x05"), bearer(tlv2(87, fteid(1, 0x5050, "\xc0\x00\x02\x1e"))))
	tell[0] |= 0x10 // a message follows
	return gtpTalk("version 2", portGTPC,
		gtpAsk(ask), gtpTell(append(tell, create...)), gtpAsk(gtp2(96, 0x3030, 0x900, tlv2(2, "\x10\x00"))),
		gtpAsk(gtp2(36, 0x3030, 8, tlv2(73, "\x05"))), gtpTell(gtp2(37, 0x1010, 8, tlv2(2, "\x40\x00"))),
		gtpAsk(gtp2(68, 0x3030, 0x800001, tlv2(73, "\x05"))), gtpTell(gtp2(97, 0x1010, 0x800001, tlv2(73, "\x05"))),
		gtpAsk(gtp2(98, 0x3030, 0x800001, tlv2(2, "\x10\x00"))),
		gtpAsk([]byte("\x40\x01\x00\x09\x00\x00\x09\x00\x03\x00\x01\x00\x01")),
		gtpTell([]byte("\x40\x02\x00\x09\x00\x00\x09\x00\x03\x00\x01\x00\x04")),
	)
}

func gtpSampleU() conversation {
	extended := []byte("\x36\x1a\x00\x1c\x00\x00\x00\x00\x00\x00\x00\x40\x01\x08\x68\x00\x10\x00\x00\x01\x01\x85\x00\x10" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
	binary.BigEndian.PutUint16(extended[2:], uint16(len(extended)-8))
	return gtpTalk("user plane", portGTPU,
		gtpAsk(gtp1(1, 0, 1)), gtpTell(gtp1(2, 0, 1, "\x0e\x00")), gtpAsk(extended),
		gtpTell([]byte("\x30\xfe\x00\x00\x00\x00\x02\x02")), gtpAsk([]byte("\x30\xff\x00\x04\x00\x00\x02\x02none")),
	)
}

func gtpSamplePrime() conversation {
	return gtpTalk("charging", portGTP0, gtpAsk([]byte("\x4e\xf0\x00\x02\x00\x01\x7e\x01")),
		gtpTell([]byte("\x4e\xf1\x00\x02\x00\x01\x01\x80")))
}

// TestGTP holds what transactions there are and what they say.
func TestGTP(t *testing.T) {
	want := []string{
		"transaction 16 17 128 internet 49170100023 198.51.100.7",
		"transaction 16 17 128 internet.example 49170100023 198.51.100.7, transaction 18 19 192, transaction 1 2, notice 3",
		"transaction 32 33 16 ims 49170100023 3325256711, transaction 95 96 16, transaction 36 37 64, notice 68, transaction 97 98 16, transaction 1 2",
		"transaction 1 2, notice 26, notice 254", "transaction 240 241",
	}
	for i, c := range gtpSamples() {
		var got []string
		for _, e := range drive(&c, &GTP).events {
			v := min(i, 2)
			if i == 3 {
				v = 1
			} else if i == 4 {
				v = 2
			}
			text := e.Kind
			for _, label := range []string{"REQ_MSG_TYPE", "RSP_MSG_TYPE", "RESPONSE_CAUSE", "APN_NAME", "END_USER_MSISDN",
				"END_USER_IP", "PDN_IP"} {
				if s := e.Fields[fmt.Sprintf("GTPV%d_%s", v, label)]; s != "" {
					text += " " + s
				}
			}
			got = append(got, text)
			for k, s := range e.Fields {
				if strings.Contains(s, "pwd") {
					t.Errorf("%s is %q", k, s)
				}
			}
		}
		if s := strings.Join(got, ", "); s != want[i] {
			t.Errorf("%s: %s\nwant %s", c.name, s, want[i])
		}
	}
}

// TestGTPValues holds the values that are put together of several.
func TestGTPValues(t *testing.T) {
	all := gtpSamples()
	for i, want := range []map[string]string{
		{"GTPV0_TID": "282574488338513", "GTPV0_RAI_MNC": "1", "GTPV0_RAI_CELL_RAC": "86"},
		{"GTP_C2S_F_TEIDS": "ctrl/202/192.0.2.1;data/101/192.0.2.2", "GTP_S2C_F_TEIDS": "ctrl/404/192.0.2.3;data/303/192.0.2.3",
			"GTP_CELL": "cgi:001-01-4660-22136", "GTPV1_END_USER_IMSI": "001010000000001", "GTP_PCO_AUTH": "pap",
			"GTPV1_END_USER_IMEI": "3557370200000091", "GTP_PCO_DNS": "192.0.2.53;192.0.2.54", "GTP_PCO_P_CSCF": "192.0.2.60",
			"GTP_END_USER_IPV6_PREFIX": "2001:db8:1::/64", "GTPV1_GSN_ADDRESS_IPV4_B": "192.0.2.2", "GTPV1_S2C_TEID": "514"},
		{"GTP_C2S_F_TEIDS": "10/1010/192.0.2.10;7/0/192.0.2.12;0/2020/192.0.2.20;4/2121/192.0.2.21;5/2222/192.0.2.22",
			"GTP_S2C_F_TEIDS": "11/3030/192.0.2.11;7/3131/192.0.2.12;6/3232/192.0.2.13;1/4040/192.0.2.30;" +
				"5/4141/192.0.2.31;4/4242/192.0.2.32",
			"GTP_CELL": "tai+ecgi:001-01-7-19088743", "GTPV2_ULI_CELL_TAC": "7", "GTPV2_ULI_CELL_ID": "19088743", "GTP_QCI": "9",
			"GTP_ARP": "1", "GTPV2_S2C_S1U_GTPU_TEID": "16448", "GTPV2_S5_S8_GTPC_TEID": "0", "GTP_AMBR_DOWN": "100000"},
	} {
		got := drive(&all[i], &GTP).events[0].Fields
		for label, value := range want {
			if got[label] != value {
				t.Errorf("%s: %s is %q, want %q", all[i].name, label, got[label], value)
			}
		}
	}
	u := drive(&all[3], &GTP).events[1].Fields
	if u["GTPU_ERROR_TEID"] != "257" || u["GTPU_ERROR_PEER"] != "2001:db8::1" {
		t.Errorf("%v", u)
	}
}

// TestGTPCommand says which command has led to a request, and how long before.
func TestGTPCommand(t *testing.T) {
	c := gtpSample2()
	n := 0
	for _, e := range drive(&c, &GTP).events {
		want := [2]string{}
		if e.Fields["GTPV2_REQ_MSG_TYPE"] == "97" {
			want = [2]string{"68", "10000"}
			n++
		}
		if got := [2]string{e.Fields["GTPV2_COMMAND"], e.Fields["GTPV2_COMMAND_USEC"]}; got != want {
			t.Errorf("%v: %q, want %q", e.Fields["GTPV2_REQ_MSG_TYPE"], got, want)
		}
	}
	if n != 1 {
		t.Error("nothing was led to")
	}
}

// TestGTPPlaces reads every kind of place, alone and together.
func TestGTPPlaces(t *testing.T) {
	const plmn = "\x62\xf2\x10" // 262-01
	parts := []string{plmn + "\x12\x34\x56\x78", plmn + "\x12\x34\x00\x09", plmn + "\x12\x34\x07\xff", plmn + "\x00\x07",
		plmn + "\xf1\x23\x45\x67", plmn + "\x43\x21", plmn + "\x01\x23\x45", plmn + "\x80\x00\x09"}
	alone := []string{"cgi:262-01-4660-22136", "sai:262-01-4660-9", "rai:262-01-4660-7", "tai:262-01-7", "ecgi:262-01-19088743",
		"lai:262-01-17185", "enb:262-01-74565", "enb:262-01-9"}
	place := func(flags int) string {
		text := string([]byte{byte(flags)})
		for i, p := range parts {
			if flags>>i&1 != 0 {
				text += p
			}
		}
		c := gtpTalk("places", portGTPC, gtpAsk(gtp2(32, 0, 1, tlv2(1, gtpIMSI), tlv2(86, text))))
		return drive(&c, &GTP).events[0].Fields["GTP_CELL"]
	}
	for i, want := range alone {
		if got := place(1 << i); got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	for flags, want := range map[int]string{0x18: "tai+ecgi:262-01-7-19088743", 0xff: "tai+ecgi:262-01-7-19088743", 0x60: alone[6], 0x24: alone[2],
		0x11: alone[4], 0: ""} {
		if got := place(flags); got != want {
			t.Errorf("%#x: %q, want %q", flags, got, want)
		}
	}
}

// TestDigits holds how identities are read, of odd and even length.
func TestDigits(t *testing.T) {
	for b, want := range map[string]string{
		"\x21\x43": "1234", "\x21\xf3": "123", "\xf1": "1", "\xff": "", "": "", "\x21\xa3": "", "\x2f\x43": "",
		strings.Repeat("\x11", 20): strings.Repeat("1", 32),
	} {
		var d tbcd
		if d.read([]byte(b)); string(d.text()) != want {
			t.Errorf("%x: %q, want %q", b, d.text(), want)
		}
	}
	for b, want := range map[string]string{
		"\x03ims\x06mnc001": "ims.mnc001", "internet": "internet", "\x09ims": "", "\x03i\x00s": "", "": "",
	} {
		if got := string(apn(nil, []byte(b))); got != want {
			t.Errorf("%x: %q, want %q", b, got, want)
		}
	}
}

// TestGTPFlaws holds which flaws are found.
func TestGTPFlaws(t *testing.T) {
	deep := tlv2(1, gtpIMSI)
	for range 6 {
		deep = tlv2(93, deep)
	}
	for _, c := range []struct {
		name   string
		octets []byte
		flaw   string
	}{
		{"an element that lies", gtp1(16, 0, 1, "\x02"+gtpIMSI, "\x80\x00\x20\xf1"), gtpFlawElement},
		{"an element of version 2 that lies", gtp2(32, 0, 1, "\x01\x00\x20\x00\x00"), gtpFlawElement},
		{"an element that nobody knows", gtp1(16, 0, 1, "\x30\x00\x00"), gtpFlawUnknown},
		{"bearers in bearers", gtp2(32, 0, 1, deep), gtpFlawDepth},
	} {
		x := says(c.name, 17, flow.Forward, c.octets)
		x.dstPort = portGTPC
		o := drive(&x, &GTP)
		if len(o.messages) != 1 || o.messages[0].Flaw != c.flaw {
			t.Errorf("%s: %+v", c.name, o.messages)
		}
	}
}

// gtpHex reads a number as tshark writes it.
func gtpHex(s string) (string, bool) {
	n, err := strconv.ParseUint(s, 0, 32)
	return strconv.FormatUint(n, 10), err == nil && n != 0
}

// gtpAny takes the first of some fields.
func gtpAny(labels ...string) func(m *heard) (string, bool) {
	return func(m *heard) (string, bool) {
		for _, l := range labels {
			if v := m.Fields[l]; v != "" {
				return v, true
			}
		}
		return "", false
	}
}

// gtpEnds takes the n-th part of every endpoint.
func gtpEnds(n int) func(m *heard) (string, bool) {
	return func(m *heard) (string, bool) {
		var all []string
		for _, one := range strings.Split(m.Fields["GTP_C2S_F_TEIDS"]+m.Fields["GTP_S2C_F_TEIDS"], ";") {
			if parts := strings.Split(one, "/"); len(parts) > max(n, 1) {
				all = append(all, parts[n])
			}
		}
		return strings.Join(all, dbBetween), len(all) > 0
	}
}

// TestGTPOracle compares what is said with what tshark says, in the captures and in our own.
func TestGTPOracle(t *testing.T) {
	files := append(dbCaptures(t, "gtp", "gtp"), only(t, dbCaptures(t, "none", "diameter"), "gtp or gtpv2")...)
	pdn := func(m *heard) (string, bool) {
		n, err := strconv.ParseUint(m.Fields["GTPV2_PDN_IP"], 10, 32)
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n)))).String(), err == nil
	}
	some := func(s string) (string, bool) { return s, s != "0.0.0.0" }
	var all []dbJudge
	both := func(column string, theirs func(string) (string, bool), labels ...string) {
		all = append(all, dbJudge{column, gtpAny(labels...), theirs})
	}
	both("gtpv2.message_type", nil, "GTPV2_REQ_MSG_TYPE", "GTPV2_RSP_MSG_TYPE")
	both("gtpv2.teid", gtpHex, "GTPV2_C2S_TEID", "GTPV2_S2C_TEID")
	both("e212.imsi", nil, "GTPV2_END_USER_IMSI", "GTPV1_END_USER_IMSI")
	both("e164.msisdn", nil, "GTPV2_END_USER_MSISDN", "GTPV1_END_USER_MSISDN", "GTPV0_END_USER_MSISDN")
	both("gtpv2.mei", nil, "GTPV2_END_USER_IMEI")
	both("gtpv2.apn", nil, "GTPV2_APN_NAME")
	both("gtpv2.ambr_up", nil, "GTP_AMBR_UP")
	both("gtpv2.ambr_down", nil, "GTP_AMBR_DOWN")
	both("gtpv2.rat_type", nil, "GTPV2_RAT_TYPE")
	both("gtpv2.tai_tac", gtpWide, "GTPV2_ULI_CELL_TAC")
	both("gtpv2.ecgi_eci", nil, "GTPV2_ULI_CELL_ID")
	both("^gtpv2.bearer_qos_label_qci", nil, "GTP_QCI")
	all = append(all,
		dbJudge{"^gtpv2.cause", gtpAny("GTPV2_RESPONSE_CAUSE"), nil},
		dbJudge{"gtpv2.pdn_addr_and_prefix.ipv4", pdn, some},
		dbJudge{"gtpv2.f_teid_interface_type", gtpOf("GTPV2", gtpEnds(0)), nil},
		dbJudge{"gtpv2.f_teid_gre_key", gtpOf("GTPV2", gtpEnds(1)), gtpBare},
		dbJudge{"gtpv2.f_teid_ipv4", gtpOf("GTPV2", gtpEnds(2)), nil})
	both("gtp.message", func(s string) (string, bool) { s, ok := gtpWide(s); return s, ok && s != "255" },
		"GTPV1_REQ_MSG_TYPE", "GTPV1_RSP_MSG_TYPE", "GTPV0_REQ_MSG_TYPE", "GTPV0_RSP_MSG_TYPE")
	both("gtp.cause", nil, "GTPV1_RESPONSE_CAUSE", "GTPV0_RESPONSE_CAUSE")
	both("gtp.apn", nil, "GTPV1_APN_NAME", "GTPV0_APN_NAME")
	both("gtp.user_ipv4", nil, "GTPV1_END_USER_IP", "GTPV0_END_USER_IP")
	both("gtp.teid_cp", gtpHex, "GTPV1_C2S_TEID_CTRL", "GTPV1_S2C_TEID_CTRL")
	both("gtp.teid_data", gtpHex, "GTPV1_C2S_TEID_DATA", "GTPV1_S2C_TEID_DATA")
	all = append(all, dbJudge{"^gtp.nsapi", gtpOf("GTPV1", gtpAny("GTP_BEARER_ID")), nil})
	why := "tshark takes the four bits that are spare with the cell"
	dbCompare(t, &GTP, files, all, map[string]string{
		"nDPI__gtp_c.pcap gtpv2.ecgi_eci 305419896": why, "nDPI__gtp_c.pcap gtpv2.ecgi_eci 36984440": why,
	})
}

// gtpOf takes what another takes of the messages of a version.
func gtpOf(version string, f func(m *heard) (string, bool)) func(m *heard) (string, bool) {
	return func(m *heard) (string, bool) {
		v := m.Fields[version+"_REQ_MSG_TYPE"] + m.Fields[version+"_RSP_MSG_TYPE"]
		if v == "" {
			return "", false
		}
		return f(m)
	}
}

// gtpWide reads a number as tshark writes it, in decimal or hexadecimal.
func gtpWide(s string) (string, bool) {
	n, err := strconv.ParseUint(s, 0, 64)
	return strconv.FormatUint(n, 10), err == nil
}

// gtpBare takes the digits of a number in hexadecimal.
func gtpBare(s string) (string, bool) {
	n, err := strconv.ParseUint(s, 0, 32)
	return strconv.FormatUint(n, 16), err == nil
}

// only makes captures of some frames of others, by a filter of tshark's.
func only(t *testing.T, files []string, filter string) (all []string) {
	t.Helper()
	for _, file := range files {
		to := filepath.Join(t.TempDir(), filepath.Base(file))
		if out, err := exec.Command("tshark", "-r", file, "-Y", filter, "-w", to).CombinedOutput(); err != nil {
			t.Skipf("tshark %s: %v: %s", file, err, out)
		}
		all = append(all, to)
	}
	return all
}
