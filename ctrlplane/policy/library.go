package policy

import (
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// basics are the functions of Lua's base library that a policy has; it has no others, as load and dofile.
var basics = []string{
	"_G", "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
	"select", "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall",
}

// open puts into a machine what a policy has.
func (m *machine) open() {
	L := m.L
	for _, open := range []lua.LGFunction{lua.OpenBase, lua.OpenMath} {
		L.Push(L.NewFunction(open))
		L.Call(0, 0)
	}
	global := L.G.Global
	keep(global, append(basics, "math")...)
	mathematics := global.RawGetString("math").(*lua.LTable)
	mathematics.RawSetString("randomseed", lua.LNil) // it is the seed of the whole process
	for name, f := range map[string]lua.LGFunction{
		"rawset": m.rawSet, "print": m.print, "log": m.print, "now": m.now, "run": m.run, "in_network": m.inNetwork,
		"select": m.pick, "unpack": m.unpack,
	} {
		global.RawSetString(name, L.NewFunction(f))
	}
	global.RawSetString("io", m.module(map[string]lua.LGFunction{"write": m.print}))
	global.RawSetString("table", m.tables())
	global.RawSetString("state", m.module(map[string]lua.LGFunction{
		"get": m.stateGet, "set": m.stateSet, "incr": m.stateIncr, "delete": m.stateDelete,
	}))
	texts := m.module(m.strings())
	global.RawSetString("string", texts)
	meta := L.NewTable()
	meta.RawSetString("__index", texts)
	meta.RawSetString("__metatable", lua.LString("protected"))
	L.SetMetatable(lua.LString(""), meta)
}

// keep removes all members of a table but some.
func keep(t *lua.LTable, names ...string) {
	var gone []string
	t.ForEach(func(key, _ lua.LValue) {
		if !slices.Contains(names, key.String()) {
			gone = append(gone, key.String())
		}
	})
	for _, name := range gone {
		t.RawSetString(name, lua.LNil)
	}
}

func (m *machine) module(functions map[string]lua.LGFunction) *lua.LTable {
	t := m.L.NewTable()
	for name, f := range functions {
		t.RawSetString(name, m.L.NewFunction(f))
	}
	return t
}

func (m *machine) rawSet(L *lua.LState) int {
	t, key := L.CheckTable(1), L.CheckAny(2)
	m.budget.spend(L, element+max(m.gap(t, key), m.gap(nil, key)*boolean(t.Metatable != lua.LNil)))
	L.RawSet(t, key, L.CheckAny(3))
	L.SetTop(1)
	return 1
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pick implements select, whose cost is that of its arguments.
func (m *machine) pick(L *lua.LState) int {
	n := L.GetTop() - 1
	m.budget.work(L, n/16)
	if s, ok := L.Get(1).(lua.LString); ok && s == "#" {
		L.Push(lua.LNumber(n))
		return 1
	}
	i := L.CheckInt(1)
	if i < 0 {
		i += n + 1
	}
	if i < 1 {
		L.ArgError(1, "index out of range")
	}
	return max(n-i+1, 0)
}

func (m *machine) unpack(L *lua.LState) int {
	t := L.CheckTable(1)
	first, last := L.OptInt(2, 1), 0
	if L.Get(3) == lua.LNil {
		last = t.Len()
	} else {
		last = L.CheckInt(3)
	}
	if first > last {
		return 0
	}
	if last-first >= mostOf/2 || last-first < 0 {
		L.RaiseError("too many results to unpack")
	}
	m.budget.work(L, (last-first)/16)
	for i := first; i <= last; i++ {
		L.Push(t.RawGetInt(i))
	}
	return last - first + 1
}

// tables returns the library table. Its functions account for elements that they go through.
func (m *machine) tables() *lua.LTable {
	L := m.L
	L.Push(L.NewFunction(lua.OpenTable))
	L.Call(0, 1)
	library := L.Get(-1).(*lua.LTable)
	L.Pop(1)
	L.G.Global.RawSetString("table", lua.LNil)
	keep(library, "remove", "sort", "maxn", "getn")
	library.ForEach(func(name, f lua.LValue) {
		inner, sorts := f.(*lua.LFunction).GFunction, name.String() == "sort"
		library.RawSetString(name.String(), L.NewFunction(func(L *lua.LState) int {
			n := L.CheckTable(1).MaxN()
			if sorts {
				n *= int(math.Log2(float64(n + 1)))
			}
			m.budget.work(L, n/16)
			return inner(L)
		}))
	})
	library.RawSetString("insert", L.NewFunction(m.insert))
	library.RawSetString("concat", L.NewFunction(m.join))
	library.RawSetString("unpack", L.NewFunction(m.unpack))
	return library
}

func (m *machine) insert(L *lua.LState) int {
	t := L.CheckTable(1)
	m.budget.spend(L, element)
	if L.GetTop() == 2 {
		t.Append(L.Get(2))
		return 0
	}
	if L.GetTop() != 3 {
		L.RaiseError("wrong number of arguments to insert")
	}
	at, n := L.CheckInt(2), t.Len()
	if at < 1 || at > n+1 {
		L.ArgError(2, "position out of range")
	}
	m.budget.work(L, (n-at)/64)
	t.Insert(at, L.Get(3))
	return 0
}

func (m *machine) join(L *lua.LState) int {
	t, between := L.CheckTable(1), L.OptString(2, "")
	first, last := L.OptInt(3, 1), L.OptInt(4, t.Len())
	var b strings.Builder
	for i := first; i <= last; i++ {
		v := t.RawGetInt(i)
		if !lua.LVCanConvToString(v) {
			L.RaiseError("invalid value (%s) at index %d in table for concat", v.Type(), i)
		}
		m.budget.work(L, 1)
		m.budget.spend(L, length(v)+len(between))
		b.WriteString(lua.LVAsString(v))
		if i < last {
			b.WriteString(between)
		}
	}
	L.Push(lua.LString(b.String()))
	return 1
}
