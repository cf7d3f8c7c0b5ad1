package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/nic/dpdk"
	"github.com/weir-probe/weir/dataplane/nic/filter"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
)

// replayInput is the captures of a replay as queues of a dataplane.
type replayInput struct {
	queues   []dataplane.Queue
	started  *epoch
	progress func() (done, total int64)
	err      func() error
	close    func()
	eal      *dpdk.EAL // nil without --dpdk
}

// open opens the captures and makes a queue for every worker.
func (r *replay) open() (*replayInput, error) {
	in := &replayInput{started: &epoch{seen: make(chan struct{})}}
	conf := r.cfg.Worker(&r.cfg.Inputs[0])
	out := shapeOf(r.schema, r.cfg)
	var err error
	if conf.Blocks, err = out.measures(r.cfg); err != nil {
		return nil, err
	}
	conf.Blocks |= r.needed
	f, err := filter.Compile(nic.Ethernet, 0, r.filter)
	if err != nil {
		return nil, usageError{err}
	}
	if f != nil {
		conf.Filter = f
	}
	list, err := in.sources(r)
	if err != nil {
		return nil, err
	}
	for i, src := range list {
		c := conf
		c.Index = uint32(i)
		c.Shard = worker.Shard{Index: uint32(i), Of: uint32(len(list))}
		q := dataplane.Queue{
			Name: fmt.Sprintf("replay/%d", i), Source: &stamped{src, in.started}, Core: -1, Config: c, Offline: true,
		}
		if in.eal != nil {
			q.Enter, q.Leave = in.eal.Register, in.eal.Unregister
		}
		in.queues = append(in.queues, q)
	}
	return in, nil
}

func (in *replayInput) sources(r *replay) ([]nic.Source, error) {
	if r.dpdk {
		return in.viaDPDK(r)
	}
	reader := capture.Sequence(r.files...)
	if len(r.files) == 1 {
		var err error
		if reader, err = capture.Open(r.files[0]); err != nil {
			return nil, err
		}
	}
	in.progress, in.err, in.close = reader.Progress, reader.Err, func() { reader.Close() }
	if r.workers == 1 {
		return []nic.Source{reader}, nil
	}
	return capture.Broadcast(reader, r.workers), nil
}

// epoch is the time of the first frame of all.
type epoch struct {
	first atomic.Uint64 // nanoseconds since the Unix epoch
	once  atomic.Bool
	seen  chan struct{} // closed when first is known, or that there is none
}

func (e *epoch) set(ns uint64) {
	if e.once.CompareAndSwap(false, true) {
		e.first.Store(ns)
		close(e.seen)
	}
}

// boot is when the exporters of a replay pretend to have started: a little before the
// first frame, which it waits for.
func (in *replayInput) boot() uint64 {
	<-in.started.seen
	const before = uint64(time.Minute)
	return max(in.started.first.Load(), before) - before
}

// stamped is a source that tells epoch when its first frame was.
type stamped struct {
	nic.Source
	epoch *epoch
}

// Burst implements nic.Source.
func (s *stamped) Burst() []nic.Frame {
	frames := s.Source.Burst()
	if !s.epoch.once.Load() && (len(frames) > 0 || s.Done()) {
		first := uint64(0)
		if len(frames) > 0 {
			first = frames[0].Time
		}
		s.epoch.set(first)
	}
	return frames
}

// Done implements nic.Finite.
func (s *stamped) Done() bool { return s.Source.(nic.Finite).Done() }

// sources gives every ring the same facts.
func sources(rings []*ring.Ring, facts []byte) (all []egress.Source) {
	seed := uint64(time.Now().UnixNano())
	for i, r := range rings {
		name := fmt.Sprintf("replay/%d", i)
		all = append(all, egress.Source{Name: name, Ring: r, Facts: facts, Seed: seed + uint64(i)})
	}
	return all
}

// probeFacts are the attributes of every flow that a probe metered with a sampling rate.
func probeFacts(sampling uint32) []byte {
	var a flow.Attrs
	if sampling > 1 {
		a.Uint(flow.SamplingInterval, uint64(sampling))
		a.Uint(flow.SamplingAlgorithm, 1)
		a.Uint(flow.SamplingPacketInterval, 1)
		a.Uint(flow.SamplingPacketSpace, uint64(sampling-1))
	}
	a.Uint(flow.FlowSource, 0)
	return a.All()
}

// discard reads what a plane hands over until it ends, for when nobody wants it.
func discard(p *dataplane.Plane) {
	egress.New(sources(p.Rings(), nil), nil, nil).Run()
}

// viaDPDK reads the captures through the net_pcap driver, one after the other.
func (in *replayInput) viaDPDK(r *replay) ([]nic.Source, error) {
	if r.workers != 1 {
		return nil, usagef("--dpdk --workers %d: net_pcap has one queue; leave one of the two out", r.workers)
	}
	eal, err := dpdk.Start(r.cfg.Dataplane.EAL)
	if err != nil {
		return nil, err
	}
	in.eal, in.close = eal, func() { eal.Close() }
	all := &chain{eal: eal, paths: r.files}
	if err := all.turn(); err != nil {
		eal.Close()
		return nil, err
	}
	in.progress = func() (int64, int64) { return 0, 0 }
	in.err = all.check
	return []nic.Source{all}, nil
}

// chain is captures that are replayed through DPDK, one after the other: it has only so
// many ports.
type chain struct {
	eal   *dpdk.EAL
	paths []string // still to come
	now   *dpdk.Replay
	count uint16
	errs  []error
}

// turn closes the capture that was read and opens the next, if there is one.
func (c *chain) turn() error {
	if c.now != nil {
		c.errs = append(c.errs, c.now.Check(), c.now.Close())
		c.now = nil
	}
	if len(c.paths) == 0 {
		return nil
	}
	path := c.paths[0]
	c.paths = c.paths[1:]
	c.count++
	var err error
	c.now, err = c.eal.Replay(path, c.count)
	return err
}

// Burst implements nic.Source.
func (c *chain) Burst() []nic.Frame {
	for c.now != nil {
		if frames := c.now.Burst(); len(frames) > 0 {
			return frames
		}
		if !c.now.Done() {
			return nil
		}
		for err := c.turn(); err != nil; err = c.turn() {
			c.errs = append(c.errs, err)
		}
	}
	return nil
}

// Done implements nic.Finite.
func (c *chain) Done() bool { return c.now == nil }

// check returns what could not be opened and what was not received, which DPDK does not
// tell.
func (c *chain) check() error { return errors.Join(c.errs...) }
