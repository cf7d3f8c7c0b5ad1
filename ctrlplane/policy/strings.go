package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// strings returns the library string. What it returns are copies, which account for their own memory: a
// piece of a long string keeps nothing of the rest.
func (m *machine) strings() map[string]lua.LGFunction {
	change := func(f func(string) string) lua.LGFunction {
		return func(L *lua.LState) int {
			s := L.CheckString(1)
			m.budget.spend(L, len(s))
			L.Push(lua.LString(f(s)))
			return 1
		}
	}
	return map[string]lua.LGFunction{
		"byte": m.byte, "char": m.char, "find": m.find, "format": m.format, "gmatch": m.gmatch, "gsub": m.gsub,
		"len": m.len, "match": m.match, "rep": m.rep, "sub": m.sub,
		"lower": change(func(s string) string { return string(ascii([]byte(s), 'A', 'Z')) }),
		"upper": change(func(s string) string { return string(ascii([]byte(s), 'a', 'z')) }),
		"reverse": change(func(s string) string {
			b := []byte(s)
			slices.Reverse(b)
			return string(b)
		}),
	}
}

// ascii changes the case of the letters in a range.
func ascii(b []byte, from, to byte) []byte {
	for i, c := range b {
		if c >= from && c <= to {
			b[i] ^= 0x20
		}
	}
	return b
}

// give pushes a copy of a string.
func (m *machine) give(L *lua.LState, s string) {
	m.budget.spend(L, len(s))
	L.Push(lua.LString(strings.Clone(s)))
}

// span turns positions that count from 1, or from the end if negative, into bounds of a slice.
func span(n, i, j int) (from, to int) {
	if i < 0 {
		i = max(n+i+1, 1)
	}
	if j < 0 {
		j = n + j + 1
	}
	i, j = max(i, 1), min(j, n)
	if i > j {
		return 0, 0
	}
	return i - 1, j
}

func (m *machine) len(L *lua.LState) int {
	L.Push(lua.LNumber(len(L.CheckString(1))))
	return 1
}

func (m *machine) sub(L *lua.LState) int {
	s := L.CheckString(1)
	from, to := span(len(s), L.CheckInt(2), L.OptInt(3, -1))
	m.give(L, s[from:to])
	return 1
}

func (m *machine) byte(L *lua.LState) int {
	s := L.CheckString(1)
	i := L.OptInt(2, 1)
	from, to := span(len(s), i, L.OptInt(3, i))
	if to-from > mostOf/2 {
		L.RaiseError("string slice too long")
	}
	m.budget.work(L, (to-from)/4)
	for _, c := range []byte(s[from:to]) {
		L.Push(lua.LNumber(c))
	}
	return to - from
}

func (m *machine) char(L *lua.LState) int {
	b := make([]byte, L.GetTop())
	for i := range b {
		c := L.CheckInt(i + 1)
		if c < 0 || c > 255 {
			L.ArgError(i+1, "invalid value")
		}
		b[i] = byte(c)
	}
	m.give(L, string(b))
	return 1
}

func (m *machine) rep(L *lua.LState) int {
	s, times := L.CheckString(1), float64(L.CheckNumber(2))
	n := int(min(times, 1<<40))
	if n <= 0 || s == "" {
		L.Push(lua.LString(""))
		return 1
	}
	if n > 1<<40/len(s) {
		n = 1 << 40 / len(s) // which is more than anybody may have
	}
	m.budget.spend(L, n*len(s))
	L.Push(lua.LString(strings.Repeat(s, n)))
	return 1
}

// pattern returns a matcher of the arguments.
func (m *machine) pattern(L *lua.LState) *pattern {
	return &pattern{
		src: L.CheckString(1), pat: L.CheckString(2),
		step: func(n int) { m.budget.work(L, n) },
		fail: func(err error) { L.RaiseError("%s", err.Error()) },
	}
}

