package policy

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
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

// Decision is what a policy wants done with a record.
type Decision struct {
	Drop     bool
	Reason   string
	Route    []string // names of exporters; nil is all
	Tags     []string
	Sets     []Set
	Alerts   []Alert
	Commands [][]string
	Err      error // what went wrong, so that the default holds
}

// Set is a field that a policy gave a value, nil if it took it away.
type Set struct {
	Field *flow.Field
	Value any
}

// Alert is what a policy raised.
type Alert struct {
	Name     string `json:"name"`
	Message  string `json:"message"`
	Severity uint8  `json:"severity"` // of RFC 5424
}

// Bounds of what a policy may say in one call.
const (
	mostAlerts   = 8
	mostCommands = 8
	mostSets     = 64
	longestText  = 255 // what an attribute holds
	longestWord  = 64
)

// severities are those of RFC 5424 by their number.
var severities = []string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}

const usualSeverity = 4

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

// word returns an argument that has to be a short text.
func (r *record) word(L *lua.LState, i int, what string) string {
	s := L.CheckString(i)
	if s == "" || len(s) > longestWord || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0xfffd || c == 0x7f }) {
		L.ArgError(i, fmt.Sprintf("%s is a text of 1 to %d octets without control characters", what, longestWord))
	}
	return s
}

// drop implements f:drop(reason).
func (r *record) drop(L *lua.LState) int {
	r.decision.Drop, r.decision.Reason = true, usualReason
	if L.GetTop() > 1 {
		r.decision.Reason = r.word(L, 2, "a reason")
	}
	return 0
}

// usualReason is that of records that are dropped without saying why.
const usualReason = "policy"

// tag implements f:tag(tag, …).
func (r *record) tag(L *lua.LState) int {
	for i := 2; i <= max(L.GetTop(), 2); i++ {
		tag := r.word(L, i, "a tag")
		if strings.ContainsAny(tag, ", ") {
			L.ArgError(i, "a tag has no commas and no spaces")
		}
		r.addTag(L, tag)
	}
	return 0
}

func (r *record) addTag(L *lua.LState, tag string) {
	all := tag
	if x, ok := r.view.Value(flow.PolicyTags); ok && len(x.B) > 0 {
		if slices.Contains(strings.Split(string(x.B), ","), tag) {
			return
		}
		all = string(x.B) + "," + tag
	}
	if len(all) > longestText {
		L.RaiseError("the tags of the record are longer than %d octets together", longestText)
	}
	r.decision.Tags = append(r.decision.Tags, tag)
	r.say(L, flow.PolicyTags, func() { r.attrs.Text(flow.PolicyTags, all) })
}

// say replaces what is said of a field.
func (r *record) say(L *lua.LState, f *flow.Field, how func()) {
	if !r.changed {
		r.changed, r.before = true, append(r.before[:0], r.attrs.All()...)
	}
	r.attrs.Remove(f)
	before := r.attrs.Dropped
	how()
	r.view.Attrs = r.attrs.All()
	if r.attrs.Dropped > before {
		L.RaiseError("the record has no room for %s", f.Key())
	}
}

// newIndex implements f.NAME = value.
func (r *record) newIndex(L *lua.LState) int {
	r.lent(L)
	return r.assign(L)
}

// assign implements f:set(name, value).
func (r *record) assign(L *lua.LState) int {
	f := r.field(L, L.CheckString(2))
	if !f.Attribute() {
		L.RaiseError("%s is measured, and cannot be set; set POLICY_NOTE or another field that is found, not measured", f.Key())
	}
	if len(r.decision.Sets) == mostSets {
		L.RaiseError("more than %d fields are set in one call", mostSets)
	}
	switch value := L.Get(3).(type) {
	case *lua.LNilType:
		r.say(L, f, func() {})
		r.decision.Sets = append(r.decision.Sets, Set{f, nil})
	case lua.LString:
		r.assignText(L, f, string(value))
	case lua.LNumber:
		r.assignNumber(L, f, float64(value))
	default:
		L.RaiseError("a field is given a string, a number or nil")
	}
	return 0
}

