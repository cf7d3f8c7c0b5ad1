package session

import "time"

// Counter is something a store counts.
type Counter uint8

// What is counted of the store itself.
const (
	Added Counter = iota
	Replaced
	Deleted
	Expired
	Evicted
	Unshared
	Refused
	Hits
	Misses
	Counters int = iota
)

// CounterDocs names and explains the counters of a store, in their order.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Added:    {"added", "Sessions that were not known before."},
	Replaced: {"replaced", "Sessions that were said again, with the same value or another."},
	Deleted:  {"deleted", "Sessions that were ended."},
	Expired:  {"expired", "Sessions whose time was over."},
	Evicted:  {"evicted", "Sessions that had to make room for others, those not used for long first."},
	Unshared: {"unshared", "Sessions among them that other probes had not been told of yet."},
	Refused:  {"refused", "Sessions that were not taken: their value is too long, or their time was over."},
	Hits:     {"hits", "Times that a session was asked for and known."},
	Misses:   {"misses", "Times that a session was asked for and not known here."},
}

// Stats is how a store is doing.
type Stats struct {
	Sessions uint64            `json:"sessions"` // now
	Octets   uint64            `json:"octets"`   // of memory in use for them
	Counts   map[string]uint64 `json:"counts"`   // since the store was made, those that are not 0
	Redis    *RedisStats       `json:"redis,omitempty"`
}

// Stats returns how the store is doing.
func (s *Store) Stats() Stats {
	st := Stats{Counts: map[string]uint64{}}
	for _, h := range s.shards {
		h.mu.Lock()
		st.Sessions += uint64(h.held)
		st.Octets += uint64(len(h.entries)*entryOctets + len(h.blocks)*blockOctets)
		for i, n := range h.counts {
			if n > 0 {
				st.Counts[CounterDocs[i].Name] += n
			}
		}
		h.mu.Unlock()
	}
	if n := s.never.Load(); n > 0 {
		st.Counts[CounterDocs[Misses].Name] += n
	}
	if r := s.backed.Load(); r != nil {
		x := r.Stats()
		st.Redis = &x
	}
	return st
}

// RedisCounter is something that is counted of what probes share.
type RedisCounter uint8

// What is counted of what probes share.
const (
	Written RedisCounter = iota
	Heard
	Fetched
	Unknown
	Deferred
	Undeleted
	Unasked
	Garbled
	Failures
	Outages
	Resyncs
	redisCounters int = iota
)

// RedisDocs names and explains the counters of what probes share, in their order.
var RedisDocs = [redisCounters]struct{ Name, Doc string }{
	Written:   {"written", "Changes written to Redis and published."},
	Heard:     {"heard", "Changes that other probes published."},
	Fetched:   {"fetched", "Sessions that Redis was asked for and had."},
	Unknown:   {"unknown", "Sessions that Redis was asked for and did not have."},
	Deferred:  {"deferred", "Changes the queue had no room for; they are found and written once it is empty."},
	Undeleted: {"undeleted", "Ends of sessions that could not be told; others forget them when their time is over."},
	Unasked:   {"unasked", "Sessions that were not asked for because too many were."},
	Garbled:   {"garbled", "Keys, values and messages in Redis that no probe writes."},
	Failures:  {"failures", "Exchanges with Redis that failed."},
	Outages:   {"outages", "Times that Redis went away."},
	Resyncs:   {"resyncs", "Times that it came and was told what it did not know."},
}

// RedisStats is how sharing is going.
type RedisStats struct {
	Up     bool              `json:"up"`
	Since  time.Time         `json:"since"` // when Up changed last, or sharing began
	Error  string            `json:"last_error,omitempty"`
	Queued int               `json:"queued,omitempty"` // changes that wait to be written
	Counts map[string]uint64 `json:"counts"`
}

// Stats returns how sharing is going.
func (r *Redis) Stats() RedisStats {
	r.mu.Lock()
	s := RedisStats{Up: r.up, Since: r.since, Queued: len(r.queue), Counts: map[string]uint64{}}
	if r.err != nil {
		s.Error = r.err.Error()
	}
	r.mu.Unlock()
	for i := range r.counts {
		if n := r.counts[i].Load(); n > 0 {
			s.Counts[RedisDocs[i].Name] = n
		}
	}
	return s
}
