package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dataplane/worker"
)

// recording is the frames of a capture, over and over, each time later. It implements nic.Source.
type recording struct {
	frames []nic.Frame
	octets uint64
	at     int
	length uint64 // of a repetition, with a pause in which all flows end
	later  uint64 // than when a frame was played the last time
	played uint64
}

// most is how many frames of a capture are taken.
const most = 1 << 18

// record reads a capture into memory.
func record(name string) (*recording, error) {
	src, err := capture.Open(name)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	r := &recording{}
	for !src.Done() && len(r.frames) < most {
		for _, f := range src.Burst() {
			octets := slices.Clone(f.Bytes())
			f.Data = unsafe.Pointer(unsafe.SliceData(octets))
			r.frames = append(r.frames, f)
			r.octets += uint64(f.Wire)
		}
	}
	if len(r.frames) == 0 {
		return nil, fmt.Errorf("capture %s is empty", name)
	}
	r.length = r.frames[len(r.frames)-1].Time - r.frames[0].Time + uint64(2*time.Minute)
	return r, nil
}

// Burst implements nic.Source.
func (r *recording) Burst() []nic.Frame {
	if r.at == len(r.frames) {
		r.at, r.later = 0, r.length
	}
	burst := r.frames[r.at:min(r.at+nic.Max, len(r.frames))]
	r.at += len(burst)
	r.played += uint64(len(burst))
	for i := range burst {
		burst[i].Time += r.later
	}
	return burst
}

// rounds is how often a capture is repeated.
const rounds = 10

// mix measures a capture with each feature that is wanted.
func mix(r *Results, name, file string, only func(string) bool) {
	var src *recording
	for _, f := range features {
		if f.format != "" || !only("mix "+name+" "+f.name) {
			continue
		}
		if src == nil {
			var err error
			if src, err = record(file); err != nil {
				r.skip("mix "+name, err)
				return
			}
		}
		figures, err := src.measure(f)
		if err != nil {
			r.skip("mix "+name+" "+f.name, err)
			continue
		}
		r.add("mix "+name+" "+f.name, figures)
	}
}

// measure plays the recording to a worker, whose records are thrown away.
func (r *recording) measure(f feature) (map[string]float64, error) {
	out, err := newRing(16 << 20)
	if err != nil {
		return nil, err
	}
	type measured struct {
		cpu    time.Duration
		played uint64
		err    error
	}
	done := make(chan measured)
	go func() {
		runtime.LockOSThread()
		pin(workerCore)
		c := f.config(1 << 17)
		c.Idle, c.Active, c.Linger = time.Minute, 2*time.Minute, 2*time.Second
		w, err := worker.New(r, out, c)
		if err != nil {
			done <- measured{err: err}
			return
		}
		defer w.Close()
		play := func(rounds int) {
			for end := r.played + uint64(rounds*len(r.frames)); r.played < end; {
				w.Step(0)
				discard(out)
			}
		}
		play(1)
		from, cpu := r.played, threadTime()
		play(rounds)
		done <- measured{cpu: threadTime() - cpu, played: r.played - from}
	}()
	m := <-done
	if m.err != nil {
		return nil, m.err
	}
	average := float64(r.octets) / float64(len(r.frames))
	mpps := float64(m.played) / m.cpu.Seconds() / 1e6
	return map[string]float64{
		"ns": float64(m.cpu) / float64(m.played), "mpps": mpps, "gbps": mpps * average * 8 / 1000, "octets": average,
	}, nil
}

func discard(r *ring.Ring) {
	for k, _ := r.Next(); k != ring.None; k, _ = r.Next() {
		continue
	}
	r.Release()
}

// write writes the recording, over and over, as a pcap file of Ethernet frames; others are left out. It returns how
// many those are.
func (r *recording) write(name string, rounds int) (packets int, err error) {
	w, err := createCapture(name)
	if err != nil {
		return 0, err
	}
	for end := r.played + uint64(rounds*len(r.frames)); r.played < end; {
		for _, f := range r.Burst() {
			if f.Link != nic.Ethernet {
				continue
			}
			if err := w.frame(&f); err != nil {
				return packets, errors.Join(err, w.close())
			}
			packets++
		}
	}
	return packets, w.close()
}
