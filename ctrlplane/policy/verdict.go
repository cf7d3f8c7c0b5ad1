package policy

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/weir-probe/weir/dataplane/flow"
)

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
