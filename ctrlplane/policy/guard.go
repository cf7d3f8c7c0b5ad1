package policy

import (
	"fmt"
	"strconv"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Operators whose single instruction can allocate any amount of memory are turned into calls of functions that
// account for it: a .. b, and t[k] = v. The functions are locals of the policy that no word of Lua can
// name, so their cost is an upvalue.
const (
	nameConcat = "\x00concat"
	nameSet    = "\x00set"
	nameKey    = "\x00key"
	nameValue  = "\x00value"
)

// deepest is how many expressions and blocks may be in each other, as the compiler calls itself for each.
const deepest = 1000

// nearest is the largest key that an assignment can have without being accounted for.
const nearest = 32

// guard rewrites a chunk and has a visitor see each expression before.
type guard struct {
	depth   int
	blocks  int
	visit   func(e ast.Expr)
	failure error
}

// chunk returns statements that the guard has rewritten, behind the names of its functions.
func (g *guard) chunk(stmts []ast.Stmt) ([]ast.Stmt, error) {
	own := &ast.LocalAssignStmt{Names: []string{nameConcat, nameSet, nameKey}, Exprs: []ast.Expr{&ast.Comma3Expr{}}}
	own.SetLine(1)
	own.SetLastLine(1)
	own.Exprs[0].SetLine(1)
	own.Exprs[0].SetLastLine(1)
	all := append([]ast.Stmt{own}, g.stmts(stmts)...)
	return all, g.failure
}

// enter counts how deep it is, and reports whether that is too deep.
func (g *guard) enter(at ast.PositionHolder) bool {
	if g.depth++; g.depth > deepest && g.failure == nil {
		g.failure = fmt.Errorf("%d: expressions or blocks are nested more than %d deep; write them apart", at.Line(), deepest)
	}
	return g.failure == nil
}

func (g *guard) stmts(all []ast.Stmt) []ast.Stmt {
	for i, s := range all {
		if g.enter(s) {
			all[i] = g.stmt(s)
		}
		g.depth--
	}
	return all
}

func (g *guard) stmt(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return g.assign(s)
	case *ast.LocalAssignStmt:
		g.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = g.expr(s.Expr)
	case *ast.DoBlockStmt:
		g.stmts(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = g.expr(s.Condition)
		g.stmts(s.Stmts)
	case *ast.RepeatStmt:
		s.Condition = g.expr(s.Condition)
		g.stmts(s.Stmts)
	case *ast.IfStmt:
		s.Condition = g.expr(s.Condition)
		g.stmts(s.Then)
		g.stmts(s.Else)
	case *ast.NumberForStmt:
		s.Init, s.Limit, s.Step = g.expr(s.Init), g.expr(s.Limit), g.expr(s.Step)
		g.stmts(s.Stmts)
	case *ast.GenericForStmt:
		g.exprs(s.Exprs)
		g.stmts(s.Stmts)
	case *ast.FuncDefStmt:
		s.Func = g.expr(s.Func).(*ast.FunctionExpr)
	case *ast.ReturnStmt:
		g.exprs(s.Exprs)
	}
	return s
}

func (g *guard) exprs(all []ast.Expr) {
	for i := range all {
		all[i] = g.expr(all[i])
	}
}

func (g *guard) expr(e ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	defer func() { g.depth-- }()
	if !g.enter(e) {
		return e
	}
	if g.visit != nil {
		g.visit(e)
	}
	switch e := e.(type) {
	case *ast.StringConcatOpExpr:
		return at(e, &ast.FuncCallExpr{Func: at(e, &ast.IdentExpr{Value: nameConcat}), AdjustRet: true, Args: g.pieces(e)})
	case *ast.AttrGetExpr:
		e.Object, e.Key = g.expr(e.Object), g.expr(e.Key)
	case *ast.TableExpr:
		g.table(e)
	case *ast.FuncCallExpr:
		e.Func, e.Receiver = g.expr(e.Func), g.expr(e.Receiver)
		g.exprs(e.Args)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = g.expr(e.Lhs), g.expr(e.Rhs)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = g.expr(e.Lhs), g.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = g.expr(e.Lhs), g.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		e.Expr = g.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = g.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = g.expr(e.Expr)
	case *ast.FunctionExpr:
		g.stmts(e.Stmts)
	}
	return e
}

// pieces returns what a chain of concatenations puts together, at most so many at once: arguments take registers.
func (g *guard) pieces(e *ast.StringConcatOpExpr) (all []ast.Expr) {
	const most = 16
	for len(all) < most {
		all = append(all, single(g.expr(e.Lhs)))
		next, more := e.Rhs.(*ast.StringConcatOpExpr)
		if !more || len(all) == most-1 {
			return append(all, single(g.expr(e.Rhs)))
		}
		e = next
	}
	return all
}

// single makes the last argument of a call stand for one value, as an operand does.
func single(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return e
}

// table has the keys of a constructor accounted for.
func (g *guard) table(e *ast.TableExpr) {
	for _, f := range e.Fields {
		f.Value = g.expr(f.Value)
		if f.Key == nil {
			continue
		}
		f.Key = g.expr(f.Key)
		if !small(f.Key) {
			f.Key = at(f.Key, &ast.FuncCallExpr{
				Func: at(f.Key, &ast.IdentExpr{Value: nameKey}), AdjustRet: true, Args: []ast.Expr{single(f.Key)},
			})
		}
	}
}

// small reports whether a key can be assigned to without being accounted for.
func small(key ast.Expr) bool {
	switch k := key.(type) {
	case *ast.StringExpr:
		return true
	case *ast.NumberExpr:
		n, err := strconv.Atoi(k.Value)
		return err == nil && n <= nearest
	}
	return false
}

// assign turns assignments to elements of tables into calls. All values are worked out before the first of
// several assignments.
func (g *guard) assign(s *ast.AssignStmt) ast.Stmt {
	guarded := false
	for i, to := range s.Lhs {
		if a, is := to.(*ast.AttrGetExpr); is {
			if g.visit != nil {
				g.visit(a)
			}
			a.Object, a.Key = g.expr(a.Object), g.expr(a.Key)
			guarded = guarded || !small(a.Key)
			continue
		}
		s.Lhs[i] = g.expr(to)
	}
	g.exprs(s.Rhs)
	switch {
	case !guarded:
		return s
	case len(s.Lhs) == 1 && len(s.Rhs) == 1:
		a := s.Lhs[0].(*ast.AttrGetExpr)
		return set(s, a.Object, a.Key, single(s.Rhs[0]))
	}
	return g.several(s)
}

// set returns a call that sets an element of a table.
func set(s *ast.AssignStmt, object, key, value ast.Expr) ast.Stmt {
	call := at(s, &ast.FuncCallExpr{Func: at(s, &ast.IdentExpr{Value: nameSet}), Args: []ast.Expr{single(object), single(key), value}})
	return at(s, &ast.FuncCallStmt{Expr: call})
}

// several works out tables, keys and values into locals, and then assigns them.
func (g *guard) several(s *ast.AssignStmt) ast.Stmt {
	block := &ast.DoBlockStmt{}
	targets := at(s, &ast.LocalAssignStmt{})
	values := at(s, &ast.LocalAssignStmt{Exprs: s.Rhs})
	var then []ast.Stmt
	hidden := func(list *ast.LocalAssignStmt) ast.Expr {
		g.blocks++
		name := fmt.Sprintf("%s%d", nameValue, g.blocks)
		list.Names = append(list.Names, name)
		return at(s, &ast.IdentExpr{Value: name})
	}
	for _, to := range s.Lhs {
		value := hidden(values)
		a, is := to.(*ast.AttrGetExpr)
		if !is {
			then = append(then, at(s, &ast.AssignStmt{Lhs: []ast.Expr{to}, Rhs: []ast.Expr{value}}))
			continue
		}
		object, key := hidden(targets), hidden(targets)
		targets.Exprs = append(targets.Exprs, single(a.Object), single(a.Key))
		then = append(then, set(s, object, key, value))
	}
	block.Stmts = append([]ast.Stmt{targets, values}, then...)
	return at(s, block)
}

// at puts a new part of a program where another is.
func at[T ast.PositionHolder](where ast.PositionHolder, part T) T {
	part.SetLine(where.Line())
	part.SetLastLine(max(where.LastLine(), where.Line()))
	return part
}

// guards returns the functions that the rewritten operators call, in the order of the chunk's locals.
func (m *machine) guards() []lua.LValue {
	return []lua.LValue{m.L.NewFunction(m.concat), m.L.NewFunction(m.set), m.L.NewFunction(m.key)}
}

// concat implements a .. b .. c, from the right.
func (m *machine) concat(L *lua.LState) int {
	n := L.GetTop()
	whole := 0
	for i := 1; i <= n; i++ {
		if !lua.LVCanConvToString(L.Get(i)) {
			return m.concatMeta(L, n)
		}
		whole += length(L.Get(i))
	}
	m.budget.spend(L, whole)
	m.scratch = m.scratch[:0]
	for i := 1; i <= n; i++ {
		m.scratch = append(m.scratch, lua.LVAsString(L.Get(i))...)
	}
	L.Push(lua.LString(m.scratch))
	if cap(m.scratch) > 4<<10 {
		m.scratch = nil
	}
	return 1
}

// concatMeta is concat where some operand may have a metamethod.
func (m *machine) concatMeta(L *lua.LState, n int) int {
	right := L.Get(n)
	for i := n - 1; i >= 1; i-- {
		left := L.Get(i)
		if lua.LVCanConvToString(left) && lua.LVCanConvToString(right) {
			m.budget.spend(L, length(left)+length(right))
			right = lua.LString(lua.LVAsString(left) + lua.LVAsString(right))
			continue
		}
		f := L.GetMetaField(left, "__concat")
		if f == lua.LNil {
			f = L.GetMetaField(right, "__concat")
		}
		if f == lua.LNil {
			wrong := left
			if lua.LVCanConvToString(left) {
				wrong = right
			}
			L.RaiseError("attempt to concatenate a %s value", wrong.Type())
		}
		L.Push(f)
		L.Push(left)
		L.Push(right)
		L.Call(2, 1)
		right = L.Get(-1)
		L.Pop(1)
	}
	L.Push(right)
	return 1
}

// length returns how many octets a string or number has as a string, at most.
func length(v lua.LValue) int {
	if s, ok := v.(lua.LString); ok {
		return len(s)
	}
	const number = 32
	return number
}

// element is about what an element of a table takes.
const element = 64

// set implements t[k] = v.
func (m *machine) set(L *lua.LState) int {
	t, key, value := L.Get(1), L.Get(2), L.Get(3)
	m.budget.spend(L, element+m.gap(t, key))
	L.SetTable(t, key, value)
	return 0
}

// key implements the key of a constructor: {[k] = v}.
func (m *machine) key(L *lua.LState) int {
	m.budget.spend(L, element+m.gap(nil, L.Get(1)))
	L.SetTop(1)
	return 1
}

// gap returns how many octets an array gets when an element far behind its end is set: it is filled up to there.
func (m *machine) gap(t, key lua.LValue) int {
	n, ok := key.(lua.LNumber)
	if !ok || n < 1 || n >= lua.LNumber(lua.MaxArrayIndex) {
		return 0
	}
	const perElement = 24 // an interface, and what growing it takes
	if array, ok := t.(*lua.LTable); ok && array.Metatable == lua.LNil {
		if n <= nearest {
			return 0
		}
		return max(int(n)-array.MaxN()-1, 0) * perElement
	}
	return int(n) * perElement
}
