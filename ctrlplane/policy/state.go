package policy

import (
	"container/list"
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// State is what policies remember from one record to another, and from one policy to the next: values by
// name, each for a time. When there are too many, those go that were not written for the longest. One goroutine uses it.
type State struct {
	entries map[string]*list.Element
	order   *list.List // of *entry; what was written last is in front
	octets  int64
	most    int
	memory  int64

	evicted, expired uint64
}

type entry struct {
	name  string
	value lua.LValue // a string, number or truth value
	due   uint64     // nanoseconds since the Unix epoch
}

// Bounds of an entry.
const (
	longestName  = 256
	longestValue = 4 << 10
	overhead     = 200 // octets of an entry besides name and value
)

func newState() *State { return &State{entries: map[string]*list.Element{}, order: list.New()} }

// limit sets how much is remembered.
func (s *State) limit(entries int, memory int64) {
	s.most, s.memory = entries, memory
	s.shrink()
}

func (s *State) shrink() {
	for len(s.entries) > s.most || s.octets > s.memory {
		s.remove(s.order.Back())
		s.evicted++
	}
}

func (e *entry) size() int64 { return int64(overhead + len(e.name) + length(e.value)) }

func (s *State) remove(x *list.Element) {
	e := s.order.Remove(x).(*entry)
	delete(s.entries, e.name)
	s.octets -= e.size()
}

// find returns an entry that is not over.
func (s *State) find(name string, now uint64) *entry {
	x := s.entries[name]
	if x == nil {
		return nil
	}
	e := x.Value.(*entry)
	if e.due <= now {
		s.remove(x)
		s.expired++
		return nil
	}
	return e
}

// put remembers a value until due.
func (s *State) put(name string, value lua.LValue, due, now uint64) {
	s.expire(now)
	if x := s.entries[name]; x != nil {
		s.remove(x)
	}
	e := &entry{strings.Clone(name), value, due}
	s.entries[e.name] = s.order.PushFront(e)
	s.octets += e.size()
	s.shrink()
}

// expire removes a few of the oldest entries that are over.
func (s *State) expire(now uint64) {
	const few = 4
	for range few {
		x := s.order.Back()
		if x == nil || x.Value.(*entry).due > now {
			return
		}
		s.remove(x)
		s.expired++
	}
}

// stateName returns the name of an entry from an argument.
func (m *machine) stateName(L *lua.LState) string {
	if m.record.view == nil {
		L.RaiseError("state is there in calls for records, not while the policy is read")
	}
	name := lua.LVAsString(L.CheckAny(1))
	if !lua.LVCanConvToString(L.Get(1)) || name == "" || len(name) > longestName {
		L.ArgError(1, "a name is a number or a string of 1 to 256 octets")
	}
	return name
}

// due returns when an entry is over from an argument in seconds.
func (m *machine) due(L *lua.LState, i int) uint64 {
	seconds := float64(L.OptNumber(i, lua.LNumber(m.o.StateExpiry.Seconds())))
	const most = 100 * 365 * 24 * 3600
	if !(seconds > 0) {
		L.ArgError(i, "it is for more than 0 seconds")
	}
	return m.host.now() + uint64(math.Min(seconds, most)*float64(time.Second))
}

// stateGet implements state.get(name).
func (m *machine) stateGet(L *lua.LState) int {
	if e := m.host.state.find(m.stateName(L), m.host.now()); e != nil {
		L.Push(e.value)
		return 1
	}
	L.Push(lua.LNil)
	return 1
}

// stateSet implements state.set(name, value, seconds).
func (m *machine) stateSet(L *lua.LState) int {
	name, value := m.stateName(L), L.Get(2)
	switch v := value.(type) {
	case *lua.LNilType:
		return m.stateDelete(L)
	case lua.LNumber, lua.LBool:
	case lua.LString:
		if len(v) > longestValue {
			L.ArgError(2, "a value has 4096 octets at most")
		}
	default:
		L.ArgError(2, "a value is a string, a number, true or false")
	}
	m.host.state.put(name, value, m.due(L, 3), m.host.now())
	return 0
}

// stateIncr implements state.incr(name, by, seconds): the time counts from when the entry began. It returns the new value.
func (m *machine) stateIncr(L *lua.LState) int {
	name, by := m.stateName(L), L.OptNumber(2, 1)
	s, now := m.host.state, m.host.now()
	if e := s.find(name, now); e != nil {
		n, ok := e.value.(lua.LNumber)
		if !ok {
			L.ArgError(1, "it is no number")
		}
		s.put(name, n+by, e.due, now)
		L.Push(n + by)
		return 1
	}
	s.put(name, by, m.due(L, 3), now)
	L.Push(by)
	return 1
}

// stateDelete implements state.delete(name).
func (m *machine) stateDelete(L *lua.LState) int {
	if x := m.host.state.entries[m.stateName(L)]; x != nil {
		m.host.state.remove(x)
	}
	return 0
}
