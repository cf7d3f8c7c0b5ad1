package condition

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/weir-probe/weir/dataplane/flow"
)

// kind is what can be compared with what.
type kind uint8

const (
	number kind = iota + 1
	text
	address // of IP, in 4 or 16 octets
	mac
)

func (k kind) String() string {
	return [...]string{"", "a number", "a string", "an IP address", "a MAC address"}[k]
}

// A value is a number, as u or, if it is not whole, f, or octets.
type value struct {
	u        uint64
	f        float64
	fraction bool // the number is f
	b        []byte
}

func (x value) float() float64 {
	if x.fraction {
		return x.f
	}
	return float64(x.u)
}

// compare returns -1, 0 or 1, and false if one of the numbers is not one.
func (x value) compare(y value) (int, bool) {
	if !x.fraction && !y.fraction {
		return cmp.Compare(x.u, y.u), true
	}
	a, b := x.float(), y.float()
	return cmp.Compare(a, b), !math.IsNaN(a) && !math.IsNaN(b)
}

// An operand is a part of a condition that has a value, unless the record lacks it.
type operand struct {
	kind     kind
	constant bool
	field    *flow.Field // nil unless it is one
	of       func(v *flow.View) (value, bool)
}

func constant(k kind, x value) *operand {
	return &operand{kind: k, constant: true, of: func(*flow.View) (value, bool) { return x, true }}
}

// operand compiles what has a value.
func (k *compiler) operand(n ast.Node) (*operand, error) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		if n.Value < 0 {
			return constant(number, value{f: float64(n.Value), fraction: true}), nil
		}
		return constant(number, value{u: uint64(n.Value)}), nil
	case *ast.FloatNode:
		return constant(number, value{f: n.Value, fraction: true}), nil
	case *ast.StringNode:
		return constant(text, value{b: []byte(n.Value)}), nil
	case *ast.IdentifierNode:
		return k.field(n)
	case *ast.UnaryNode:
		if n.Operator == "-" || n.Operator == "+" {
			zero := &ast.IntegerNode{}
			if i, ok := n.Node.(*ast.IntegerNode); ok && n.Operator == "-" {
				return constant(number, value{f: -float64(i.Value), fraction: true}), nil
			}
			return k.arithmetic(&ast.BinaryNode{Operator: n.Operator, Left: zero, Right: n.Node})
		}
	case *ast.BinaryNode:
		if n.Operator == "??" {
			return k.otherwise(n)
		}
		return k.arithmetic(n)
	case *ast.BuiltinNode:
		return k.function(n)
	}
	return nil, refuse(n, "is no value that a condition can use", "use fields, numbers, strings in quotes, lists, "+
		"cidr(), lower(), upper() and len()")
}

// pair compiles two values to be compared. A string becomes the address that it is compared with.
func (k *compiler) pair(n, left, right ast.Node) (a, b *operand, err error) {
	if a, err = k.operand(left); err != nil {
		return nil, nil, err
	}
	if b, err = k.operand(right); err != nil {
		return nil, nil, err
	}
	if a, err = as(b.kind, a); err != nil {
		return nil, nil, refuse(n, "is wrong: "+err.Error(), "write an address in quotes")
	}
	if b, err = as(a.kind, b); err != nil {
		return nil, nil, refuse(n, "is wrong: "+err.Error(), "write an address in quotes")
	}
	if a.kind != b.kind {
		return nil, nil, refuse(n, fmt.Sprintf("compares %s with %s", a.kind, b.kind), fix(a, b))
	}
	return a, b, nil
}

// fix says how to compare what was written with quotes too many or too few.
func fix(a, b *operand) string {
	if a.kind == number && b.kind == text || a.kind == text && b.kind == number {
		return "write numbers without quotes and strings with them"
	}
	return "compare what is alike"
}

// as turns a constant string into the kind that it is compared with.
func as(k kind, x *operand) (*operand, error) {
	if !x.constant || x.kind != text || k == text || k == number {
		return x, nil
	}
	v, _ := x.of(nil)
	if k == mac {
		a, err := net.ParseMAC(string(v.b))
		if err != nil || len(a) != 6 {
			return nil, fmt.Errorf("%q is not a MAC address", v.b)
		}
		return constant(mac, value{b: a}), nil
	}
	a, err := netip.ParseAddr(string(v.b))
	if err != nil || a.Zone() != "" {
		return nil, fmt.Errorf("%q is not an IP address", v.b)
	}
	return constant(address, value{b: a.AsSlice()}), nil
}

// field compiles the value of a field.
func (k *compiler) field(n *ast.IdentifierNode) (*operand, error) {
	f := k.schema.Named(n.Value)
	if f == nil {
		fix := `"weir fields" lists all fields`
		if near := k.schema.Nearest(n.Value); len(near) > 0 {
			fix = "nearest are " + strings.Join(near, ", ")
		}
		return nil, fmt.Errorf("field %s is unknown; %s", n.Value, fix)
	}
	k.use(f)
	o := &operand{field: f}
	switch f.Type {
	case flow.IPv4Address, flow.IPv6Address:
		o.kind, o.of = address, octets(f)
	case flow.MACAddress:
		o.kind, o.of = mac, octets(f)
	case flow.String:
		o.kind, o.of = text, octets(f)
	case flow.OctetArray, flow.ApplicationID:
		o.kind, o.of = text, written(f)
	default:
		o.kind, o.of = number, amount(f)
	}
	return o, nil
}

