package policy

import (
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// A budget is what one call may use: instructions, memory, time. The virtual machine asks the context it runs
// under before every instruction whether it is done, so a context that counts how often it is asked is an
// exact meter of instructions, and costs a call and a decrement. Once it is used up, every further
// instruction fails, so no pcall outlives it. One goroutine uses it.
type budget struct {
	slice        int   // instructions until the rest is looked at
	instructions int64 // behind the slice
	memory       int64 // octets
	used         int64 // octets of all calls
	end          time.Time
	why          error // what was used up, nil if nothing is
}

const (
	// slice is how many instructions run between two looks at the clock.
	slice = 1024
	// perInstruction is about what an instruction allocates that nobody else accounts for: numbers, tables, closures.
	perInstruction = 32
	// longest is how long a call may take: more than any budget of instructions, unless single ones are slow.
	longest = time.Second
)

// What a call may use up.
var (
	errInstructions = errors.New("the call used up its instructions")
	errMemory       = errors.New("the call used up its memory")
	errTime         = errors.New("the call took longer than a second")
)

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// begin grants a call what it may use.
func (b *budget) begin(instructions, memory int64) {
	b.why, b.memory = nil, memory
	b.slice = int(min(slice, instructions))
	b.instructions = instructions - int64(b.slice)
	b.end = time.Time{}
}

// Done implements context.Context. It is asked before every instruction.
func (b *budget) Done() <-chan struct{} {
	if b.slice--; b.slice >= 0 {
		return nil
	}
	return b.next()
}

// next grants another slice, if the call has any left.
func (b *budget) next() <-chan struct{} {
	b.slice = 0
	if b.why != nil {
		return closed
	}
	now := time.Now()
	if b.end.IsZero() {
		b.end = now.Add(longest)
	}
	b.take(slice * perInstruction)
	switch {
	case b.why != nil:
	case b.instructions <= 0:
		b.why = errInstructions
	case now.After(b.end):
		b.why = errTime
	}
	if b.why != nil {
		return closed
	}
	b.slice = int(min(slice, b.instructions))
	b.instructions -= int64(b.slice)
	b.slice--
	return nil
}

// take accounts for octets and reports whether they were there.
func (b *budget) take(octets int64) bool {
	b.used += octets
	if b.memory -= octets; b.memory < 0 && b.why == nil {
		b.why, b.slice = errMemory, 0
	}
	return b.why == nil
}

// spend accounts for octets before they are allocated. There are none if it does not return.
func (b *budget) spend(L *lua.LState, octets int) {
	if !b.take(int64(octets)) {
		L.RaiseError("%s", b.why.Error())
	}
}

// work accounts for what one instruction does that takes as long as several.
func (b *budget) work(L *lua.LState, steps int) {
	if b.slice -= steps; b.slice >= 0 {
		return
	}
	b.instructions += int64(b.slice)
	b.slice = 0
	if b.next(); b.why != nil {
		L.RaiseError("%s", b.why.Error())
	}
}

// Err implements context.Context.
func (b *budget) Err() error { return b.why }

// Deadline implements context.Context.
func (b *budget) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context.
func (b *budget) Value(any) any { return nil }
