package app

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Fields of the header of a mail, whichever protocol carries it. They are kept back unless the
// configuration wants them.
var (
	mailSubject = mailText64("MAIL_SUBJECT", 471, "Subject of a mail.")
	mailID      = mailText64("MAIL_MESSAGE_ID", 472, "Message-ID of a mail, which all its copies share.")
	mailAuthor  = mailText64("MAIL_FROM", 473, "From of a mail: who has written it, as he says.")
)

const (
	mailFields   = 64   // fields of a header that are looked at
	mailMaxField = 4096 // octets of a field that are waited for
)

// mailField returns the length of the first field of a header with the lines it goes on with (RFC 5322,
// section 2.2). Done is said of the end of the header: of an empty line, or of what is no field. More is
// said if b does not have all of it; with all set nothing comes behind b.
func mailField(b []byte, all bool) (n int, v Verdict) {
	line, n := lineOf(b)
	switch {
	case n == 0 && !all && len(b) < mailMaxField:
		return 0, More
	case n > 0 && len(line) == 0:
		return n, Done
	case bytes.IndexAny(line, ": \t") < 1 || line[bytes.IndexAny(line, ": \t")] != ':':
		return 0, Done
	case n == 0 && !all:
		return 0, Done
	case n == 0:
		return len(b), Accept
	}
	for n < len(b) && (b[n] == ' ' || b[n] == '\t') {
		_, k := lineOf(b[n:])
		if k == 0 && !all && len(b) < mailMaxField {
			return 0, More
		} else if k == 0 {
			return len(b), Accept
		}
		n += k
	}
	if n == len(b) && !all && n < mailMaxField {
		return 0, More
	}
	return n, Accept
}

// mailBody returns how many octets of b belong to a content that a line with a dot ends (RFC 5321, section
// 4.5.2), and how many of them without that. Done is said if it ends with them. With fresh b begins with a
// line, with all nothing comes behind it.
func mailBody(b []byte, fresh, all bool) (n, size int, v Verdict) {
	const end = "\r\n.\r\n"
	whole := len(b)
	b = cut(b, mailUnit)
	if fresh && bytes.HasPrefix(b, []byte(end[2:])) {
		return len(end) - 2, 0, Done
	}
	if at := bytes.Index(b, []byte(end)); at >= 0 {
		return at + len(end), at + 2, Done
	}
	switch {
	case whole < mailUnit && !all:
		return 0, 0, More
	case whole < mailUnit:
		return len(b), len(b), Accept
	}
	return len(b) - len(end) + 1, len(b) - len(end) + 1, Accept
}

// mailSay says a field of a header if it is of interest.
func mailSay(m *Message, field []byte) {
	name, value, _ := bytes.Cut(field, []byte{':'})
	for _, x := range [...]struct {
		name string
		say  *flow.Field
	}{{"SUBJECT", mailSubject}, {"MESSAGE-ID", mailID}, {"FROM", mailAuthor}} {
		if equalUpper(name, x.name) {
			m.Attrs.Bytes(x.say, mailDecode(m.Room[:0:512], value))
		}
	}
}

// mailDecode appends the text of a field to dst as far as there is room: in one line, and with encoded
// words (RFC 2047) in UTF-8 as far as their encoding is known.
func mailDecode(dst, value []byte) []byte {
	value = bytes.TrimSpace(value)
	for len(value) > 0 && len(dst)+utf8.UTFMax < cap(dst) {
		if n := mailWord(&dst, value); n > 0 {
			value = value[n:]
			if next := bytes.TrimLeft(value, " \t\r\n"); bytes.HasPrefix(next, []byte("=?")) {
				value = next // blanks between encoded words are not of the text
			}
			continue
		}
		if c := value[0]; c == '\t' {
			dst = append(dst, ' ')
		} else if c != '\r' && c != '\n' {
			dst = append(dst, c)
		}
		value = value[1:]
	}
	return dst
}

// mailWord appends the encoded word that b begins with, and returns its length, 0 if there is none.
func mailWord(dst *[]byte, b []byte) int {
	rest, ok := bytes.CutPrefix(b, []byte("=?"))
	if !ok {
		return 0
	}
	charset, rest, ok := bytes.Cut(rest, []byte{'?'})
	if !ok || len(rest) < 2 || rest[1] != '?' {
		return 0
	}
	text, after, ok := bytes.Cut(rest[2:], []byte("?="))
	latin := equalUpper(charset, "ISO-8859-1")
	if !ok || !latin && !equalUpper(charset, "UTF-8") && !equalUpper(charset, "US-ASCII") {
		return 0
	}
	if rest[0]|0x20 == 'q' {
		mailQuoted(dst, text, latin)
	} else {
		mailBase64(dst, text, latin)
	}
	return len(b) - len(after)
}

// mailQuoted appends text of the Q encoding.
func mailQuoted(dst *[]byte, text []byte, latin bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '_' {
			c = ' '
		} else if c == '=' && i+2 < len(text) {
			if n, ok := hexadecimal(text[i+1 : i+3]); ok {
				c, i = byte(n), i+2
			}
		}
		mailOctet(dst, c, latin)
	}
}

// mailBase64 appends text of the B encoding.
func mailBase64(dst *[]byte, text []byte, latin bool) {
	for at := 0; at+4 <= len(text); at += 4 {
		var three [3]byte
		k, err := base64.StdEncoding.Decode(three[:], text[at:at+4])
		if err != nil {
			return
		}
		for _, c := range three[:k] {
			mailOctet(dst, c, latin)
		}
	}
}

// mailOctet appends an octet if there is room, and nothing that is not text.
func mailOctet(dst *[]byte, c byte, latin bool) {
	switch {
	case len(*dst)+utf8.UTFMax >= cap(*dst) || c < ' ':
	case latin:
		*dst = utf8.AppendRune(*dst, rune(c))
	default:
		*dst = append(*dst, c)
	}
}
