package export

import (
	"context"
	"errors"
	"time"

	"github.com/weir-probe/weir/export/spool"
)

// Why the sender does not send a message.
var (
	errPaused  = errors.New("the exporter is paused")
	errEnding  = errors.New("the exporter ends")
	errPutBack = errors.New("the message waits in the spool")
)

// sending is what the sender remembers from one message to the next.
type sending struct {
	pause time.Duration // before the next attempt
	quit  bool          // nothing is sent any more
	items []Item
	space spool.Entry
}

// run sends what is queued and what is in the spool, in order.
func (e *Exporter) run() {
	defer close(e.sent)
	var s sending
	var p parcel
	for e.next(&s, &p) {
		e.oldest.Store(p.at)
		err := e.deliver(&s, &p)
		if err != errPutBack {
			e.settle(&p, err)
			if p.entry == nil {
				e.recycle(&p)
			}
		}
		e.oldest.Store(0)
	}
}

// next waits for a message. It returns false when there are no more.
func (e *Exporter) next(s *sending, p *parcel) bool {
	for !s.quit {
		shut, turned := e.gate.state()
		if shut && !e.ends() {
			select {
			case <-turned:
			case <-e.closing:
			}
			continue
		}
		if e.log == nil {
			select {
			case q, ok := <-e.queue:
				*p = q
				return ok
			case <-turned:
				continue
			}
		}
		if shut { // and it stays so: all goes to the spool
			return false
		}
		if e.replay(s, p) {
			return true
		}
		if got, open := e.fetch(p); got || !open {
			return got
		}
		select {
		case <-e.arrived:
		case <-turned:
		}
	}
	return false
}

// replay takes the next message of the spool, if there is one.
func (e *Exporter) replay(s *sending, p *parcel) bool {
	for {
		entry, err := e.log.Next()
		if err != nil {
			e.fail(err)
			return false
		}
		if entry == nil {
			return false
		}
		p.Items = s.items
		ok := p.read(entry)
		if s.items = p.Items; ok {
			return true
		}
		e.log.Done()
		e.c.Dropped[SpoolCorrupt].Add(uint64(entry.Records))
		e.lost.Store(true)
	}
}

// recycle gives back what a message was written in.
func (e *Exporter) recycle(p *parcel) {
	select {
	case e.free <- p.message[:0]:
	default:
	}
	if p.Items != nil {
		select {
		case e.lists <- p.Items[:0]:
		default:
		}
	}
}

// settle accounts for a message once its fate is known.
func (e *Exporter) settle(p *parcel, err error) {
	filed := e.release() || p.entry != nil
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return
	}
	n := uint64(p.Records)
	if filed {
		e.log.Done() // before it is counted: see spool.Log
	} else {
		e.settled += n
	}
	var refused *Refused
	if errors.As(err, &refused) {
		r := min(uint64(refused.Records), n)
		n, err = n-r, nil
		e.c.Dropped[Rejected].Add(r)
	}
	switch {
	case err == nil:
		e.c.Exported.Add(n)
		e.c.Messages.Add(1)
		e.c.Octets.Add(uint64(len(p.message)))
		if p.entry != nil {
			e.c.Replayed.Add(n)
		}
	case errors.Is(err, errPaused):
		e.c.Dropped[WhilePaused].Add(n)
	case e.ctx.Err() != nil:
		e.c.Dropped[ShutdownTimeout].Add(n)
	default:
		e.c.Dropped[SendFailed].Add(n)
		e.lost.Store(true)
	}
}

// deliver sends a message, again and again if need be, with growing pauses. With a spool it gives a
// message back that cannot be sent now, unless it has to keep its place before those in the spool.
func (e *Exporter) deliver(s *sending, p *parcel) error {
	for began := time.Now(); ; {
		if err := e.ready(s, p); err != nil {
			return err
		}
		if s.pause > 0 {
			e.c.Retries.Add(1)
		}
		err := e.attempt(p)
		refused := errors.As(err, new(*Refused))
		if err == nil || refused {
			s.pause = 0
			e.away.Store(false)
		}
		if err == nil {
			return nil
		}
		e.c.Failures.Add(1)
		e.fail(err)
		switch {
		case refused:
			return err
		case e.log != nil && e.ctx.Err() != nil: // the attempt was cut short, whatever it says
			return e.end(s, p, err)
		case errors.Is(err, ErrUndeliverable):
			return err
		}
		s.pause = min(max(2*s.pause, e.o.Backoff), e.o.Retry)
		if e.o.Patience > 0 && !time.Now().Add(s.pause).Before(began.Add(e.o.Patience)) {
			s.pause = 0
			return err
		}
		if e.log != nil && e.postpone(s, p) {
			return errPutBack
		}
	}
}

// postpone reports whether a message that could not be sent waits in the spool from now on.
func (e *Exporter) postpone(s *sending, p *parcel) bool {
	s.quit = e.ends() || e.ctx.Err() != nil
	if !s.quit {
		e.away.Store(true)
		notify(e.changed)
	}
	return e.putBack(s, p) || s.quit
}

// ready waits until a message may be sent.
func (e *Exporter) ready(s *sending, p *parcel) error {
	if s.pause > 0 && !e.sleep(jitter(s.pause)) || !e.pace(p) {
		return e.end(s, p, errEnding)
	}
	for {
		shut, turned := e.gate.state()
		switch {
		case e.ctx.Err() != nil:
			return e.end(s, p, errEnding)
		case !shut:
			return nil
		case e.ends():
			return e.end(s, p, errPaused)
		case e.log != nil && e.putBack(s, p):
			return errPutBack
		}
		select {
		case <-turned:
		case <-e.closing:
		}
	}
}

// end has the sender end. With a spool the message waits there.
func (e *Exporter) end(s *sending, p *parcel, why error) error {
	if e.log == nil {
		return why
	}
	s.quit = true
	e.putBack(s, p)
	return errPutBack
}

// attempt sends the message, and what explains it.
func (e *Exporter) attempt(p *parcel) error {
	ctx, cancel := context.WithTimeout(e.ctx, e.o.Timeout)
	defer cancel()
	if e.log != nil {
		if err := e.explain(ctx, e.sink, p); err != nil {
			return err
		}
	}
	if e.store != nil {
		return e.store.Store(ctx, p.message, p.Batch)
	}
	return e.sink.Send(ctx, p.message)
}

// fail notes an error for Stats.
func (e *Exporter) fail(err error) { e.last.Store(&Failure{time.Now(), err}) }

// ends reports whether Close was called.
func (e *Exporter) ends() bool {
	select {
	case <-e.closing:
		return true
	default:
		return false
	}
}

// sleep returns false if the exporter is stopped before d is over, or closed if what it has to send is
// safe in the spool.
func (e *Exporter) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	closing := e.closing
	if e.log == nil {
		closing = nil
	}
	select {
	case <-t.C:
		return true
	case <-e.ctx.Done():
	case <-closing:
	}
	return false
}
