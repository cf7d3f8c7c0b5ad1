// Package condition decides about records by expressions over their fields, as
//
//	L4_DST_PORT == 53 and IN_BYTES > 1000 and IPV4_SRC_ADDR in cidr("10.0.0.0/8")
//
// The language is a part of that of expr-lang: comparisons, in, matches, contains, startsWith,
// endsWith, arithmetic, and, or, not. A field is named by its label or its name at IANA and has
// the value that JSON shows. Nothing compares with a field that a record lacks: the comparison is
// false, whichever it is. X == nil asks for that, and X ?? 0 puts another value in its place.
package condition

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"github.com/weir-probe/weir/dataplane/flow"
)

// A Condition is a compiled expression. It has memory of its own, so one goroutine uses it.
// What it costs is bounded: by its own length, and by that of the strings of a record.
type Condition struct {
	text   string
	fields []*flow.Field
	holds  test
}

// test is a part of a condition that is true or false of a record.
type test func(v *flow.View) bool

// longest is how many octets an expression may have.
const longest = 16 << 10

// Compile reads an expression. The error says in one line what is wrong and, behind a semicolon,
// what to do.
func Compile(text string, schema *flow.Schema) (*Condition, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("the condition has %d octets; write %d at most", len(text), longest)
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, syntax(err)
	}
	k := &compiler{schema: schema}
	holds, err := k.test(tree.Node)
	if err != nil {
		return nil, err
	}
	return &Condition{text: text, fields: k.fields, holds: holds}, nil
}

// syntax makes one line of an error of the parser.
func syntax(err error) error {
	wrong := strings.SplitN(err.Error(), "\n", 2)[0]
	var f *file.Error
	if errors.As(err, &f) {
		wrong = fmt.Sprintf("%s in column %d", strings.ReplaceAll(f.Message, "\n", " "), f.Column+1)
	}
	return fmt.Errorf(`the condition cannot be read: %s; write it like 'L4_DST_PORT == 53 and IN_BYTES > 1000'`,
		strings.ReplaceAll(wrong, ";", ","))
}

// Holds reports whether the condition is true of a record.
func (c *Condition) Holds(v *flow.View) bool { return c.holds(v) }

// Fields returns what the condition looks at.
func (c *Condition) Fields() []*flow.Field { return c.fields }

// Blocks returns the cold blocks that a worker has to maintain for the condition.
func (c *Condition) Blocks() flow.Block { return (&flow.Template{Fields: c.fields}).Blocks() }

// String returns the expression.
func (c *Condition) String() string { return c.text }
