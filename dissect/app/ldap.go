package app

import (
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/wire"
)

// LDAP is the Lightweight Directory Access Protocol (RFC 4511) over TCP, and over UDP as Active Directory
// answers it. A transaction is an operation with all that answers it. What proves who binds is not looked
// at.
var LDAP = Dissector{
	Name: "ldap", Number: 112,
	Doc: "LDAP: binds, searches and changes, with the names they are about and their results.",
	TCP: on(389, 3268), UDP: on(389),
	First: "\x30",
	Fields: []*flow.Field{
		ldapOperation, ldapName, ldapUser, FlowUser, ldapAuth, ldapFilter, ldapScope, ldapResult, ldapText,
		ldapEntries,
		ldapExtension,
	},
	Pair:  ByKey,
	State: unsafe.Sizeof(ldapState{}),
	Parse: parseLDAP,
}

var (
	ldapOperation = mailText64("LDAP_OPERATION", 1080, "Operation of LDAP, as bind or search.")
	ldapName      = mailText64("LDAP_DN", 1081,
		"Name that an operation of LDAP is about: of who binds, the base of a search, or an entry.")
	ldapUser = mailText64("LDAP_USER", 1082, "Name of who has bound, or tries to.")
	ldapAuth = mailText64("LDAP_AUTH", 1083,
		"How who binds proves who he is: anonymous, simple, or the mechanism of SASL.")
	ldapFilter = mailText64("LDAP_FILTER", 1084, "Filter of a search (RFC 4515).")
	ldapScope  = mailText64("LDAP_SCOPE", 1085, "Scope of a search: base, one, sub or children.")
	ldapResult = mailNumber("LDAP_RESULT_CODE", 1086,
		"Result of an operation of LDAP (RFC 4511, section 4.1.9).")
	ldapText      = mailText64("LDAP_DIAGNOSTIC", 1087, "What the server of LDAP says of the result.")
	ldapEntries   = mailNumber("LDAP_ENTRIES", 1088, "Entries that answer a search.")
	ldapExtension = mailText64("LDAP_EXTENSION", 1089, "Object identifier of an extended operation of LDAP.")
)

const ldapFlaw = "LDAP: a message that is none"

const (
	ldapLook   = 2048 // octets of a message that are looked at
	ldapMost   = 1 << 28
	ldapTLSOID = "1.3.6.1.4.1.1466.20037"
)

// Operations (RFC 4511, section 4.2 ff.): the tags of requests, and of what answers them.
const (
	ldapBind         = 0x60
	ldapBound        = 0x61
	ldapUnbind       = 0x42
	ldapSearch       = 0x63
	ldapEntry        = 0x64
	ldapDone         = 0x65
	ldapDelete       = 0x4a
	ldapAbandon      = 0x50
	ldapReference    = 0x73
	ldapExtended     = 0x77
	ldapExtendedDone = 0x78
	ldapInterim      = 0x79
)

// ldapRequests are the names of requests by their tags.
var ldapRequests = [...]struct {
	tag  uint8
	name string
}{
	{ldapBind, "bind"}, {ldapUnbind, "unbind"}, {ldapSearch, "search"}, {0x66, "modify"}, {0x68, "add"},
	{ldapDelete, "delete"}, {0x6c, "rename"}, {0x6e, "compare"}, {ldapAbandon, "abandon"}, {ldapExtended,
		"extended"},
}

// ldapState is what is known of a connection.
type ldapState struct {
	begun, tls, sasl bool
	entries          uint32
	user, try        dbShort
}

type ldapTurn struct {
	*Message
	s *ldapState
}

func parseLDAP(m *Message) Verdict {
	t := ldapTurn{m, Memory[ldapState](m)}
	b := m.Peek()
	head := wire.Read(cut(b, 6))
	if head.U8() != tagSequence && !head.Short() {
		return t.stray()
	}
	size, ok := berLength(&head)
	switch {
	case head.Short() && m.Stream && !m.Closed:
		return More
	case !ok || size < 5 || size > ldapMost || !m.Stream && size > len(b)-head.Pos() && !m.Cut:
		return t.stray()
	}
	need := min(head.Pos()+size, ldapLook)
	if m.Stream && len(b) < need {
		if !t.s.begun && len(b) >= 12 && !ldapMayBegin(b, head.Pos()) {
			return Reject
		}
		return More
	}
	if !t.s.begun && !ldapMayBegin(b, head.Pos()) {
		return Reject
	}
	r := wire.Read(b[head.Pos():min(need, len(b))])
	r.U8()
	id := uint64(0)
	for _, c := range r.Bytes(int(r.U8())) {
		id = id<<8 | uint64(c)
	}
	tag, body := berElement(&r)
	if !t.operation(id+1, tag, body) {
		return t.stray()
	}
	t.s.begun = true
	m.Skip(min(need, m.Len()))
	if m.Stream {
		m.Ahead(uint64(head.Pos() + size - need))
	}
	if t.s.tls && tag == ldapExtendedDone {
		m.Become(&TLS)
	}
	return Accept
}

