package policy

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// World is what a policy can refer to.
type World struct {
	Schema    *flow.Schema
	Exporters []string // names; nil is any
}

// Program is a policy that was read and compiled. It is immutable.
type Program struct {
	name      string // of the file, in errors
	source    []byte
	proto     *lua.FunctionProto
	schema    *flow.Schema
	exporters []string
	fields    []*flow.Field
}

// largest is how many octets a policy may have.
const largest = 256 << 10

// Load reads the policy of the options. Errors have the file and the line of what is wrong, and what to do
// behind a semicolon where that is known.
func Load(o *Options, w World) (*Program, error) {
	if o.Script != "" {
		return Compile("script", []byte(o.Script), o, w)
	}
	s, err := os.Stat(o.File)
	if err == nil && s.Size() > largest {
		return nil, fmt.Errorf("%s has %d octets; write %d at most", o.File, s.Size(), largest)
	}
	source, err := os.ReadFile(o.File)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return Compile(o.File, source, o, w)
}

// Compile reads a policy from memory.
func Compile(name string, source []byte, o *Options, w World) (p *Program, err error) {
	if len(source) > largest {
		return nil, fmt.Errorf("%s has %d octets; write %d at most", name, len(source), largest)
	}
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("%s: it cannot be compiled: %s", name, oneLine(fmt.Sprint(r)))
		}
	}()
	p = &Program{name: name, source: bytes.Clone(source), schema: w.Schema, exporters: w.Exporters}
	chunk, err := parse.Parse(bytes.NewReader(source), name)
	if err != nil {
		return nil, p.syntax(err)
	}
	r := &reader{p: p, o: o}
	r.functions(chunk)
	g := &guard{visit: r.expr}
	if chunk, err = g.chunk(chunk); err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	if r.err != nil {
		return nil, r.err
	}
	if p.proto, err = lua.Compile(chunk, name); err != nil {
		return nil, p.syntax(err)
	}
	return p, nil
}

// syntax says in one line where an error is.
func (p *Program) syntax(err error) error {
	var e *parse.Error
	if errors.As(err, &e) {
		if e.Pos.Line == parse.EOF {
			return fmt.Errorf("%s:%d: %s at the end; is an end missing?", p.name, bytes.Count(p.source, []byte("\n"))+1, e.Message)
		}
		return fmt.Errorf("%s:%d: %s near %q", p.name, e.Pos.Line, e.Message, oneLine(e.Token))
	}
	var c *lua.CompileError
	if errors.As(err, &c) {
		return fmt.Errorf("%s:%d: %s", p.name, c.Line, oneLine(c.Message))
	}
	return fmt.Errorf("%s: %s", p.name, oneLine(err.Error()))
}

// same reports whether another program says the same.
func (p *Program) same(other *Program) bool {
	return p.name == other.name && bytes.Equal(p.source, other.source) &&
		slices.Equal(p.exporters, other.exporters)
}

// Fields returns the fields that the policy names.
func (p *Program) Fields() []*flow.Field { return p.fields }

// Blocks returns the cold blocks that a worker has to maintain for the policy.
func (p *Program) Blocks() flow.Block { return (&flow.Template{Fields: p.fields}).Blocks() }

// exporter fails if there is no exporter of that name.
func (p *Program) exporter(name string) error {
	if p.exporters == nil || slices.Contains(p.exporters, name) {
		return nil
	}
	if near := flow.Nearest(name, p.exporters); near != "" {
		return fmt.Errorf("exporter %s is unknown; did you mean %s?", oneLine(name), near)
	}
	return fmt.Errorf("exporter %s is unknown; there are %s", oneLine(name), strings.Join(p.exporters, ", "))
}

// reader finds in a policy what can be judged before it runs: fields, exporters and programs by name.
type reader struct {
	p      *Program
	o      *Options
	params map[*ast.IdentExpr]bool
	err    error
}

