package export

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/spool"
)

// file moves messages from the queue to the spool whenever they must not wait in memory.
func (e *Exporter) file() {
	defer close(e.done)
	const often = 50 * time.Millisecond
	tick := time.NewTicker(often)
	defer tick.Stop()
	var space spool.Entry
	for {
		for e.spills() && e.move(&space) {
		}
		e.filing.Store(e.log.Unread())
		select {
		case <-e.changed:
		case <-tick.C:
			if err := e.log.Tick(time.Now()); err != nil {
				e.fail(err)
			}
		case <-e.sent:
			e.moveAll(&space)
			return
		case <-e.ctx.Done():
			e.moveAll(&space)
			<-e.sent
			return
		}
	}
}

// spills reports whether what is in the queue must go to the spool. Behind others that have not been
// read yet it must go anyway.
func (e *Exporter) spills() bool {
	return e.away.Load() || e.crowded() || e.paused() || e.log.Unread()
}

// crowded reports whether the queue is so full that messages have to go to the spool.
func (e *Exporter) crowded() bool { return len(e.queue) >= (cap(e.queue)+1)/2 }

// move moves the message that waits longest to the spool. It returns false if there is none.
func (e *Exporter) move(space *spool.Entry) bool {
	e.turn.Lock()
	defer e.turn.Unlock()
	select {
	case p, ok := <-e.queue:
		if ok {
			e.adopt(space)
			e.keep(&p, space)
			e.recycle(&p)
			notify(e.arrived)
		}
		return ok
	default:
		return false
	}
}

// moveAll moves everything that still comes to the spool, and what the sender will not give back.
func (e *Exporter) moveAll(space *spool.Entry) {
	for p := range e.queue {
		e.turn.Lock()
		e.adopt(space)
		e.keep(&p, space)
		e.turn.Unlock()
		e.recycle(&p)
	}
	e.turn.Lock()
	e.adopt(space)
	e.turn.Unlock()
}

// adopt puts the message in the sender's hands into the spool as well, so that it keeps its place before
// those that are moved there.
func (e *Exporter) adopt(space *spool.Entry) {
	if e.hand == nil || e.adopted || !e.log.Empty() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned || e.write(e.hand, space) != nil {
		return // it stays where it is
	}
	if _, err := e.log.Next(); err != nil { // it will come a second time
		e.fail(err)
		e.c.Recovered.Add(uint64(e.hand.Records))
		return
	}
	e.settled += uint64(e.hand.Records)
	e.adopted = true
}

// release takes the message out of the sender's hands. It returns whether it is in the spool, too.
func (e *Exporter) release() (adopted bool) {
	e.turn.Lock()
	defer e.turn.Unlock()
	adopted = e.adopted
	e.hand, e.adopted = nil, false
	return adopted
}

// fetch takes the message that waits longest, unless it has to wait for those in the spool. open is false
// if no more will come.
func (e *Exporter) fetch(p *parcel) (got, open bool) {
	e.turn.Lock()
	defer e.turn.Unlock()
	if e.log.Unread() {
		return false, true
	}
	select {
	case *p, open = <-e.queue:
		if open {
			e.hand = p
		}
		return open, open
	default:
		return false, true
	}
}

// putBack leaves the message in the sender's hands to the spool, where it keeps its place.
func (e *Exporter) putBack(s *sending, p *parcel) bool {
	e.turn.Lock()
	defer e.turn.Unlock()
	switch {
	case p.entry != nil:
		return false
	case e.adopted:
	case s.quit || e.log.Empty():
		e.keep(p, &s.space)
	default: // the spool did not take it when it took others
		return false
	}
	e.hand, e.adopted = nil, false
	e.recycle(p)
	return true
}

// keep puts a message into the spool, or accounts for it if that is not possible.
func (e *Exporter) keep(p *parcel, space *spool.Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.abandoned {
		return
	}
	err := e.write(p, space)
	e.settled += uint64(p.Records)
	switch {
	case errors.Is(err, spool.ErrFull):
		e.c.Dropped[SpoolFull].Add(uint64(p.Records))
	case err != nil:
		e.c.Dropped[SpoolFailed].Add(uint64(p.Records))
	}
	if err != nil {
		e.lost.Store(true)
	}
}

// write writes a message to the spool, with all that is known of it.
func (e *Exporter) write(p *parcel, space *spool.Entry) error {
	space.Records, space.Body = p.Records, p.message
	space.Head = appendBatch(space.Head[:0], &p.Batch)
	if e.snapshot != nil {
		space.Preface = e.snapshot(space.Preface[:0])
	}
	err := e.log.Append(space)
	if err != nil {
		e.fail(err)
	}
	return err
}

// read makes a parcel of an entry of the spool. It returns false if what it says of its message is
// not true.
func (p *parcel) read(e *spool.Entry) bool {
	items := p.Items
	*p = parcel{message: e.Body, at: int64(e.Time), entry: e}
	p.Items = items[:0]
	return p.Batch.parse(e.Head, e.Records, len(e.Body))
}

const (
	batchSize = 8
	itemSize  = 4 + 1 + 16 + 8 + 20
)

// appendBatch appends what a message holds, as it is kept in a spool.
func appendBatch(dst []byte, of *Batch) []byte {
	be := binary.BigEndian
	dst = be.AppendUint64(dst, of.Time)
	for i := range of.Items {
		x := &of.Items[i]
		dst = be.AppendUint32(dst, x.End)
		dst = append(dst, byte(x.Kind))
		dst = append(dst, x.ID[:]...)
		dst = be.AppendUint64(dst, x.Time)
		dst = append(dst, x.Key[:]...)
	}
	return dst
}

// parse reads what appendBatch has written of a message with so many records and octets.
func (b *Batch) parse(head []byte, records uint32, octets int) bool {
	be := binary.BigEndian
	if len(head) < batchSize {
		return false
	}
	b.Time, b.Records = be.Uint64(head), records
	before := uint32(0)
	for head = head[batchSize:]; len(head) >= itemSize; head = head[itemSize:] {
		x := Item{End: be.Uint32(head), Kind: flow.Kind(head[4]), Time: be.Uint64(head[21:])}
		copy(x.ID[:], head[5:])
		copy(x.Key[:], head[29:])
		if x.End < before || int(x.End) > octets || int(x.Kind) >= flow.Kinds {
			return false
		}
		before = x.End
		b.Items = append(b.Items, x)
	}
	return len(head) == 0 && (len(b.Items) == 0 || len(b.Items) == int(records))
}
