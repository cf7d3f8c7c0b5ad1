// Package dataplane runs workers: it gives each receive queue a thread of its own on a
// processor, a flow table and a ring, and hands the rings to the control plane.
package dataplane

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/link"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
)

// Queue is a receive queue and how it is to be metered.
type Queue struct {
	Name   string // input and queue: "lan/0"
	Source nic.Source
	Core   int // processor to pin the worker to, -1 for none
	Config worker.Config
	// Offline is a source that ends, and whose frames tell the time. Its worker ends with it.
	Offline bool
	// Enter, if not nil, is called on the worker's thread before it polls, Leave after.
	Enter func() error
	Leave func()
}

// LedgerSize is the memory that the control plane may keep its counters in, so that they
// outlive it.
const LedgerSize = 64 << 10

// Plane is a set of running workers.
type Plane struct {
	lanes   []*lane
	ledger  int // descriptor
	started uint64

	stopping atomic.Bool
	group    sync.WaitGroup
}

// lane is a queue with what Start gave it.
type lane struct {
	Queue
	ring *ring.Ring
	fd   int
	beat atomic.Uint64                   // when its worker began its latest Step
	next atomic.Pointer[worker.Settings] // for the worker to take over
	made atomic.Pointer[worker.Worker]
}

// New makes a ring of ringSize octets for every queue.
func New(queues []Queue, ringSize int) (*Plane, error) {
	p := &Plane{started: now()}
	var err error
	if p.ledger, _, err = ring.Memory(LedgerSize); err != nil {
		return nil, err
	}
	for _, q := range queues {
		fd, mem, err := ring.Memory(ring.Size(ringSize))
		if err != nil {
			return nil, fmt.Errorf("ring of worker %s: %w", q.Name, err)
		}
		r, err := ring.Format(mem)
		if err != nil {
			return nil, fmt.Errorf("ring of worker %s: %w", q.Name, err)
		}
		p.lanes = append(p.lanes, &lane{Queue: q, ring: r, fd: fd})
	}
	return p, nil
}

// Offer describes the workers, and Files are the descriptors that go with it.
func (p *Plane) Offer() link.Offer {
	o := link.Offer{Started: p.started}
	for _, l := range p.lanes {
		o.Workers = append(o.Workers, link.Worker{Name: l.Name, Core: l.Core})
	}
	return o
}

// Rings returns the workers' rings, for a reader in this process.
func (p *Plane) Rings() (rings []*ring.Ring) {
	for _, l := range p.lanes {
		rings = append(rings, l.ring)
	}
	return rings
}

// Files returns the descriptors of the rings and of the ledger (see link).
func (p *Plane) Files() (files []int) {
	for _, l := range p.lanes {
		files = append(files, l.fd)
	}
	return append(files, p.ledger)
}

// Start starts all workers. It fails if one cannot start; then none runs.
func (p *Plane) Start() error {
	ready := make(chan error, len(p.lanes))
	for i, l := range p.lanes {
		p.group.Add(1)
		go func() {
			defer p.group.Done()
			l.run(p, i, ready)
		}()
	}
	var first error
	for range p.lanes {
		if err := <-ready; err != nil && first == nil {
			first = err
			p.Stop()
		}
	}
	if first != nil {
		p.group.Wait()
	}
	return first
}

// Adjust has every worker go on with other settings, which of says by the name of its queue. It changes
// nothing unless all are valid. Workers of captures keep those that they began with.
func (p *Plane) Adjust(of func(name string) worker.Settings) error {
	next := make([]worker.Settings, len(p.lanes))
	for i, l := range p.lanes {
		next[i] = of(l.Name)
		if err := l.Config.Check(next[i]); err != nil {
			return err
		}
	}
	for i, l := range p.lanes {
		l.next.Store(&next[i])
	}
	return nil
}

