// Package sinktest is what every sink has to do, as a test.
package sinktest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/weir-probe/weir/export"
)

// Peer makes sinks of one kind to test.
type Peer struct {
	// Open returns a sink, and a function that returns what has arrived so far.
	Open func(t *testing.T) (export.Sink, func() []byte)
	// Gone returns a sink to a peer that is not there.
	Gone func(t *testing.T) export.Sink
	// Stuck returns a sink to a peer that reads nothing; nil if there is no such thing.
	Stuck func(t *testing.T) export.Sink
}

// patience is how long the tests wait for what has to happen.
const patience = 10 * time.Second

// Run tests the sinks of a peer.
func Run(t *testing.T, p Peer) {
	t.Run("order", p.order)
	t.Run("gone", p.gone)
	t.Run("stuck", p.stuck)
	t.Run("closed", p.closed)
	t.Run("concurrent", p.concurrent)
}

// order: what was sent before Close arrives, in order, although the buffer is used again.
func (p Peer) order(t *testing.T) {
	k, arrived := p.Open(t)
	var sent, buf []byte
	for i := range 200 {
		buf = fmt.Appendf(buf[:0], "message %d\n", i)
		sent = append(sent, buf...)
		if err := k.Send(within(t), buf); err != nil {
			t.Fatalf("Send %d: %v", i, err)
		}
		for j := range buf {
			buf[j] = '!'
		}
	}
	if err := k.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for end := time.Now().Add(patience); len(arrived()) < len(sent) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if got := arrived(); !bytes.Equal(got, sent) {
		t.Errorf("arrived:\n%s\nsent:\n%s", got, sent)
	}
}

// gone: Send says so in the end, and every time after that something is amiss Close still works.
func (p Peer) gone(t *testing.T) {
	k := p.Gone(t)
	var err error
	for end := time.Now().Add(patience); err == nil && time.Now().Before(end); time.Sleep(time.Millisecond) {
		err = k.Send(within(t), []byte("message\n"))
	}
	if err == nil {
		t.Error("Send reports no error although nobody is there")
	}
	k.Close()
}

// stuck: Send returns when its time is over, and when the sink is closed.
func (p Peer) stuck(t *testing.T) {
	if p.Stuck == nil {
		t.Skip("there is no peer that reads nothing")
	}
	large := make([]byte, 1<<20)
	fill := func(k export.Sink, timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		for range 64 { // more than the kernel keeps
			if err := k.Send(ctx, large); err != nil {
				return err
			}
		}
		return nil
	}
	k := p.Stuck(t)
	if err := fill(k, 50*time.Millisecond); err == nil {
		t.Error("64 MiB were sent to a peer that reads nothing")
	}
	k.Close()

	k = p.Stuck(t)
	done := make(chan error)
	go func() { done <- fill(k, time.Hour) }()
	time.Sleep(20 * time.Millisecond)
	k.Close()
	select {
	case err := <-done:
		if err == nil {
			t.Error("Send reports no error although the sink was closed")
		}
	case <-time.After(patience):
		t.Fatal("Send still waits although the sink is closed")
	}
}

// closed: a closed sink takes nothing, and may be closed again.
func (p Peer) closed(t *testing.T) {
	k, _ := p.Open(t)
	if err := k.Send(within(t), []byte("message\n")); err != nil {
		t.Fatal(err)
	}
	k.Close()
	if err := k.Send(within(t), []byte("message\n")); err == nil {
		t.Error("a closed sink took a message")
	}
	k.Close()
}

// concurrent: Close may come at any time from another goroutine.
func (p Peer) concurrent(t *testing.T) {
	for range 20 {
		k, _ := p.Open(t)
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 50 {
				if k.Send(within(t), []byte("message\n")) != nil {
					return
				}
			}
		})
		wg.Go(func() { k.Close() })
		wg.Wait()
	}
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
