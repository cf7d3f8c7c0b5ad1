package app

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// Kerberos is what clients and the key distribution centre say to each other (RFC 4120), as far as it is in
// clear: who asks for which ticket, and errors.
var Kerberos = Dissector{
	Name: "kerberos", Number: 111,
	Doc: "Kerberos: who asks for tickets to which service, and errors.",
	TCP: on(88), UDP: on(88),
	First: "\x00\x6a\x6b\x6c\x6d\x7e",
	Fields: []*flow.Field{
		kerberosMessage, kerberosClient, kerberosRealm, kerberosService, kerberosError, kerberosText,
		kerberosCipher, FlowUser,
	},
	Pair:  InOrder,
	Parse: parseKerberos,
}

var (
	kerberosMessage = mailText64("KERBEROS_MESSAGE", 1100, "What is asked of Kerberos: AS-REQ or TGS-REQ.")
	kerberosClient  = mailText64("KERBEROS_CLIENT", 1101, "Principal of Kerberos who asks, without the realm.")
	kerberosRealm   = mailText64("KERBEROS_REALM", 1102, "Realm of Kerberos that is asked.")
	kerberosService = mailText64("KERBEROS_SERVICE", 1103, "Principal of Kerberos that a ticket is for.")
	kerberosError   = mailNumber("KERBEROS_ERROR", 1104,
		"Code of the error that answers (RFC 4120, section 7.5.9).")
	kerberosText   = mailText64("KERBEROS_ERROR_TEXT", 1105, "What the server of Kerberos says of the error.")
	kerberosCipher = mailNumber("KERBEROS_ENCRYPTION", 1106,
		"Encryption of the ticket, by its number in IANA's registry.")
)

// Messages (RFC 4120, section 5.10).
const (
	kerberosASReq  = 0x6a
	kerberosASRep  = 0x6b
	kerberosTGSReq = 0x6c
	kerberosTGSRep = 0x6d
	kerberosErr    = 0x7e
)

func parseKerberos(m *Message) Verdict {
	size := m.Len()
	if m.Stream {
		if size = int(m.U32()); !m.Short() && (size < 16 || size > 1<<20) {
			return Reject
		}
	}
	b := m.Peek()
	if m.Stream && len(b) < size && !m.Full && !m.Closed {
		if len(b) >= 1 && !kerberosMayBe(b[0]) {
			return Reject
		}
		m.Skip(len(b) + 1)
		return More
	}
	here := min(size, m.Len())
	r := wire.Read(m.Bytes(here))
	tag, body := element(&r)
	sequence := expect(&body, tagSequence)
	if !kerberosMayBe(tag) || !kerberosVersion(sequence, tag) {
		return Reject
	}
	kerberosRead(m, tag, sequence)
	if m.Stream {
		m.Ahead(uint64(size - here))
	}
	return Accept
}

func kerberosMayBe(tag uint8) bool {
	return tag >= kerberosASReq && tag <= kerberosTGSRep || tag == kerberosErr
}

// kerberosVersion reports whether a message begins with version 5 and its own type.
func kerberosVersion(r wire.Reader, tag uint8) bool {
	at := uint8(0xa1) // requests count from 1
	if tag != kerberosASReq && tag != kerberosTGSReq {
		at = 0xa0
	}
	version, kind := expect(&r, at), expect(&r, at+1)
	return kerberosNumber(version) == 5 && kerberosNumber(kind) == uint64(tag&0x1f)
}

// kerberosNumber reads an INTEGER.
func kerberosNumber(r wire.Reader) (n uint64) {
	number := expect(&r, tagInteger)
	for _, c := range number.Rest() {
		n = n<<8 | uint64(c)
	}
	return n
}

// kerberosRead reads the parts of a message.
func kerberosRead(m *Message, tag uint8, r wire.Reader) {
	asks := tag == kerberosASReq || tag == kerberosTGSReq
	if asks {
		m.Request(0)
	} else {
		m.Response(0)
		m.Finish()
	}
	switch tag {
	case kerberosASReq:
		m.Attrs.Text(kerberosMessage, "AS-REQ")
	case kerberosTGSReq:
		m.Attrs.Text(kerberosMessage, "TGS-REQ")
	}
	for r.Len() > 0 && !r.Short() {
		part, body := element(&r)
		switch {
		case asks && part == 0xa4:
			kerberosBody(m, expect(&body, tagSequence))
		case tag == kerberosErr:
			kerberosFails(m, part, body)
		case !asks && part == 0xa4:
			kerberosSays(m, body, kerberosClient, FlowUser)
		case !asks && part == 0xa5:
			ticket := expect(&body, 0x61)
			kerberosTicket(m, expect(&ticket, tagSequence))
		}
	}
}

// kerberosBody reads KDC-REQ-BODY (RFC 4120, section 5.4.1).
func kerberosBody(m *Message, r wire.Reader) {
	for r.Len() > 0 && !r.Short() {
		switch part, body := element(&r); part {
		case 0xa1:
			kerberosSays(m, body, kerberosClient, FlowUser)
		case 0xa2:
			_, realm := element(&body)
			sayText(&m.Attrs, kerberosRealm, realm.Rest())
		case 0xa3:
			kerberosSays(m, body, kerberosService)
		}
	}
}

// kerberosTicket reads what is in clear of a ticket (RFC 4120, section 5.3).
func kerberosTicket(m *Message, r wire.Reader) {
	for r.Len() > 0 && !r.Short() {
		if part, body := element(&r); part == 0xa3 {
			sealed := expect(&body, tagSequence)
			m.Attrs.Uint(kerberosCipher, kerberosNumber(expect(&sealed, 0xa0)))
		}
	}
}

// kerberosFails reads a part of KRB-ERROR (RFC 4120, section 5.9.1).
func kerberosFails(m *Message, part uint8, body wire.Reader) {
	switch part {
	case 0xa6:
		m.Attrs.Uint(kerberosError, kerberosNumber(body))
	case 0xab:
		_, text := element(&body)
		sayText(&m.Attrs, kerberosText, text.Rest())
	}
}

// kerberosSays says a PrincipalName (RFC 4120, section 5.2.2), its components with slashes between.
func kerberosSays(m *Message, body wire.Reader, fields ...*flow.Field) {
	name := expect(&body, tagSequence)
	expect(&name, 0xa0)
	parts := expect(&name, 0xa1)
	list := expect(&parts, tagSequence)
	text := m.Room[:0:255]
	for list.Len() > 0 && !list.Short() {
		_, part := element(&list)
		if len(text) > 0 {
			text = appendSome(text, "/")
		}
		text = appendSome(text, part.Rest())
	}
	for _, f := range fields {
		sayText(&m.Attrs, f, text)
	}
}
