package export

import (
	"bytes"
	"context"
	"sync/atomic"

	"github.com/weir-probe/weir/export/spool"
)

// Resumer is an Opener whose messages can be delivered by another process than wrote them.
type Resumer interface {
	Opener
	// Snapshot appends what explains all messages up to now. Any goroutine may call it.
	Snapshot(dst []byte) []byte
	// Resume appends the message that has a snapshot, perhaps of an earlier process, come before next.
	Resume(dst, snapshot, next []byte) []byte
}

// Renewer is a Stream that can begin another connection or file.
type Renewer interface {
	Stream
	// Renew ends the connection or file; the next message begins another. It returns false if there
	// can only be one.
	Renew() bool
}

// explanation sees to it that the destination understands messages of a spool, which may have been
// written by a process whose templates were others. Such messages come over connections of their own,
// which begin with the templates that were stored with them; where there are no connections, a message
// with the templates precedes them. The same is done when messages are missing in between.
type explanation struct {
	open     func(dst, next []byte) []byte // of the format; nil if nothing needs explaining
	snapshot func(dst []byte) []byte
	resume   func(dst, snapshot, next []byte) []byte
	stream   bool
	renewer  Renewer // nil if connections cannot be renewed

	own     uint32                 // generation of this process
	told    uint32                 // generation that the destination understands
	gap     bool                   // the destination does not, for messages are missing
	foreign atomic.Pointer[[]byte] // snapshot of another generation whose messages are being sent
	space   []byte                 // of messages that explain
}

func (x *explanation) learn(f Format, s Sink, l *spool.Log) {
	if l != nil {
		x.own = l.Generation()
		x.told = x.own
	}
	opener, opens := f.(Opener)
	if !opens {
		return
	}
	r, resumes := f.(Resumer)
	if stream, ok := s.(Stream); ok {
		x.stream, x.open = true, opener.Open()
		stream.Preface(x.preface)
		x.renewer, _ = s.(Renewer)
	}
	switch {
	case resumes:
		x.snapshot, x.resume = r.Snapshot, r.Resume
		if x.open == nil {
			x.open = func(dst, next []byte) []byte { return r.Resume(dst, r.Snapshot(nil), next) }
		}
	case x.stream: // what precedes is the same for all messages
		x.snapshot = func(dst []byte) []byte { return x.open(dst, nil) }
		x.resume = func(dst, snapshot, _ []byte) []byte { return append(dst, snapshot...) }
	}
}

// preface appends what a connection that begins with message next needs to know.
func (x *explanation) preface(dst, next []byte) []byte {
	if f := x.foreign.Load(); f != nil {
		return x.resume(dst, *f, next)
	}
	return x.open(dst, next)
}

// explain has the destination understand a message. An error is one of sending.
func (x *explanation) explain(ctx context.Context, s Sink, p *parcel) error {
	generation := x.own
	if p.entry != nil {
		generation = p.entry.Generation
		x.gap = x.gap || p.entry.Gap
		p.entry.Gap = false
	}
	if x.snapshot == nil {
		return nil
	}
	x.follow(generation, p.entry)
	if generation == x.told && !x.gap {
		return nil
	}
	if x.renewer == nil || !x.renewer.Renew() {
		if x.space = x.preface(x.space[:0], p.message); len(x.space) > 0 {
			if err := s.Send(ctx, x.space); err != nil {
				return err
			}
		}
	}
	x.told, x.gap = generation, false
	return nil
}

// follow has connections begin with what explains the messages of a generation.
func (x *explanation) follow(generation uint32, of *spool.Entry) {
	f := x.foreign.Load()
	switch {
	case generation == x.own && f != nil:
		x.foreign.Store(nil)
	case generation != x.own && (f == nil || !bytes.Equal(*f, of.Preface)):
		x.foreign.Store(new(bytes.Clone(of.Preface)))
	}
}
