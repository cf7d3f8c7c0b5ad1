package app

import (
	"bytes"
	"encoding/base64"
)

// mailUnit is how many octets of a mail are looked at together for its end. It is fixed, so that it
// does not matter how the stream was cut.
const mailUnit = 1024

// mailMaxLine is the longest line that is understood. Authentication makes the longest ones
// (RFC 4954, section 4).
const mailMaxLine = 12288

// How a mechanism of SASL tells of the user.
const (
	saslNone   = iota
	saslPlain  // RFC 4616
	saslLogin  // the name alone
	saslXOAuth // user=NAME, ^A
	saslDigest // the name, a space and a digest: RFC 2195, section 2
	saslOther
)

// saslOf returns how the mechanism of that name tells of the user.
func saslOf(name []byte) uint8 {
	for _, x := range [...]struct {
		name string
		kind uint8
	}{{"PLAIN", saslPlain}, {"LOGIN", saslLogin}, {"XOAUTH2", saslXOAuth}, {"CRAM-MD5", saslDigest}} {
		if equalUpper(name, x.name) {
			return x.kind
		}
	}
	return saslOther
}

// saslUser decodes the user out of a response into dst and returns how many octets it is, 0 if there
// is none. It decodes no further than where the user ends, so that a password does not get into memory.
func saslUser(dst, response []byte, kind uint8) (n int) {
	if kind == saslNone || kind == saslOther {
		return 0
	}
	stage, n := 0, 0
	for at := 0; at+4 <= len(response); at += 4 {
		var three [3]byte
		k, err := base64.StdEncoding.Decode(three[:], response[at:at+4])
		if err != nil {
			return 0
		}
		for _, c := range three[:k] {
			switch end := saslEnd(kind, stage); {
			case c == end && stage == 0 && (kind == saslPlain || kind == saslXOAuth):
				stage, n = 1, 0 // what was before is whom to act for, or a name
			case c == end && kind != saslLogin:
				return n
			case n < len(dst):
				dst[n] = c
				n++
			}
		}
	}
	if kind == saslLogin {
		return n
	}
	return 0
}

// saslEnd is what ends a part of a response.
func saslEnd(kind uint8, stage int) byte {
	switch {
	case kind == saslXOAuth && stage == 0:
		return '='
	case kind == saslXOAuth:
		return 1
	case kind == saslDigest:
		return ' '
	}
	return 0
}

// mailPath returns the address of a path as MAIL FROM and RCPT TO have it, and what is behind it
// (RFC 5321, section 4.1.2).
func mailPath(b []byte) (path, rest []byte) {
	b = bytes.TrimLeft(b, " \t")
	if len(b) > 0 && b[0] == '<' {
		if end := bytes.IndexByte(b, '>'); end > 0 {
			return b[1:end], b[end+1:]
		}
		b = b[1:]
	}
	path, rest, _ = bytes.Cut(b, []byte{' '})
	return path, rest
}
