package sink

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/weir-probe/weir/export"
)

// Framing is how the records on a connection are told apart.
type Framing string

const (
	Lines         Framing = ""               // as the format writes them
	Length        Framing = "length"         // the length of each precedes it, 4 octets in network order
	OctetCounting Framing = "octet-counting" // the length precedes it in decimal, and a space (RFC 6587, section 3.4.1)
)

// Check returns what is wrong with the framing, and what to do about it.
func (f Framing) Check() error {
	switch f {
	case Lines, Length, OctetCounting:
		return nil
	}
	return fmt.Errorf(`framing %q is unknown; use "length", "octet-counting" or leave it out`, string(f))
}

// frame appends a record.
func (f Framing) frame(dst, record []byte) []byte {
	switch f {
	case Length:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(record)))
	case OctetCounting:
		dst = append(strconv.AppendUint(dst, uint64(len(record)), 10), ' ')
	}
	return append(dst, record...)
}

// framed is a connection on which each record of a message is framed.
type framed struct {
	*tcp
	framing Framing
	format  string
	out     []byte
}

// Store frames the records of the message.
func (k *framed) Store(ctx context.Context, message []byte, of export.Batch) error {
	k.out = k.out[:0]
	for i := range of.Items {
		record, err := recordOf(message, of, i)
		if err != nil {
			return err
		}
		if !isBinary(k.format) {
			record = lineOf(record)
		}
		k.out = k.framing.frame(k.out, record)
	}
	return k.Send(ctx, k.out)
}

// isBinary reports whether the records of a format are not lines.
func isBinary(format string) bool { return format == "protobuf" }

// lineOf returns a record that is a line without its end.
func lineOf(record []byte) []byte {
	record = bytes.TrimSuffix(record, []byte{'\n'})
	return bytes.TrimSuffix(record, []byte{'\r'})
}

// recordOf returns the i-th record of a message.
func recordOf(message []byte, of export.Batch, i int) ([]byte, error) {
	begin, end := uint32(0), of.Items[i].End
	if i > 0 {
		begin = of.Items[i-1].End
	}
	if end <= begin || int(end) > len(message) {
		return nil, fmt.Errorf("the format has no records of their own, choose another: %w", export.ErrUndeliverable)
	}
	return message[begin:end], nil
}
