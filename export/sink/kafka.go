package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weir-probe/weir/export"
)

// kafka produces each record of a message to the topic of its kind, keyed by the Community ID of
// its flow, so that all that is said of a flow is in one partition. A message of a format whose
// records cannot be told apart is one record of Kafka, which begins with what explains it.
type kafka struct {
	topic   string // with kindMark where the kind stands
	o       Options
	opts    []kgo.Opt
	preface func(dst, next []byte) []byte
	partly  progress
	trouble trouble

	ctx       context.Context // ended by Close
	stop      context.CancelFunc
	mu        sync.Mutex
	client    *kgo.Client // nil until it is needed
	described bool        // the schema topic has the description
}

func openKafka(place string, o Options) (export.Sink, error)    { return newKafka(place, o, nil) }
func openKafkaTLS(place string, o Options) (export.Sink, error) { return newKafka(place, o, &o.TLS) }

// newKafka returns a sink to brokers in clear, or with TLS as secure says.
func newKafka(place string, o Options, secure *TLSOptions) (export.Sink, error) {
	hosts, topic, err := brokers(place)
	if err == nil {
		err = errors.Join(o.Kafka.Check(), o.Auth.Check())
	}
	if secure != nil && err == nil {
		err = secure.Check()
	}
	if err != nil {
		return nil, err
	}
	k := &kafka{topic: topic, o: o}
	k.ctx, k.stop = context.WithCancel(context.Background())
	k.opts = append(o.Kafka.client(&o.Auth), kgo.SeedBrokers(hosts...))
	dial := dialer(o.Source, secure)
	connect := func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, address) }
	k.opts = append(k.opts, kgo.WithHooks(&k.trouble), kgo.Dialer(connect))
	return k, nil
}

// Preface sets what a message begins with whose records cannot be told apart.
func (k *kafka) Preface(open func(dst, next []byte) []byte) { k.preface = open }

// Keyed is true: the key of a record is the Community ID of its flow.
func (k *kafka) Keyed() bool { return true }

// Send produces a message of which nothing is known.
func (k *kafka) Send(ctx context.Context, message []byte) error {
	return k.Store(ctx, message, export.Batch{Time: uint64(time.Now().UnixNano()), Records: 1})
}

// Store returns nil once all records are acknowledged. If some are not, those that are will not be
// produced again when the same message comes next.
func (k *kafka) Store(ctx context.Context, message []byte, of export.Batch) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(k.ctx, cancel)()
	client, err := k.ready(ctx)
	if err != nil {
		return k.cause(err)
	}
	k.trouble.last.Store(nil)
	k.partly.begin(message)
	all, err := k.records(message, of)
	if err != nil {
		return err
	}
	if err := k.produce(ctx, client, all); err != nil {
		return k.cause(err)
	}
	return k.partly.end()
}

// cause prefers the end of the sink to what it brought about, and says why time ran out.
func (k *kafka) cause(err error) error {
	if k.ctx.Err() != nil {
		return errClosed
	}
	if why := k.trouble.last.Load(); why != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", err, *why)
	}
	return err
}

// trouble keeps why no broker could be reached, which the library only logs.
type trouble struct{ last atomic.Pointer[error] }

// OnBrokerConnect implements kgo.HookBrokerConnect; err is of TCP, TLS or SASL.
func (t *trouble) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("broker ended the connection: if it wants TLS use kafka+tls://, if a password set sasl: %w", err)
	}
	t.last.Store(&err)
}

// ready returns the client, once the schema topic has what it should have.
func (k *kafka) ready(ctx context.Context) (*kgo.Client, error) {
	c, described, err := k.connect()
	if err != nil || described || k.o.Kafka.SchemaTopic == "" {
		return c, err
	}
	if err := k.describe(ctx, c); err != nil {
		return nil, fmt.Errorf("topic %s for the description of the fields: %w", k.o.Kafka.SchemaTopic, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.described = true
	return c, nil
}

// connect returns the client, which it makes if need be, and whether the schema topic is done.
func (k *kafka) connect() (c *kgo.Client, described bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ctx.Err() != nil {
		return nil, false, errClosed
	}
	if k.client == nil {
		if k.client, err = kgo.NewClient(k.opts...); err != nil {
			return nil, false, fmt.Errorf("client of Kafka: %w", err)
		}
	}
	return k.client, k.described, nil
}

// produce returns an error if records were not taken that may be another time.
func (k *kafka) produce(ctx context.Context, c *kgo.Client, all []*produced) error {
	var wg sync.WaitGroup
	for _, r := range all {
		wg.Add(1)
		c.Produce(ctx, &r.Record, func(_ *kgo.Record, err error) {
			r.err = err
			wg.Done()
		})
	}
	wg.Wait()
	var failed error
	for _, r := range all {
		if errors.Is(r.err, kerr.MessageTooLarge) && len(all) > 1 { // its batch was, it need not be
			r.err = c.ProduceSync(ctx, &r.Record).FirstErr()
		}
		if r.err != nil {
			r.err = fmt.Errorf("topic %s: %w", r.Topic, r.err)
		}
		switch {
		case r.err == nil:
			k.partly.taken(r.index)
		case refuses(r.err):
			k.partly.refused(r.index, r.count, r.err)
		case failed == nil || errors.Is(failed, context.Canceled):
			failed = r.err
		}
	}
	return failed
}

// refuses reports whether the broker would say the same of the record again.
func refuses(err error) bool {
	for _, e := range []error{kerr.MessageTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.CorruptMessage} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Close ends what is being produced; no more is.
func (k *kafka) Close() error {
	k.stop()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.client != nil {
		k.client.Close()
		k.client = nil
	}
	return nil
}
