package sink

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
// Nested, it is in a directory of the hour of its records, YYYY/MM/DD/HH in UTC.
type file struct {
	path    string
	o       Options
	preface func(dst, next []byte) []byte

	mu      sync.Mutex
	volumes []*volume // being written: one, or one for each of the last few hours
	buf     []byte
	packer  packer
	late    error // of a completion by a timer, for the next message
	closed  bool
}

const (
	partial = ".part"
	// volumes is how many hours are being written at a time. Records come in the order in
	// which they end, and not all that ended in one hour come before those of the next.
	volumes = 4
)

func openFile(place string, o Options) (export.Sink, error) {
	if place == "" {
		return nil, errors.New("path is empty: name a file")
	}
	if o.Nested && o.RotateInterval == 0 {
		o.RotateInterval = time.Hour
	}
	if o.Mode == 0 {
		o.Mode = 0o644
	}
	if err := o.Compress.Check(); err != nil {
		return nil, err
	}
	if e := o.Compress.extension(); !strings.HasSuffix(place, e) {
		place += e
	}
	k := &file{path: place, o: o, packer: packer{how: o.Compress}}
	if !k.rotates() {
		v, err := k.create(place)
		k.volumes = append(k.volumes, v)
		return k, err
	}
	s, err := os.Stat(filepath.Dir(place))
	if err == nil && !s.IsDir() {
		err = fmt.Errorf("%s is not a directory", filepath.Dir(place))
	}
	return k, errors.Join(err, k.salvage())
}

// salvage keeps what a probe that died has left under a name that says so.
func (k *file) salvage() error {
	left := []string{k.path + partial}
	if k.o.Nested {
		dir := filepath.Dir(k.path)
		found, _ := fs.Glob(os.DirFS(dir), "[0-9]*/[0-9]*/[0-9]*/[0-9]*/*"+partial)
		for _, name := range found {
			if filepath.Base(name) == filepath.Base(k.path)+partial {
				left = append(left, filepath.Join(dir, name))
			}
		}
	}
	for _, name := range left {
		if err := keep(name); err != nil {
			return err
		}
	}
	return nil
}

func (k *file) rotates() bool {
	return k.o.RotateSize > 0 || k.o.RotateInterval > 0 || k.o.RotateLines > 0 || k.o.Nested
}

// Preface sets what a file begins with.
func (k *file) Preface(open func(dst, next []byte) []byte) { k.preface = open }

// Period is an hour if the files are nested.
func (k *file) Period() time.Duration {
	if k.o.Nested {
		return time.Hour
	}
	return 0
}

// Send writes a message of which nothing is known.
func (k *file) Send(ctx context.Context, message []byte) error {
	return k.Store(ctx, message, export.Batch{Time: uint64(time.Now().UnixNano()), Records: 1})
}

// Store writes a message. If that fails, the file ends where the message before it did.
func (k *file) Store(_ context.Context, message []byte, of export.Batch) error {
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
	v, err := k.volume(int64(len(message)), of)
	if err != nil {
		return err
	}
	k.buf = k.buf[:0]
	if v.size == 0 && k.preface != nil {
		k.buf = k.preface(k.buf, message)
	}
	k.buf = append(k.buf, message...)
	packed, err := k.packer.pack(k.buf)
	if err != nil {
		return err
	}
	if err := v.write(packed); err != nil {
		return err
	}
	v.lines += uint64(of.Records)
	return nil
}

// Close completes the files.
func (k *file) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil
	}
	k.closed = true
	err := k.late
	for len(k.volumes) > 0 {
		err = errors.Join(err, k.complete(k.volumes[0]))
	}
	return err
}
