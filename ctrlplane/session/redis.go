package session

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Redis shares the sessions of a store with other probes. What is put is written and published in
// the background; what others publish is put into the store; what was missed is asked for. Nobody
// waits for it: while Redis is away the store goes on alone, and what was put meanwhile is written
// when it is back.
type Redis struct {
	store   *Store
	client  *redis.Client
	prefix  string // of keys, with the colon behind it
	channel string
	origin  string // tells what this probe publishes from what others do
	queue   chan change
	asks    chan Key
	asked   [1 << 12]atomic.Uint64 // when something was asked for, by its hash
	behind  atomic.Bool            // there is something fresh that is not in the queue
	counts  [redisCounters]atomic.Uint64
	stop    context.CancelFunc
	ended   sync.WaitGroup

	told  func(error)
	mu    sync.Mutex
	tried bool
	up    bool
	since time.Time
	err   error  // the last
	run   string // of the server that has what was written
}

// change is something that others are to be told.
type change struct {
	key     Key
	deleted bool
}

// quiet drops what the client would write to standard error; RedisStats tells it.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// Share has the store share its sessions until the returned Redis is closed. That Redis is not
// there is no error: it may come. told is told when it goes away, by any goroutine.
func (s *Store) Share(o RedisOptions, told func(error)) (*Redis, error) {
	c, err := o.client()
	if err != nil {
		return nil, err
	}
	var id [8]byte
	rand.Read(id[:])
	ctx, stop := context.WithCancel(context.Background())
	r := &Redis{
		store: s, client: c, prefix: o.Prefix + ":", channel: o.Prefix + ":changes",
		origin: hex.EncodeToString(id[:]), queue: make(chan change, o.Queue), asks: make(chan Key, 4096),
		stop: stop, told: told, since: time.Now(),
	}
	if !s.backed.CompareAndSwap(nil, r) {
		stop()
		return nil, fmt.Errorf("the sessions are shared already: %w", c.Close())
	}
	s.renew()
	for _, f := range []func(context.Context){r.write, r.hear, r.answer} {
		r.ended.Add(1)
		go func() {
			defer r.ended.Done()
			f(ctx)
		}()
	}
	return r, nil
}

// client returns a client that tries once and says nothing by itself.
func (o *RedisOptions) client() (*redis.Client, error) {
	redis.SetLogger(quiet{})
	c := &redis.Options{
		Addr: o.Address, DB: o.Database, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if strings.HasPrefix(o.Address, "/") {
		c.Network = "unix"
	}
	user, password, err := o.auth().Credentials()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	c.Username, c.Password = user, password.Reveal()
	if o.Secure {
		host, _, _ := net.SplitHostPort(o.Address)
		var t *tls.Config
		if t, err = o.TLS.Config(host); err != nil {
			return nil, fmt.Errorf("redis: %w", err)
		}
		c.TLSConfig = t
	}
	return redis.NewClient(c), nil
}

// Close stops sharing. What waits is written if that succeeds at once.
func (r *Redis) Close() error {
	r.stop()
	r.ended.Wait()
	r.store.backed.CompareAndSwap(r, nil)
	return r.client.Close()
}

// changed has others told of a key, now or when Redis is back.
func (r *Redis) changed(k Key) {
	select {
	case r.queue <- change{key: k}:
	default:
		r.behind.Store(true)
		r.counts[Deferred].Add(1)
	}
}

// deleted has others told that a key is over.
func (r *Redis) deleted(k Key) {
	select {
	case r.queue <- change{k, true}:
	default:
		r.counts[Undeleted].Add(1)
	}
}

// again is how long something that nobody knew is not asked for again.
const again = 10 * time.Second

// ask has others asked for a key, unless they were just now.
func (r *Redis) ask(k Key) {
	const low = 1<<24 - 1 // a second of half a year, beside the upper bits of the hash
	h := maphash.Comparable(r.store.seed, k)
	second := r.store.now.Load() / uint64(time.Second)
	slot := &r.asked[h>>shardBits%uint64(len(r.asked))]
	was, now := slot.Load(), h&^low|second&low
	if was&^low == now&^low && (now-was)&low < uint64(again/time.Second) && was != 0 {
		return
	}
	select {
	case r.asks <- k:
		slot.Store(now)
	default:
		r.counts[Unasked].Add(1)
	}
}

// turned notes that Redis answered, or did not, and reports whether it is back.
func (r *Redis) turned(err error) (back bool) {
	r.mu.Lock()
	gone := err != nil && (r.up || !r.tried)
	if r.tried = true; err != nil {
		r.err = err
		r.counts[Failures].Add(1)
	}
	if up := err == nil; up != r.up {
		r.up, r.since, back = up, time.Now(), up
		if !up {
			r.counts[Outages].Add(1)
		}
	}
	r.mu.Unlock()
	if gone {
		r.told(fmt.Errorf("sessions are not shared with other probes until redis is back: %w", err))
	}
	return back
}

func (r *Redis) here() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.up
}
