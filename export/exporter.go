package export

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/spool"
)

// Exporter batches flows into messages and has goroutines of its own send them. Append, Tick
// and Close belong to one goroutine; Stats, Counters, Pause and Resume to any.
//
// With a spool there are two: one sends, the other moves to the spool what has to wait for longer than
// the queue lasts.
type Exporter struct {
	name   string
	format Format
	sink   Sink
	store  Storer // the sink, if it is one
	period uint64 // of an archive, nanoseconds
	parts  bool   // the ends of records are known
	keys   bool   // their keys are wanted
	o      Options
	c      *Counters
	takes  func(*flow.View) bool
	log    *spool.Log // nil if there is none
	explanation

	now     uint64
	begun   uint64 // when the first flow came into the message
	batch   Batch  // what is in the message
	message []byte // being filled, nil if not begun
	space   []byte // what message is begun in
	taken   uint64 // flows given to this exporter

	queue   chan parcel
	free    chan []byte
	lists   chan []Item
	turn    sync.Mutex    // of those who take messages from the queue and decide where they go
	hand    *parcel       // that the sender took from the queue; turn guards it
	adopted bool          // it is in the spool, too
	changed chan struct{} // messages may have to go to the spool
	arrived chan struct{} // there may be something to send
	gate    gate
	away    atomic.Bool // the destination took nothing when last tried
	filing  atomic.Bool // there are messages in the spool that others have to go behind
	closing chan struct{}
	sent    chan struct{} // closed when the sender has ended
	done    chan struct{} // closed when both have
	ctx     context.Context
	stop    context.CancelFunc
	lost    atomic.Bool  // a message was dropped since the last Begin
	oldest  atomic.Int64 // when the message in the sender's hands was queued; 0 is none
	last    atomic.Pointer[Failure]
	limits

	mu        sync.Mutex // of abandoned and the accounts of what is sent
	abandoned bool       // what the sender does no longer counts
	settled   uint64     // flows given to this exporter that are exported, dropped or spooled
}

// parcel is a message on its way to the sink.
type parcel struct {
	message []byte
	at      int64        // when it was queued, nanoseconds since the Unix epoch
	entry   *spool.Entry // of the spool it comes from, or nil
	Batch
}

// Failure is an attempt to send that failed.
type Failure struct {
	Time time.Time
	Err  error
}

// New starts an exporter. If the counters it is given say that an earlier process left
// flows unsent which are in no spool, they are counted as interrupted.
func New(name string, f Format, s Sink, o Options) *Exporter {
	o.fill()
	e := &Exporter{
		name: name, format: f, sink: s, o: o, c: o.Counters, log: o.Spool,
		now:     uint64(time.Now().UnixNano()),
		queue:   make(chan parcel, o.Queue),
		free:    make(chan []byte, o.Queue+3),
		lists:   make(chan []Item, o.Queue+3),
		changed: make(chan struct{}, 1),
		arrived: make(chan struct{}, 1),
		closing: make(chan struct{}),
		sent:    make(chan struct{}),
		limits:  newLimits(&o),
	}
	e.gate.set(o.Paused)
	e.inherit()
	e.learn()
	e.ctx, e.stop = context.WithCancel(context.Background())
	if e.done = e.sent; e.log != nil {
		e.done = make(chan struct{})
		go e.file()
	}
	go e.run()
	return e
}

// learn finds out what the format and the sink can do.
func (e *Exporter) learn() {
	if p, ok := e.format.(Selective); ok {
		e.takes = p.Takes
	}
	e.store, _ = e.sink.(Storer)
	if a, ok := e.sink.(Archive); ok {
		e.period = uint64(a.Period())
	}
	if k, ok := e.sink.(Keyed); ok {
		e.keys = k.Keyed()
	}
	if p, ok := e.format.(Separable); ok {
		e.parts = p.Separable()
	}
	e.explanation.learn(e.format, e.sink, e.log)
}

// inherit accounts for what earlier processes have left.
func (e *Exporter) inherit() {
	if l := e.log; l != nil {
		if e.c.Spool.Load() != l.ID() { // nobody who counted here has written it
			e.c.Recovered.Add(l.Stats().Records)
			e.c.Spool.Store(l.ID())
		}
		l.Count(spool.Account{Records: &e.c.Spooled, Lost: [spool.Losses]*atomic.Uint64{
			spool.Full: &e.c.Dropped[SpoolFull], spool.Expired: &e.c.Dropped[SpoolExpired],
			spool.Corrupt: &e.c.Dropped[SpoolCorrupt],
		}})
	}
	if n := e.c.Pending(); n > 0 {
		e.c.Dropped[Interrupted].Add(n)
	}
}

// Name returns the name the exporter was given.
func (e *Exporter) Name() string { return e.name }

// Counters returns what the exporter counts.
func (e *Exporter) Counters() *Counters { return e.c }

// Append adds a flow to the message that is being filled. It blocks only if the options
// say so and the queue is full.
func (e *Exporter) Append(v *flow.View) {
	if e.o.Wants != nil && !e.o.Wants(v) {
		e.c.Filtered.Add(1)
		return
	}
	e.c.Records.Add(1)
	e.taken++
	if e.takes != nil && !e.takes(v) {
		e.drop(Unrepresentable, 1)
		return
	}
	if e.period > 0 && e.batch.Records > 0 && v.Last/e.period != e.batch.Time/e.period {
		e.flush()
	}
	const attempts = 8 // more messages than any format needs to explain one flow
	for range attempts {
		e.begin()
		m, ok := e.format.Append(e.message, v)
		e.message = m
		if ok {
			e.count(v)
			return
		}
		e.flush()
	}
	e.drop(Unrepresentable, 1)
}

