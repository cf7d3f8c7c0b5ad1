package app

import (
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
)

// SNMP is version 1 (RFC 1157), 2c (RFC 1901) and 3 (RFC 3412) of SNMP over UDP. A message is a datagram. A
// trap is a notice. Of an encrypted PDU nothing is known but who asks and when it is answered.
var SNMP = Dissector{
	Name: "snmp", Number: 14,
	Doc:    "SNMP: versions, users, communities as hashes, operations, objects and errors.",
	UDP:    on(161, 162),
	First:  "\x30",
	Fields: snmpFields,
	Pair:   ByKey,
	Parse:  parseSNMP,
}

// Fields of SNMP.
var (
	SNMPVersion   = dbWords(810, "SNMP_VERSION", 4, "Version of SNMP: v1, v2c or v3.")
	SNMPCommunity = dbWords(811, "SNMP_COMMUNITY_HASH", 16,
		"Hash of the community of SNMP, 64 bits of FNV-1a in hexadecimal, so that it can be compared but not read.")
	SNMPPDU    = dbWords(812, "SNMP_PDU", 20, "Operation of SNMP, as get-request.")
	SNMPObject = dbWords(813, "SNMP_OID", 64, "First object that a message of SNMP is about, in the dotted form.")
	SNMPCount  = dbNumber(814, "SNMP_OID_COUNT", flow.Unsigned16, "Objects that a request of SNMP is about.")
	SNMPError  = dbNumber(815, "SNMP_ERROR_STATUS", flow.Unsigned32,
		"Error status of the response of SNMP, 0 for none (RFC 3416, section 3).")
	SNMPLevel = dbWords(816, "SNMP_SECURITY_LEVEL", 14,
		"What protects a message of SNMPv3: noAuthNoPriv, authNoPriv or authPriv.")
	SNMPEnterprise = dbWords(817, "SNMP_ENTERPRISE", 32, "Enterprise of a trap of SNMPv1, in the dotted form.")
	SNMPTrap       = dbNumber(818, "SNMP_GENERIC_TRAP", flow.Unsigned8, "Generic number of a trap of SNMPv1.")
)

var snmpFields = []*flow.Field{
	SNMPVersion, SNMPCommunity, SNMPPDU, SNMPObject, SNMPCount, SNMPError, SNMPLevel, SNMPEnterprise, SNMPTrap, FlowUser,
}

var snmpPDUs = [...]string{
	"get-request", "get-next-request", "response", "set-request", "trap", "get-bulk-request", "inform-request",
	"snmpV2-trap", "report",
}

// Numbers of PDUs, behind the class of their tag.
const (
	snmpResponse = 2
	snmpTrapV1   = 4
	snmpTrapV2   = 7
	snmpReport   = 8
)

// Tags of BER (X.690).
const (
	berInteger  = 0x02
	berOctets   = 0x04
	berObject   = 0x06
	berSequence = 0x30
)

const snmpFlaw = "SNMP: a message whose parts do not fit"

// snmpLooked is how many octets of an object are said, at most.
const snmpObjects = 256

// ber reads BER. Behind what does not fit there is nothing.
type ber struct {
	b   []byte
	bad bool
}

// next reads a tag, which has one octet, and what it has.
func (r *ber) next() (tag byte, value ber) {
	if len(r.b) < 2 {
		r.b, r.bad = nil, true
		return 0, ber{bad: true}
	}
	tag, n, head := r.b[0], int(r.b[1]), 2
	if n >= 0x80 {
		octets := n & 0x7f
		if octets == 0 || octets > 3 || len(r.b) < 2+octets {
			r.b, r.bad = nil, true
			return 0, ber{bad: true}
		}
		n = 0
		for _, c := range r.b[2 : 2+octets] {
			n = n<<8 | int(c)
		}
		head += octets
	}
	if len(r.b) < head+n {
		r.b, r.bad = nil, true
		return 0, ber{bad: true}
	}
	value.b = r.b[head : head+n]
	r.b = r.b[head+n:]
	return tag, value
}

// of reads what has to have a tag.
func (r *ber) of(tag byte) ber {
	got, value := r.next()
	if got != tag {
		r.b, r.bad, value.bad = nil, true, true
	}
	return value
}

// integer reads one of up to eight octets.
func (r *ber) integer() (n int64) {
	v := r.of(berInteger)
	if v.bad || len(v.b) == 0 || len(v.b) > 8 {
		r.bad = true
		return 0
	}
	n = int64(int8(v.b[0]))
	for _, c := range v.b[1:] {
		n = n<<8 | int64(c)
	}
	return n
}

func parseSNMP(m *Message) Verdict {
	if m.Stream {
		return Reject
	}
	all := ber{b: m.Peek()}
	message := all.of(berSequence)
	if all.bad && !m.Cut || len(all.b) > 0 {
		return Reject
	}
	version := message.integer()
	ok := false
	switch {
	case message.bad:
	case version == 0 || version == 1:
		ok = snmpPlain(m, &message, version)
	case version == 3:
		ok = snmpV3(m, &message)
	}
	if !ok {
		return Reject
	}
	m.Rest()
	return Accept
}

