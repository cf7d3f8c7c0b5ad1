package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/weir-probe/weir/export"
)

// file writes messages to a file. Without rotation it is written where it was named, from
// its beginning. With rotation it is written as PATH.part; complete, it is renamed to the
// path with the time of its first message before the extension, and never changes again.
type file struct {
	path    string
	o       Options
	preface func(dst, next []byte) []byte

	mu     sync.Mutex
	f      *os.File
	first  time.Time   // when the file was begun
	size   int64       // octets in it
	timer  *time.Timer // completes it
	buf    []byte
	late   error // of a completion by the timer, for the next Send
	closed bool
}

const partial = ".part"

func openFile(place string, o Options) (export.Sink, error) {
	if place == "" {
		return nil, errors.New("path is empty: name a file")
	}
	k := &file{path: place, o: o}
	if !k.rotates() {
		return k, k.create(place)
	}
	// What a probe that died has left is kept under a name that says so.
	left := place + partial
	if s, err := os.Stat(left); err == nil {
		if s.Size() == 0 {
			return k, os.Remove(left)
		}
		return k, os.Rename(left, k.free(s.ModTime(), ".cut"))
	}
	s, err := os.Stat(filepath.Dir(place))
	if err == nil && !s.IsDir() {
		err = fmt.Errorf("%s is not a directory", filepath.Dir(place))
	}
	return k, err
}

func (k *file) rotates() bool { return k.o.RotateSize > 0 || k.o.RotateInterval > 0 }

func (k *file) create(path string) (err error) {
	k.f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	k.first, k.size = time.Now(), 0
	return err
}

// Preface sets what a file begins with.
func (k *file) Preface(open func(dst, next []byte) []byte) { k.preface = open }

// Send writes the message. If that fails, the file ends where the message before it did.
func (k *file) Send(_ context.Context, message []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return errClosed
	case k.late != nil:
		err := k.late
		k.late = nil
		return err
	}
	if err := k.begin(int64(len(message))); err != nil {
		return err
	}
	k.buf = k.buf[:0]
	if k.size == 0 && k.preface != nil {
		k.buf = k.preface(k.buf, message)
	}
	k.buf = append(k.buf, message...)
	n, err := k.f.Write(k.buf)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, k.f.Truncate(k.size))
			_, seek := k.f.Seek(k.size, 0)
			err = errors.Join(err, seek)
		}
		return err
	}
	k.size += int64(n)
	return nil
}

// begin completes the file if n more octets are too many, and opens one if there is none.
func (k *file) begin(n int64) error {
	if k.f != nil && k.o.RotateSize > 0 && k.size > 0 && k.size+n > k.o.RotateSize {
		if err := k.complete(); err != nil {
			return err
		}
	}
	if k.f != nil {
		return nil
	}
	if err := k.create(k.path + partial); err != nil {
		return err
	}
	if k.o.RotateInterval > 0 {
		f := k.f
		k.timer = time.AfterFunc(k.o.RotateInterval, func() { k.expire(f) })
	}
	return nil
}

// expire completes f when its time is over, messages or not.
func (k *file) expire(f *os.File) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.f == f {
		k.late = k.complete()
	}
}

// complete closes the file and gives it its final name.
func (k *file) complete() error {
	f := k.f
	k.f = nil
	if k.timer != nil {
		k.timer.Stop()
	}
	if !k.rotates() {
		return f.Close()
	}
	err := errors.Join(f.Sync(), f.Close())
	if k.size == 0 {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return errors.Join(err, os.Rename(f.Name(), k.free(k.first, "")))
}

// free returns a name for a file begun at t that no file has yet.
func (k *file) free(t time.Time, suffix string) string {
	ext := filepath.Ext(k.path)
	stem := strings.TrimSuffix(k.path, ext) + "-" + t.UTC().Format("20060102T150405Z")
	name := stem + ext + suffix
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d%s%s", stem, i, ext, suffix)
	}
}

// Close completes the file.
func (k *file) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	err := k.late
	if k.f != nil {
		err = errors.Join(err, k.complete())
	}
	return err
}
