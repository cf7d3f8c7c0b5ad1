package policy

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"
)

// uses finds where a name is used, and whether another variable of the name hides it somewhere.
type uses struct {
	name   string
	all    []*ast.IdentExpr
	hidden bool
	depth  int
}

func (u *uses) declare(names ...string) {
	if slices.Contains(names, u.name) {
		u.hidden = true
	}
}

func (u *uses) stmts(all []ast.Stmt) {
	if u.depth++; u.depth > deepest {
		return // which is refused elsewhere
	}
	defer func() { u.depth-- }()
	for _, s := range all {
		u.stmt(s)
	}
}

func (u *uses) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		for _, to := range s.Lhs {
			if id, ok := to.(*ast.IdentExpr); ok {
				u.declare(id.Value)
			}
		}
		u.exprs(s.Lhs...)
		u.exprs(s.Rhs...)
	case *ast.LocalAssignStmt:
		u.declare(s.Names...)
		u.exprs(s.Exprs...)
	case *ast.FuncCallStmt:
		u.exprs(s.Expr)
	case *ast.DoBlockStmt:
		u.stmts(s.Stmts)
	case *ast.WhileStmt:
		u.exprs(s.Condition)
		u.stmts(s.Stmts)
	case *ast.RepeatStmt:
		u.exprs(s.Condition)
		u.stmts(s.Stmts)
	case *ast.IfStmt:
		u.exprs(s.Condition)
		u.stmts(s.Then)
		u.stmts(s.Else)
	case *ast.NumberForStmt:
		u.declare(s.Name)
		u.exprs(s.Init, s.Limit, s.Step)
		u.stmts(s.Stmts)
	case *ast.GenericForStmt:
		u.declare(s.Names...)
		u.exprs(s.Exprs...)
		u.stmts(s.Stmts)
	case *ast.FuncDefStmt:
		if id, ok := s.Name.Func.(*ast.IdentExpr); ok {
			u.declare(id.Value)
		}
		u.exprs(s.Func)
	case *ast.ReturnStmt:
		u.exprs(s.Exprs...)
	}
}

func (u *uses) exprs(all ...ast.Expr) {
	for _, e := range all {
		u.expr(e)
	}
}

func (u *uses) expr(e ast.Expr) {
	if u.depth++; u.depth > deepest {
		u.depth--
		return
	}
	defer func() { u.depth-- }()
	switch e := e.(type) {
	case *ast.IdentExpr:
		if e.Value == u.name {
			u.all = append(u.all, e)
		}
	case *ast.AttrGetExpr:
		u.exprs(e.Object, e.Key)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			u.exprs(f.Key, f.Value)
		}
	case *ast.FuncCallExpr:
		u.exprs(e.Func, e.Receiver)
		u.exprs(e.Args...)
	case *ast.LogicalOpExpr:
		u.exprs(e.Lhs, e.Rhs)
	case *ast.RelationalOpExpr:
		u.exprs(e.Lhs, e.Rhs)
	case *ast.StringConcatOpExpr:
		u.exprs(e.Lhs, e.Rhs)
	case *ast.ArithmeticOpExpr:
		u.exprs(e.Lhs, e.Rhs)
	case *ast.UnaryMinusOpExpr:
		u.exprs(e.Expr)
	case *ast.UnaryNotOpExpr:
		u.exprs(e.Expr)
	case *ast.UnaryLenOpExpr:
		u.exprs(e.Expr)
	case *ast.FunctionExpr:
		if e.ParList != nil {
			u.declare(e.ParList.Names...)
		}
		u.stmts(e.Stmts)
	}
}