// captured pushes a capture; with none in the pattern, the whole match is the first.
func (m *machine) captured(L *lua.LState, p *pattern, i, start, end int) {
	if i >= p.level {
		if i > 0 {
			p.fail(errIndex)
		}
		m.give(L, p.src[start:end])
		return
	}
	switch c := p.captures[i]; c.length {
	case position:
		L.Push(lua.LNumber(c.start + 1))
	case open:
		p.fail(errOpen)
	default:
		m.give(L, p.src[c.start:c.start+c.length])
	}
}

// captures pushes all captures and returns how many there are.
func (m *machine) captures(L *lua.LState, p *pattern, start, end int, whole bool) int {
	n := p.level
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		m.captured(L, p, i, start, end)
	}
	return n
}

// from returns where to begin to look.
func from(L *lua.LState, s string) int {
	i := L.OptInt(3, 1)
	if i < 0 {
		i = max(len(s)+i+1, 1)
	}
	return min(max(i, 1)-1, len(s))
}

func (m *machine) find(L *lua.LState) int {
	p := m.pattern(L)
	i := from(L, p.src)
	if lua.LVAsBool(L.Get(4)) || plain(p.pat) {
		m.budget.work(L, (len(p.src)-i)/16)
		at := strings.Index(p.src[i:], p.pat)
		if at < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(i + at + 1))
		L.Push(lua.LNumber(i + at + len(p.pat)))
		return 2
	}
	start, end := p.find(i)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + m.captures(L, p, start, end, false)
}

func (m *machine) match(L *lua.LState) int {
	p := m.pattern(L)
	if start, end := p.find(from(L, p.src)); start >= 0 {
		return m.captures(L, p, start, end, true)
	}
	L.Push(lua.LNil)
	return 1
}

func (m *machine) gmatch(L *lua.LState) int {
	p, at := m.pattern(L), 0
	m.budget.spend(L, 1<<10) // of the matcher
	L.Push(L.NewFunction(func(L *lua.LState) int {
		p.step = func(n int) { m.budget.work(L, n) }
		if at > len(p.src) {
			return 0
		}
		start, end := p.find(at)
		if start < 0 {
			at = len(p.src) + 1
			return 0
		}
		if at = end; end == start {
			at++
		}
		return m.captures(L, p, start, end, true)
	}))
	return 1
}

func (m *machine) gsub(L *lua.LState) int {
	p, with := m.pattern(L), L.CheckAny(3)
	switch with.(type) {
	case lua.LString, lua.LNumber, *lua.LTable, *lua.LFunction:
	default:
		L.ArgError(3, "string/function/table expected")
	}
	most := L.OptInt(4, len(p.src)+1)
	anchored := strings.HasPrefix(p.pat, "^")
	var out bytes.Buffer
	add := func(s string) {
		m.budget.spend(L, len(s))
		out.WriteString(s)
	}
	n, at := 0, 0
	for n < most {
		start, end := p.find(at)
		if start < 0 {
			break
		}
		n++
		add(p.src[at:start])
		m.replace(L, p, with, start, end, add)
		at = end
		if end == start {
			if start < len(p.src) {
				add(p.src[start : start+1])
			}
			at++
		}
		if at > len(p.src) || anchored {
			break
		}
	}
	if at < len(p.src) {
		add(p.src[at:])
	}
	L.Push(lua.LString(out.String()))
	L.Push(lua.LNumber(n))
	return 2
}

