package sink

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weir-probe/weir/export"
)

// volume is a file that is being written.
type volume struct {
	f     *os.File
	path  string    // what it will be called, but for the time
	hour  uint64    // of its records, since the Unix epoch; 0 if files are not nested
	first time.Time // when it was begun; nested, the time of its first record
	size  int64     // octets in it
	lines uint64    // records in it
	timer *time.Timer
}

// volume returns the file for a message of n octets, a new one if that is too much for the
// present one.
func (k *file) volume(n int64, of export.Batch) (*volume, error) {
	hour := uint64(0)
	if k.o.Nested {
		hour = of.Time / uint64(time.Hour)
	}
	i := slices.IndexFunc(k.volumes, func(v *volume) bool { return v.hour == hour })
	if i >= 0 {
		if !k.full(k.volumes[i], n, of) {
			return k.volumes[i], nil
		}
		if err := k.complete(k.volumes[i]); err != nil {
			return nil, err
		}
	}
	if len(k.volumes) == volumes {
		oldest := slices.MinFunc(k.volumes, func(a, b *volume) int { return int(int64(a.hour - b.hour)) })
		if err := k.complete(oldest); err != nil {
			return nil, err
		}
	}
	return k.begin(hour, of)
}

// full reports whether a message of n octets is too much for v.
func (k *file) full(v *volume, n int64, of export.Batch) bool {
	switch {
	case v.size == 0:
		return false
	case k.o.RotateSize > 0 && v.size+n > k.o.RotateSize:
		return true
	case k.o.RotateLines > 0 && v.lines+uint64(of.Records) > k.o.RotateLines:
		return true
	}
	return k.o.Nested && int64(of.Time)-v.first.UnixNano() >= int64(k.o.RotateInterval)
}

// begin opens a file, in a directory of the hour if files are nested.
func (k *file) begin(hour uint64, of export.Batch) (*volume, error) {
	path, first := k.path, time.Now()
	if k.o.Nested {
		first = time.Unix(0, int64(of.Time)).UTC()
		dir := filepath.Join(filepath.Dir(path), first.Format("2006/01/02/15"))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		path = filepath.Join(dir, filepath.Base(path))
	}
	if err := keep(path + partial); err != nil { // a file that could not get its name
		return nil, err
	}
	v, err := k.create(path + partial)
	if err != nil {
		return nil, err
	}
	v.path, v.hour, v.first = path, hour, first
	k.volumes = append(k.volumes, v)
	if k.o.RotateInterval > 0 {
		v.timer = time.AfterFunc(k.o.RotateInterval, func() { k.expire(v) })
	}
	return v, nil
}

func (k *file) create(path string) (*volume, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, k.o.Mode)
	if err != nil {
		return nil, err
	}
	return &volume{f: f, path: path}, nil
}

// write appends b, all of it or nothing.
func (v *volume) write(b []byte) error {
	n, err := v.f.Write(b)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, v.f.Truncate(v.size))
			_, seek := v.f.Seek(v.size, 0)
			err = errors.Join(err, seek)
		}
		return err
	}
	v.size += int64(n)
	return nil
}

// expire completes v when its time is over, messages or not.
func (k *file) expire(v *volume) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.volumes, v) {
		k.late = errors.Join(k.late, k.complete(v))
	}
}

// complete closes v, gives it its final name and tells who waits for it.
func (k *file) complete(v *volume) error {
	k.volumes = slices.DeleteFunc(k.volumes, func(o *volume) bool { return o == v })
	if v.timer != nil {
		v.timer.Stop()
	}
	name := v.path
	if k.rotates() {
		name = free(v.path, v.first, "")
		if err := v.finish(name); err != nil || v.size == 0 {
			return err
		}
	} else if err := v.f.Close(); err != nil {
		return err
	}
	if k.o.Done != nil {
		k.o.Done(name)
	}
	return nil
}

// finish closes a file of a series and gives it its name, or removes it if it is empty.
func (v *volume) finish(name string) error {
	if err := errors.Join(v.f.Sync(), v.f.Close()); err != nil {
		return err
	}
	if v.size == 0 {
		return os.Remove(v.f.Name())
	}
	return os.Rename(v.f.Name(), name)
}

// keep gives what was left unfinished a name that says so, if there is anything.
func keep(part string) error {
	s, err := os.Stat(part)
	if err == nil && s.Size() == 0 {
		err = os.Remove(part)
	} else if err == nil {
		err = os.Rename(part, free(strings.TrimSuffix(part, partial), s.ModTime(), ".cut"))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// free returns a name for a file begun at t that no file has yet.
func free(path string, t time.Time, suffix string) string {
	ext := filepath.Ext(path)
	if ext == Gzip.extension() || ext == Zstd.extension() {
		ext = filepath.Ext(strings.TrimSuffix(path, ext)) + ext
	}
	stem := strings.TrimSuffix(path, ext) + "-" + t.UTC().Format("20060102T150405Z")
	name := stem + ext + suffix
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d%s%s", stem, i, ext, suffix)
	}
}
