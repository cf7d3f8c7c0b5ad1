package condition

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/weir-probe/weir/dataplane/flow"
)

// compiler turns the tree of an expression into functions.
type compiler struct {
	schema *flow.Schema
	fields []*flow.Field
}

// refuse says that a part of an expression is not understood.
func refuse(n ast.Node, why, fix string) error {
	return fmt.Errorf("%s %s; %s", strings.ReplaceAll(n.String(), ";", ","), why, fix)
}

const howTests = "compare something, as in IN_BYTES > 1000, and join comparisons with and, or, not"

// test compiles what is true or false.
func (k *compiler) test(n ast.Node) (test, error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		is := n.Value
		return func(*flow.View) bool { return is }, nil
	case *ast.UnaryNode:
		if n.Operator != "not" && n.Operator != "!" {
			break
		}
		t, err := k.test(n.Node)
		return func(v *flow.View) bool { return !t(v) }, err
	case *ast.BinaryNode:
		return k.binary(n)
	}
	return nil, refuse(n, "is neither true nor false", howTests)
}

func (k *compiler) binary(n *ast.BinaryNode) (test, error) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		return k.both(n)
	case "==", "!=", "<", "<=", ">", ">=":
		return k.compare(n)
	case "in":
		return k.in(n)
	case "matches", "contains", "startsWith", "endsWith":
		return k.find(n)
	}
	return nil, refuse(n, "is neither true nor false", howTests)
}

// both compiles and and or.
func (k *compiler) both(n *ast.BinaryNode) (test, error) {
	a, err := k.test(n.Left)
	if err != nil {
		return nil, err
	}
	b, err := k.test(n.Right)
	if err != nil {
		return nil, err
	}
	if n.Operator == "and" || n.Operator == "&&" {
		return func(v *flow.View) bool { return a(v) && b(v) }, nil
	}
	return func(v *flow.View) bool { return a(v) || b(v) }, nil
}

// compare compiles a comparison of two values, or with nil.
func (k *compiler) compare(n *ast.BinaryNode) (test, error) {
	if isNil(n.Left) || isNil(n.Right) {
		return k.presence(n)
	}
	a, b, err := k.pair(n, n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	switch ordered := n.Operator != "==" && n.Operator != "!="; {
	case a.kind != number && ordered:
		return nil, refuse(n, "puts in order what has none", "compare it with == or !=")
	case a.kind == number:
		return numbers(n.Operator, a, b), nil
	}
	left, right, same := keep(a, b), b.of, n.Operator == "=="
	return func(v *flow.View) bool {
		x, ok := left(v)
		if !ok {
			return false
		}
		y, ok := right(v)
		return ok && (string(x.b) == string(y.b)) == same
	}, nil
}

// keep has the octets of a outlive the evaluation of b, which may use the same memory.
func keep(a, b *operand) func(v *flow.View) (value, bool) {
	if a.constant || b.constant {
		return a.of
	}
	var buf []byte
	return func(v *flow.View) (value, bool) {
		x, ok := a.of(v)
		buf = append(buf[:0], x.b...)
		x.b = buf
		return x, ok
	}
}

func isNil(n ast.Node) bool {
	_, is := n.(*ast.NilNode)
	return is
}

// presence compiles a comparison with nil.
func (k *compiler) presence(n *ast.BinaryNode) (test, error) {
	side := n.Left
	if isNil(side) {
		side = n.Right
	}
	if isNil(side) || n.Operator != "==" && n.Operator != "!=" {
		return nil, refuse(n, "asks nothing", "ask whether a field is absent with == nil, or present with != nil")
	}
	a, err := k.operand(side)
	if err != nil {
		return nil, err
	}
	absent := n.Operator == "=="
	return func(v *flow.View) bool {
		_, ok := a.of(v)
		return ok != absent
	}, nil
}

// numbers compares two numbers. Whole ones are compared exactly.
func numbers(operator string, a, b *operand) test {
	less := slices.Contains([]string{"<", "<=", "!="}, operator)
	equal := slices.Contains([]string{"<=", ">=", "=="}, operator)
	more := slices.Contains([]string{">", ">=", "!="}, operator)
	return func(v *flow.View) bool {
		x, ok := a.of(v)
		if !ok {
			return false
		}
		y, ok := b.of(v)
		if !ok {
			return false
		}
		switch c, ok := x.compare(y); {
		case !ok:
			return false
		case c < 0:
			return less
		case c == 0:
			return equal
		}
		return more
	}
}

// find compiles what looks into strings.
func (k *compiler) find(n *ast.BinaryNode) (test, error) {
	a, err := k.operand(n.Left)
	if err != nil {
		return nil, err
	}
	what, ok := n.Right.(*ast.StringNode)
	if a.kind != text || !ok {
		return nil, refuse(n, "does not look for a string in a string",
			fmt.Sprintf(`write a field that is a string before %s and a string in quotes behind it`, n.Operator))
	}
	var has func(s []byte) bool
	word := []byte(what.Value)
	switch n.Operator {
	case "matches":
		r, err := regexp.Compile(what.Value)
		if err != nil {
			return nil, refuse(n, "has no regular expression: "+oneLine(err), "write it as RE2 has it")
		}
		has = r.Match
	case "contains":
		has = func(s []byte) bool { return bytes.Contains(s, word) }
	case "startsWith":
		has = func(s []byte) bool { return bytes.HasPrefix(s, word) }
	default:
		has = func(s []byte) bool { return bytes.HasSuffix(s, word) }
	}
	return func(v *flow.View) bool {
		x, ok := a.of(v)
		return ok && has(x.b)
	}, nil
}

func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(c rune) bool { return c == '\n' || c == ';' }), ",")
}
