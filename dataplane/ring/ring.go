// Package ring carries messages from one producer to one consumer without locks, within
// a process or between two that share memory.
package ring

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// Kind says what a message holds.
type Kind uint32

const (
	None      Kind = iota // no message
	Flow                  // a flow.Record and its attributes
	Stats                 // a worker's counters
	Event                 // a flow.Record as it is now, and the attributes of one of its transactions
	Malformed             // a worker.Kept and the octets of the frame
	Counters              // what a device counts, in a flow.Record's attributes
	Tracked               // a worker.Kept and the octets of the frame
)

const (
	page     = 4096 // of the header, before the buffer
	smallest = 4096 // buffer
	prefix   = 8    // octets before a message: its length and its kind
	magic    = 0x31676e6972726977
	version  = 1
	wrap     = ^uint32(0) // length that means: continue at the start of the buffer
)

// header is what both sides see. Positions count octets since the ring was made and
// never wrap; each side writes only its own line.
type header struct {
	magic   atomic.Uint64
	version uint32
	_       uint32
	size    uint64 // of the buffer, a power of two
	_       [104]byte

	head   atomic.Uint64 // producer: end of what is committed
	closed atomic.Uint32
	_      [116]byte

	tail atomic.Uint64 // consumer: end of what is released
	_    [120]byte
}

// Ring is one end of a single-producer, single-consumer ring of messages. The producer
// alone calls Reserve, Commit and Close, the consumer alone Next and Release; the other
// methods are for everyone. Two processes each Attach to the same memory.
type Ring struct {
	shared *header
	buf    []byte
	mask   uint64

	_   [64]byte
	put struct{ head, committed, tail uint64 } // position written, told, and last tail seen
	_   [64]byte
	get struct{ head, tail uint64 } // last head seen, position read
	bad atomic.Uint64
}

// Size returns how many octets of memory a ring needs whose buffer holds at least so
// many. The buffer is rounded up to a power of two.
func Size(buffer int) int {
	return page + 1<<bits.Len(uint(max(buffer, smallest)-1))
}

// Format makes a new ring in mem, whose length Size has returned. What mem held is
// forgotten; nobody may be attached to it.
func Format(mem []byte) (*Ring, error) {
	h, err := view(mem)
	if err != nil {
		return nil, err
	}
	size := len(mem) - page
	if size&(size-1) != 0 {
		return nil, fmt.Errorf("ring: %d octets of memory are not a size that ring.Size returns", len(mem))
	}
	clear(mem[:page])
	h.version, h.size = version, uint64(size)
	h.magic.Store(magic)
	return Attach(mem)
}

// Attach returns an end of the ring that is in mem. It resumes where that side stopped:
// a producer behind its last commit, a consumer with the first message that was not
// released. It fails if mem does not hold a ring.
func Attach(mem []byte) (*Ring, error) {
	h, err := view(mem)
	if err != nil {
		return nil, err
	}
	size, head, tail := h.size, h.head.Load(), h.tail.Load()
	switch {
	case h.magic.Load() != magic:
		return nil, errors.New("ring: the memory holds no ring")
	case h.version != version:
		return nil, fmt.Errorf("ring: version %d, this program knows %d; run the same release on both sides",
			h.version, version)
	case size < smallest || size&(size-1) != 0 || size > uint64(len(mem)-page):
		return nil, fmt.Errorf("ring: size %d does not fit %d octets of memory", size, len(mem))
	case head-tail > size || head%prefix != 0 || tail%prefix != 0:
		return nil, fmt.Errorf("ring: positions %d and %d contradict each other", head, tail)
	}
	r := &Ring{shared: h, buf: mem[page : page+size], mask: size - 1}
	r.put.head, r.put.committed, r.put.tail = head, head, tail
	r.get.head, r.get.tail = tail, tail
	return r, nil
}

// view returns the header at the start of mem.
func view(mem []byte) (*header, error) {
	if len(mem) < page+smallest {
		return nil, fmt.Errorf("ring: %d octets of memory are too few for a ring, which needs %d",
			len(mem), page+smallest)
	}
	p := unsafe.Pointer(unsafe.SliceData(mem))
	if uintptr(p)%prefix != 0 {
		return nil, errors.New("ring: the memory is not aligned to 8 octets")
	}
	return (*header)(p), nil
}

