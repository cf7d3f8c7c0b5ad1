package main

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/slab"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/formats"
)

// feature is what a worker does with a packet.
type feature struct {
	name, doc string
	blocks    flow.Block
	looks     bool   // into flows
	format    string // in which another thread writes the records
}

// features are those of the grid.
var features = []feature{
	{"metering", "packets, octets, times, flags, TTLs of a flow", 0, false, ""},
	{"metrics", "and everything else that is measured of it", flow.AllBlocks, false, ""},
	{"dissect", "and all dissectors look at it", flow.AllBlocks, true, ""},
	{"export", "as metrics, and its record is written as IPFIX on another thread", flow.AllBlocks, false, "ipfix"},
}

func featureOf(name string) (feature, error) {
	for _, f := range features {
		if f.name == name {
			return f, nil
		}
	}
	return feature{}, fmt.Errorf("feature %q is unknown: use metering, metrics, dissect or export", name)
}

// config is that of a worker for so many flows. Flows end by themselves after the run only.
func (f feature) config(flows int) worker.Config {
	c := worker.Config{
		Flows: flows + flows/8 + nic.Max, Idle: time.Hour, Active: 2 * time.Hour, Linger: time.Hour,
		Lateness: time.Second, Seed: 1, Fragments: 1024, FragmentTimeout: 10 * time.Second,
		Blocks: f.blocks, Wait: true,
	}
	if f.looks {
		c.Streams, c.StreamMemory, c.Transactions = 1<<18, 256<<20, 1<<16
		c.TransactionTimeout = 10 * time.Second
	}
	return c
}

// run is a worker on a thread of its own, and what is measured of it.
type run struct {
	cell    Cell
	core    int
	traffic *Traffic
	worker  *worker.Worker
	ring    *ring.Ring
	seen    truth

	cpu, wall time.Duration // of the thread, for the packets that count
	packets   uint64
	gaps      [64]uint64 // between two polls, by the number of bits of nanoseconds
	worst     time.Duration
	resident  uint64 // octets that the worker has of memory
	mallocs   uint64
	gcs       uint32
	records   uint64
	wrong     uint64 // flows that counted something else than what was sent
	last      worker.Report
	encoded   uint64 // octets
}

// ErrMemory says that the machine is too small.
var errMemory = errors.New("not enough memory")

// inMemory measures a cell of the grid.
func inMemory(c Cell) (*run, error) { return inMemoryOn(c, workerCore) }

// inMemoryOn measures a cell with the worker on a processor.
func inMemoryOn(c Cell, core int) (*run, error) {
	f, err := featureOf(c.Feature)
	if err != nil {
		return nil, err
	}
	x := &run{cell: c, core: core, traffic: newTraffic(c)}
	flows := x.traffic.flows + x.traffic.fresh*uint64(c.Packets+1<<17)>>32 + nic.Max
	if need := memoryFor(f, c.Flows) + 24*flows; need > available() {
		return nil, fmt.Errorf("%w: %d MiB are needed", errMemory, need>>20)
	}
	if x.seen.packets, err = slab.Map[[2]uint32](int(flows)); err != nil {
		return nil, err
	}
	defer slab.Unmap(x.seen.packets)
	if x.seen.octets, err = slab.Map[[2]uint64](int(flows)); err != nil {
		return nil, err
	}
	defer slab.Unmap(x.seen.octets)
	mem, err := slab.Map[byte](ring.Size(64 << 20))
	if err != nil {
		return nil, err
	}
	defer slab.Unmap(mem)
	if x.ring, err = ring.Format(mem); err != nil {
		return nil, err
	}
	take, err := x.taker(f)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- x.work(f) }()
	if err := x.read(take, ended); err != nil {
		return nil, err
	}
	x.seen.tell(c, x.traffic)
	x.wrong = x.seen.wrong()
	return x, nil
}

// memoryFor returns about how many octets the worker needs for so many flows.
func memoryFor(f feature, flows int) uint64 {
	each := uint64(200)
	if f.blocks != 0 {
		each += 896
	}
	return each*uint64(flows)*9/8 + 1<<30
}

// available returns how many octets of memory the kernel says there are.
func available() uint64 { return proc("/proc/meminfo", "MemAvailable:") }

