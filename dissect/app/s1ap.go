package app

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// S1AP is what base stations and the core of an LTE network say to each other over SCTP (3GPP TS 36.413). Which
// procedure a message is of is said, whom it is about, and the type of what users and the network say to each other
// in it, unless that is encrypted.
var S1AP = Dissector{
	Name:  "s1ap",
	Doc:   "S1AP: procedures between base stations and the core of LTE, and the users that they are about.",
	SCTP:  on(36412),
	First: radioFirst,
	Fields: []*flow.Field{
		S1APCode, S1APName, S1APOutcome, S1APStation, S1APCore, S1APEMMDown, S1APESMDown, S1APEMMUp, S1APESMUp,
	},
	Parse: parseS1AP,
}

// NGAP is the same of a 5G network (3GPP TS 38.413).
var NGAP = Dissector{
	Name:   "ngap",
	Doc:    "NGAP: procedures between base stations and the core of 5G, and the users that they are about.",
	SCTP:   on(38412),
	First:  radioFirst,
	Fields: []*flow.Field{NGAPCode, NGAPName, NGAPOutcome, NGAPStation, NGAPCore},
	Parse:  parseNGAP,
}

// Fields of messages of S1AP and NGAP.
var (
	S1APStation = ntop(407, "S1AP_ENB_UE_S1AP_ID", flow.Unsigned32,
		"Number that the base station has given the user.")
	S1APCore    = ntop(408, "S1AP_MME_UE_S1AP_ID", flow.Unsigned32, "Number that the MME has given the user.")
	S1APEMMDown = ntop(409, "S1AP_MSG_EMM_TYPE_MME_TO_ENB", flow.Unsigned8,
		"Type of the message of mobility management to the user, unless it is encrypted.")
	S1APESMDown = ntop(410, "S1AP_MSG_ESM_TYPE_MME_TO_ENB", flow.Unsigned8,
		"Type of the message of session management to the user, unless it is encrypted.")
	S1APEMMUp = ntop(411, "S1AP_MSG_EMM_TYPE_ENB_TO_MME", flow.Unsigned8,
		"Type of the message of mobility management from the user, unless it is encrypted.")
	S1APESMUp = ntop(412, "S1AP_MSG_ESM_TYPE_ENB_TO_MME", flow.Unsigned8,
		"Type of the message of session management from the user, unless it is encrypted.")
	S1APCode    = ours(1860, "S1AP_PROCEDURE_CODE", flow.Unsigned8, "Code of the procedure of S1AP.")
	S1APName    = ours(1861, "S1AP_PROCEDURE", flow.String, "Name of the procedure of S1AP.")
	S1APOutcome = ours(1862, "S1AP_MESSAGE", flow.String,
		"What the message is in its procedure: initiating, successful or unsuccessful.")
	NGAPCode    = ours(1863, "NGAP_PROCEDURE_CODE", flow.Unsigned8, "Code of the procedure of NGAP.")
	NGAPName    = ours(1864, "NGAP_PROCEDURE", flow.String, "Name of the procedure of NGAP.")
	NGAPOutcome = ours(1865, "NGAP_MESSAGE", flow.String,
		"What the message is in its procedure: initiating, successful or unsuccessful.")
	NGAPStation = ours(1866, "NGAP_RAN_UE_ID", flow.Unsigned32,
		"Number that the base station has given the user.")
	NGAPCore = ours(1867, "NGAP_AMF_UE_ID", flow.Unsigned64, "Number that the AMF has given the user.")
)

// radioFirst are the octets that messages begin with: which of three they are.
const radioFirst = "\x00\x20\x40"

// radioOutcomes are what they are.
var radioOutcomes = [...]string{"initiating", "successful", "unsuccessful"}

// radioSays are the fields of a protocol, its names, and the numbers of the elements with its users' numbers.
type radioSays struct {
	code, name, outcome, station, core *flow.Field
	names                              []string
	stationID, coreID                  uint16
	port                               uint16
	payload                            uint32 // identifier in SCTP (IANA)
	coreBits                           uint8  // that say how many octets the number of the core has
}

func parseS1AP(m *Message) Verdict {
	return parseRadio(m, &radioSays{
		port: 36412, payload: 18,
		code: S1APCode, name: S1APName, outcome: S1APOutcome, station: S1APStation, core: S1APCore, names: s1apNames[:],
		coreID: 0, stationID: 8, coreBits: 2,
	})
}

func parseNGAP(m *Message) Verdict {
	return parseRadio(m, &radioSays{
		port: 38412, payload: 60,
		code: NGAPCode, name: NGAPName, outcome: NGAPOutcome, station: NGAPStation, core: NGAPCore, names: ngapNames[:],
		coreID: 10, stationID: 85, coreBits: 3,
	})
}

