package app

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

func FuzzS1AP(f *testing.F) { fuzzOne(f, &S1AP, s1apSamples) }
func FuzzNGAP(f *testing.F) { fuzzOne(f, &NGAP, ngapSamples) }

// radioBytes returns a message with elements, whose values are behind a number of one octet each.
func radioBytes(choice, code byte, elements ...string) []byte {
	all := strings.Join(elements, "")
	n := len(all) + 3
	b := []byte{choice, code, 0x40}
	if n < 128 {
		b = append(b, byte(n))
	} else {
		b = append(b, 0x80|byte(n>>8), byte(n))
	}
	return append(append(b, 0, 0, byte(len(elements))), all...)
}

func radioElement(id byte, value string) string {
	return string([]byte{0, id, 0x40, byte(len(value))}) + value
}

func radioTalk(name string, port uint16, messages ...[]byte) conversation {
	c := conversation{name: name, proto: 132, srcPort: port, dstPort: port}
	for i, b := range messages {
		c.turns = append(c.turns, turn{dir: flow.Dir(i & 1), octets: b, time: noon + uint64(i)*msec})
	}
	return c
}

func s1apSamples() []conversation {
	return []conversation{radioTalk("attach", 36412,
		radioBytes(0, 17, radioElement(59, "\x00\x00\xf1\x10"+strings.Repeat("x", 100)), radioElement(60, "enb"),
			radioElement(64, strings.Repeat("x", 60))), radioBytes(0x20, 17),
		radioBytes(0, 12, radioElement(8, "\x40\x01\x02")), radioBytes(0, 11, radioElement(0, "\xc0\x01\x02\x03\x04"), radioElement(8, "\x00\x07")),
		radioBytes(0, 13, radioElement(26, "\x05\x02\x01\xd0\x11\xd1")),
		radioBytes(0, 12, radioElement(26, "\x08\x17\x01\x02\x03\x04\x05\x07\x41")),
		radioBytes(0, 11, radioElement(26, "\x03\x07\x52\x00")),
		radioBytes(0, 7, radioElement(26, "\x03\x02\x01\xcd")), radioBytes(0x40, 9), radioBytes(0, 23, radioElement(99, "\x04\x01\x02\x00\x07")),
		radioBytes(0, 3, radioElement(8, "\x00\x09"), radioElement(88, "\x00\x05")), radioBytes(0, 200))}
}

func ngapSamples() []conversation {
	return []conversation{radioTalk("registration", 38412,
		radioBytes(0, 15, radioElement(85, "\x40\x01\x02")),
		radioBytes(0, 4, radioElement(10, "\x80\x01\x02\x03\x04\x05"), radioElement(85, "\x00\x07")), radioBytes(0x20, 14))}
}

// TestS1AP holds what is said of messages of both protocols.
func TestS1AP(t *testing.T) {
	var got []string
	for i, c := range append(s1apSamples(), ngapSamples()...) {
		for _, e := range drive(&c, []*Dissector{&S1AP, &NGAP}[i]).events {
			f := func(label string) string { return e.Fields[[]string{"S1AP_", "NGAP_"}[i]+label] }
			got = append(got, strings.Join([]string{f("PROCEDURE"), f("MESSAGE"), f("ENB_UE_S1AP_ID") + f("RAN_UE_ID"),
				f("MME_UE_S1AP_ID") + f("AMF_UE_ID")}, " "))
		}
	}
	want := "S1Setup initiating  , S1Setup successful  , initialUEMessage initiating 258 , " +
		"downlinkNASTransport initiating 7 16909060, uplinkNASTransport initiating  , " +
		"initialUEMessage initiating  , downlinkNASTransport initiating  , E-RABRelease initiating  , InitialContextSetup unsuccessful  , " +
		"UEContextRelease initiating 7 258, PathSwitchRequest initiating 9 5,  initiating  , " +
		"InitialUEMessage initiating 258 , DownlinkNASTransport initiating 7 4328719365, InitialContextSetup successful  "
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s\nwant\n%s", s, want)
	}
}

// TestS1APUser holds the types of what is said between users and the network.
func TestS1APUser(t *testing.T) {
	c := s1apSamples()[0]
	var got []string
	for _, e := range drive(&c, &S1AP).events {
		for _, l := range []string{"EMM_TYPE_ENB_TO_MME", "EMM_TYPE_MME_TO_ENB", "ESM_TYPE_ENB_TO_MME", "ESM_TYPE_MME_TO_ENB"} {
			if v := e.Fields["S1AP_MSG_"+l]; v != "" {
				got = append(got, l+" "+v)
			}
		}
	}
	if s := strings.Join(got, ", "); s != "ESM_TYPE_ENB_TO_MME 208, EMM_TYPE_ENB_TO_MME 65, EMM_TYPE_MME_TO_ENB 82, ESM_TYPE_MME_TO_ENB 205" {
		t.Error(s)
	}
}

// TestS1APRefuses takes nothing for S1AP whose parts do not fit.
func TestS1APRefuses(t *testing.T) {
	good := string(radioBytes(0, 12, radioElement(8, "\x40\x01\x02")))
	for _, bad := range []string{"\x60" + good[1:], good + "x", good[:len(good)-1], good[:2] + "\x41" + good[3:],
		string(radioBytes(0, 12, "\x00\x08\x40\x09\x40")), good[:2]} {
		x := radioTalk("bad", 36412, []byte(bad))
		if o := drive(&x, &S1AP); len(o.messages) > 0 {
			t.Errorf("%x is taken for S1AP", bad)
		}
	}
}

// TestS1APOracle compares what is said with what tshark says.
func TestS1APOracle(t *testing.T) {
	corpus(t)
	known := map[string]string{"open5gs__testattach.pcapng ^s1ap.MME_UE_S1AP_ID 14": "a reset has a list of users"}
	for _, kind := range []string{"66", "67", "69", "72", "73", "94", "96", "97"} {
		known["open5gs__testattach.pcapng ^nas_eps.nas_msg_emm_type "+kind] =
			"it may be encrypted: tshark guesses that it is not, or it is in a list of bearers"
	}
	dbCompare(t, &S1AP, dbCaptures(t, "s1ap", "diameter"), []dbJudge{
		{"s1ap.procedureCode", gtpAny("S1AP_PROCEDURE_CODE"), nil},
		{"^nas_eps.nas_msg_emm_type", gtpAny("S1AP_MSG_EMM_TYPE_ENB_TO_MME", "S1AP_MSG_EMM_TYPE_MME_TO_ENB"), gtpWide},
		{"^s1ap.ENB_UE_S1AP_ID", gtpAny("S1AP_ENB_UE_S1AP_ID"), nil},
		{"^s1ap.MME_UE_S1AP_ID", gtpAny("S1AP_MME_UE_S1AP_ID"), nil},
	}, known)
}
