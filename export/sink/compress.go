package sink

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is how files are compressed. Each message is a member (RFC 1952) or a frame (RFC
// 8878) of its own, so that a file is whole up to its last message whenever weir ends.
type Compression string

const (
	Plain Compression = ""
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
)

// Check returns what is wrong with the compression, and what to do about it.
func (c Compression) Check() error {
	switch c {
	case Plain, Gzip, Zstd:
		return nil
	}
	return fmt.Errorf(`compression %q is unknown; use "gzip", "zstd" or leave it out`, string(c))
}

// extension is what the names of such files end in.
func (c Compression) extension() string {
	return map[Compression]string{Gzip: ".gz", Zstd: ".zst"}[c]
}

// packer compresses messages.
type packer struct {
	how  Compression
	gzip *gzip.Writer
	zstd *zstd.Encoder
	out  bytes.Buffer
}

// pack returns the message compressed. It is valid until the next call.
func (p *packer) pack(message []byte) ([]byte, error) {
	switch p.how {
	case Plain:
		return message, nil
	case Zstd:
		if p.zstd == nil {
			var err error
			if p.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
				return nil, err
			}
		}
		p.out.Reset()
		return p.zstd.EncodeAll(message, p.out.AvailableBuffer()), nil
	}
	p.out.Reset()
	if p.gzip == nil {
		p.gzip = gzip.NewWriter(&p.out)
	}
	p.gzip.Reset(&p.out)
	if _, err := p.gzip.Write(message); err != nil {
		return nil, err
	}
	err := p.gzip.Close()
	return p.out.Bytes(), err
}
