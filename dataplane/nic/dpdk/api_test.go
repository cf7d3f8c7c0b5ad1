package dpdk

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strings"
	"testing"
)

// A program that builds with DPDK builds without it.
func TestBothBuildsHaveTheSameFunctions(t *testing.T) {
	with, without := functions(t, true), functions(t, false)
	if len(with) < 20 {
		t.Fatal("not all functions were found:", with)
	}
	for _, f := range with {
		// Replay embeds Port, so it has more methods than are written down.
		if !slices.Contains(without, f) {
			t.Errorf("without DPDK there is no %s", f)
		}
	}
	for _, f := range without {
		if !slices.Contains(with, f) {
			t.Errorf("with DPDK there is no %s", f)
		}
	}
}

// functions returns the exported functions and methods of a build, with their types.
func functions(t *testing.T, dpdk bool) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !built(f, dpdk) {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.IsExported() {
				receiver := ""
				if fn.Recv != nil {
					receiver = types.ExprString(fn.Recv.List[0].Type) + "."
				}
				all = append(all, receiver+fn.Name.Name+strings.TrimPrefix(types.ExprString(fn.Type), "func"))
			}
		}
	}
	slices.Sort(all)
	return all
}

func built(f *ast.File, dpdk bool) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if x, err := constraint.Parse(c.Text); err == nil {
				return x.Eval(func(tag string) bool { return tag == "cgo" && dpdk || tag == "nodpdk" && !dpdk })
			}
		}
	}
	return true
}
