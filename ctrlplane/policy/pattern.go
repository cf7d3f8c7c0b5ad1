package policy

import (
	"errors"
	"strings"
)

// A pattern finds what the patterns of Lua 5.1 describe (reference manual, section 5.4.1). It tries
// alternatives one after the other, which may take very long: step is told of each, and may panic.
type pattern struct {
	src, pat string
	step     func(n int)
	fail     func(err error) // panics

	depth    int
	level    int // captures that were begun
	captures [mostCaptures]capture
}

type capture struct{ start, length int }

const (
	mostCaptures = 32
	open         = -1 // the length of a capture that has not ended
	position     = -2 // and of one that is a position
	deepPattern  = 200
	escape       = '%'
)

var (
	errPercent  = errors.New("malformed pattern (ends with '%')")
	errBracket  = errors.New("malformed pattern (missing ']')")
	errBalance  = errors.New("malformed pattern (missing arguments to '%b')")
	errFrontier = errors.New("malformed pattern (missing '[' after '%f')")
	errCapture  = errors.New("invalid pattern capture")
	errIndex    = errors.New("invalid capture index")
	errOpen     = errors.New("unfinished capture")
	errMany     = errors.New("too many captures")
	errDeep     = errors.New("pattern too complex")
)

// find looks for the pattern from a position on, and returns where it begins and ends; -1 is nowhere.
func (p *pattern) find(from int) (start, end int) {
	at, anchored := 0, false
	if p.pat != "" && p.pat[0] == '^' {
		at, anchored = 1, true
	}
	for s := from; ; s++ {
		p.level, p.depth = 0, 0
		if e := p.match(s, at); e >= 0 {
			return s, e
		}
		if anchored || s >= len(p.src) {
			return -1, -1
		}
	}
}

// match returns where what the pattern from at on describes ends, if it begins at s, or -1.
func (p *pattern) match(s, at int) int {
	if p.depth++; p.depth > deepPattern {
		p.fail(errDeep)
	}
	defer func() { p.depth-- }()
	for at < len(p.pat) {
		p.step(1)
		switch c := p.pat[at]; {
		case c == '(' && at+1 < len(p.pat) && p.pat[at+1] == ')':
			return p.begin(s, at+2, position)
		case c == '(':
			return p.begin(s, at+1, open)
		case c == ')':
			return p.end(s, at+1)
		case c == '$' && at+1 == len(p.pat):
			if s == len(p.src) {
				return s
			}
			return -1
		case c == escape && at+1 < len(p.pat) && p.pat[at+1] == 'b':
			if s = p.balanced(s, at+2); s < 0 {
				return -1
			}
			at += 4
			continue
		case c == escape && at+1 < len(p.pat) && p.pat[at+1] == 'f':
			if at = p.frontier(s, at+2); at < 0 {
				return -1
			}
			continue
		case c == escape && at+1 < len(p.pat) && digit(p.pat[at+1]):
			if s = p.again(s, p.pat[at+1]); s < 0 {
				return -1
			}
			at += 2
			continue
		}
		after := p.classEnd(at)
		var suffix byte
		if after < len(p.pat) {
			suffix = p.pat[after]
		}
		switch suffix {
		case '?':
			if p.one(s, at, after) {
				if e := p.match(s+1, after+1); e >= 0 {
					return e
				}
			}
			at = after + 1
		case '+':
			if !p.one(s, at, after) {
				return -1
			}
			return p.most(s+1, at, after)
		case '*':
			return p.most(s, at, after)
		case '-':
			return p.least(s, at, after)
		default:
			if !p.one(s, at, after) {
				return -1
			}
			s, at = s+1, after
		}
	}
	return s
}

// frontier returns what of the pattern is behind the set at a position, or -1 if s is not where its characters begin.
func (p *pattern) frontier(s, at int) (after int) {
	if at >= len(p.pat) || p.pat[at] != '[' {
		p.fail(errFrontier)
	}
	after = p.classEnd(at)
	var before, here byte
	if s > 0 {
		before = p.src[s-1]
	}
	if s < len(p.src) {
		here = p.src[s]
	}
	if p.inSet(before, at, after-1) || !p.inSet(here, at, after-1) {
		return -1
	}
	return after
}

// most matches as many single characters as it can, and then fewer.
func (p *pattern) most(s, at, after int) int {
	n := 0
	for p.one(s+n, at, after) {
		n++
		p.step(1)
	}
	for ; n >= 0; n-- {
		if e := p.match(s+n, after+1); e >= 0 {
			return e
		}
	}
	return -1
}

