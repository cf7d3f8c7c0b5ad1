package export

import (
	"slices"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Versioned returns the fields with the version of the schema before them, if it is not among them.
// It returns none if there are none.
func Versioned(fields []*flow.Field) []*flow.Field {
	if len(fields) == 0 || slices.Contains(fields, flow.Version) {
		return fields
	}
	return slices.Concat([]*flow.Field{flow.Version}, fields)
}

// Sequence is what formats have in common whose messages are records one behind the other with
// nothing around them: lines, for example. They embed it.
type Sequence struct {
	size int // octets of a message at most, but for a record that is longer
	base int // where the message starts
}

// NewSequence returns the Sequence of a format with the size of messages in o.
func NewSequence(o FormatOptions) Sequence {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	return Sequence{size: o.Size}
}

// Begin has nothing to write.
func (s *Sequence) Begin(dst []byte, _ uint64) []byte {
	s.base = len(dst)
	return dst
}

// Seal has nothing to write.
func (s *Sequence) Seal(dst []byte) []byte { return dst }

// Separable implements export.Separable: every record can be delivered by itself.
func (s *Sequence) Separable() bool { return true }

// Fit is the end of Append for the record that was written from start on. One that is longer than
// a message gets a message of its own.
func (s *Sequence) Fit(dst []byte, start int) ([]byte, bool) {
	if start > s.base && len(dst)-s.base > s.size {
		return dst[:start], false
	}
	return dst, true
}
