// Package capture replays capture files: pcap and pcapng, plain, in gzip or in zstd.
//
// Plain files are mapped and their frames point into the mapping. Everything else is read
// through one buffer of a fixed size and the frames point into that. A capture that is
// damaged is delivered up to the damage, and Err says where that is.
package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/weir-probe/weir/dataplane/nic"
)

// Reader replays one or several captures as one stream of frames. One goroutine uses it;
// Err and Progress may be called by any.
type Reader struct {
	paths  []string // not yet opened
	in     *input   // being read, nil between files
	ended  bool     // in has no more frames; its memory is released by the next Burst
	done   bool
	frames [nic.Max]nic.Frame

	behind int64        // octets of the files before in
	read   atomic.Int64 // behind and what was read of in
	total  int64
	lost   atomic.Pointer[error]

	busy sync.Mutex    // held by the goroutine of Broadcast
	stop chan struct{} // closed by Close
	once sync.Once     // closes stop
}

var (
	_ nic.Source = (*Reader)(nil)
	_ nic.Finite = (*Reader)(nil)
)

// Open returns a reader of the capture at path; "-" is the standard input. A file that is
// no capture is refused at once; a pipe is looked at by the first Burst, which waits for it.
func Open(path string) (*Reader, error) {
	r := Sequence(path)
	if path == "-" {
		return r, nil
	}
	s, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("capture %s: %w; give the path of a pcap or pcapng file, or - for standard input",
			path, errors.Unwrap(err))
	}
	if s.Mode().IsRegular() || s.IsDir() {
		r.turn()
		if err := r.Err(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Sequence returns a reader of several captures, one after the other. What cannot be opened
// or read to its end is left where it fails; Err tells of all of them.
func Sequence(paths ...string) *Reader {
	r := &Reader{paths: paths, done: len(paths) == 0, stop: make(chan struct{})}
	for _, p := range paths {
		s, err := os.Stat(p)
		if err != nil || !s.Mode().IsRegular() {
			r.total = 0
			break
		}
		r.total += s.Size()
	}
	return r
}

// Burst implements nic.Source. It waits for the writer of a pipe; where a worker must not
// wait it is to be a consumer of Broadcast.
func (r *Reader) Burst() []nic.Frame {
	if r.done || (r.in == nil || r.ended) && !r.turn() {
		return nil
	}
	n, err := r.in.burst(r.frames[:])
	r.in.frames += uint64(n)
	r.read.Store(r.behind + r.in.position())
	if err != nil {
		r.end(err)
	}
	return r.frames[:n]
}

// Done implements nic.Finite.
func (r *Reader) Done() bool { return r.done }

// Err returns what went wrong, a *Fault for each capture that was not read to its end, or
// nil if everything was read so far. What precedes a fault has been delivered.
func (r *Reader) Err() error {
	if p := r.lost.Load(); p != nil {
		return *p
	}
	return nil
}

// Progress returns how many octets of the files have been read, and how many there are;
// total is 0 if one of them is a pipe.
func (r *Reader) Progress() (done, total int64) { return r.read.Load(), r.total }

// Close gives back the files and the memory of the frames, which nobody may look at any
// more. Consumers of Broadcast are told that the capture is done.
func (r *Reader) Close() error {
	r.once.Do(func() { close(r.stop) })
	if !r.busy.TryLock() {
		// The goroutine of Broadcast is at work, and may be waiting for the writer of a pipe.
		// It settles when it notices that it is to stop.
		return nil
	}
	defer r.busy.Unlock()
	return r.settle()
}

// settle gives everything back.
func (r *Reader) settle() error {
	r.paths, r.done = nil, true
	return r.release()
}

// turn releases the capture that was read and opens the next. It returns false when that
// fails or when there is none.
func (r *Reader) turn() bool {
	if err := r.release(); err != nil {
		r.fail(err)
	}
	if len(r.paths) == 0 {
		r.done = true
		return false
	}
	path := r.paths[0]
	r.paths = r.paths[1:]
	in, err := open(path)
	if err != nil {
		r.done = len(r.paths) == 0
		r.fail(err)
		return false
	}
	r.in, r.ended = in, false
	return true
}

// end notes that the capture in hand has no more frames, and why.
func (r *Reader) end(err error) {
	r.ended = true
	r.done = len(r.paths) == 0
	if err == errEnd {
		return
	}
	r.fail(&Fault{File: r.in.name, Offset: r.in.base + int64(r.in.pos), Frames: r.in.frames, Cause: err})
}

func (r *Reader) fail(err error) {
	all := errors.Join(r.Err(), err)
	r.lost.Store(&all)
}

func (r *Reader) release() error {
	if r.in == nil {
		return nil
	}
	in := r.in
	r.in = nil
	r.behind += in.size
	if err := in.close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("capture %s: %w", in.name, err)
	}
	return nil
}
