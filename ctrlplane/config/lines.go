package config

import (
	"fmt"
	"strings"
)

// place is where something stands.
type place struct {
	file string
	line int // 0 if it is what is not there
}

// places tells where a key stands. Keys inside inline tables and arrays are not in it: they stand
// where the key does that holds them.
type places map[string]place

// of returns the place of a key, or of the innermost table around it; or else the file as a whole.
func (p places) of(key, file string) place {
	for key != "" {
		if at, ok := p[key]; ok {
			return at
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return place{file: file}
}

// lines tells on which line of a document a key stands.
type lines map[string]int

// index finds the lines of all keys of a TOML document. The decoder does not tell them.
func index(doc string) lines {
	s := scanner{rest: doc, line: 1, seen: lines{}, count: map[string]int{}}
	for s.blank(); s.rest != ""; s.blank() {
		if s.rest[0] == '[' {
			s.header()
			continue
		}
		line, key := s.line, s.key('=')
		s.seen[join(s.table, strings.Join(key, "."))] = line
		s.value()
	}
	return s.seen
}

// join puts a key below a table.
func join(table, key string) string {
	if table == "" {
		return key
	}
	return table + "." + key
}

type scanner struct {
	rest  string
	line  int
	table string // the table that keys belong to
	seen  lines
	count map[string]int // elements of arrays of tables so far
}

// take returns the next n octets and steps over them.
func (s *scanner) take(n int) string {
	n = min(n, len(s.rest))
	t := s.rest[:n]
	s.rest = s.rest[n:]
	s.line += strings.Count(t, "\n")
	return t
}

// blank steps over white space, empty lines and comments.
func (s *scanner) blank() {
	for {
		s.take(len(s.rest) - len(strings.TrimLeft(s.rest, " \t\r\n")))
		if !strings.HasPrefix(s.rest, "#") {
			return
		}
		s.toEnd()
	}
}

// toEnd steps over the rest of the line.
func (s *scanner) toEnd() {
	if i := strings.IndexByte(s.rest, '\n'); i >= 0 {
		s.take(i + 1)
		return
	}
	s.take(len(s.rest))
}

// header reads [table] or [[table]].
func (s *scanner) header() {
	line, array := s.line, strings.HasPrefix(s.rest, "[[")
	s.take(1)
	if array {
		s.take(1)
	}
	key := s.key(']')
	s.toEnd()
	s.table = ""
	for i, part := range key {
		s.table = join(s.table, part)
		if array && i == len(key)-1 {
			s.count[s.table]++
		}
		if n := s.count[s.table]; n > 0 {
			s.table = fmt.Sprintf("%s[%d]", s.table, n-1)
		}
	}
	s.seen[s.table] = line
}

// key reads the parts of a dotted key and the octet that ends it.
func (s *scanner) key(end byte) (parts []string) {
	part := ""
	for s.rest != "" && s.rest[0] != '\n' {
		switch c := s.rest[0]; c {
		case end:
			s.take(1)
			return append(parts, part)
		case '.':
			parts, part = append(parts, part), ""
			s.take(1)
		case '"', '\'':
			part += strings.Trim(s.text(), `"'`)
		case ' ', '\t', '\r':
			s.take(1)
		default:
			part += s.take(1)
		}
	}
	return append(parts, part)
}

// value steps over a value, which may span lines.
func (s *scanner) value() {
	depth := 0
	for s.rest != "" {
		switch s.rest[0] {
		case '"', '\'':
			s.text()
			continue
		case '#':
			s.toEnd()
			if depth <= 0 {
				return
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '\n':
			if depth <= 0 {
				return
			}
		}
		s.take(1)
	}
}

// text steps over a string of any of the four kinds and returns it with its quotes.
func (s *scanner) text() string {
	quote := s.rest[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s.rest, triple) {
		quote = triple
	}
	n := len(quote)
	for n < len(s.rest) && !strings.HasPrefix(s.rest[n:], quote) {
		switch {
		case s.rest[n] == '\\' && quote[0] == '"':
			n++
		case s.rest[n] == '\n' && len(quote) == 1:
			return s.take(n)
		}
		n++
	}
	n += len(quote)
	for len(quote) == 3 && n < len(s.rest) && s.rest[n] == quote[0] {
		n++ // up to two quotes may stand before the closing ones
	}
	return s.take(n)
}