// replace adds what takes the place of a match.
func (m *machine) replace(L *lua.LState, p *pattern, with lua.LValue, start, end int, add func(string)) {
	var value lua.LValue
	switch with := with.(type) {
	case *lua.LTable:
		m.captured(L, p, 0, start, end)
		value = L.GetTable(with, L.Get(-1))
		L.Pop(1)
	case *lua.LFunction:
		L.Push(with)
		n, saved := m.captures(L, p, start, end, true), *p
		L.Call(n, 1)
		saved.step, saved.fail = p.step, p.fail
		*p = saved
		value = L.Get(-1)
		L.Pop(1)
	default:
		m.expand(L, p, lua.LVAsString(with), start, end, add)
		return
	}
	switch {
	case !lua.LVAsBool(value):
		add(p.src[start:end])
	case lua.LVCanConvToString(value):
		add(lua.LVAsString(value))
	default:
		L.RaiseError("invalid replacement value (a %s)", value.Type())
	}
}

// expand adds a replacement with its %0 to %9.
func (m *machine) expand(L *lua.LState, p *pattern, with string, start, end int, add func(string)) {
	for i := 0; i < len(with); i++ {
		if with[i] != escape || i+1 == len(with) {
			add(with[i : i+1])
			continue
		}
		i++
		switch c := with[i]; {
		case c == '0':
			add(p.src[start:end])
		case digit(c):
			m.captured(L, p, int(c)-'1', start, end)
			add(lua.LVAsString(L.Get(-1)))
			L.Pop(1)
		default:
			add(with[i : i+1])
		}
	}
}

// format implements string.format with the directives of Lua 5.1.
func (m *machine) format(L *lua.LState) int {
	text := L.CheckString(1)
	var out bytes.Buffer
	arg := 1
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out.WriteByte(text[i])
			continue
		}
		end := i + 1
		for end < len(text) && strings.IndexByte("-+ #0123456789.", text[end]) >= 0 {
			end++
		}
		if end == len(text) || end-i > len("%-+ #0") || !sized(text[i+1:end]) {
			L.RaiseError("invalid conversion in the format: %q", text[i:min(end+1, len(text))])
		}
		if text[end] == '%' {
			out.WriteByte('%')
		} else {
			arg++
			m.directive(L, &out, text[i:end], text[end], arg)
		}
		m.budget.work(L, 1)
		i = end
	}
	m.give(L, out.String())
	return 1
}

// sized reports whether the width and precision of a directive have two digits at most.
func sized(flags string) bool {
	width, precision, _ := strings.Cut(strings.TrimLeft(flags, "-+ #0"), ".")
	return len(width) <= 2 && len(precision) <= 2 && !strings.ContainsAny(width+precision, "-+ #.")
}

// directive writes an argument. flags begin with %.
func (m *machine) directive(L *lua.LState, out *bytes.Buffer, flags string, verb byte, arg int) {
	switch verb {
	case 'd', 'i':
		fmt.Fprintf(out, flags+"d", int64(L.CheckNumber(arg)))
	case 'u':
		fmt.Fprintf(out, flags+"d", uint64(int64(L.CheckNumber(arg))))
	case 'o', 'x', 'X':
		fmt.Fprintf(out, flags+string(verb), uint64(int64(L.CheckNumber(arg))))
	case 'c':
		out.WriteByte(byte(L.CheckInt(arg)))
	case 'e', 'E', 'f', 'g', 'G':
		if !strings.Contains(flags, ".") {
			flags += ".6"
		}
		fmt.Fprintf(out, flags+string(verb), float64(L.CheckNumber(arg)))
	case 'q':
		s := L.CheckString(arg)
		m.budget.spend(L, 4*len(s))
		quote(out, s)
	case 's':
		s := lua.LVAsString(L.ToStringMeta(L.CheckAny(arg)))
		m.budget.spend(L, len(s))
		fmt.Fprintf(out, flags+"s", s)
	default:
		L.RaiseError("invalid conversion '%s%c' in the format", flags, verb)
	}
}

// quote writes a string as Lua reads it.
func quote(out *bytes.Buffer, s string) {
	out.WriteByte('"')
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\', '\n':
			out.WriteByte('\\')
			out.WriteByte(c)
		case '\r':
			out.WriteString("\\r")
		case 0:
			out.WriteString("\\000")
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
}