// Max returns the length of the longest message that always finds room once the consumer
// has released everything.
func (r *Ring) Max() int { return len(r.buf)/2 - prefix }

// Reserve returns room for a message of n octets, aligned to 8, or nil if the ring is
// full or n is more than Max. The room holds whatever was there before. The consumer
// sees the message after the next Commit.
func (r *Ring) Reserve(k Kind, n int) []byte {
	if n < 0 || n > r.Max() {
		return nil
	}
	size := prefix + (uint64(n)+7)&^7
	at := r.put.head & r.mask
	skip := uint64(0)
	if left := uint64(len(r.buf)) - at; left < size {
		skip = left
	}
	if r.put.head+skip+size-r.put.tail > uint64(len(r.buf)) {
		r.put.tail = r.shared.tail.Load()
		if r.put.head+skip+size-r.put.tail > uint64(len(r.buf)) {
			return nil
		}
	}
	if skip > 0 {
		*r.word(at) = uint64(wrap)
		r.put.head, at = r.put.head+skip, 0
	}
	*r.word(at) = uint64(k)<<32 | uint64(n)
	r.put.head += size
	return r.buf[at+prefix : at+prefix+uint64(n) : at+prefix+uint64(n)]
}

// word returns where the prefix of the message at an offset of the buffer is: its kind in
// the upper half, its length in the lower.
func (r *Ring) word(at uint64) *uint64 { return (*uint64)(unsafe.Pointer(&r.buf[at])) }

// Commit hands all reserved messages to the consumer.
func (r *Ring) Commit() {
	if r.put.committed != r.put.head {
		r.put.committed = r.put.head
		r.shared.head.Store(r.put.head)
	}
}

// Next returns the next message, or None if there is none yet. It stays valid until
// Release. If the memory makes no sense, Next passes over everything that is committed,
// counts that in Corrupt and returns None.
func (r *Ring) Next() (Kind, []byte) {
	for {
		if r.get.tail == r.get.head {
			if r.get.head = r.shared.head.Load() &^ (prefix - 1); r.get.tail == r.get.head {
				return None, nil
			}
		}
		at, there := r.get.tail&r.mask, r.get.head-r.get.tail
		if there > uint64(len(r.buf)) {
			return r.skip()
		}
		// Read once and whole: a producer gone mad cannot change it between check and use.
		w := atomic.LoadUint64(r.word(at))
		left, n := uint64(len(r.buf))-at, w&(1<<32-1)
		if n == uint64(wrap) && left <= there {
			r.get.tail += left
			continue
		}
		size := prefix + (n+7)&^7
		if size > min(left, there) {
			return r.skip()
		}
		r.get.tail += size
		return Kind(w >> 32), r.buf[at+prefix : at+prefix+n : at+prefix+n]
	}
}

func (r *Ring) skip() (Kind, []byte) {
	r.bad.Add(1)
	r.get.tail = r.get.head
	return None, nil
}

// Corrupt returns how often Next met memory that made no sense.
func (r *Ring) Corrupt() uint64 { return r.bad.Load() }

// Release gives the room of all messages that Next returned back to the producer. A
// consumer that dies before it releases gets the messages again.
func (r *Ring) Release() {
	if r.get.tail != r.shared.tail.Load() {
		r.shared.tail.Store(r.get.tail)
	}
}

// Close commits and says that nothing will follow.
func (r *Ring) Close() {
	r.Commit()
	r.shared.closed.Store(1)
}

// Position returns where the ring stands behind the last message that Next returned, in octets since it
// was made. No two messages of a ring end at the same position.
func (r *Ring) Position() uint64 { return r.get.tail }

// Closed reports whether the producer has closed the ring. Ask before Next: if it was
// closed and Next then finds nothing, that was all.
func (r *Ring) Closed() bool { return r.shared.closed.Load() != 0 }

// Used returns how many octets of the buffer are committed and not released.
func (r *Ring) Used() int {
	tail := r.shared.tail.Load()
	return int(min(r.shared.head.Load()-tail, uint64(len(r.buf))))
}

// Cap returns the octets of the buffer.
func (r *Ring) Cap() int { return len(r.buf) }