// drop accounts for flows that do not come as far as the sender.
func (e *Exporter) drop(why Reason, n uint64) {
	e.c.Dropped[why].Add(n)
	e.taken -= n
}

// count notes a flow that came into the message.
func (e *Exporter) count(v *flow.View) {
	if e.batch.Records++; e.batch.Records == 1 {
		e.batch.Time = v.Last
	}
	if e.store != nil {
		i := Item{Kind: v.Kind, ID: v.ID, Time: v.Last}
		if e.parts {
			i.End = uint32(len(e.message))
		}
		if e.keys {
			i.Key, _ = v.CommunityDigest()
		}
		e.batch.Items = append(e.batch.Items, i)
	}
	if e.batch.Records == e.o.Records {
		e.flush()
	}
}

func (e *Exporter) begin() {
	if e.message != nil {
		return
	}
	if e.space == nil {
		e.space = e.buffer()
	}
	if e.lost.Load() {
		e.lost.Store(false)
		if x, ok := e.format.(Explainer); ok {
			x.Explain()
		}
	}
	e.message = e.format.Begin(e.space[:0], e.now)
	e.begun = e.now
}

// buffer returns a recycled buffer, or a new one as long as not all are made: there are as
// many as the queue holds, one being filled and one being sent.
func (e *Exporter) buffer() []byte {
	select {
	case b := <-e.free:
		return b
	default:
		const slack = 4096 // a flow is written before it is known to fit
		return make([]byte, 0, e.o.Size+slack)
	}
}

// flush seals the message and queues it.
func (e *Exporter) flush() {
	p, ok := e.seal()
	if !ok {
		return
	}
	if why := e.enqueue(p); why != Reasons {
		e.drop(why, uint64(p.Records))
		e.lost.Store(true)
		e.space = p.message
		return
	}
	if e.log != nil {
		notify(e.arrived)
		if e.crowded() || e.away.Load() || e.filing.Load() {
			notify(e.changed)
		}
	}
}

// enqueue returns why the message could not be queued, or Reasons if it could.
func (e *Exporter) enqueue(p parcel) Reason {
	for {
		select {
		case e.queue <- p:
			return Reasons
		default:
		}
		shut, turned := e.gate.state()
		switch {
		case shut && e.log == nil:
			return WhilePaused
		case !e.o.Block:
			return QueueFull
		}
		select {
		case e.queue <- p:
			return Reasons
		case <-turned:
		}
	}
}

// seal completes the message. It returns false if there is nothing to send.
func (e *Exporter) seal() (p parcel, ok bool) {
	if e.message == nil {
		return p, false
	}
	p = parcel{message: e.format.Seal(e.message), at: time.Now().UnixNano(), Batch: e.batch}
	e.message, e.batch, e.space = nil, Batch{}, nil
	select {
	case list := <-e.lists:
		e.batch.Items = list
	default:
	}
	if len(p.message) == 0 {
		e.drop(Unrepresentable, uint64(p.Records))
		e.space = p.message
		return p, false
	}
	return p, true
}

// Tick tells the time, in nanoseconds since the Unix epoch, and sends a message that has
// waited long enough.
func (e *Exporter) Tick(now uint64) {
	e.now = now
	if e.message != nil && now >= e.begun+uint64(e.o.Age) {
		e.flush()
	}
}

// Close sends what is left and closes the sink. When ctx ends first, what was not sent is
// counted as dropped and the error says how much that was. With a spool nothing is: what the
// destination does not take at once stays on disk for the next process.
func (e *Exporter) Close(ctx context.Context) error {
	before := e.c.Dropped[ShutdownTimeout].Load()
	close(e.closing)
	if p, ok := e.seal(); ok {
		select {
		case e.queue <- p:
		case <-ctx.Done():
		}
	}
	close(e.queue)
	notify(e.arrived)
	select {
	case <-e.done:
	case <-ctx.Done():
	}
	e.stop()
	err := e.closeSink()
	e.mu.Lock()
	e.abandoned = true
	e.c.Dropped[ShutdownTimeout].Add(e.taken - e.settled)
	e.mu.Unlock()
	if e.log != nil {
		err = errors.Join(err, e.log.Close())
	}
	if n := e.c.Dropped[ShutdownTimeout].Load() - before; n > 0 {
		err = errors.Join(ctx.Err(), err)
		return fmt.Errorf("exporter %s: %d flows were not sent in time: %w", e.name, n, err)
	}
	if err != nil {
		return fmt.Errorf("exporter %s: sink not closed: %w", e.name, err)
	}
	return nil
}

// closeSink closes the sink, which ends a Send that ignores its context, and waits a moment
// for the sender to notice.
func (e *Exporter) closeSink() (err error) {
	const grace = time.Second
	late := time.After(grace)
	closed := make(chan error, 1)
	go func() { closed <- e.sink.Close() }()
	select {
	case err = <-closed:
	case <-late:
		return errors.New("sink does not close")
	}
	select {
	case <-e.done:
	case <-late:
	}
	return err
}
