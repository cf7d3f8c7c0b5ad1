// Package export turns flows into messages and delivers them.
package export

import (
	"context"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Format writes flows as messages of one kind. A message is begun, filled and sealed by
// one goroutine. It does no I/O and does not read the clock.
type Format interface {
	// Begin starts a message in dst. now is in nanoseconds since the Unix epoch.
	Begin(dst []byte, now uint64) []byte
	// Append adds a flow. If it returns false the flow does not fit, dst is as it was,
	// and the caller seals the message and begins another. A message takes at least one.
	Append(dst []byte, v *flow.View) ([]byte, bool)
	// Seal completes the message.
	Seal(dst []byte) []byte
}

// Sink delivers messages. Send may block; an error means the message may not have arrived
// and can be sent again. It does not keep the message.
type Sink interface {
	Send(ctx context.Context, message []byte) error
	Close() error
}
