package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// machine is a virtual machine in which a policy runs, with nothing in reach but what is put there. One
// goroutine uses it.
type machine struct {
	L        *lua.LState
	budget   *budget
	program  *Program
	host     *Host
	o        *Options
	record   record
	hooks    map[string]*lua.LFunction
	scratch  []byte
	networks map[string]netip.Prefix
	walked   int64 // budget.used when what the machine keeps was last measured
}

// Sizes of the stacks of a machine. What is deeper is an error.
const (
	callStack = 200     // calls in each other
	registers = 1 << 10 // to begin with
	mostOf    = 1 << 16
)

// boot makes a machine and runs the program in it, which defines the functions that are called for records.
func (p *Program) boot(o *Options, h *Host) (*machine, error) {
	m := &machine{
		program: p, host: h, o: o, budget: &budget{}, hooks: map[string]*lua.LFunction{},
		networks: map[string]netip.Prefix{},
		L: lua.NewState(lua.Options{
			CallStackSize: callStack, RegistrySize: registers, RegistryMaxSize: mostOf, SkipOpenLibs: true,
		}),
	}
	m.L.SetContext(m.budget)
	m.budget.begin(int64(o.Instructions), o.Memory)
	m.open()
	m.record.open(m)
	m.L.Push(m.L.NewFunctionFromProto(p.proto))
	args := m.guards()
	for _, f := range args {
		m.L.Push(f)
	}
	if err := m.call(len(args), 0); err != nil {
		return nil, err
	}
	for _, name := range hookNames() {
		switch f := m.L.G.Global.RawGetString(name).(type) {
		case *lua.LFunction:
			m.hooks[name] = f
		case *lua.LNilType:
		default:
			return nil, fmt.Errorf("%s: %s is a %s; define it as a function", p.name, name, f.Type())
		}
	}
	if len(m.hooks) == 0 {
		return nil, fmt.Errorf("%s: it defines none of the functions that are called for records; "+
			"define on_flow(f) or on_event(e)", p.name)
	}
	return m, nil
}

// call calls what was pushed, within the budget that was begun. The error is one line, with file and line if they are
// known.
func (m *machine) call(args, results int) error {
	err := m.L.PCall(args, results, nil)
	if err == nil && m.budget.why == nil {
		return nil
	}
	text := "it failed"
	var e *lua.ApiError
	if errors.As(err, &e) {
		switch o := e.Object.(type) {
		case lua.LString:
			text = string(o)
		case nil:
			text = err.Error()
		default:
			text = "the error is a " + o.Type().String()
		}
	}
	text = oneLine(text)
	if m.budget.why != nil {
		return &runaway{at: place(text), why: m.budget.why}
	}
	return errors.New(text)
}

// runaway is a call that used up what it may use.
type runaway struct {
	at  string
	why error
}

func (r *runaway) Error() string {
	if r.at == "" {
		return r.why.Error()
	}
	return r.at + " " + r.why.Error()
}

func (r *runaway) Unwrap() error { return r.why }

// place returns what an error begins with if that is a file and a line.
func place(text string) string {
	at, _, found := strings.Cut(text, ": ")
	if colon := strings.LastIndexByte(at, ':'); found && colon > 0 && strings.Trim(at[colon+1:], "0123456789") == "" {
		return at + ":"
	}
	return ""
}

// oneLine makes one line of bounded length of a text.
func oneLine(text string) string {
	const most = 500
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "?")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// crowded reports whether what the machine keeps is more than it may. That is measured when as much has been
// allocated since the last time, so it costs little.
func (m *machine) crowded() bool {
	if m.budget.used-m.walked < m.o.Memory {
		return false
	}
	m.walked = m.budget.used
	return m.kept(m.o.Memory) > m.o.Memory
}

// kept returns about how many octets can be reached from the globals, and stops counting above a limit.
func (m *machine) kept(limit int64) (octets int64) {
	const table, function, entry, word = 200, 120, 64, 16
	seen := map[any]bool{}
	var queue []lua.LValue
	add := func(v lua.LValue) {
		switch v := v.(type) {
		case lua.LString:
			octets += word + int64(len(v))
		case *lua.LTable, *lua.LFunction:
			if !seen[v] {
				seen[v] = true
				queue = append(queue, v)
			}
		default:
			octets += word
		}
	}
	add(m.L.G.Global)
	for _, f := range m.hooks {
		add(f)
	}
	add(m.L.GetMetatable(lua.LString("")))
	for len(queue) > 0 && octets <= limit {
		v := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		switch v := v.(type) {
		case *lua.LTable:
			octets += table
			v.ForEach(func(key, value lua.LValue) {
				octets += entry
				add(key)
				add(value)
			})
			add(v.Metatable)
		case *lua.LFunction:
			octets += function
			for _, up := range v.Upvalues {
				if up != nil {
					add(up.Value())
				}
			}
		}
	}
	return octets
}