func (r *reader) wrong(at ast.PositionHolder, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s:%d: %w", r.p.name, at.Line(), err)
	}
}

// expr looks at one expression.
func (r *reader) expr(e ast.Expr) {
	switch e := e.(type) {
	case *ast.StringExpr:
		r.use(e.Value)
	case *ast.AttrGetExpr:
		name, named := e.Key.(*ast.StringExpr)
		of, plain := e.Object.(*ast.IdentExpr)
		if named && plain && r.params[of] && !slices.Contains(methodNames(), name.Value) && r.p.schema.Named(name.Value) == nil {
			r.wrong(e, errors.New(unknownField(r.p.schema, name.Value)))
		}
	case *ast.FuncCallExpr:
		r.call(e)
	}
}

// use has a field measured that the policy may look at.
func (r *reader) use(name string) {
	if f := r.p.schema.Named(name); f != nil {
		t := &flow.Template{Fields: r.p.fields}
		t.Add(f)
		r.p.fields = t.Fields
	}
}

// call looks at the arguments that are known.
func (r *reader) call(e *ast.FuncCallExpr) {
	of, plain := e.Receiver.(*ast.IdentExpr)
	if plain && r.params[of] && !slices.Contains(methodNames(), e.Method) {
		r.wrong(e, fmt.Errorf("records have no method %s; they have %s", e.Method, strings.Join(methodNames(), ", ")))
	}
	if e.Receiver != nil && e.Method == "route" {
		for _, a := range e.Args {
			if s, ok := a.(*ast.StringExpr); ok {
				if err := r.p.exporter(s.Value); err != nil {
					r.wrong(a, err)
				}
			}
		}
	}
	f, named := e.Func.(*ast.IdentExpr)
	if named && f.Value == "run" && len(e.Args) > 0 {
		if s, ok := e.Args[0].(*ast.StringExpr); ok && !slices.Contains(r.o.Commands, s.Value) {
			r.wrong(e, notAllowed(s.Value))
		}
	}
}

func notAllowed(path string) error {
	return fmt.Errorf("program %s may not run; add it to commands in [policy], by its absolute path", oneLine(path))
}

// functions finds where the functions that are called for records use their record, so that the names of its
// fields can be judged. One whose parameter is hidden by another of its name is not looked into.
func (r *reader) functions(chunk []ast.Stmt) {
	r.params = map[*ast.IdentExpr]bool{}
	for _, s := range chunk {
		d, ok := s.(*ast.FuncDefStmt)
		if !ok || d.Func == nil || d.Func.ParList == nil || len(d.Func.ParList.Names) == 0 {
			continue
		}
		name, ok := d.Name.Func.(*ast.IdentExpr)
		if !ok || !slices.Contains(hookNames(), name.Value) {
			continue
		}
		u := &uses{name: d.Func.ParList.Names[0]}
		u.stmts(d.Func.Stmts)
		if !u.hidden && len(d.Func.ParList.Names) == 1 {
			for _, id := range u.all {
				r.params[id] = true
			}
		}
	}
}

// hookNames are the functions that a policy may define.
func hookNames() (names []string) {
	for _, k := range judged {
		names = append(names, "on_"+k.String())
	}
	for _, p := range protocols {
		names = append(names, p.function)
	}
	return names
}

// judged are the kinds of records that a policy is asked about.
var judged = [...]flow.Kind{flow.KindFlow, flow.KindEvent, flow.KindCall, flow.KindUsage, flow.KindCounters}

// hooksOf returns the functions for a kind, in the order in which they are called.
func hooksOf(kind egress.Kind) (names []string) {
	for _, p := range protocols {
		if slices.ContainsFunc(p.kinds(), func(k egress.Kind) bool { return k == kind }) {
			names = append(names, p.function)
		}
	}
	if of := kind.Of(); slices.Contains(judged[:], of) {
		names = append(names, "on_"+of.String())
	}
	return names
}
