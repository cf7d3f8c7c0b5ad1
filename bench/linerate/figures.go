package main

import (
	"fmt"
	"time"

	"github.com/weir-probe/weir/dataplane/worker"
)

// figures returns what was measured of a run.
func (x *run) figures() map[string]float64 {
	n := float64(x.packets)
	f := map[string]float64{
		"ns": float64(x.cpu) / n, "wall_ns": float64(x.wall) / n, "mpps": n / x.cpu.Seconds() / 1e6,
		"records": float64(x.records), "wrong": float64(x.wrong),
		"mallocs": float64(x.mallocs), "gcs": float64(x.gcs),
		"gap_us":          float64(x.worst) / float64(time.Microsecond),
		"octets_per_flow": float64(x.resident) / float64(x.cell.Flows),
		"ring_full":       float64(x.last.Counters[worker.RingFull]),
	}
	octets := 0
	for _, s := range x.traffic.sizes {
		octets += s
	}
	f["gbps"] = f["mpps"] * 8 * float64(octets) / float64(len(x.traffic.sizes)) / 1000
	for i, count := range x.gaps {
		if count > 0 {
			f[fmt.Sprintf("gaps_under_%v", time.Duration(1)<<i)] = float64(count)
		}
	}
	if x.encoded > 0 {
		f["encoded_octets"] = float64(x.encoded)
	}
	return f
}

// grid measures every cell.
func grid(r *Results, cells []Cell, only func(string) bool) {
	for _, c := range cells {
		if !only(c.String()) {
			continue
		}
		x, err := inMemory(c)
		if err != nil {
			r.skip(c.String(), err)
			continue
		}
		r.add(c.String(), x.figures())
	}
}

// minute meters for a minute by the clock, for what must not happen in a long time.
func minute(r *Results, length time.Duration) {
	c := Cell{Size: "64", Flows: 100_000, New: 10_000, Feature: "metering", Packets: 2_000_000}
	probe, err := inMemory(c)
	if err != nil {
		r.skip("minute", err)
		return
	}
	c.Packets = int(float64(c.Packets) * length.Seconds() / probe.wall.Seconds())
	x, err := inMemory(c)
	if err != nil {
		r.skip("minute", err)
		return
	}
	r.add("minute", x.figures())
}

// scaling measures one worker, and two at the same time.
func scaling(r *Results) {
	c := Cell{Size: "64", Flows: 100_000, Feature: "metering", Packets: 20_000_000}
	for n := 1; n <= 2; n++ {
		name := fmt.Sprintf("workers=%d", n)
		runs := make(chan *run, n)
		errs := make(chan error, n)
		for i := range n {
			go func() {
				x, err := inMemoryOn(c, i)
				runs <- x
				errs <- err
			}()
		}
		mpps, wrong := 0.0, 0.0
		var failed error
		for range n {
			if err := <-errs; err != nil {
				failed = err
			}
			if x := <-runs; x != nil {
				mpps += float64(x.packets) / x.wall.Seconds() / 1e6
				wrong += float64(x.wrong)
			}
		}
		if failed != nil {
			r.skip(name, failed)
			continue
		}
		r.add(name, map[string]float64{"mpps": mpps, "wrong": wrong})
	}
}