func (k *compiler) use(f *flow.Field) {
	t := &flow.Template{Fields: k.fields}
	t.Add(f)
	k.fields = t.Fields
}

// octets returns the value of a field as the record has it.
func octets(f *flow.Field) func(v *flow.View) (value, bool) {
	return func(v *flow.View) (value, bool) {
		x, ok := v.Value(f)
		return value{b: x.B}, ok
	}
}

// written returns the value of a field as text formats write it.
func written(f *flow.Field) func(v *flow.View) (value, bool) {
	var buf []byte
	return func(v *flow.View) (value, bool) {
		x, ok := v.Value(f)
		if !ok {
			return value{}, false
		}
		buf = f.Text(buf[:0], x)
		return value{b: buf}, true
	}
}

// Number returns what gets the number in a field as a float64, in the unit that JSON has it in.
func Number(f *flow.Field) func(v *flow.View) (float64, bool) {
	of := amount(f)
	return func(v *flow.View) (float64, bool) {
		x, ok := of(v)
		return x.float(), ok
	}
}

// amount returns the number in a field, in the unit that JSON has it in.
func amount(f *flow.Field) func(v *flow.View) (value, bool) {
	unit := map[flow.Type]uint64{flow.DateTimeSeconds: 1e9, flow.SysUpTimeMilliseconds: 1e9,
		flow.DateTimeMilliseconds: 1e6, flow.DateTimeMicroseconds: 1e3, flow.MPLSLabel: 1 << 12}[f.Type]
	float, scale := f.Type == flow.Float64, f.Scale
	unit = max(unit, 1)
	return func(v *flow.View) (value, bool) {
		x, ok := v.Value(f)
		switch {
		case !ok:
			return value{}, false
		case float:
			return value{f: math.Float64frombits(x.U), fraction: true}, true
		case scale > 1 && x.U%scale != 0:
			return value{f: float64(x.U) / float64(scale), fraction: true}, true
		case scale > 1:
			return value{u: x.U / scale}, true
		}
		return value{u: x.U / unit}, true
	}
}

// otherwise compiles a ?? b.
func (k *compiler) otherwise(n *ast.BinaryNode) (*operand, error) {
	a, b, err := k.pair(n, n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	first, second := a.of, b.of
	return &operand{kind: a.kind, of: func(v *flow.View) (value, bool) {
		if x, ok := first(v); ok {
			return x, true
		}
		return second(v)
	}}, nil
}

// arithmetic compiles + - * / % of numbers. The result is a float64.
func (k *compiler) arithmetic(n *ast.BinaryNode) (*operand, error) {
	operations := map[string]func(x, y float64) float64{
		"+": func(x, y float64) float64 { return x + y }, "-": func(x, y float64) float64 { return x - y },
		"*": func(x, y float64) float64 { return x * y }, "/": func(x, y float64) float64 { return x / y },
		"%": math.Mod,
	}
	do := operations[n.Operator]
	if do == nil {
		return nil, refuse(n, "is no value", "calculate with + - * / and %")
	}
	a, err := k.operand(n.Left)
	if err != nil {
		return nil, err
	}
	b, err := k.operand(n.Right)
	if err != nil {
		return nil, err
	}
	if a.kind != number || b.kind != number {
		return nil, refuse(n, "calculates with what is not a number", "use numbers")
	}
	left, right := a.of, b.of
	return &operand{kind: number, of: func(v *flow.View) (value, bool) {
		x, ok := left(v)
		if !ok {
			return value{}, false
		}
		y, ok := right(v)
		return value{f: do(x.float(), y.float()), fraction: true}, ok
	}}, nil
}

// function compiles lower, upper and len.
func (k *compiler) function(n *ast.BuiltinNode) (*operand, error) {
	if len(n.Arguments) != 1 {
		return nil, refuse(n, "is no value that a condition can use", "use lower(), upper() or len() of a string")
	}
	a, err := k.operand(n.Arguments[0])
	if err != nil {
		return nil, err
	}
	of := a.of
	switch change := map[string]func(rune) rune{"lower": unicode.ToLower, "upper": unicode.ToUpper}[n.Name]; {
	case a.kind == text && change != nil:
		var buf []byte
		return &operand{kind: text, of: func(v *flow.View) (value, bool) {
			x, ok := of(v)
			buf = mapped(buf[:0], x.b, change)
			return value{b: buf}, ok
		}}, nil
	case a.kind == text && n.Name == "len":
		return &operand{kind: number, of: func(v *flow.View) (value, bool) {
			x, ok := of(v)
			return value{u: uint64(utf8.RuneCount(x.b))}, ok
		}}, nil
	}
	return nil, refuse(n, "is no value that a condition can use", "use lower(), upper() or len() of a string")
}

// mapped appends s with every character changed.
func mapped(dst, s []byte, change func(rune) rune) []byte {
	for len(s) > 0 {
		c, n := utf8.DecodeRune(s)
		if c == utf8.RuneError && n == 1 {
			dst = append(dst, s[0])
		} else {
			dst = utf8.AppendRune(dst, change(c))
		}
		s = s[n:]
	}
	return dst
}
