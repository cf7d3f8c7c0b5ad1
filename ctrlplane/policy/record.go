package policy

import (
	"fmt"
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// record is what a policy sees of a record: a value whose fields are looked up when they are asked for. There
// is one for all records, which lends the one in hand.
type record struct {
	m         *machine
	value     *lua.LUserData
	kind      egress.Kind
	view      *flow.View // nil between calls
	attrs     *flow.Attrs
	decision  Decision
	accessors map[string]accessor
	methods   map[string]*lua.LFunction
	text      []byte
	changed   bool   // something was said of the record
	before    []byte // its attributes as they were, then
}

// accessor pushes the value of a field, nil if the record has none.
type accessor func(L *lua.LState)

// methods are what can be called of a record.
func (r *record) functions() map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"drop": r.drop, "tag": r.tag, "set": r.assign, "route": r.route, "alert": r.alert, "text": r.written,
	}
}

// Methods returns the names of what can be called of a record.
func methodNames() []string { return []string{"alert", "drop", "route", "set", "tag", "text"} }

// open makes the value that stands for records.
func (r *record) open(m *machine) {
	L := m.L
	r.m, r.accessors, r.methods = m, map[string]accessor{}, map[string]*lua.LFunction{}
	for name, f := range r.functions() {
		r.methods[name] = L.NewFunction(func(L *lua.LState) int {
			r.lent(L)
			if L.Get(1) != r.value {
				L.RaiseError("%s is a method of records; write it with a colon, as in f:%s()", name, name)
			}
			return f(L)
		})
	}
	r.value = r.proxy(r.index, r.newIndex, r.next)
	for _, p := range protocols {
		L.SetGlobal(p.table, r.proxy(r.legacy(p), nil, r.legacyNext(p)))
	}
	L.SetGlobal("pairs", L.NewFunction(func(L *lua.LState) int {
		if u, ok := L.Get(1).(*lua.LUserData); ok {
			L.Push(u.Value.(*lua.LFunction))
			L.Push(u)
			L.Push(lua.LNil)
			return 3
		}
		t := L.CheckTable(1)
		L.Push(L.GetGlobal("next"))
		L.Push(t)
		L.Push(lua.LNil)
		return 3
	}))
}

// proxy makes a value whose fields are functions.
func (r *record) proxy(index, newIndex, next lua.LGFunction) *lua.LUserData {
	L := r.m.L
	u, meta := L.NewUserData(), L.NewTable()
	meta.RawSetString("__index", L.NewFunction(index))
	if newIndex != nil {
		meta.RawSetString("__newindex", L.NewFunction(newIndex))
	}
	meta.RawSetString("__tostring", L.NewFunction(r.describe))
	meta.RawSetString("__metatable", lua.LString("protected"))
	u.Metatable, u.Value = meta, L.NewFunction(next)
	return u
}

// lend has the policy see a record until it is taken back.
func (r *record) lend(kind egress.Kind, v *flow.View, a *flow.Attrs) {
	r.kind, r.view, r.attrs = kind, v, a
	r.decision, r.changed = Decision{}, false
}

// restore takes back what was said of the record.
func (r *record) restore() {
	if r.changed {
		r.attrs.Load(r.before)
		r.view.Attrs = r.attrs.All()
	}
}

func (r *record) back() { r.view, r.attrs = nil, nil }

// lent fails unless a record is in hand.
func (r *record) lent(L *lua.LState) {
	if r.view == nil {
		L.RaiseError("a record is only there during the call that it is given to; keep its fields instead")
	}
}

// index implements f.NAME.
func (r *record) index(L *lua.LState) int {
	r.lent(L)
	key, ok := L.Get(2).(lua.LString)
	if !ok {
		L.RaiseError("fields have names, but this is a %s", L.Get(2).Type())
	}
	if get := r.accessors[string(key)]; get != nil {
		get(L)
		return 1
	}
	if f := r.methods[string(key)]; f != nil {
		L.Push(f)
		return 1
	}
	r.access(r.field(L, string(key)), string(key))(L)
	return 1
}

// field returns the field of a name, or fails.
func (r *record) field(L *lua.LState, name string) *flow.Field {
	f := r.m.program.schema.Named(name)
	if f == nil {
		L.RaiseError("%s", unknownField(r.m.program.schema, name))
	}
	return f
}

func unknownField(schema *flow.Schema, name string) string {
	text := fmt.Sprintf("field %s is unknown", oneLine(name))
	if near := schema.Nearest(name); len(near) > 0 {
		return text + "; nearest are " + strings.Join(near, ", ")
	}
	return text + `; "weir fields" lists all fields`
}

// access returns what gets a field, and remembers it under the field's own names.
func (r *record) access(f *flow.Field, name string) accessor {
	get := r.accessor(f)
	if name == f.Name || name == f.Label {
		r.accessors[name] = get
	}
	return get
}

func (r *record) accessor(f *flow.Field) accessor {
	switch f.Type {
	case flow.String:
		return func(L *lua.LState) {
			x, ok := r.view.Value(f)
			if !ok {
				L.Push(lua.LNil)
				return
			}
			L.Push(lua.LString(x.B))
		}
	case flow.IPv4Address, flow.IPv6Address, flow.MACAddress, flow.OctetArray, flow.ApplicationID:
		return func(L *lua.LState) {
			x, ok := r.view.Value(f)
			if !ok {
				L.Push(lua.LNil)
				return
			}
			r.text = f.Text(r.text[:0], x)
			L.Push(lua.LString(r.text))
		}
	}
	amount := condition.Number(f)
	return func(L *lua.LState) {
		x, ok := amount(r.view)
		if !ok {
			L.Push(lua.LNil)
			return
		}
		L.Push(lua.LNumber(x))
	}
}

// next implements pairs(f): the fields that the record has.
func (r *record) next(L *lua.LState) int {
	r.lent(L)
	fields, i := r.m.program.schema.Fields, 0
	if key, ok := L.Get(2).(lua.LString); ok {
		f := r.m.program.schema.Named(string(key))
		if f == nil {
			L.RaiseError("%s is no field", oneLine(string(key)))
		}
		i = int(f.Number())
	}
	for ; i < len(fields); i++ {
		r.m.budget.work(L, 1)
		if _, ok := r.view.Value(fields[i]); ok {
			L.Push(lua.LString(fields[i].Key()))
			r.access(fields[i], fields[i].Key())(L)
			return 2
		}
	}
	L.Push(lua.LNil)
	return 1
}

// describe implements tostring(f).
func (r *record) describe(L *lua.LState) int {
	if r.view == nil {
		L.Push(lua.LString("record"))
		return 1
	}
	L.Push(lua.LString(Describe(r.kind, r.view)))
	return 1
}

// Describe returns what a record is about, for people.
func Describe(kind egress.Kind, v *flow.View) string {
	from, to := Endpoints(v)
	return fmt.Sprintf("%s %s -> %s", kind.Name(), from, to)
}

// Endpoints returns client and server of a record, for people.
func Endpoints(v *flow.View) (from, to string) {
	return endpoint(v, v.Src, v.SrcPort), endpoint(v, v.Dst, v.DstPort)
}

func endpoint(v *flow.View, addr [16]byte, port uint16) string {
	return netip.AddrPortFrom(address(v, addr), port).String()
}

func address(v *flow.View, addr [16]byte) netip.Addr {
	if v.Version == 4 {
		return netip.AddrFrom4([4]byte(addr[12:]))
	}
	return netip.AddrFrom16(addr)
}
