package session

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/weir-probe/weir/ctrlplane/wheel"
)

// shard is a part of a store. Entries and what they hold lie in arrays that grow with need up to
// their share of the limits, without pointers, so that a million of them cost the garbage collector
// nothing.
type shard struct {
	mu      sync.Mutex
	seed    maphash.Seed
	buckets []uint32 // first entry plus one, 0 for none
	entries []entry
	blocks  []block
	spare   uint32 // first unused entry plus one
	loose   uint32 // first unused block plus one
	held    int    // entries in use
	lent    int    // blocks in use
	hand    int    // where the search for a victim goes on
	wheel   *wheel.Wheel
	had     *[kinds]atomic.Bool // the store's

	most, room int // entries and blocks at most
	counts     [Counters]uint64
}

type entry struct {
	Key
	until uint64 // nanoseconds since the Unix epoch
	next  uint32 // in its bucket, or unused, plus one
	first uint32 // block plus one, 0 for an empty value
	size  uint16
	state state
	shown bool // since the hand last came by
}

// state is what others know of an entry.
type state uint8

const (
	unused  state = iota // there is no entry
	learned              // they have it, and said so
	settled              // this probe said so, and they have it, or there are no others
	fresh                // this probe said so, and they do not have it yet
)

// block holds a part of a value.
type block struct {
	next uint32 // plus one
	data [blockSize]byte
}

const blockSize = 44

func newShard(most, room int, seed maphash.Seed, had *[kinds]atomic.Bool) *shard {
	return &shard{most: most, room: room, seed: seed, had: had, wheel: wheel.New(), buckets: make([]uint32, 64)}
}

// bucket returns the bucket of a key.
func (s *shard) bucket(k Key) *uint32 {
	return &s.buckets[maphash.Comparable(s.seed, k)>>shardBits&uint64(len(s.buckets)-1)]
}

// find returns the entry of a key plus one, 0 if there is none.
func (s *shard) find(k Key) uint32 {
	i := *s.bucket(k)
	for i != 0 && s.entries[i-1].Key != k {
		i = s.entries[i-1].next
	}
	return i
}

// put makes a value that of a key, until a time.
func (s *shard) put(k Key, value []byte, until uint64, now state) {
	i := s.find(k)
	if i != 0 {
		if s.entries[i-1].state == fresh && now == learned {
			return // this probe has something newer to say than what it hears
		}
		s.counts[Replaced]++
	} else {
		i = s.add(k)
		s.counts[Added]++
		s.had[k.kind].Store(true)
	}
	e := &s.entries[i-1]
	s.release(e)
	e.until, e.state, e.shown = until, now, true
	s.wheel.Set(i-1, until)
	for s.lent+blocksFor(len(value)) > s.room {
		s.evict(i)
	}
	s.fill(&s.entries[i-1], value)
}

// add returns a new entry plus one. If there is no room, another gives way.
func (s *shard) add(k Key) uint32 {
	if s.held == s.most {
		s.evict(0)
	}
	if s.held == len(s.buckets) {
		s.widen()
	}
	i := s.spare
	if i != 0 {
		s.spare = s.entries[i-1].next
	} else {
		s.entries = grow(s.entries, s.most)
		i = uint32(len(s.entries))
	}
	b := s.bucket(k)
	s.entries[i-1] = entry{Key: k, next: *b, state: learned}
	*b = i
	s.held++
	return i
}

// grow adds one to an array of most elements at most.
func grow[T any](all []T, most int) []T {
	if len(all) == cap(all) {
		all = append(make([]T, 0, min(max(2*len(all), 64), most)), all...)
	}
	return all[:len(all)+1]
}

// widen doubles the buckets.
func (s *shard) widen() {
	s.buckets = make([]uint32, 2*len(s.buckets))
	for i := range s.entries {
		if e := &s.entries[i]; e.state != unused {
			b := s.bucket(e.Key)
			e.next, *b = *b, uint32(i+1)
		}
	}
}

// remove ends entry i-1.
func (s *shard) remove(i uint32) {
	e := &s.entries[i-1]
	b := s.bucket(e.Key)
	for *b != i {
		b = &s.entries[*b-1].next
	}
	*b = e.next
	s.wheel.Drop(i - 1)
	s.release(e)
	*e = entry{next: s.spare}
	s.spare = i
	s.held--
}

// evict ends the next entry that was not used since the hand last came by. It keeps entry keep-1.
func (s *shard) evict(keep uint32) {
	for {
		s.hand = (s.hand + 1) % len(s.entries)
		e := &s.entries[s.hand]
		switch {
		case e.state == unused || uint32(s.hand+1) == keep:
		case e.shown:
			e.shown = false
		default:
			s.counts[Evicted]++
			if e.state == fresh {
				s.counts[Unshared]++
			}
			s.remove(uint32(s.hand + 1))
			return
		}
	}
}

// blocksFor returns how many blocks a value of n octets takes.
func blocksFor(n int) int { return (n + blockSize - 1) / blockSize }

// fill copies a value in.
func (s *shard) fill(e *entry, value []byte) {
	e.size = uint16(len(value))
	last := uint32(0)
	for len(value) > 0 {
		b := s.loose
		if b != 0 {
			s.loose = s.blocks[b-1].next
		} else {
			s.blocks = grow(s.blocks, s.room)
			b = uint32(len(s.blocks))
		}
		s.lent++
		s.blocks[b-1].next = 0
		value = value[copy(s.blocks[b-1].data[:], value):]
		if last == 0 {
			e.first = b
		} else {
			s.blocks[last-1].next = b
		}
		last = b
	}
}

// release gives the blocks of a value back.
func (s *shard) release(e *entry) {
	for b := e.first; b != 0; {
		next := s.blocks[b-1].next
		s.blocks[b-1].next, s.loose = s.loose, b
		s.lent--
		b = next
	}
	e.first, e.size = 0, 0
}

// value appends the value of an entry to dst.
func (s *shard) value(dst []byte, e *entry) []byte {
	left := int(e.size)
	for b := e.first; b != 0; b = s.blocks[b-1].next {
		n := min(left, blockSize)
		dst = append(dst, s.blocks[b-1].data[:n]...)
		left -= n
	}
	return dst
}

// expire ends what is over.
func (s *shard) expire(now uint64) {
	s.wheel.Turn(now, func(i uint32) {
		if e := &s.entries[i]; e.until > now {
			s.wheel.Set(i, e.until)
			return
		}
		s.counts[Expired]++
		s.remove(i + 1)
	})
}