// Track has all workers hand over the packets that some traces are of, as they are, and no others.
func (p *Plane) Track(traces []worker.Trace) error {
	for _, l := range p.lanes {
		t, err := worker.Track(traces)
		if err != nil {
			return err
		}
		if w := l.made.Load(); w != nil {
			w.Track(t)
		}
	}
	return nil
}

// Stop makes all workers hand over their flows and end.
func (p *Plane) Stop() { p.stopping.Store(true) }

// Unread reports whether something is in the rings that nobody has read yet.
func (p *Plane) Unread() bool {
	for _, l := range p.lanes {
		if l.ring.Used() > 0 {
			return true
		}
	}
	return false
}

// Stalled names a worker that has begun no Step since then and has not ended; empty if there is none. One
// that meters a file may have to wait for its reader, and is not asked.
func (p *Plane) Stalled(since time.Time) string {
	for _, l := range p.lanes {
		if !l.Offline && l.beat.Load() < uint64(since.UnixNano()) {
			return l.Name
		}
	}
	return ""
}

// Wait returns when all workers have ended and their rings are closed.
func (p *Plane) Wait() { p.group.Wait() }

// run is the life of a worker, all of it on one thread.
func (l *lane) run(p *Plane, index int, ready chan<- error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the worker
	defer l.beat.Store(^uint64(0))
	defer l.ring.Close()
	w, err := l.enter(index)
	l.made.Store(w)
	ready <- err
	if err != nil {
		return
	}
	if l.Leave != nil {
		defer l.Leave()
	}
	if l.Offline {
		l.replay(p, w)
	} else {
		l.poll(p, w)
	}
}

// poll meters a line until it is told to stop, and a little longer.
func (l *lane) poll(p *Plane, w *worker.Worker) {
	last := ^uint64(0) // when to end
	for silent, seen := 0, uint64(0); ; silent++ {
		t := now()
		if last == ^uint64(0) && p.stopping.Load() {
			last = t + tail
		}
		if t >= last {
			break
		}
		l.beat.Store(t)
		if s := l.next.Load(); s != nil && l.next.CompareAndSwap(s, nil) {
			w.Adjust(*s)
		}
		w.Step(t)
		if n := w.Received(); n != seen {
			silent, seen = 0, n
		}
		if silent > spins {
			pause()
		}
	}
	w.Flush(now())
}

// replay meters a source to its end.
func (l *lane) replay(p *Plane, w *worker.Worker) {
	end, finite := l.Source.(nic.Finite)
	for !p.stopping.Load() && !(finite && end.Done()) {
		w.Step(0)
	}
	w.Flush(0)
}

// enter prepares the thread and makes the worker on it, so that its memory is near.
func (l *lane) enter(index int) (*worker.Worker, error) {
	if l.Core >= 0 {
		var set unix.CPUSet
		set.Set(l.Core)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return nil, fmt.Errorf("worker %s: processor %d: %w; see [dataplane] cores", l.Name, l.Core, err)
		}
	}
	if l.Enter != nil {
		if err := l.Enter(); err != nil {
			return nil, fmt.Errorf("worker %s: %w", l.Name, err)
		}
	}
	w, err := worker.New(l.Source, l.ring, l.Config)
	if err != nil {
		return nil, fmt.Errorf("worker %s: %w", l.Name, err)
	}
	return w, nil
}

// tail is how long a worker that was told to stop still meters, in nanoseconds, so that it
// has what was received until then: the kernel hands over a block that is not full after
// 10 ms (see nic/afpacket).
const tail = 50e6

// spins is how many empty polls a worker makes before it begins to pause between them,
// which leaves the processor to others while the line is silent.
const spins = 10_000

// pause gives the processor away for some 70 µs, timer slack included: a ring of 4096 descriptors
// fills in 275 µs at the highest rate of 10 GbE.
func pause() {
	unix.Nanosleep(&unix.Timespec{Nsec: 20_000}, nil)
}

func now() uint64 { return uint64(time.Now().UnixNano()) }
