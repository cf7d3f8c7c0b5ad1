package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect/app"
)

// collector is weir's collector at a port of loopback. Its records are read from the ring and counted. It says
// what it has counted when it is told to end.
func collector(port int) error {
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		return err
	}
	o := collect.DefaultOptions()
	o.Name, o.Listen = "bench", []string{fmt.Sprint("udp://127.0.0.1:", port)}
	if port < 0 { // of all exporters of loopback
		o.Listen = []string{fmt.Sprint("udp://0.0.0.0:", -port)}
	}
	say := func(message string, args ...any) { fmt.Fprintln(os.Stderr, append([]any{message}, args...)...) }
	c, err := collect.New(o, schema, say)
	if err != nil {
		return err
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	if err := c.Start(); err != nil {
		return err
	}
	closed := make(chan error, 1)
	go func() {
		<-end
		time.Sleep(2 * time.Second) // the kernel's count of drops is read once a second
		closed <- c.Close()
	}()
	got := tally{}
	r := c.Sources(nil)[0].Ring
	for !r.Closed() || r.Used() > 0 {
		if got.Records == drain(r, &got) {
			time.Sleep(time.Millisecond)
		}
	}
	if err := <-closed; err != nil {
		return err
	}
	for _, t := range c.Tally() {
		switch t.Name {
		case "kernel_dropped":
			got.Kernel = t.N
		case "lost":
			got.Lost = t.N
		case "ring_full":
			got.Full = t.N
		}
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}

// drain reads what is in the ring and returns how many records had been read before.
func drain(r *ring.Ring, got *tally) (before uint64) {
	before = got.Records
	var v flow.View
	for range 4096 {
		kind, msg := r.Next()
		if kind == ring.None {
			break
		}
		if kind == ring.Flow && v.Load(msg) {
			got.Records++
		}
		r.Release()
	}
	return before
}
