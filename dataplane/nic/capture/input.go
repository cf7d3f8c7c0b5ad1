package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

const (
	maxRecord = 256 << 10 // octets of a frame; libpcap's MAXIMUM_SNAPLEN
	maxBlock  = 2 * maxRecord
	buffer    = 1 << 20 // octets of a stream in memory; holds any record
)

// decoder knows the records of one file format.
type decoder interface {
	// decode makes frames of the whole records at the front of b until out is full, and
	// returns how many it made and how many octets they took. That may be more than b
	// has, when it ends inside a record of no interest. Neither frames nor octets mean
	// that b must be longer.
	decode(b []byte, out []nic.Frame) (n, used int, err error)
}

// input is an open capture: a window over its octets and what makes frames of them.
type input struct {
	name   string
	format decoder
	buf    []byte // all of a mapped file, or the octets of a stream at hand
	pos    int    // what of buf is behind
	base   int64  // octets before buf
	skip   int    // octets after buf that are of no interest
	frames uint64

	stream io.Reader // nil for a mapped file
	room   []byte    // memory of buf for a stream
	file   *counted
	plain  bool  // a regular file
	size   int64 // octets of it
	fd     int   // of a mapped file
	stat   unix.Stat_t
	unpack func() // gives back the decompressor
}

// counted is a file and how much of it was read, by whichever goroutine decompresses it.
type counted struct {
	*os.File
	octets atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	c.octets.Add(int64(n))
	return n, err
}

// burst makes frames of the octets at hand, and gets more of them if they make none.
func (i *input) burst(out []nic.Frame) (n int, err error) {
	if i.stream != nil {
		return i.fill(out)
	}
	return i.mapped(out)
}

// mapped makes frames of a mapped file. Its pages go away when somebody shortens the file:
// a fault while headers are read becomes an error, and the size is checked after the
// headers were read, as octets after the end of the file in its last page read as zero.
// What remains is a file that is shortened after that, while a frame is looked at.
func (i *input) mapped(out []nic.Frame) (n int, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		fault, ok := p.(interface{ Addr() uintptr })
		if !ok || fault.Addr()-uintptr(unsafe.Pointer(unsafe.SliceData(i.buf))) >= uintptr(len(i.buf)) {
			panic(p)
		}
		n, err = 0, ErrShrunk
	}()
	n, err = i.fill(out)
	if e := unix.Fstat(i.fd, &i.stat); e != nil {
		return 0, fmt.Errorf("size of the file is unknown: %w", e)
	}
	if i.stat.Size < int64(i.pos) {
		return 0, ErrShrunk
	}
	return n, err
}

func (i *input) fill(out []nic.Frame) (int, error) {
	for {
		n, used, err := i.format.decode(i.buf[i.pos:], out)
		i.advance(used)
		if n > 0 || err != nil {
			return n, err
		}
		if used == 0 || i.skip > 0 || i.pos == len(i.buf) {
			if err := i.more(); err != nil {
				return 0, err
			}
		}
	}
}

// advance leaves used octets behind, some of which may not be at hand yet.
func (i *input) advance(used int) {
	i.pos += used
	if i.pos > len(i.buf) {
		i.skip = i.pos - len(i.buf)
		i.pos = len(i.buf)
	}
}

// more gets more octets of a stream, at least one. It returns errEnd if there are none and
// none are missing.
func (i *input) more() error {
	if i.stream == nil {
		return i.over(nil)
	}
	for {
		i.compact()
		n, err := i.stream.Read(i.room[len(i.buf):])
		i.buf = i.room[:len(i.buf)+n]
		i.advanceSkip()
		if i.pos < len(i.buf) && n > 0 {
			return nil
		}
		if err != nil {
			return i.over(err)
		}
	}
}

// compact makes room behind the octets at hand.
func (i *input) compact() {
	if i.pos < len(i.buf) && len(i.buf) < len(i.room) {
		return
	}
	i.base += int64(i.pos)
	i.buf = i.room[:copy(i.room, i.buf[i.pos:])]
	i.pos = 0
}

func (i *input) advanceSkip() {
	if i.skip > 0 {
		skip := i.skip
		i.skip = 0
		i.advance(skip)
	}
}

// over says why there is no more: err is what the stream said.
func (i *input) over(err error) error {
	left := len(i.buf) - i.pos
	switch {
	case err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("octets after this cannot be read: %w", err)
	case err == nil || err == io.EOF:
		if left == 0 && i.skip == 0 {
			return errEnd
		}
	}
	return fmt.Errorf("%w: %d octets of it are there; if it is still being written, "+
		"replay it when it is finished", ErrTruncated, left)
}

// position returns how much of the file is behind.
func (i *input) position() int64 {
	if i.stream != nil {
		return i.file.octets.Load()
	}
	return int64(i.pos)
}

// close gives back the file and the memory.
func (i *input) close() error {
	if i.unpack != nil {
		i.unpack()
	}
	var err error
	if i.stream == nil && len(i.buf) > 0 {
		err = unix.Munmap(i.buf)
	}
	if i.file.File == os.Stdin {
		return err
	}
	return errors.Join(err, i.file.Close())
}
