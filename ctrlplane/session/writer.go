package session

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// together is how many commands are sent in one go.
const together = 512

// probing is how often Redis is looked for while it is away, and asked whether it is there while
// nothing is to be written.
const probing = time.Second

// write tells others what changed, until ctx ends.
func (r *Redis) write(ctx context.Context) {
	tick := time.NewTicker(probing)
	defer tick.Stop()
	r.probe(ctx)
	for {
		queue := r.queue
		if !r.here() {
			queue = nil // it waits
		}
		select {
		case <-ctx.Done():
			r.last()
			return
		case c := <-queue:
			r.batch(ctx, c)
		case <-tick.C:
			r.probe(ctx)
		}
		if len(r.queue) == 0 && r.here() && r.behind.Swap(false) {
			r.sweep(ctx)
		}
	}
}

// last writes what waits, once.
func (r *Redis) last() {
	ctx, cancel := context.WithTimeout(context.Background(), probing)
	defer cancel()
	for len(r.queue) > 0 && r.here() {
		r.batch(ctx, <-r.queue)
	}
}

// probe finds out whether Redis is there. When it is back, it gets what is new, or everything if it
// has forgotten because it began anew.
func (r *Redis) probe(ctx context.Context) {
	run, err := r.identity(ctx)
	if !r.turned(err) && run == r.run || err != nil {
		return
	}
	if run != r.run {
		r.run = run
		r.store.renew()
	}
	r.counts[Resyncs].Add(1)
	r.sweep(ctx)
}

// identity returns what tells one run of a server from the next.
func (r *Redis) identity(ctx context.Context) (string, error) {
	info, err := r.client.Info(ctx, "server").Result()
	_, run, _ := strings.Cut(info, "run_id:")
	run, _, _ = strings.Cut(run, "\r\n")
	return run, err
}

// batch writes a change, and what waits behind it.
func (r *Redis) batch(ctx context.Context, c change) {
	batch := make([]change, 0, together)
	for batch = append(batch, c); len(batch) < together; {
		select {
		case c = <-r.queue:
			batch = append(batch, c)
			continue
		default:
		}
		break
	}
	r.commit(ctx, batch)
}

// commit writes changes and publishes them. What fails is fresh again.
func (r *Redis) commit(ctx context.Context, batch []change) {
	pipe, written, deleted := r.client.Pipeline(), batch[:0], uint64(0)
	var value [Longest]byte
	for _, c := range batch {
		name := r.prefix + c.key.String()
		if c.deleted {
			pipe.Del(ctx, name)
			r.publish(ctx, pipe, c.key, nil, 0)
			deleted++
			continue
		}
		v, left, ok := r.store.lend(value[:0], c.key)
		if !ok {
			continue // it is known already, or over
		}
		pipe.Set(ctx, name, string(v), left)
		r.publish(ctx, pipe, c.key, v, left)
		written = append(written, c)
	}
	if pipe.Len() == 0 {
		return
	}
	if _, err := pipe.Exec(ctx); err != nil {
		r.turned(err)
		for _, c := range written {
			r.store.refuse(c.key)
		}
		r.behind.Store(true)
		r.counts[Undeleted].Add(deleted)
		return
	}
	r.counts[Written].Add(uint64(len(written)) + deleted)
}

// publish tells others at once: who says it, milliseconds it holds, 0 for over, key and value.
func (r *Redis) publish(ctx context.Context, pipe redis.Pipeliner, k Key, value []byte, left time.Duration) {
	b := make([]byte, 0, 320)
	b = append(append(b, r.origin...), ' ')
	b = append(strconv.AppendInt(b, left.Milliseconds(), 10), ' ')
	b = append(k.append(b), ' ')
	pipe.Publish(ctx, r.channel, string(append(b, value...)))
}

// sweep writes everything that is fresh.
func (r *Redis) sweep(ctx context.Context) {
	var batch []change
	r.store.each(func(e *entry, _ []byte) bool {
		if e.state == fresh {
			batch = append(batch, change{key: e.Key})
		}
		if len(batch) == together {
			r.commit(ctx, batch)
			batch = batch[:0]
		}
		return r.here() && ctx.Err() == nil
	})
	if len(batch) > 0 {
		r.commit(ctx, batch)
	}
}

// lend returns the value of a key that is fresh and how long it holds, and takes it for settled.
func (s *Store) lend(dst []byte, k Key) (value []byte, left time.Duration, ok bool) {
	h := s.shard(k)
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.find(k)
	if i == 0 || h.entries[i-1].state != fresh {
		return nil, 0, false
	}
	e := &h.entries[i-1]
	left = time.Duration(int64(e.until - s.now.Load()))
	if left < time.Millisecond {
		return nil, 0, false
	}
	e.state = settled
	return h.value(dst, e), left, true
}

// refuse takes a key for fresh again.
func (s *Store) refuse(k Key) {
	h := s.shard(k)
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := h.find(k); i != 0 && h.entries[i-1].state == settled {
		h.entries[i-1].state = fresh
	}
}

// renew takes everything that this probe said for fresh.
func (s *Store) renew() {
	for _, h := range s.shards {
		h.mu.Lock()
		for i := range h.entries {
			if h.entries[i].state == settled {
				h.entries[i].state = fresh
			}
		}
		h.mu.Unlock()
	}
}
