package export

import (
	"context"
	"errors"
	"time"
)

// run sends what is queued, in order.
func (e *Exporter) run() {
	defer close(e.done)
	for p := range e.queue {
		e.settle(p, e.deliver(&p))
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
}

// settle accounts for a message once its fate is known.
func (e *Exporter) settle(p parcel, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return
	}
	n := p.Records
	var refused *Refused
	if errors.As(err, &refused) {
		refused.Records = min(refused.Records, n)
		n, err = n-refused.Records, nil
		e.c.Dropped[Rejected].Add(uint64(refused.Records))
	}
	switch {
	case err == nil:
		e.c.Exported.Add(uint64(n))
		e.c.Messages.Add(1)
		e.c.Octets.Add(uint64(len(p.message)))
	case e.ctx.Err() != nil:
		e.c.Dropped[ShutdownTimeout].Add(uint64(p.Records))
	default:
		e.c.Dropped[SendFailed].Add(uint64(p.Records))
		e.lost.Store(true)
	}
}

// deliver sends a message, again and again if need be, with growing pauses.
func (e *Exporter) deliver(p *parcel) error {
	pause := e.o.Backoff
	for end := time.Now().Add(e.o.Patience); ; pause = min(2*pause, e.o.Retry) {
		err := e.attempt(p)
		if err == nil {
			return nil
		}
		e.c.Failures.Add(1)
		e.last.Store(&Failure{time.Now(), err})
		if errors.As(err, new(*Refused)) {
			return err
		}
		if errors.Is(err, ErrUndeliverable) || !time.Now().Add(pause).Before(end) || !e.sleep(pause) {
			return err
		}
		e.c.Retries.Add(1)
	}
}

func (e *Exporter) attempt(p *parcel) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.o.Timeout)
	defer cancel()
	if e.store != nil {
		return e.store.Store(ctx, p.message, p.Batch)
	}
	return e.sink.Send(ctx, p.message)
}

// sleep returns false if the exporter is stopped before d is over.
func (e *Exporter) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-e.ctx.Done():
		return false
	}
}

// Stats is how an exporter does.
type Stats struct {
	Name                       string
	Records, Exported, Pending uint64
	Dropped                    [Reasons]uint64
	Messages, Octets, Retries  uint64
	Failures                   uint64
	Zeroed, Cut, Saturated     uint64
	Queued                     int      // messages that wait to be sent
	Last                       *Failure // nil if no attempt ever failed
}

// Stats returns how the exporter does. Any goroutine may call it.
func (e *Exporter) Stats() Stats {
	c := e.c
	s := Stats{
		Name: e.name, Exported: c.Exported.Load(), Messages: c.Messages.Load(), Octets: c.Octets.Load(),
		Retries: c.Retries.Load(), Failures: c.Failures.Load(), Zeroed: c.Zeroed.Load(), Cut: c.Cut.Load(),
		Saturated: c.Saturated.Load(), Queued: len(e.queue), Last: e.last.Load(),
	}
	done := s.Exported
	for r := range s.Dropped {
		s.Dropped[r] = c.Dropped[r].Load()
		done += s.Dropped[r]
	}
	s.Records = c.Records.Load() // last: it is never behind the others
	s.Pending = s.Records - done
	return s
}
