// Package export turns flows into messages and delivers them.
package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Format writes flows as messages of one kind. A message is begun, filled and sealed by
// one goroutine. It does no I/O and does not read the clock.
type Format interface {
	// Begin starts a message in dst. now is in nanoseconds since the Unix epoch.
	Begin(dst []byte, now uint64) []byte
	// Append adds a flow. If it returns false the flow does not fit, dst is as it was,
	// and the caller seals the message and begins another, a few times if need be: some
	// messages hold nothing but explanations.
	Append(dst []byte, v *flow.View) ([]byte, bool)
	// Seal completes the message. If there is nothing in it, it returns dst as Begin got it.
	Seal(dst []byte) []byte
}

// Opener is a Format whose streams begin with something: templates, a header line.
type Opener interface {
	Format
	// Open tells the format that its messages go to connections or files. The returned
	// function appends what comes first in each of them, before message next; it may be
	// called by another goroutine, at any time.
	Open() func(dst, next []byte) []byte
}

// Explainer is a Format with messages that explain others.
type Explainer interface {
	Format
	// Explain says that a message was lost, so everything has to be explained again.
	Explain()
}

// Selective is a Format that cannot represent every flow.
type Selective interface {
	Format
	Takes(v *flow.View) bool
}

// Sink delivers messages. Send may block; an error means the message may not have arrived
// and can be sent again. It does not keep the message.
type Sink interface {
	Send(ctx context.Context, message []byte) error
	Close() error
}

// Stream is a Sink with connections or files that begin and end.
type Stream interface {
	Sink
	// Preface has the sink write what open appends before the first message of each
	// connection or file. It is called once, before Send.
	Preface(open func(dst, next []byte) []byte)
}

// Storer is a Sink that is told what a message holds.
type Storer interface {
	Sink
	// Store is Send with what the message holds, which it does not keep. A *Refused says that
	// the message was taken but for some of its records.
	Store(ctx context.Context, message []byte, of Batch) error
}

// Archive is a Storer that files records by their time.
type Archive interface {
	Storer
	// Period is the length of the periods that records are filed by, from the Unix epoch on;
	// 0 is none. The records of a message are all of one period.
	Period() time.Duration
}

// Keyed is a Storer that wants the Key of each Item.
type Keyed interface {
	Storer
	Keyed() bool
}

// Separable is a Format whose message is nothing but its records, one behind the other, so that
// each may be delivered by itself.
type Separable interface {
	Format
	Separable() bool
}

// Batch says what a message holds.
type Batch struct {
	Time    uint64 // of its first record, nanoseconds since the Unix epoch
	Records uint32
	Items   []Item // of each record, in order; only Storers get them
}

// Item says what a record of a message is.
type Item struct {
	End  uint32 // where in the message it ends, which is where the next begins; 0 unless the format is Separable
	Kind flow.Kind
	ID   flow.ID
	Time uint64   // when what it tells of ended, nanoseconds since the Unix epoch
	Key  [20]byte // of its flow, both ways the same: the digest of its Community ID; zero if it has none
}

// Refused is the error of a Storer whose destination took a message but for so many records,
// which it would refuse again.
type Refused struct {
	Records uint32
	Err     error
}

func (r *Refused) Error() string { return fmt.Sprintf("%d records were refused: %v", r.Records, r.Err) }

// Unwrap returns why they were.
func (r *Refused) Unwrap() error { return r.Err }

// ErrUndeliverable is what Send wraps if sending the same message again cannot help.
var ErrUndeliverable = errors.New("message cannot be delivered")

// Biflow is how NetFlow and IPFIX name the counters of the opposite direction.
type Biflow uint8

const (
	RFC5103 Biflow = iota // reverse information elements
	NProbe                // elements 23 and 24, as nProbe does
)

// FormatOptions is what formats are told; each uses what applies to it.
type FormatOptions struct {
	Template *flow.Template
	Size     int       // octets of a message at most, 0 is 1400
	Boot     uint64    // nanoseconds since the Unix epoch that sysUpTime counts from
	Sampling uint32    // one packet in so many was metered; 0 is 1
	Counters *Counters // what the format counts and reports; nil is its own

	// IPFIX and NetFlow v9.
	Domain          uint32        // observation domain, source identifier
	Refresh         time.Duration // how often templates are repeated; 0 is never
	RefreshMessages int           // after how many messages they are; 0 is never
	OptionsInterval time.Duration // how often sampling and statistics are reported; 0 is once
	Biflow          Biflow
	Narrow          bool // counters in 4 octets (RFC 7011, section 6.2), saturating
	Full            bool // one template per IP version, absent values as zeroes

	EngineType, EngineID uint8 // NetFlow v5
}

// SchemaVersion is what every format says of its records: see flow.SchemaVersion.
const SchemaVersion = flow.SchemaVersion

// DefaultSize is the length of messages that fit any path of the Internet of today.
const DefaultSize = 1400