// snmpPlain reads a message with a community.
func snmpPlain(m *Message, r *ber, version int64) bool {
	community := r.of(berOctets)
	tag, pdu := r.next()
	if r.bad || tag&^0xf != 0xa0 || int(tag&0xf) >= len(snmpPDUs) || len(r.b) > 0 {
		return false
	}
	m.Attrs.Text(SNMPVersion, [...]string{"v1", "v2c"}[version])
	var room [16]byte
	hash := room[:]
	for i, h := len(hash)-1, hashOf(community.b); i >= 0; i, h = i-1, h>>4 {
		hash[i] = "0123456789abcdef"[h&0xf]
	}
	m.Attrs.Bytes(SNMPCommunity, hash)
	return snmpPDU(m, tag&0xf, pdu, 0)
}

// snmpV3 reads a message with a user (RFC 3414).
func snmpV3(m *Message, r *ber) bool {
	header := r.of(berSequence)
	id := header.integer()
	header.integer()
	flags := header.of(berOctets)
	model := header.integer()
	if r.bad || header.bad || len(flags.b) != 1 || model < 0 {
		return false
	}
	parameters := r.of(berOctets)
	if r.bad {
		return false
	}
	const usm = 3
	if model == usm {
		security := parameters.of(berSequence)
		security.of(berOctets)
		security.integer()
		security.integer()
		user := security.of(berOctets)
		if security.bad {
			return false
		}
		if len(user.b) > 0 {
			m.Attrs.Bytes(FlowUser, mqttCut(user.b))
		}
	}
	m.Attrs.Text(SNMPVersion, "v3")
	m.Attrs.Text(SNMPLevel, [...]string{"noAuthNoPriv", "authNoPriv", "noAuthNoPriv", "authPriv"}[flags.b[0]&3])
	tag, scoped := r.next()
	switch {
	case r.bad || len(r.b) > 0:
		return false
	case tag == berOctets: // encrypted
		snmpSealed(m, uint64(id))
		return true
	case tag != berSequence:
		return false
	}
	scoped.of(berOctets)
	scoped.of(berOctets)
	tag, pdu := scoped.next()
	if scoped.bad || tag&^0xf != 0xa0 || int(tag&0xf) >= len(snmpPDUs) {
		return false
	}
	return snmpPDU(m, tag&0xf, pdu, uint64(id)|1<<40)
}

// snmpSealed tells who asks by where the message goes: managers ask the port of agents.
func snmpSealed(m *Message, id uint64) {
	id |= 1 << 40
	if m.Dir == flow.Forward {
		m.Request(id)
	} else {
		m.Response(id)
	}
}

// snmpPDU reads a PDU. The key is the identifier of the message, or that of the request.
func snmpPDU(m *Message, kind byte, r ber, key uint64) bool {
	m.Attrs.Text(SNMPPDU, snmpPDUs[kind])
	if kind == snmpTrapV1 {
		return snmpOldTrap(m, &r)
	}
	request := uint64(uint32(r.integer()))
	status := r.integer()
	r.integer()
	if key == 0 {
		key = request
	}
	bindings := r.of(berSequence)
	if r.bad || bindings.bad {
		return false
	}
	if !snmpBindings(m, &bindings, kind != snmpResponse && kind != snmpReport) {
		m.Malformed(snmpFlaw)
	}
	switch kind {
	case snmpResponse:
		m.Attrs.Uint(SNMPError, uint64(uint32(status)))
		m.Response(key)
	case snmpReport:
		m.Response(key)
	case snmpTrapV2:
		m.Notice()
	default:
		m.Request(key)
	}
	return true
}

// snmpOldTrap reads a trap of version 1.
func snmpOldTrap(m *Message, r *ber) bool {
	const address, ticks = 0x40, 0x43
	enterprise := r.of(berObject)
	r.of(address)
	generic := r.integer()
	r.integer()
	r.of(ticks)
	bindings := r.of(berSequence)
	if r.bad {
		return false
	}
	snmpSayObject(m, SNMPEnterprise, enterprise.b)
	m.Attrs.Uint(SNMPTrap, uint64(uint8(generic)))
	snmpBindings(m, &bindings, true)
	m.Notice()
	return true
}

// snmpBindings says the first object, and of requests how many there are. It is not ok if they do not fit.
func snmpBindings(m *Message, r *ber, asks bool) bool {
	n := uint64(0)
	for len(r.b) > 0 {
		binding := r.of(berSequence)
		object := binding.of(berObject)
		if r.bad || binding.bad {
			return false
		}
		if n++; n == 1 {
			snmpSayObject(m, SNMPObject, object.b)
		}
	}
	if asks {
		m.Attrs.Uint(SNMPCount, n)
	}
	return true
}

// snmpSayObject says an object identifier (X.690, section 8.19). One that does not fit is not said.
func snmpSayObject(m *Message, f *flow.Field, b []byte) {
	text := m.Room[:0:snmpObjects]
	n := uint64(0)
	for i, c := range b {
		if n > 1<<56 || len(text) > cap(text)-24 {
			return
		}
		if n = n<<7 | uint64(c&0x7f); c >= 0x80 {
			if i == len(b)-1 {
				return
			}
			continue
		}
		if len(text) == 0 {
			first := min(n/40, 2)
			text = append(strconv.AppendUint(text, first, 10), '.')
			text = strconv.AppendUint(text, n-40*first, 10)
		} else {
			text = strconv.AppendUint(append(text, '.'), n, 10)
		}
		n = 0
	}
	if len(text) > 0 {
		m.Attrs.Bytes(f, mqttCut(text))
	}
}
