package sink

import (
	"hash/maphash"

	"github.com/weir-probe/weir/export"
)

// progress remembers of a message that was taken in part which of its records need not be sent
// again. The zero value remembers nothing.
type progress struct {
	seed   maphash.Seed
	of     uint64 // hash of the message
	begun  bool   // there is one
	done   map[int]bool
	losses uint32 // records that were refused for good
	reason error
}

// begin is called with a message before it is sent, for the first time or again.
func (p *progress) begin(message []byte) {
	if p.done == nil {
		p.seed, p.done = maphash.MakeSeed(), map[int]bool{}
	}
	of := maphash.Bytes(p.seed, message)
	if p.begun && of == p.of {
		return
	}
	clear(p.done)
	p.of, p.begun, p.losses, p.reason = of, true, 0, nil
}

// has reports whether the i-th record was taken or refused before.
func (p *progress) has(i int) bool { return p.done[i] }

// taken notes that the i-th record was taken.
func (p *progress) taken(i int) { p.done[i] = true }

// refused notes that the i-th record, which stands for so many, was refused for good.
func (p *progress) refused(i int, records uint32, reason error) {
	p.done[i] = true
	p.losses += records
	p.reason = reason
}

// end is called when no record is left to be sent. It returns what Store has to.
func (p *progress) end() error {
	p.begun = false
	if p.losses == 0 {
		return nil
	}
	return &export.Refused{Records: p.losses, Err: p.reason}
}
