package sink

import (
	"context"
	"io"
	"os"
	"sync"

	"github.com/weir-probe/weir/export"
)

// pipe writes messages to something that is already open and belongs to somebody else.
type pipe struct {
	w       io.Writer
	preface func(dst, next []byte) []byte

	mu     sync.Mutex
	begun  bool
	closed bool
}

func openStdout(string, Options) (export.Sink, error) { return &pipe{w: os.Stdout}, nil }

// Preface sets what the output begins with.
func (k *pipe) Preface(open func(dst, next []byte) []byte) { k.preface = open }

// Send writes the message; it waits as long as the reader does.
func (k *pipe) Send(_ context.Context, message []byte) error {
	k.mu.Lock()
	closed := k.closed
	k.mu.Unlock()
	if closed {
		return errClosed
	}
	if !k.begun && k.preface != nil {
		if _, err := k.w.Write(k.preface(nil, message)); err != nil {
			return err
		}
	}
	k.begun = true // even if the message fails: it is tried again, what precedes it is there
	_, err := k.w.Write(message)
	return err
}

// Close leaves the output open: it is not the sink's.
func (k *pipe) Close() error {
	k.mu.Lock()
	k.closed = true
	k.mu.Unlock()
	return nil
}
