package capture

import (
	"errors"
	"fmt"
)

// Causes of a fault.
var (
	// ErrTruncated is the cause when a capture ends inside a record.
	ErrTruncated = errors.New("cut off inside a record")
	// ErrShrunk is the cause when somebody shortened a file while it was read.
	ErrShrunk = errors.New("the file became shorter while it was read; replay a copy of it")
	// ErrFormat is the cause when the octets are no pcap or pcapng.
	ErrFormat = errors.New("not a capture in pcap or pcapng format")
	// ErrDamaged is the cause when a record contradicts itself or the records before it.
	ErrDamaged = errors.New("damaged record")
)

// errEnd is the end of a capture that is whole.
var errEnd = errors.New("end of capture")

// Fault says where a capture could not be read further. The frames before that were
// delivered; what comes after is not looked for.
type Fault struct {
	File   string // as it was given to Open
	Offset int64  // octet, after decompression, where the record begins that failed
	Frames uint64 // frames that were delivered from the file
	Cause  error
}

// Error implements error.
func (f *Fault) Error() string {
	return fmt.Sprintf("capture %s: octet %d: %v (%d frames were read before it)",
		f.File, f.Offset, f.Cause, f.Frames)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// damaged returns an error that says how a record is wrong.
func damaged(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	return fmt.Errorf("%w: %s; pcapfix or a copy of the original may help", ErrDamaged, what)
}
