package json

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Member is a member of an object. Its Path is a name, or names with dots between if it is in an
// object in the object.
type Member struct {
	Path   string
	Fields []*flow.Field
	Form   Form // nil writes the first of Fields that the flow has, as Field.JSON does
}

// Form appends a member's value as JSON. It appends nothing if the flow has none.
type Form func(dst []byte, in *Input) []byte

// Input is what a Form writes: a flow, and the values of the Fields of its member.
type Input struct {
	*flow.View
	plan *flow.Plan
	at   int // position of the first field in plan
	n    int
}

// Len returns how many fields the member has.
func (in *Input) Len() int { return in.n }

// Value returns the value of field i and whether the flow has it. Octets are valid until the next call.
func (in *Input) Value(i int) (flow.Value, bool) {
	if i >= in.n {
		return flow.Value{}, false
	}
	return in.plan.Value(in.at + i)
}

// Field returns field i.
func (in *Input) Field(i int) *flow.Field { return in.plan.Field(in.at + i) }

// Found returns the first of the fields that the flow has and its value; nil if there is none.
func (in *Input) Found() (*flow.Field, flow.Value) {
	for i := range in.n {
		if v, ok := in.Value(i); ok {
			return in.Field(i), v
		}
	}
	return nil, flow.Value{}
}

// Object writes objects that have members in members. What they nest in is opened when a flow has
// a value in it and left out otherwise: objects are written in one pass and are never empty. It
// belongs to one goroutine.
type Object struct {
	program []step
	open    []int // where the objects begin that are being written
	in      Input
}

// step is one thing to do: write a member, begin an object, or end the last one begun.
type step struct {
	key   string // with its colon; of an object with its brace
	at, n int    // fields in the plan
	form  Form
	do    action
}

type action uint8

const (
	member action = iota
	begin
	end
)

// node is an object or a member while the program is made.
type node struct {
	name     string
	children []*node
	member   *Member
}

// NewObject returns an object with the members, in the order of their first mention. Members of
// the same path are one with the fields of all. With flat, dots in paths mean nothing.
func NewObject(members []Member, flat bool) (*Object, error) {
	root := &node{}
	for i := range members {
		m := members[i]
		names := []string{m.Path}
		if !flat {
			names = strings.Split(m.Path, ".")
		}
		if err := root.add(&m, names); err != nil {
			return nil, err
		}
	}
	o := &Object{}
	var fields []*flow.Field
	depth := o.compile(root, &fields)
	o.open = make([]int, 0, depth)
	o.in.plan = flow.NewPlan(fields)
	return o, nil
}

// add puts m where names lead.
func (n *node) add(m *Member, names []string) error {
	i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == names[0] })
	if i < 0 {
		i = len(n.children)
		n.children = append(n.children, &node{name: names[0]})
	}
	c, last := n.children[i], len(names) == 1
	switch {
	case last && c.member != nil:
		c.member.Fields = append(slices.Clone(c.member.Fields), m.Fields...)
	case last && c.children == nil:
		c.member = m
	case last || c.member != nil:
		return fmt.Errorf("member %s of JSON would be a value and an object: remove one of the fields", m.Path)
	default:
		return c.add(m, names[1:])
	}
	return nil
}

// compile appends the steps that write what is in n, and returns how deep objects nest in it.
func (o *Object) compile(n *node, fields *[]*flow.Field) (depth int) {
	for _, c := range n.children {
		key := strconv.Quote(c.name) + ":"
		if c.member != nil {
			o.program = append(o.program, step{key, len(*fields), len(c.member.Fields), c.member.Form, member})
			*fields = append(*fields, c.member.Fields...)
			continue
		}
		o.program = append(o.program, step{key: key + "{", do: begin})
		depth = max(depth, 1+o.compile(c, fields))
		o.program = append(o.program, step{do: end})
	}
	return depth
}

// Append appends the object for v.
func (o *Object) Append(dst []byte, v *flow.View) []byte {
	o.in.View = v
	o.in.plan.Read(v)
	o.open = o.open[:0]
	start := len(dst)
	dst = append(dst, '{')
	for i := range o.program {
		s := &o.program[i]
		switch {
		case s.do == member && s.form == nil:
			dst = o.value(dst, s)
		case s.do == member:
			dst = o.formed(dst, s)
		case s.do == begin:
			o.open = append(o.open, len(dst))
			dst = append(dst, s.key...)
		default:
			last := len(o.open) - 1
			dst = closed(dst, o.open[last])
			o.open = o.open[:last]
		}
	}
	if dst = closed(dst, start); len(dst) == start {
		return append(dst, '{', '}')
	}
	return dst[:len(dst)-1]
}

// closed ends the object that was begun at start, with a comma behind it. An empty one goes away.
func closed(dst []byte, start int) []byte {
	last := len(dst) - 1
	if dst[last] == '{' { // no member ends with one: each has a comma behind it
		return dst[:start]
	}
	dst[last] = '}'
	return append(dst, ',')
}

// value appends a member that is written as its field says.
func (o *Object) value(dst []byte, s *step) []byte {
	for i := s.at; i < s.at+s.n; i++ {
		v, ok := o.in.plan.Value(i)
		f := o.in.plan.Field(i)
		if ok && (f.Type != flow.Float64 || finite(v.U)) {
			return append(f.JSON(append(dst, s.key...), v), ',')
		}
	}
	return dst
}

// formed appends a member that its form writes.
func (o *Object) formed(dst []byte, s *step) []byte {
	start := len(dst)
	dst = append(dst, s.key...)
	behind := len(dst)
	o.in.at, o.in.n = s.at, s.n
	if dst = s.form(dst, &o.in); len(dst) == behind {
		return dst[:start]
	}
	return append(dst, ',')
}

// finite reports whether JSON has a number for the bits of a float64.
func finite(bits uint64) bool {
	x := math.Float64frombits(bits)
	return !math.IsNaN(x) && !math.IsInf(x, 0)
}
