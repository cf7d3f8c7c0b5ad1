package condition

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/weir-probe/weir/dataplane/flow"
)

const howSets = `write a list like ["a", "b"], a range like 1..1024, or cidr("10.0.0.0/8") behind in`

// in compiles the question whether a value is among others.
func (k *compiler) in(n *ast.BinaryNode) (test, error) {
	a, err := k.operand(n.Left)
	if err != nil {
		return nil, err
	}
	switch set := n.Right.(type) {
	case *ast.ArrayNode:
		return k.list(n, a, set.Nodes)
	case *ast.CallNode:
		if name, ok := set.Callee.(*ast.IdentifierNode); ok && name.Value == "cidr" {
			return networks(n, a, set.Arguments)
		}
	case *ast.BinaryNode:
		if set.Operator == ".." {
			return k.span(n, a, set)
		}
	}
	return nil, refuse(n, "names nothing to be in", howSets)
}

// list compiles in [a, b].
func (k *compiler) list(n *ast.BinaryNode, a *operand, nodes []ast.Node) (test, error) {
	var set []value
	for _, e := range nodes {
		b, err := k.operand(e)
		if err == nil && !b.constant {
			err = errors.New("its elements are not all constant")
		}
		if err == nil {
			b, err = as(a.kind, b)
		}
		if err == nil && b.kind != a.kind {
			err = fmt.Errorf("%s is looked for among %s", a.kind, b.kind)
		}
		if err != nil {
			return nil, refuse(n, "has a list that is wrong: "+oneLine(err), "list what is like the field, strings in quotes")
		}
		x, _ := b.of(nil)
		set = append(set, x)
	}
	if a.kind == number {
		return amongNumbers(a, set), nil
	}
	return amongOctets(a, set), nil
}

func amongNumbers(a *operand, set []value) test {
	order := func(x, y value) int {
		c, _ := x.compare(y)
		return c
	}
	slices.SortFunc(set, order)
	return func(v *flow.View) bool {
		x, ok := a.of(v)
		if !ok {
			return false
		}
		_, found := slices.BinarySearchFunc(set, x, order)
		return found
	}
}

func amongOctets(a *operand, set []value) test {
	known := map[string]bool{}
	for _, x := range set {
		known[string(x.b)] = true
	}
	return func(v *flow.View) bool {
		x, ok := a.of(v)
		return ok && known[string(x.b)]
	}
}

// span compiles in low..high.
func (k *compiler) span(n *ast.BinaryNode, a *operand, set *ast.BinaryNode) (test, error) {
	low, err := k.operand(set.Left)
	if err != nil {
		return nil, err
	}
	high, err := k.operand(set.Right)
	if err != nil {
		return nil, err
	}
	if a.kind != number || low.kind != number || high.kind != number {
		return nil, refuse(n, "has a range of what is not a number", howSets)
	}
	above, below := numbers(">=", a, low), numbers("<=", a, high)
	return func(v *flow.View) bool { return above(v) && below(v) }, nil
}

// networks compiles in cidr("10.0.0.0/8", "2001:db8::/32").
func networks(n *ast.BinaryNode, a *operand, args []ast.Node) (test, error) {
	if a.kind != address || len(args) == 0 {
		return nil, refuse(n, "does not look for an address in networks",
			`write it like IPV4_SRC_ADDR in cidr("10.0.0.0/8", "192.168.0.0/16")`)
	}
	var all []netip.Prefix
	for _, arg := range args {
		s, ok := arg.(*ast.StringNode)
		if !ok {
			return nil, refuse(n, "has a network that is not a string", `write it in quotes, like "10.0.0.0/8"`)
		}
		p, err := netip.ParsePrefix(s.Value)
		if err != nil {
			return nil, refuse(n, fmt.Sprintf("has %q, which is not a network", s.Value), `write it like "10.0.0.0/8"`)
		}
		all = append(all, p.Masked())
	}
	return func(v *flow.View) bool {
		x, ok := a.of(v)
		if !ok {
			return false
		}
		from, ok := netip.AddrFromSlice(x.b)
		if !ok {
			return false
		}
		for _, p := range all {
			if p.Contains(from) {
				return true
			}
		}
		return false
	}, nil
}
