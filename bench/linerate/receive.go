package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/dpdk"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
)

// receiver meters a DPDK port on a thread of its own.
type receiver struct {
	eal     *dpdk.EAL
	port    *dpdk.Port
	ring    *ring.Ring
	stop    atomic.Bool
	packets uint64
	cpu     time.Duration
	stats   nic.Stats
	late    []time.Duration // from the end of a flow to its record
	records uint64
	metered uint64 // by the records
}

// receive meters what a device receives until the input ends.
func receive(o *receiving, until io.Reader) (map[string]float64, error) {
	eal, err := dpdk.Start([]string{"--file-prefix=linerate"})
	if err != nil {
		return nil, err
	}
	defer eal.Close()
	port, err := eal.Open(dpdk.PortConfig{Device: o.Device})
	if err != nil {
		return nil, err
	}
	defer port.Close()
	x := &receiver{eal: eal, port: port}
	if x.ring, err = newRing(64 << 20); err != nil {
		return nil, err
	}
	f := features[0]
	c := f.config(o.Flows)
	idle := c.Idle
	if o.Timeout != 0 {
		c.Idle, idle = o.Timeout, o.Timeout
	}
	ended := make(chan error, 1)
	go func() { ended <- x.work(c) }()
	fmt.Print(ready)
	go func() { _, _ = io.Copy(io.Discard, until); x.stop.Store(true) }()
	x.read(idle, o.Timeout != 0)
	if err := <-ended; err != nil {
		return nil, err
	}
	return x.figures(), nil
}

// work polls until it is told to stop.
func (x *receiver) work(c worker.Config) error {
	defer x.ring.Close()
	runtime.LockOSThread()
	pin(workerCore)
	if err := x.eal.Register(); err != nil {
		return err
	}
	defer x.eal.Unregister()
	q := x.port.Queues()[0]
	w, err := worker.New(q, x.ring, c)
	if err != nil {
		return err
	}
	defer w.Close()
	cpu := threadTime()
	for !x.stop.Load() {
		w.Step(uint64(time.Now().UnixNano()))
	}
	x.cpu, x.packets, x.stats = threadTime()-cpu, w.Received(), q.Stats()
	w.Flush(uint64(time.Now().UnixNano()))
	return nil
}

// read takes records until the ring is closed, and notes how late those are that ended for being idle.
func (x *receiver) read(idle time.Duration, timed bool) {
	var v flow.View
	for !x.ring.Closed() || x.ring.Used() > 0 {
		kind, msg := x.ring.Next()
		if kind == ring.None {
			x.ring.Release()
			time.Sleep(100 * time.Microsecond)
			continue
		}
		if kind != ring.Flow || !v.Load(msg) {
			continue
		}
		x.records++
		x.metered += v.Packets[0] + v.Packets[1]
		if timed && v.End == flow.EndIdle {
			x.late = append(x.late, time.Since(time.Unix(0, int64(v.Last)))-idle)
		}
	}
}

func (x *receiver) figures() map[string]float64 {
	f := byPacket(x.packets, x.cpu)
	f["records"], f["unmetered"] = float64(x.records), float64(x.packets)-float64(x.metered)
	f["missed"] = float64(x.stats.Missed + x.stats.NoBuffer + x.stats.Errors)
	if n := len(x.late); n > 0 {
		slices.Sort(x.late)
		f["record_late_ms_median"] = float64(x.late[n/2]) / 1e6
		f["record_late_ms_99"] = float64(x.late[n*99/100]) / 1e6
	}
	return f
}
