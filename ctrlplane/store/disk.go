package store

import (
	"os"
	"path/filepath"
)

// disk is what the store asks of a file system to change something. Whatever returns without an error
// but rename and remove is still there after a loss of power; those are after the next sync of their
// directory.
type disk interface {
	write(path string, data []byte) error
	rename(from, to string) error
	remove(path string) error
	sync(dir string) error
}

// files is the disk there is. step, if there is one, is called before each system call that changes
// something: tests end the process there.
type files struct{ step func() }

func (f files) before() {
	if f.step != nil {
		f.step()
	}
}

func (f files) write(path string, data []byte) error {
	f.before()
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	f.before()
	if _, err := w.Write(data); err != nil {
		w.Close()
		return err
	}
	f.before()
	if err := w.Sync(); err != nil {
		w.Close()
		return err
	}
	f.before()
	return w.Close()
}

func (f files) rename(from, to string) error {
	f.before()
	return os.Rename(from, to)
}

func (f files) remove(path string) error {
	f.before()
	return os.Remove(path)
}

func (f files) sync(dir string) error {
	f.before()
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	f.before()
	return d.Sync()
}

// replace has a file hold something else, or leaves it as it was: nobody sees anything in between,
// not even after a loss of power.
func replace(d disk, path string, data []byte) error {
	next := path + ".new"
	if err := d.write(next, data); err != nil {
		return err
	}
	if err := d.rename(next, path); err != nil {
		return err
	}
	return d.sync(filepath.Dir(path))
}

// Replace has a file hold something else, or leaves it as it was, whatever happens meanwhile. Only
// its owner may read it.
func Replace(path string, data []byte) error { return replace(files{}, path, data) }
