package spool

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// segment is one of the files of a log. Its name says where it begins, so that what it held is known
// even if nothing in it can be read.
type segment struct {
	path   string
	format string // of its messages; empty if that cannot be read
	first  mark
	salt   uint64
	size   int64    // octets
	time   uint64   // of its first entry
	last   uint64   // time of its last entry, or a later one
	file   *os.File // while it is written or may not be on the disk yet; nil afterwards
}

const (
	suffix      = ".spool"
	titleMagic  = 0x7765697273700001
	titleSize   = 80
	formatRoom  = titleSize - 16 - 4
	searchBlock = 64 << 10
)

func (m mark) fileName() string { return fmt.Sprintf("%016x-%016x%s", m.sequence, m.before, suffix) }

// appendTitle appends what a file begins with.
func appendTitle(dst []byte, salt uint64, format string) []byte {
	start := len(dst)
	dst = be.AppendUint64(dst, titleMagic)
	dst = be.AppendUint64(dst, salt)
	var name [formatRoom]byte
	copy(name[:], format)
	dst = append(dst, name[:]...)
	return be.AppendUint32(dst, crc32.Checksum(dst[start:], table))
}

// title reads the salt of the log and the format of its messages, unless it is damaged.
func (s *segment) title() {
	f, err := os.Open(s.path)
	if err != nil {
		return
	}
	defer f.Close()
	b := make([]byte, titleSize)
	if _, err := io.ReadFull(f, b); err != nil || be.Uint64(b) != titleMagic ||
		be.Uint32(b[titleSize-4:]) != crc32.Checksum(b[:titleSize-4], table) {
		return
	}
	s.salt, s.format = be.Uint64(b[8:]), string(bytes.TrimRight(b[16:titleSize-4], "\x00"))
}

// segmentsOf returns the files in the directory, the oldest first.
func segmentsOf(dir string) (all []*segment, err error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		s := &segment{path: filepath.Join(dir, d.Name())}
		name, ok := strings.CutSuffix(d.Name(), suffix)
		if _, err := fmt.Sscanf(name, "%016x-%016x", &s.first.sequence, &s.first.before); !ok || err != nil {
			continue
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			s.size = info.Size()
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *segment) int {
		if a.first.less(b.first) {
			return -1
		}
		return 1
	})
	return all, nil
}

// cursor is a place in a file from which entries are read.
type cursor struct {
	s   *segment // nil if none is open
	f   *os.File
	at  int64
	buf []byte
}

func (c *cursor) open(s *segment) (err error) {
	c.close()
	if c.f, err = os.Open(s.path); err == nil {
		c.s, c.at = s, titleSize
	}
	return err
}

func (c *cursor) close() {
	if c.s != nil {
		c.f.Close()
	}
	c.s = nil
}

// next reads the header of the next entry from the cursor on and puts the cursor before it. It passes
// over what is damaged; clean is false if there was something. It returns io.EOF at the end.
func (c *cursor) next(h *header) (clean bool, err error) {
	var b [headerSize]byte
	if c.at >= c.s.size {
		return true, io.EOF
	}
	if _, err := c.f.ReadAt(b[:], c.at); err == nil && h.parse(b[:], c.s.salt) && c.at+h.size() <= c.s.size {
		return true, nil
	}
	return false, c.search(h)
}

// search looks for an entry behind a damaged place.
func (c *cursor) search(h *header) error {
	pattern := be.AppendUint64(nil, c.s.salt)
	block := make([]byte, searchBlock+headerSize)
	for at := c.at + 1; at < c.s.size; at += searchBlock {
		n, _ := c.f.ReadAt(block, at)
		for i := 0; i < min(n, searchBlock); i++ {
			skip := bytes.Index(block[i:n], pattern)
			if skip < 0 {
				break
			}
			if i += skip; h.parse(block[i:n], c.s.salt) && at+int64(i)+h.size() <= c.s.size {
				c.at = at + int64(i)
				return nil
			}
		}
	}
	c.at = c.s.size
	return io.EOF
}

// payload reads the two parts of the entry before which the cursor is. They are good until the next
// call. It returns false if they are damaged.
func (c *cursor) payload(h *header) (head, body []byte, ok bool) {
	n := int(h.head) + int(h.body)
	c.buf = slices.Grow(c.buf[:0], n)[:n]
	if _, err := c.f.ReadAt(c.buf, c.at+headerSize); err != nil || crc32.Checksum(c.buf, table) != h.sum {
		return nil, nil, false
	}
	return c.buf[:h.head], c.buf[h.head:], true
}

// survey reads the headers of all entries: it finds when the first was written, where the last ends,
// and cuts off what is behind it.
func (s *segment) survey() (end mark, err error) {
	end = s.first
	var c cursor
	if err := c.open(s); err != nil {
		return end, err
	}
	defer c.close()
	var h header
	good := int64(titleSize)
	for {
		if _, err := c.next(&h); err != nil {
			break
		}
		if s.time == 0 {
			s.time = h.time
		}
		s.last = max(s.last, h.time)
		end = end.latest(h.end())
		c.at += h.size()
		good = c.at
	}
	if s.size > good {
		s.size = good
		return end, os.Truncate(s.path, good)
	}
	return end, nil
}
