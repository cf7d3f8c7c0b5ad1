package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// maxWindow bounds the memory that a zstd file may ask for: that of zstd --long=28.
const maxWindow = 1 << 28

// open opens a capture and finds out what it is.
func open(path string) (*input, error) {
	file, err := os.Stdin, error(nil)
	if path != "-" {
		file, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("capture %s cannot be opened: %w", path, err)
	}
	i := &input{name: path, file: &counted{File: file}}
	if err := i.start(); err != nil {
		_ = i.close()
		return nil, &Fault{File: path, Offset: i.base + int64(i.pos), Cause: err}
	}
	return i, nil
}

// start gets the first octets and chooses the decompressor and the decoder.
func (i *input) start() error {
	s, err := i.file.Stat()
	switch {
	case err != nil:
		return err
	case s.IsDir():
		return fmt.Errorf("%w: a directory is replayed by naming the files in it", ErrFormat)
	}
	i.plain = s.Mode().IsRegular() && i.file.File != os.Stdin
	var head [4]byte
	if i.plain {
		i.size = s.Size()
		n, err := i.file.ReadAt(head[:], 0)
		if err != nil && err != io.EOF {
			return err
		}
		return i.unpacked(i.file, head[:n])
	}
	n, err := io.ReadFull(i.file, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	return i.unpacked(io.MultiReader(bytes.NewReader(head[:n]), i.file), head[:n])
}

// unpacked puts a decompressor, if head calls for one, between the octets and the decoder.
func (i *input) unpacked(packed io.Reader, head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(packed)
		if err != nil {
			return fmt.Errorf("gzip header: %w", err)
		}
		i.stream = z
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(packed, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return fmt.Errorf("zstd header: %w", err)
		}
		i.unpack, i.stream = z.Close, z
	case !i.plain:
		i.stream = packed
	}
	if err := i.window(); err != nil {
		return err
	}
	return i.detect()
}

// window maps a plain file, or makes the buffer of a stream.
func (i *input) window() error {
	if i.stream != nil {
		i.room = make([]byte, buffer)
		i.buf = i.room[:0]
		return nil
	}
	if i.size == 0 {
		return nil
	}
	i.fd = int(i.file.Fd())
	buf, err := unix.Mmap(i.fd, 0, int(i.size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("%d octets cannot be mapped: %w; replay it through the standard input", i.size, err)
	}
	i.buf = buf
	// Advice only: without it pages are read ahead less eagerly.
	_ = unix.Madvise(buf, unix.MADV_SEQUENTIAL)
	return nil
}

// detect chooses the decoder by the first octets, which it leaves behind if they are a file
// header.
func (i *input) detect() error {
	for len(i.buf) < pcapHeader {
		err := i.more()
		if err == errEnd || errors.Is(err, ErrTruncated) {
			break // The octets that are there say of what it is too little.
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(i.buf) >= 4 && order(false).u32(i.buf) == sectionHeader:
		i.format = &pcapng{}
		return nil
	case len(i.buf) == 0:
		return fmt.Errorf("%w: it is empty", ErrTruncated)
	}
	p, err := newPcap(i.buf)
	if err != nil {
		return err
	}
	i.format = p
	i.advance(pcapHeader)
	return nil
}