func (r *record) assignText(L *lua.LState, f *flow.Field, s string) {
	octets := []byte(s)
	switch f.Type {
	case flow.String:
	case flow.IPv4Address, flow.IPv6Address:
		a, err := netip.ParseAddr(s)
		if octets = a.AsSlice(); err != nil || len(octets) != f.Type.Size() || a.Zone() != "" {
			L.RaiseError("%s is an address of %d octets", f.Key(), f.Type.Size())
		}
	default:
		L.RaiseError("%s is no text: its type is %s", f.Key(), f.Type)
	}
	if len(octets) > longestText {
		octets = []byte(strings.ToValidUTF8(string(octets[:longestText]), ""))
	}
	r.say(L, f, func() { r.attrs.Bytes(f, octets) })
	r.decision.Sets = append(r.decision.Sets, Set{f, string(f.Text(nil, flow.Value{B: octets}))})
}

func (r *record) assignNumber(L *lua.LState, f *flow.Field, x float64) {
	largest := map[flow.Type]float64{flow.Unsigned8: math.MaxUint8, flow.Unsigned16: math.MaxUint16,
		flow.Unsigned32: math.MaxUint32, flow.Unsigned64: 1 << 53}[f.Type]
	if largest == 0 {
		L.RaiseError("%s is no number that can be set: its type is %s", f.Key(), f.Type)
	}
	units := x * float64(max(f.Scale, 1))
	if !(units >= 0 && units <= largest*float64(max(f.Scale, 1))) || f.Scale <= 1 && x != math.Trunc(x) {
		L.RaiseError("%s is a number from 0 to %.0f", f.Key(), largest)
	}
	r.say(L, f, func() { r.attrs.Uint(f, uint64(math.Round(units))) })
	r.decision.Sets = append(r.decision.Sets, Set{f, x})
}

// route implements f:route(exporter, …).
func (r *record) route(L *lua.LState) int {
	for i := 2; i <= max(L.GetTop(), 2); i++ {
		name := L.CheckString(i)
		if err := r.m.program.exporter(name); err != nil {
			L.RaiseError("%s", err.Error())
		}
		if !slices.Contains(r.decision.Route, name) {
			r.decision.Route = append(r.decision.Route, name)
		}
	}
	return 0
}

// alert implements f:alert(message) and f:alert{name = …, message = …, severity = …}.
func (r *record) alert(L *lua.LState) int {
	if len(r.decision.Alerts) == mostAlerts {
		L.RaiseError("more than %d alerts are raised in one call", mostAlerts)
	}
	a := Alert{Name: usualReason, Severity: usualSeverity}
	switch what := L.Get(2).(type) {
	case lua.LString:
		a.Message = string(what)
		if L.GetTop() > 2 {
			a.Severity = severity(L, L.Get(3))
		}
	case *lua.LTable:
		what.ForEach(func(key, value lua.LValue) {
			switch key.String() {
			case "name":
				a.Name = lua.LVAsString(value)
			case "message":
				a.Message = lua.LVAsString(value)
			case "severity":
				a.Severity = severity(L, value)
			default:
				L.ArgError(2, fmt.Sprintf("an alert has name, message and severity, but no %s", oneLine(key.String())))
			}
		})
	default:
		L.ArgError(2, "an alert is a message, or a table with name, message and severity")
	}
	if a.Message == "" || a.Name == "" {
		L.ArgError(2, "an alert has a message, and a name that is not empty")
	}
	a.Name, a.Message = cut(a.Name, longestWord), cut(a.Message, longestText)
	r.decision.Alerts = append(r.decision.Alerts, a)
	return 0
}

func severity(L *lua.LState, v lua.LValue) uint8 {
	if i := slices.Index(severities, lua.LVAsString(v)); i >= 0 {
		return uint8(i)
	}
	n, ok := v.(lua.LNumber)
	if !ok || n < 0 || n > 7 || n != lua.LNumber(math.Trunc(float64(n))) {
		L.RaiseError("a severity is 0 to 7 or one of %s", strings.Join(severities, ", "))
	}
	return uint8(n)
}

func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// written implements f:text(name): a field as text formats write it, with all digits.
func (r *record) written(L *lua.LState) int {
	f := r.field(L, L.CheckString(2))
	x, ok := r.view.Value(f)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	r.text = f.Text(r.text[:0], x)
	L.Push(lua.LString(r.text))
	return 1
}
