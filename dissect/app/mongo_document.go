package app

import (
	"bytes"
	"encoding/binary"
	"math"
)

// mongoCommand is what is of use in a document: of a command and of its answer.
type mongoCommand struct {
	name, collection, db         []byte
	user, mechanism, application []byte
	errmsg, codeName, version    []byte
	code, n                      int64
	ok, knowsOK, counts          bool
}

// Types of elements (bsonspec.org, version 1.1).
const (
	bsonDouble   = 1
	bsonString   = 2
	bsonDocument = 3
	bsonArray    = 4
	bsonBinary   = 5
	bsonBool     = 8
	bsonInt32    = 16
	bsonInt64    = 18
)

// read reads a document, and reports whether it begins as one. It may be longer than what is here.
func (c *mongoCommand) read(b []byte) bool {
	if len(b) < 5 || binary.LittleEndian.Uint32(b) < 5 || binary.LittleEndian.Uint32(b) > mongoMost {
		return false
	}
	b = b[4:]
	for i := range mongoParts {
		if len(b) == 0 || b[0] == 0 {
			return len(b) > 0 || i > 0
		}
		kind := b[0]
		name, rest, ok := bytes.Cut(b[1:], []byte{0})
		if !ok {
			return i > 0
		}
		for _, x := range name {
			if x < ' ' {
				return false
			}
		}
		size, known := bsonSize(kind, rest)
		if !known {
			return false
		}
		value := rest[:min(size, len(rest))]
		if i == 0 {
			c.name = name
			if kind == bsonString {
				c.collection = bsonText(value)
			}
		}
		c.element(kind, name, value)
		if size > len(rest) {
			return true
		}
		b = rest[size:]
	}
	return true
}

// bsonSize returns the octets of a value, and whether it is known.
func bsonSize(kind byte, b []byte) (int, bool) {
	length := 0
	if len(b) >= 4 {
		length = int(min(binary.LittleEndian.Uint32(b), mongoMost))
	}
	switch kind {
	case bsonDouble, 9, 17, bsonInt64:
		return 8, true
	case bsonString, 13, 14:
		return 4 + length, true
	case bsonDocument, bsonArray, 15:
		return max(length, 5), true
	case bsonBinary:
		return 5 + length, true
	case 6, 10, 0x7f, 0xff:
		return 0, true
	case 7:
		return 12, true
	case bsonBool:
		return 1, true
	case 11:
		_, rest, _ := bytes.Cut(b, []byte{0})
		_, rest, _ = bytes.Cut(rest, []byte{0})
		return len(b) - len(rest), true
	case bsonInt32:
		return 4, true
	case 19:
		return 16, true
	}
	return 0, false
}

// bsonText returns the text of a string, as far as it is here.
func bsonText(b []byte) []byte {
	if len(b) < 5 {
		return nil
	}
	return bytes.TrimSuffix(b[4:], []byte{0})
}

// bsonNumber returns a number of any kind.
func bsonNumber(kind byte, b []byte) (int64, bool) {
	switch {
	case kind == bsonDouble && len(b) == 8:
		return int64(math.Float64frombits(binary.LittleEndian.Uint64(b))), true
	case kind == bsonInt32 && len(b) == 4:
		return int64(int32(binary.LittleEndian.Uint32(b))), true
	case kind == bsonInt64 && len(b) == 8:
		return int64(binary.LittleEndian.Uint64(b)), true
	case kind == bsonBool && len(b) == 1:
		return int64(b[0]), true
	}
	return 0, false
}

// element notes what is of use.
func (c *mongoCommand) element(kind byte, name, value []byte) {
	number, isNumber := bsonNumber(kind, value)
	isText := kind == bsonString
	switch string(name) {
	case "$db":
		c.db = bsonText(value)
	case "ok":
		c.ok, c.knowsOK = number != 0, isNumber
	case "code":
		c.code = number
	case "n":
		c.n, c.counts = number, isNumber
	case "errmsg":
		if isText {
			c.errmsg = bsonText(value)
		}
	case "codeName":
		if isText {
			c.codeName = bsonText(value)
		}
	case "version":
		if isText {
			c.version = bsonText(value)
		}
	case "mechanism":
		if isText {
			c.mechanism = bsonText(value)
		}
	case "payload":
		if kind == bsonBinary && len(value) > 5 && string(c.name) == "saslStart" {
			c.user = mongoUser(value[5:])
		}
	case "client":
		if kind == bsonDocument {
			c.application = bsonPath(value, "application", "name")
		}
	}
}

// bsonPath returns a text in a document in a document.
func bsonPath(b []byte, outer, inner string) []byte {
	for b = b[min(4, len(b)):]; len(b) > 0 && b[0] != 0; {
		kind := b[0]
		name, rest, ok := bytes.Cut(b[1:], []byte{0})
		size, known := bsonSize(kind, rest)
		if !ok || !known || size > len(rest) {
			return nil
		}
		switch {
		case kind == bsonDocument && string(name) == outer && outer != "":
			return bsonPath(rest[:size], "", inner)
		case kind == bsonString && string(name) == inner && outer == "":
			return bsonText(rest[:size])
		}
		b = rest[size:]
	}
	return nil
}

// mongoUser returns the user of what a login begins with: of SCRAM (RFC 5802) behind n=, of PLAIN (RFC 4616)
// behind whom to act for.
func mongoUser(b []byte) []byte {
	if len(b) > 0 && b[0] == 0 {
		user, _, _ := bytes.Cut(b[1:], []byte{0})
		return user
	}
	for len(b) > 0 {
		var part []byte
		part, b, _ = bytes.Cut(b, []byte{','})
		if user, ok := bytes.CutPrefix(part, []byte("n=")); ok {
			return user
		}
	}
	return nil
}