// parseRadio reads a message in aligned PER (ITU-T X.691): which of three it is, the code of the procedure, its
// criticality, and elements with a number, a criticality and a length each.
//
// What it is SCTP says; where that says nothing, the port counts.
func parseRadio(m *Message, says *radioSays) Verdict {
	known := m.PPID == says.payload || m.PPID == 0 && (m.DstPort == says.port || m.SrcPort == says.port)
	if m.Stream || !known {
		return Reject
	}
	r := m.Reader
	choice, code, criticality := r.U8(), r.U8(), r.U8()
	body := radioBlock(&r)
	switch {
	case body.Short() && !m.Cut, choice&0x1f != 0 || choice > 0x40, criticality&0x3f != 0, criticality > 0x80, r.Len() > 0:
		return Reject
	}
	body.U8() // extension bit, and filling
	elements, whole := body, radioFills(body)
	if !whole && !m.Cut {
		return Reject
	}
	m.Rest()
	m.Notice()
	m.Attrs.Uint(says.code, uint64(code))
	if int(code) < len(says.names) {
		m.Attrs.Text(says.name, says.names[code])
	}
	m.Attrs.Text(says.outcome, radioOutcomes[choice>>5])
	says.users(m, elements, code)
	return Accept
}

// radioBlock takes a length and as many octets. Lengths of 16384 and more come in parts, which nobody needs here.
func radioBlock(r *wire.Reader) wire.Reader {
	n := int(r.U8())
	if n&0x80 != 0 {
		n = n&0x3f<<8 | int(r.U8())
	}
	return r.Block(n)
}

// radioFills reports whether elements fill a message.
func radioFills(r wire.Reader) bool {
	for n := r.U16(); n > 0 && !r.Short(); n-- {
		r.Skip(3)
		if v := radioBlock(&r); v.Short() {
			return false
		}
	}
	return !r.Short() && r.Len() == 0
}

// users says the numbers of the user whom a message is about.
func (says *radioSays) users(m *Message, r wire.Reader, code uint8) {
	for n := r.U16(); n > 0 && !r.Short(); n-- {
		id := r.U16()
		r.U8() // criticality
		v := radioBlock(&r)
		switch {
		case v.Short() || r.Short():
		case id == says.coreID, id == radioSource && says.core == S1APCore:
			radioNumber(m, says.core, v, says.coreBits)
		case id == radioNAS && says.core == S1APCore:
			radioUser(m, v, code)
		case id == radioPair && says.core == S1APCore:
			radioBoth(m, v)
		case id == says.stationID:
			radioNumber(m, says.station, v, 2)
		}
	}
}

// Elements of S1AP that have numbers of users, too: of a user who comes from elsewhere, and of one who leaves.
const (
	radioSource = 88 // SourceMME-UE-S1AP-ID
	radioPair   = 99 // UE-S1AP-IDs
	radioNAS    = 26 // NAS-PDU
)

// radioUser says what is said between a user and the network (TS 24.301, section 9). What is encrypted has the
// security header types 2 and 4; a service request, 12, has no type.
func radioUser(m *Message, v wire.Reader, code uint8) {
	nas := radioBlock(&v)
	head := nas.U8()
	if head == 0x17 || head == 0x37 { // integrity protected: there are a code and a number before it
		nas.Skip(5)
		head = nas.U8()
	}
	mobility, session := S1APEMMUp, S1APESMUp
	switch code {
	case 7, 11: // E-RABRelease, downlinkNASTransport
		mobility, session = S1APEMMDown, S1APESMDown
	case 12, 13, 16: // initialUEMessage, uplinkNASTransport, NASNonDeliveryIndication
	default:
		return
	}
	f := mobility
	if head&15 == 2 {
		f = session
		nas.Skip(1) // of which transaction
	} else if head != 7 {
		return
	}
	if kind := nas.U8(); !nas.Short() {
		m.Attrs.Uint(f, uint64(kind))
	}
}

// radioBoth says both numbers of a user, which come together: four bits that are 0 if both are there, then as
// many octets of each as two bits say, less one.
func radioBoth(m *Message, v wire.Reader) {
	head := v.U8()
	core := v.Bytes(int(head>>2&3) + 1)
	if head&0xf3 != 0 || v.Short() {
		return
	}
	m.Attrs.Uint(S1APCore, wholeNumber(core))
	radioNumber(m, S1APStation, v, 2)
}

func wholeNumber(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// radioNumber says a whole number, whose first octet begins with how many octets it has, less one.
func radioNumber(m *Message, f *flow.Field, v wire.Reader, bits uint8) {
	n := int(v.U8()>>(8-bits)) + 1
	if n != v.Len() {
		return
	}
	m.Attrs.Uint(f, wholeNumber(v.Rest()))
}
