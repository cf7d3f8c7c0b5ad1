package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/time/rate"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/export/sink"
)

// Host is what policies have in common, one after the other: what they remember, the programs that they may
// run, and what was counted. The goroutine of the egress uses it.
type Host struct {
	Offline bool                // time is that of the records, as for captures
	Tell    func(err error)     // told what went wrong; nil is nobody
	Print   func(text string)   // gets what policies print; nil is nobody
	Run     func(argv []string) // runs programs in place of the host; nil is the host

	used     bool
	state    *State
	latest   uint64           // end of the last record, nanoseconds since the Unix epoch
	commands []*sink.Commands // the last is in use
	equipped Options          // for it
	starts   *rate.Limiter
	lines    *rate.Limiter
	account  egress.Judged
	counts   [counters]uint64
}

// Printed lines in a second; a few more at a time.
const (
	lineRate  = 10
	lineBurst = 100
)

// NewHost returns a host of nothing yet.
func NewHost() *Host {
	return &Host{
		state: newState(), lines: rate.NewLimiter(lineRate, lineBurst),
		account: egress.Judged{Dropped: map[string]uint64{}},
	}
}

// equip has the host allow what the options say. Programs of earlier options run to their end.
func (h *Host) equip(o *Options) {
	h.used = true
	h.state.limit(o.StateEntries, o.StateMemory)
	h.starts = rate.NewLimiter(rate.Limit(o.CommandRate), o.CommandRate)
	next := sink.CommandOptions{Allowed: o.Commands, Limit: o.CommandLimit, Timeout: o.CommandTimeout, Failed: h.tell}
	if h.Run != nil || len(h.commands) > 0 && h.same(o) || len(h.commands) == 0 && len(o.Commands) == 0 {
		return
	}
	if n := len(h.commands); n > 0 {
		go func(old *sink.Commands) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_ = old.Close(ctx) // what it dropped is counted
		}(h.commands[n-1])
	}
	h.equipped = *o
	h.commands = append(h.commands, sink.NewCommands(next))
}

// same reports whether programs may run as before.
func (h *Host) same(o *Options) bool {
	was := &h.equipped
	return slices.Equal(was.Commands, o.Commands) && was.CommandLimit == o.CommandLimit &&
		was.CommandTimeout == o.CommandTimeout
}

// Close waits for programs until ctx ends.
func (h *Host) Close(ctx context.Context) (err error) {
	for _, c := range h.commands {
		err = errors.Join(err, c.Close(ctx))
	}
	return err
}

func (h *Host) tell(err error) {
	if h.Tell != nil {
		h.Tell(fmt.Errorf("policy: %w", err))
	}
}

// now returns the time, in nanoseconds since the Unix epoch.
func (h *Host) now() uint64 {
	if h.Offline {
		return h.latest
	}
	return uint64(time.Now().UnixNano())
}

// now implements now(): seconds since the Unix epoch.
func (m *machine) now(L *lua.LState) int {
	L.Push(lua.LNumber(float64(m.host.now()/1e3) / 1e6))
	return 1
}

// print implements print(…), which goes to the log.
func (m *machine) print(L *lua.LState) int {
	var parts []string
	for i := 1; i <= L.GetTop(); i++ {
		s := lua.LVAsString(L.ToStringMeta(L.Get(i)))
		m.budget.spend(L, len(s))
		parts = append(parts, s)
	}
	h := m.host
	if h.Print == nil {
		return 0
	}
	if !h.lines.Allow() {
		h.counts[Unprinted]++
		return 0
	}
	h.Print(oneLine(strings.Join(parts, " ")))
	return 0
}

// Bounds of a command.
const (
	mostArguments    = 64
	longestArguments = 8 << 10 // octets together
)

// run implements run(program, argument, …). It does not wait for the program.
func (m *machine) run(L *lua.LState) int {
	n := L.GetTop()
	program := L.CheckString(1)
	if !slices.Contains(m.o.Commands, program) {
		L.RaiseError("%s", notAllowed(program).Error())
	}
	if n > mostArguments+1 {
		L.RaiseError("a program gets %d arguments at most", mostArguments)
	}
	argv, octets := make([]string, n), 0
	for i := range argv {
		switch v := L.Get(i + 1).(type) {
		case lua.LString, lua.LNumber:
			argv[i] = lua.LVAsString(v)
		case lua.LBool:
			argv[i] = strconv.FormatBool(bool(v))
		default:
			L.ArgError(i+1, "an argument is a string, a number, true or false")
		}
		octets += len(argv[i])
		if strings.ContainsRune(argv[i], 0) || octets > longestArguments {
			L.ArgError(i+1, fmt.Sprintf("arguments have no octets 0, and %d octets at most together", longestArguments))
		}
	}
	m.budget.spend(L, octets)
	d := &m.record.decision
	if m.record.view == nil {
		L.RaiseError("programs run for records only")
	}
	if len(d.Commands) == mostCommands {
		L.RaiseError("more than %d programs are to run in one call", mostCommands)
	}
	d.Commands = append(d.Commands, argv)
	return 0
}

// start starts a program, unless too many were started lately.
func (h *Host) start(argv []string) {
	if h.Run != nil {
		h.Run(argv)
		return
	}
	if len(h.commands) == 0 || !h.starts.Allow() {
		h.counts[CommandsLimited]++
		return
	}
	h.counts[Commands]++
	h.commands[len(h.commands)-1].Start(argv)
}

// inNetwork implements in_network(address, network, …).
func (m *machine) inNetwork(L *lua.LState) int {
	text, ok := L.Get(1).(lua.LString)
	if !ok { // absent
		L.Push(lua.LFalse)
		return 1
	}
	a, err := netip.ParseAddr(string(text))
	if err != nil {
		L.ArgError(1, "it is no IP address")
	}
	for i := 2; i <= max(L.GetTop(), 2); i++ {
		p, err := m.network(L.CheckString(i))
		if err != nil {
			L.ArgError(i, err.Error())
		}
		if p.Contains(a) {
			L.Push(lua.LTrue)
			return 1
		}
	}
	L.Push(lua.LFalse)
	return 1
}

// network reads a network, and remembers some that it has read.
func (m *machine) network(text string) (netip.Prefix, error) {
	const most = 256
	if p, ok := m.networks[text]; ok {
		return p, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, errors.New(`it is no network; write it like "10.0.0.0/8"`)
	}
	if len(m.networks) < most {
		m.networks[strings.Clone(text)] = p.Masked()
	}
	return p.Masked(), nil
}