// stray is a message that is none. Behind SASL it may be encrypted (RFC 4422, section 3.7).
func (t *ldapTurn) stray() Verdict {
	switch {
	case !t.s.begun || !t.Stream:
		return Reject
	case t.s.sasl:
		t.Skip(1)
		return Done
	}
	t.Malformed(ldapFlaw)
	t.Skip(1)
	t.Ahead(ToEnd)
	return Accept
}

// ldapMayBegin reports whether a connection may begin with the message behind its first at octets: a bind
// with a version, a search with its scope, or an extension.
func ldapMayBegin(b []byte, at int) bool {
	r := wire.Read(b[at:])
	if tag, n := r.U8(), int(r.U8()); tag != tagInteger || n < 1 || n > 4 {
		return false
	} else {
		r.Skip(n)
	}
	tag := r.U8()
	berLength(&r)
	switch tag {
	case ldapBind:
		version := r.Bytes(3)
		return r.Short() || version[0] == tagInteger && version[1] == 1 && (version[2] == 2 || version[2] == 3)
	case ldapSearch:
		if r.U8() != tagOctetString && !r.Short() {
			return false
		}
		n, _ := berLength(&r)
		r.Skip(n)
		scope := r.Bytes(6)
		return r.Short() || string(scope[:2]) == "\x0a\x01" && scope[2] < 4 &&
			string(scope[3:5]) == "\x0a\x01" && scope[5] < 4
	case ldapExtended:
		name := r.U8()
		return r.Short() || name == 0x80
	}
	return false
}

// operation reads an operation, or what answers one.
func (t *ldapTurn) operation(key uint64, tag uint8, body wire.Reader) bool {
	for _, x := range ldapRequests {
		if x.tag == tag {
			t.asks(key, x.name, tag, body)
			return true
		}
	}
	switch tag {
	case ldapEntry:
		t.s.entries++
		fallthrough
	case ldapReference, ldapInterim:
		t.Response(key)
		return true
	case ldapBound, ldapDone, 0x67, 0x69, 0x6b, 0x6d, 0x6f, ldapExtendedDone:
		t.answers(key, tag, body)
		return true
	}
	return false
}

// asks reads a request.
func (t *ldapTurn) asks(key uint64, name string, tag uint8, body wire.Reader) {
	s := t.s
	if tag == ldapUnbind || tag == ldapAbandon {
		t.Notice() // nobody answers
	} else {
		t.Request(key)
	}
	t.Attrs.Text(ldapOperation, name)
	if tag != ldapBind {
		dbSayShort(t.Message, &s.user, ldapUser, FlowUser)
	}
	switch tag {
	case ldapBind:
		t.binds(body)
	case ldapDelete:
		sayText(&t.Attrs, ldapName, body.Rest())
	case ldapExtended:
		_, oid := berElement(&body)
		text := oid.Rest()
		s.tls = string(text) == ldapTLSOID
		sayText(&t.Attrs, ldapExtension, text)
	case ldapUnbind, ldapAbandon:
	default:
		_, dn := berElement(&body)
		if sayText(&t.Attrs, ldapName, dn.Rest()); tag == ldapSearch {
			t.searches(body)
		}
	}
}

// binds reads who binds.
func (t *ldapTurn) binds(body wire.Reader) {
	berElement(&body)
	_, name := berElement(&body)
	tag, auth := berElement(&body)
	dn := name.Rest()
	t.s.try.set(dn)
	sayText(&t.Attrs, ldapName, dn)
	dbSayShort(t.Message, &t.s.try, ldapUser, FlowUser)
	switch {
	case tag == 0xa3:
		_, mechanism := berElement(&auth)
		sayText(&t.Attrs, ldapAuth, mechanism.Rest())
	case auth.Len() == 0:
		t.Attrs.Text(ldapAuth, "anonymous")
	default:
		t.Attrs.Text(ldapAuth, "simple")
	}
	t.s.sasl = tag == 0xa3
}

// searches reads the scope and the filter of a search.
func (t *ldapTurn) searches(body wire.Reader) {
	_, scope := berElement(&body)
	for range 4 { // how aliases are treated, limits of size and time, whether types suffice
		berElement(&body)
	}
	switch scope.U8() {
	case 0:
		t.Attrs.Text(ldapScope, "base")
	case 1:
		t.Attrs.Text(ldapScope, "one")
	case 2:
		t.Attrs.Text(ldapScope, "sub")
	case 3:
		t.Attrs.Text(ldapScope, "children")
	}
	sayText(&t.Attrs, ldapFilter, appendFilter(t.Room[:0:255], &body, 0))
}

// answers reads a result.
func (t *ldapTurn) answers(key uint64, tag uint8, body wire.Reader) {
	s := t.s
	_, code := berElement(&body)
	berElement(&body)
	_, text := berElement(&body)
	result := uint64(code.U8())
	t.Attrs.Uint(ldapResult, result)
	sayText(&t.Attrs, ldapText, text.Rest())
	if tag == ldapDone {
		t.Attrs.Uint(ldapEntries, uint64(s.entries))
		s.entries = 0
	}
	if tag == ldapBound && result == 0 {
		s.user = s.try
	}
	s.tls = s.tls && tag == ldapExtendedDone && result == 0
	t.Response(key)
	t.Finish()
}
