package session

import (
	"fmt"
	"hash/maphash"
	"iter"
	"sync/atomic"
	"time"
)

// Longest is how many octets a value may have.
const Longest = 255

// Limits are how much a Store holds at most.
type Limits struct {
	Entries int   // sessions
	Octets  int64 // of memory: entries and values
}

// Octets an entry takes without its value, and a block of values: the arrays of a shard and of its
// wheel, and a bucket.
const (
	entryOctets = 48 + 12 + 4
	blockOctets = 4 + blockSize
)

const (
	shardBits = 4
	shards    = 1 << shardBits
)

// Store holds sessions until they end or have to make room. Values are copied in and out. Any
// goroutine may use it. Time is what Tick says.
type Store struct {
	seed   maphash.Seed
	shards [shards]*shard
	now    atomic.Uint64      // nanoseconds since the Unix epoch
	second atomic.Uint64      // that was dealt with last
	had    [kinds]atomic.Bool // there was something of a kind
	never  atomic.Uint64      // times that something was asked for of a kind of which there was nothing
	backed atomic.Pointer[Redis]
}

// New returns an empty store. Of its octets, entries get what they need, values the rest.
func New(l Limits) (*Store, error) {
	room := (l.Octets - int64(l.Entries)*entryOctets) / blockOctets
	least := max(int64(l.Entries), int64(shards*blocksFor(Longest)))
	if l.Entries < shards || room < least || room >= 1<<31 || l.Entries >= 1<<31 {
		return nil, fmt.Errorf("%d sessions do not fit into %d octets: each needs %d and its value; "+
			"give more memory or fewer sessions", l.Entries, l.Octets, entryOctets+blockOctets)
	}
	s := &Store{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i] = newShard((l.Entries+shards-1)/shards, int(room)/shards, s.seed, &s.had)
	}
	return s, nil
}

func (s *Store) shard(k Key) *shard {
	return s.shards[maphash.Comparable(s.seed, k)&(shards-1)]
}

// Put remembers a value of at most Longest octets under a key for so long.
func (s *Store) Put(k Key, value []byte, life time.Duration) {
	h := s.shard(k)
	if len(value) > Longest || life <= 0 {
		h.mu.Lock()
		h.counts[Refused]++
		h.mu.Unlock()
		return
	}
	r, now := s.backed.Load(), settled
	if r != nil {
		now = fresh
	}
	h.mu.Lock()
	h.put(k, value, s.now.Load()+uint64(life), now)
	h.mu.Unlock()
	if r != nil {
		r.changed(k)
	}
}

// Get appends the value of a key to dst, and reports whether there is one. What only other probes
// know is asked for in the background: the next Get may find it.
func (s *Store) Get(dst []byte, k Key) ([]byte, bool) {
	dst, ok := s.Peek(dst, k)
	if r := s.backed.Load(); r != nil && !ok {
		r.ask(k)
	}
	return dst, ok
}

// Peek is Get without asking others: for what is mostly not there.
func (s *Store) Peek(dst []byte, k Key) ([]byte, bool) {
	if !s.had[k.kind].Load() {
		s.never.Add(1)
		return dst, false
	}
	h := s.shard(k)
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(k); i != 0 && h.entries[i-1].until > s.now.Load() {
		e := &h.entries[i-1]
		e.shown = true
		h.counts[Hits]++
		return h.value(dst, e), true
	}
	h.counts[Misses]++
	return dst, false
}

// Delete forgets a key.
func (s *Store) Delete(k Key) {
	if s.forget(k) {
		if r := s.backed.Load(); r != nil {
			r.deleted(k)
		}
	}
}

// forget forgets a key here, and reports whether it was known.
func (s *Store) forget(k Key) bool {
	h := s.shard(k)
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.find(k)
	if i != 0 {
		h.counts[Deleted]++
		h.remove(i)
	}
	return i != 0
}

// Tick says what time it is, in nanoseconds since the Unix epoch, and ends what is over. Time does
// not go back.
func (s *Store) Tick(now uint64) {
	for {
		was := s.now.Load()
		if now <= was || s.now.CompareAndSwap(was, now) {
			break
		}
	}
	second := now / uint64(time.Second)
	if was := s.second.Load(); second <= was || !s.second.CompareAndSwap(was, second) {
		return
	}
	for _, h := range s.shards {
		h.mu.Lock()
		h.expire(now)
		h.mu.Unlock()
	}
}

// Len returns how many sessions are remembered.
func (s *Store) Len() (n int) {
	for _, h := range s.shards {
		h.mu.Lock()
		n += h.held
		h.mu.Unlock()
	}
	return n
}

// Session is what All shows.
type Session struct {
	Value string
	Left  time.Duration
}

// page is how many sessions are copied at a time, while others wait.
const page = 256

// All goes through what is remembered, in no order. What changes meanwhile may be missed.
func (s *Store) All() iter.Seq2[Key, Session] {
	return func(yield func(Key, Session) bool) {
		s.each(func(e *entry, value []byte) bool {
			left := int64(e.until - s.now.Load())
			return left <= 0 || yield(e.Key, Session{string(value), time.Duration(left)})
		})
	}
}

// each shows copies of all entries and their values, without holding up others for long.
func (s *Store) each(show func(e *entry, value []byte) bool) {
	copies, values := make([]entry, 0, page), make([][]byte, page)
	for _, h := range s.shards {
		for at := 0; ; at += page {
			h.mu.Lock()
			copies = copies[:0]
			for i := at; i < min(at+page, len(h.entries)); i++ {
				if e := &h.entries[i]; e.state != unused {
					values[len(copies)] = h.value(values[len(copies)][:0], e)
					copies = append(copies, *e)
				}
			}
			more := at+page < len(h.entries)
			h.mu.Unlock()
			for i := range copies {
				if !show(&copies[i], values[i]) {
					return
				}
			}
			if !more {
				break
			}
		}
	}
}
