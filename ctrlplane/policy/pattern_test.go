package policy

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// say is a script that prints what expressions are, a line each, or that they fail.
func say(exprs []string) string {
	var b strings.Builder
	b.WriteString(`local function say(ok, ...)
		if not ok then print("<it fails>") return end
		local t = {...}
		for i = 1, select("#", ...) do t[i] = tostring(t[i]) end
		print("<" .. table.concat(t, "|") .. ">")
	end `)
	for _, e := range exprs {
		fmt.Fprintf(&b, "say(pcall(function() return %s end))\n", e)
	}
	return b.String()
}

// calls are the functions of strings on many subjects with many patterns.
func calls() (exprs []string) {
	subjects := []string{"", "a", "hello world", "key = value", "a.b.example.com", "192.0.2.1", "((a)(b))", "x%y", "aXbXc",
		"THE (quick) fox", "  padded  "}
	patterns := []string{"", "a", "l+", "l*", "l-", "^h", "d$", "(%w+)", "(%w+) = (%w+)", "%.", "[^.]+", "([^.]+)%.([^.]+)$",
		"%b()", "%f[%w]%w+", "()l()", "(.)%1", "%d+", "[%d.]+", "[a-c]+", "[]]", "[^]]", "%S+", ".-", ".", "a?b?", "^(.-)%s*$",
		"%u%l*", "[%a_][%w_]*", "x%%y", "(a*(.)%w(%s*))", "[a-]", "[%-x]", "%x+", "%p", "%c", "^", "$", "[", "%", "(", ")", "%1", "%b",
		"[a", "%f", "(()", "^^h", "a$b", "[^%s]+$"}
	for _, s := range subjects {
		for _, p := range patterns {
			for _, call := range []string{"find(S, P)", "match(S, P)", "gsub(S, P, '<%0>')", "find(S, P, 3)", "gsub(S, P, '%1')",
				"gsub(S, P, string.upper)", "gsub(S, P, {a = 'b', l = false})", "match(S, P, -4)", "find(S, P, 1, true)", "gsub(S, P, 'x', 2)"} {
				exprs = append(exprs, "string."+strings.NewReplacer("S", fmt.Sprintf("%q", s), "P", fmt.Sprintf("%q", p)).Replace(call))
			}
		}
	}
	return append(exprs,
		`string.format("%d %5d|%-5d|%05d", 1, 2, 3, 4)`, `string.format("%x %X %o", 255, 255, 8)`, `string.format("%s %q", "a", "b\"c")`,
		`string.format("%5.1f %e %g %g %g", 3.14159, 1e10, 0.1, 100, 1e20)`, `string.format("%c%c", 72, 105)`, `string.format("%%")`,
		`string.format("%10s|%-10s|%.2s", "a", "b", "cdef")`, `string.format("%+d % d", 1, 2)`, `string.format("%d")`, `string.format("%y", 1)`,
		`string.rep("ab", 3)`, `string.rep("a", 0)`, `string.rep("a", -1)`, `string.reverse("abc")`, `string.byte("abc", 1, -1)`, `string.byte("abc", 10)`,
		`string.char(97, 98)`, `string.char(256)`, `string.len("a\0c")`, `string.lower("ABC")`, `string.upper("abc")`, `string.sub("hello", 2, -2)`,
		`string.sub("hello", -3)`, `string.sub("hello", 4, 2)`, `string.sub("hello", 0)`, `string.sub("hello", -100, 100)`,
		`table.concat({1, 2, "x"}, ", ")`, `table.concat({}, "x")`, `table.concat({1, {}})`, `unpack({1, 2, 3}, 2)`, `unpack({1, 2}, 1, 3)`,
		`select("#")`, `select("#", nil, nil)`, `select(2, 1, 2, 3)`, `select(-1, 1, 2)`, `select(0)`, `("x"):rep(3)`, `#"abc" .. 1 .. "x"`, `1 .. 2`)
}

// The functions of strings are those of the language's own implementation.
func TestReference(t *testing.T) {
	if _, err := exec.LookPath("lua5.1"); err != nil {
		t.Skip("lua5.1 is not installed")
	}
	exprs := calls()
	const chunk = 100 // as functions have so many constants
	for len(exprs) > 0 {
		some := exprs[:min(chunk, len(exprs))]
		exprs = exprs[len(some):]
		c := exec.Command("lua5.1", "-")
		c.Stdin = strings.NewReader(say(some))
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(out), ">\n"), ">\n")
		b := good(t, body(say(some)))
		b.host.lines.SetBurst(1 << 20)
		b.judge(egress.Flows)
		if len(b.printed) != len(some) || len(want) != len(some) {
			t.Fatalf("%d and %d answers to %d questions (%v)", len(b.printed), len(want), len(some), b.last.Err)
		}
		for i, e := range some {
			if w := oneLine(want[i] + ">"); b.printed[i] != w {
				t.Errorf("%s is %q, not %q", e, b.printed[i], w)
			}
		}
	}
}
