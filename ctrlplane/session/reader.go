package session

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// silence is how long nothing may be heard before Redis is asked whether it is there.
const silence = 15 * time.Second

// hear puts what others publish into the store, until ctx ends.
func (r *Redis) hear(ctx context.Context) {
	for ctx.Err() == nil {
		sub := r.client.Subscribe(ctx, r.channel)
		stop := context.AfterFunc(ctx, func() { sub.Close() }) // which ends what it waits for
		r.listen(ctx, sub)
		if stop() {
			sub.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(probing / 4):
		}
	}
}

// listen takes what is published until there is an error. What was written before is loaded as soon
// as nothing is missed any more.
func (r *Redis) listen(ctx context.Context, sub *redis.PubSub) {
	for asked := false; ; {
		m, err := sub.ReceiveTimeout(ctx, silence)
		var late net.Error
		switch {
		case errors.As(err, &late) && late.Timeout() && !asked:
			if asked = true; sub.Ping(ctx) != nil {
				return
			}
			continue
		case err != nil:
			return
		}
		asked = false
		switch m := m.(type) {
		case *redis.Subscription:
			r.load(ctx)
		case *redis.Message:
			if !r.take(m.Payload) {
				r.counts[Garbled].Add(1)
			}
		}
	}
}

// take reads what Redis.publish wrote.
func (r *Redis) take(message string) bool {
	origin, rest, _ := strings.Cut(message, " ")
	if origin == r.origin {
		return true
	}
	life, rest, _ := strings.Cut(rest, " ")
	name, value, ok := strings.Cut(rest, " ")
	left, err := strconv.ParseUint(life, 10, 42) // more than a century
	k, wrong := ParseKey(name)
	if !ok || err != nil || wrong != nil || len(value) > Longest {
		return false
	}
	r.counts[Heard].Add(1)
	if left == 0 {
		r.store.forget(k)
		return true
	}
	r.store.learn(k, value, time.Duration(left)*time.Millisecond)
	return true
}

// learn remembers what another probe said.
func (s *Store) learn(k Key, value string, life time.Duration) {
	h := s.shard(k)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(k, []byte(value), s.now.Load()+uint64(life), learned)
}

// answer asks for what is not known here, until ctx ends.
func (r *Redis) answer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case k := <-r.asks:
			keys := []Key{k}
			for len(keys) < together && len(r.asks) > 0 {
				keys = append(keys, <-r.asks)
			}
			if r.here() {
				r.fetch(ctx, keys)
			}
		}
	}
}

// fetch puts those keys into the store that Redis has.
func (r *Redis) fetch(ctx context.Context, keys []Key) {
	type pair struct {
		value *redis.StringCmd
		left  *redis.DurationCmd
	}
	pipe, all := r.client.Pipeline(), make([]pair, len(keys))
	for i, k := range keys {
		name := r.prefix + k.String()
		all[i] = pair{pipe.Get(ctx, name), pipe.PTTL(ctx, name)}
	}
	if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
		r.turned(err)
		return
	}
	for i, k := range keys {
		value, left := all[i].value.Val(), all[i].left.Val()
		switch {
		case all[i].value.Err() != nil || left <= 0:
			r.counts[Unknown].Add(1)
		case len(value) > Longest:
			r.counts[Garbled].Add(1)
		default:
			r.counts[Fetched].Add(1)
			r.store.learn(k, value, left)
		}
	}
}

// load puts what others have written into the store, as far as there is room without anything
// giving way.
func (r *Redis) load(ctx context.Context) {
	room, cursor := r.store.room(), uint64(0)
	for room > 0 && ctx.Err() == nil {
		names, next, err := r.client.Scan(ctx, cursor, r.prefix+"*", together).Result()
		if err != nil {
			r.turned(err)
			return
		}
		var keys []Key
		for _, name := range names {
			if k, err := ParseKey(strings.TrimPrefix(name, r.prefix)); err == nil && !r.store.has(k) {
				keys = append(keys, k)
			}
		}
		if len(keys) > 0 {
			r.fetch(ctx, keys)
		}
		room -= len(keys)
		if cursor = next; cursor == 0 {
			return
		}
	}
}

// room returns how many more sessions fit in.
func (s *Store) room() (n int) {
	for _, h := range s.shards {
		h.mu.Lock()
		n += h.most - h.held
		h.mu.Unlock()
	}
	return n
}

func (s *Store) has(k Key) bool {
	h := s.shard(k)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.find(k) != 0
}
