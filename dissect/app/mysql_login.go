package app

import (
	"bytes"
	"encoding/binary"
)

// login reads who the client says it is, or that it goes on in TLS.
func (t *mysqlTurn) login() Verdict {
	b, ok := t.look(mysqlLooked)
	if !ok {
		return More
	}
	s := t.s
	r := mysqlReader{b: b}
	if len(b) >= 2 && binary.LittleEndian.Uint16(b)&mysqlProtocol41 == 0 {
		s.caps &= uint32(r.number(2))
		r.bytes(3)
	} else {
		s.caps &= uint32(r.number(4))
		r.bytes(4 + 1 + 19)
		s.more &= uint32(r.number(4))
	}
	if r.short {
		t.Malformed(mysqlFlawLogin)
		return t.pass(len(b) + mysqlHeader)
	}
	if s.caps&mysqlSSL != 0 && t.size == mysqlSSLRequest {
		t.Become(&TLS)
		return t.pass(len(b) + mysqlHeader)
	}
	s.phase = mysqlLogin
	s.user.set(r.text())
	t.proof(&r)
	if s.caps&mysqlWithDB != 0 {
		s.db.set(r.text())
	}
	if s.caps&mysqlPluginAuth != 0 {
		s.auth.set(r.text())
	}
	if r.short && len(b) == t.size {
		t.Malformed(mysqlFlawLogin)
	}
	t.Attrs.Text(DBOperation, "LOGIN")
	t.who()
	t.sayVersion()
	if s.caps&mysqlAttributes != 0 {
		t.attributes(&r)
	}
	t.asks(mysqlAsked{kind: mysqlAskedLogin})
	return t.pass(len(b) + mysqlHeader)
}

// proof passes over how the client proves who it is.
func (t *mysqlTurn) proof(r *mysqlReader) {
	switch {
	case t.s.caps&mysqlLongAuth != 0:
		r.bytes(int(min(r.length(), mysqlLooked)))
	case t.s.caps&mysqlSecure != 0:
		r.bytes(int(r.number(1)))
	default:
		r.text()
	}
}

// attributes reads what the client says of itself.
func (t *mysqlTurn) attributes(r *mysqlReader) {
	all := mysqlReader{b: r.bytes(min(int(min(r.length(), mysqlLooked)), len(r.b)))}
	for len(all.b) > 0 && !all.short {
		key, value := all.string(), all.string()
		if string(key) == "program_name" && !all.short {
			t.Attrs.Bytes(DBApplication, value)
		}
	}
}

// change reads another login on the same connection, behind the octet of the command.
func (t *mysqlTurn) change(b []byte) {
	r := mysqlReader{b: b}
	t.s.user.set(r.text())
	if t.s.caps&mysqlSecure != 0 {
		r.bytes(int(r.number(1)))
	} else {
		r.text()
	}
	t.s.db.set(r.text())
	r.bytes(2) // characters
	if t.s.caps&mysqlPluginAuth != 0 {
		t.s.auth.set(r.text())
	}
	t.who()
}

// admits reads what the server says of a login.
func (t *mysqlTurn) admits(b []byte) Verdict {
	s := t.s
	switch b[0] {
	case 0xff:
		t.finish(b, true)
	case 0:
		dbSayShort(t.Message, &s.auth, DBAuth)
		t.finish(b, false)
		if s.phase == mysqlLogin {
			s.phase = mysqlCommand
			t.compression()
		}
	case 0xfe: // another method, and what it needs
		if method, _, ok := bytes.Cut(b[1:], []byte{0}); ok {
			s.auth.set(method)
		}
	}
	return t.pass(mysqlHeader + len(b))
}

// compression notes that what follows is compressed.
func (t *mysqlTurn) compression() {
	switch {
	case t.s.caps&mysqlZstd != 0 && t.s.caps&mysqlCompress == 0:
		t.Attrs.Text(DBCompression, "zstd")
	case t.s.caps&mysqlCompress != 0:
		t.Attrs.Text(DBCompression, "zlib")
	default:
		return
	}
	t.s.phase = mysqlPressed
}

// mysqlReader reads the forms of MySQL; what is not there reads as nothing.
type mysqlReader struct {
	b     []byte
	short bool
}

func (r *mysqlReader) bytes(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// number reads one of n octets.
func (r *mysqlReader) number(n int) (x uint64) {
	for i, c := range r.bytes(n) {
		x |= uint64(c) << (8 * i)
	}
	return x
}

// length reads a number that says by itself how long it is.
func (r *mysqlReader) length() uint64 {
	switch n := r.number(1); n {
	case 0xfc:
		return r.number(2)
	case 0xfd:
		return r.number(3)
	case 0xfe:
		return r.number(8)
	case 0xfb, 0xff:
		r.short = true
		return 0
	default:
		return n
	}
}

// string reads text behind its length.
func (r *mysqlReader) string() []byte {
	n := r.length()
	if n > uint64(len(r.b)) {
		r.b, r.short = nil, true
		return nil
	}
	return r.bytes(int(n))
}

// text reads up to a zero octet, or everything.
func (r *mysqlReader) text() []byte {
	b, rest, ok := bytes.Cut(r.b, []byte{0})
	r.b, r.short = rest, r.short || !ok
	return b
}