// least matches as few single characters as it can, and then more.
func (p *pattern) least(s, at, after int) int {
	for {
		if e := p.match(s, after+1); e >= 0 {
			return e
		}
		if !p.one(s, at, after) {
			return -1
		}
		s++
	}
}

// begin matches the rest behind the start of a capture.
func (p *pattern) begin(s, at, length int) int {
	if p.level >= mostCaptures {
		p.fail(errMany)
	}
	p.captures[p.level] = capture{s, length}
	p.level++
	e := p.match(s, at)
	if e < 0 {
		p.level--
	}
	return e
}

// end matches the rest behind the end of the capture that was begun last.
func (p *pattern) end(s, at int) int {
	i := p.level - 1
	for i >= 0 && p.captures[i].length != open {
		i--
	}
	if i < 0 {
		p.fail(errCapture)
	}
	p.captures[i].length = s - p.captures[i].start
	e := p.match(s, at)
	if e < 0 {
		p.captures[i].length = open
	}
	return e
}

// again matches what a capture has matched.
func (p *pattern) again(s int, d byte) int {
	i := int(d) - '1'
	if i < 0 || i >= p.level || p.captures[i].length < 0 {
		p.fail(errIndex)
	}
	c := p.captures[i]
	p.step(c.length / 16)
	if len(p.src)-s < c.length || p.src[c.start:c.start+c.length] != p.src[s:s+c.length] {
		return -1
	}
	return s + c.length
}

// balanced matches %bxy.
func (p *pattern) balanced(s, at int) int {
	if at+1 >= len(p.pat) {
		p.fail(errBalance)
	}
	if s >= len(p.src) || p.src[s] != p.pat[at] {
		return -1
	}
	deep := 1
	for i := s + 1; i < len(p.src); i++ {
		p.step(1)
		switch p.src[i] {
		case p.pat[at+1]:
			if deep--; deep == 0 {
				return i + 1
			}
		case p.pat[at]:
			deep++
		}
	}
	return -1
}

// classEnd returns where a single character class ends that begins at.
func (p *pattern) classEnd(at int) int {
	c := p.pat[at]
	at++
	switch c {
	case escape:
		if at >= len(p.pat) {
			p.fail(errPercent)
		}
		return at + 1
	case '[':
		if at < len(p.pat) && p.pat[at] == '^' {
			at++
		}
		for first := true; ; first = false { // a ] that comes first stands for itself
			if at >= len(p.pat) {
				p.fail(errBracket)
			}
			c := p.pat[at]
			at++
			switch {
			case c == escape && at >= len(p.pat):
				p.fail(errBracket)
			case c == escape:
				at++
			case c == ']' && !first:
				return at
			}
		}
	}
	return at
}

// one reports whether the character at s is of the class from at to after.
func (p *pattern) one(s, at, after int) bool {
	if s >= len(p.src) {
		return false
	}
	c := p.src[s]
	switch p.pat[at] {
	case '.':
		return true
	case escape:
		return class(c, p.pat[at+1])
	case '[':
		p.step((after - at) / 8)
		return p.inSet(c, at, after-1)
	}
	return p.pat[at] == c
}

// inSet reports whether c is in the set from the bracket at from to the one at to.
func (p *pattern) inSet(c byte, from, to int) bool {
	in := true
	at := from + 1
	if p.pat[at] == '^' {
		in = false
		at++
	}
	for ; at < to; at++ {
		switch {
		case p.pat[at] == escape:
			at++
			if class(c, p.pat[at]) {
				return in
			}
		case at+2 < to && p.pat[at+1] == '-':
			if p.pat[at] <= c && c <= p.pat[at+2] {
				return in
			}
			at += 2
		case p.pat[at] == c:
			return in
		}
	}
	return !in
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// class reports whether c is of the class that a letter stands for behind %, in the locale "C".
func class(c, of byte) bool {
	is := false
	switch of | 0x20 {
	case 'a':
		is = letter(c)
	case 'c':
		is = c < 0x20 || c == 0x7f
	case 'd':
		is = digit(c)
	case 'l':
		is = c >= 'a' && c <= 'z'
	case 'p':
		is = c > 0x20 && c < 0x7f && !letter(c) && !digit(c)
	case 's':
		is = c == ' ' || c >= '\t' && c <= '\r'
	case 'u':
		is = c >= 'A' && c <= 'Z'
	case 'w':
		is = letter(c) || digit(c)
	case 'x':
		is = digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	case 'z':
		is = c == 0
	default:
		return of == c
	}
	if !letter(of) {
		return of == c
	}
	return is == (of >= 'a')
}

// plain reports whether a pattern has no special characters, so that it can be looked for as it is.
func plain(pat string) bool { return !strings.ContainsAny(pat, "^$*+?.([%-") }
