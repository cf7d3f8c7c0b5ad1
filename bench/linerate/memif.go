package main

import (
	"fmt"
	"os"
	"time"
)

// betweenProcesses finds the highest rate at which nothing is lost between a process that sends and one
// that meters, over net_memif.
func betweenProcesses(r *Results, short bool) {
	dir, err := os.MkdirTemp("", "linerate")
	if err != nil {
		r.skip("memif", err)
		return
	}
	defer os.RemoveAll(dir)
	trials, seconds := 9, 4.0
	if short {
		trials, seconds = 4, 1.0
	}
	low, high := 0.0, 16e6
	best := map[string]float64{}
	for i := range trials {
		pps := (low + high) / 2
		f, err := trial(fmt.Sprintf("%s/%d", dir, i), pps, seconds)
		if err != nil {
			r.skip("memif", err)
			return
		}
		if lost := f["sent"] - f["packets"]; lost == 0 && f["refused"] == 0 && f["unmetered"] == 0 {
			low, best = pps, f
		} else {
			high = pps
		}
		fmt.Fprintf(r.progress, "memif: %.3g packets/s: sent %.0f, refused %.0f, received %.0f, in records %.0f\n",
			pps, f["sent"], f["refused"], f["packets"], f["packets"]-f["unmetered"])
	}
	if low == 0 {
		r.skip("memif", fmt.Errorf("something is lost at %.0f packets/s, too", high))
		return
	}
	best["no_loss_mpps"] = low / 1e6
	r.add("memif", best)
}

// trial sends at a rate and returns the figures of both sides.
func trial(name string, pps, seconds float64) (map[string]float64, error) {
	memif := func(role string) string {
		return "net_memif0,role=" + role + ",id=0,socket-abstract=no,socket=" + name + ",rsize=12"
	}
	const flows = 10_000
	meter, err := begin(order{Receive: &receiving{Device: memif("server"), Flows: flows, Timeout: time.Second}})
	if err != nil {
		return nil, err
	}
	sender, err := begin(order{Send: &sending{
		Device: memif("client"), Cell: Cell{Size: "64", Flows: flows}, Rate: pps, Seconds: seconds,
	}})
	if err != nil {
		_, _ = meter.end()
		return nil, err
	}
	sent, err := sender.end()
	if err != nil {
		_, _ = meter.end()
		return nil, err
	}
	time.Sleep(2500 * time.Millisecond) // for the records of idle flows
	f, err := meter.end()
	if err != nil {
		return nil, err
	}
	f["sent"], f["refused"] = sent["sent"], sent["refused"]
	return f, nil
}