// resident returns how many octets of memory this process has.
func resident() uint64 { return proc("/proc/self/status", "VmRSS:") }

// proc returns a size that a file of /proc tells in kB, 0 if it does not.
func proc(file, name string) uint64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), name)
	n, _ := strconv.ParseUint(strings.Fields(rest + " 0")[0], 10, 64)
	return n << 10
}

func newRing(size int) (*ring.Ring, error) {
	mem, err := slab.Map[byte](ring.Size(size))
	if err != nil {
		return nil, err
	}
	return ring.Format(mem)
}

// work is the life of the worker.
func (x *run) work(f feature) error {
	defer x.ring.Close()
	runtime.LockOSThread() // and not unlocked: the thread ends with it
	pin(x.core)
	before := resident()
	w, err := worker.New(x.traffic, x.ring, f.config(x.cell.Flows))
	if err != nil {
		return err
	}
	defer w.Close()
	x.worker = w
	for x.traffic.made < uint64(x.cell.Flows)+1<<16 {
		w.Step(x.traffic.now)
	}
	x.resident = resident() - before
	x.measure(w)
	w.Flush(x.traffic.now)
	return nil
}

// measure steps through the packets that count.
func (x *run) measure(w *worker.Worker) {
	var m0, m1 runtime.MemStats
	runtime.ReadMemStats(&m0)
	from := x.traffic.made
	cpu, begin := threadTime(), time.Now()
	for last := begin; x.traffic.made < from+uint64(x.cell.Packets); {
		w.Step(x.traffic.now)
		now := time.Now()
		gap := now.Sub(last)
		x.gaps[bits.Len64(uint64(gap))]++
		x.worst, last = max(x.worst, gap), now
	}
	x.cpu, x.wall, x.packets = threadTime()-cpu, time.Since(begin), x.traffic.made-from
	runtime.ReadMemStats(&m1)
	x.mallocs, x.gcs = m1.Mallocs-m0.Mallocs, m1.NumGC-m0.NumGC
}

// taker returns what is done with each record.
func (x *run) taker(f feature) (func(*flow.View), error) {
	count := func(v *flow.View) {
		x.records++
		x.seen.add(v.Record)
	}
	if f.format == "" {
		return count, nil
	}
	e, err := encoder(f.format, &x.encoded)
	if err != nil {
		return nil, err
	}
	return func(v *flow.View) { count(v); e(v) }, nil
}

// encoder returns a function that writes records in a format, and counts the octets.
func encoder(name string, octets *uint64) (func(*flow.View), error) {
	s, err := flow.Compile(flow.All()...)
	if err != nil {
		return nil, err
	}
	t, err := s.Template(formats.Named(name).Default)
	if err != nil {
		return nil, err
	}
	f, err := formats.New(name, export.FormatOptions{Template: t, Size: 1400})
	if err != nil {
		return nil, err
	}
	var buf []byte
	open := false
	return func(v *flow.View) {
		for range 2 {
			if !open {
				buf, open = f.Begin(buf[:0], v.Last), true
			}
			b, ok := f.Append(buf, v)
			if buf = b; ok {
				return
			}
			buf = f.Seal(buf)
			*octets += uint64(len(buf))
			open = false
		}
	}, nil
}

// read takes records out of the ring until the worker has ended.
func (x *run) read(take func(*flow.View), ended <-chan error) error {
	var v flow.View
	var stop atomic.Pointer[error]
	go func() { err := <-ended; stop.Store(&err) }()
	for {
		kind, msg := x.ring.Next()
		switch kind {
		case ring.None:
			x.ring.Release()
			if err := stop.Load(); err != nil && x.ring.Used() == 0 {
				return *err
			}
			time.Sleep(50 * time.Microsecond)
		case ring.Flow:
			if !v.Load(msg) {
				return errors.New("a record cannot be read")
			}
			take(&v)
		case ring.Stats:
			x.last.Load(msg)
		}
	}
}

// threadTime returns how long the processor has worked for this thread.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Processors of those who generate and read, and of those who meter. With one they share it.
const (
	otherCore  = 0
	workerCore = 1
)

// pin keeps this thread on a processor, if there is that one.
func pin(core int) {
	var set unix.CPUSet
	if set.Set(core); core < runtime.NumCPU() {
		_ = unix.SchedSetaffinity(0, &set)
	}
}
