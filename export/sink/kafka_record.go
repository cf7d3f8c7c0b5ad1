package sink

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/weir-probe/weir/export"
)

// produced is a record of Kafka on its way.
type produced struct {
	kgo.Record
	index int    // of the record in the message
	count uint32 // of weir's records that it stands for
	err   error
}

// records makes what is still to be produced of a message. The library may hold on to it for
// longer than Store lasts, so it is a copy.
func (k *kafka) records(message []byte, of export.Batch) (all []*produced, err error) {
	if len(of.Items) == 0 || of.Items[0].End == 0 {
		return []*produced{k.whole(message, of)}, nil
	}
	own := append([]byte(nil), message...)
	for i := range of.Items {
		if k.partly.has(i) {
			continue
		}
		r := &produced{index: i, count: 1}
		if r.Value, err = recordOf(own, of, i); err != nil {
			return nil, err
		}
		if !isBinary(k.o.Format) {
			r.Value = lineOf(r.Value)
		}
		it := &of.Items[i]
		r.Topic, r.Headers = k.topicOf(it.Kind.String()), headers(it.Kind.String(), it.Time)
		if it.Key != [20]byte{} {
			r.Key = base64.StdEncoding.AppendEncode([]byte("1:"), it.Key[:])
		}
		if it.ID != [16]byte{} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "id", Value: hex.AppendEncode(nil, it.ID[:])})
		}
		all = append(all, r)
	}
	return all, nil
}

// whole makes one record of a message.
func (k *kafka) whole(message []byte, of export.Batch) *produced {
	kind := kindOf(of)
	r := &produced{count: max(of.Records, 1)}
	if k.preface != nil {
		r.Value = k.preface(nil, message)
	}
	r.Value = append(r.Value, message...)
	r.Topic, r.Headers = k.topicOf(kind), headers(kind, of.Time)
	return r
}

// kindOf returns the kind of all records of a message, "mixed" if they have several, and that of
// flows if nothing is known of them.
func kindOf(of export.Batch) string {
	if len(of.Items) == 0 {
		return "flow"
	}
	for i := range of.Items {
		if of.Items[i].Kind != of.Items[0].Kind {
			return "mixed"
		}
	}
	return of.Items[0].Kind.String()
}

func (k *kafka) topicOf(kind string) string { return strings.ReplaceAll(k.topic, kindMark, kind) }

// headers say what a record is and when what it tells of ended, in milliseconds since the Unix epoch.
// The timestamp of Kafka is that of producing: brokers delete by it, and a capture may be old.
func headers(kind string, at uint64) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: "kind", Value: []byte(kind)},
		{Key: "time", Value: strconv.AppendUint(nil, at/1e6, 10)},
		{Key: "schema", Value: strconv.AppendUint(nil, export.SchemaVersion, 10)},
	}
}

// describe makes the schema topic, unless it is there, and produces what the fields are.
func (k *kafka) describe(ctx context.Context, c *kgo.Client) error {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = k.o.Kafka.SchemaTopic, 1, -1
	policy := kmsg.NewCreateTopicsRequestTopicConfig()
	policy.Name, policy.Value = "cleanup.policy", kmsg.StringPtr("compact")
	topic.Configs = append(topic.Configs, policy)
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	req.TimeoutMillis = 5000
	resp, err := req.RequestWith(ctx, c)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return err
		}
	}
	value, err := json.Marshal(Describe(k.o.Format, k.o.Fields))
	if err != nil {
		return err
	}
	return c.ProduceSync(ctx, &kgo.Record{
		Topic: k.o.Kafka.SchemaTopic, Key: []byte(k.topic), Value: value, Headers: headers("schema", uint64(time.Now().UnixNano())),
	}).FirstErr()
}

// client returns what the options mean to the library.
func (o *KafkaOptions) client(auth *AuthOptions) []kgo.Opt {
	batch := int32(1_000_000)
	if o.MaxMessage > 0 {
		batch = int32(o.MaxMessage)
	}
	opts := []kgo.Opt{
		kgo.ClientID("weir"), kgo.AllowAutoTopicCreation(), kgo.DisableClientMetrics(),
		kgo.ProducerLinger(o.Linger), kgo.ProducerBatchMaxBytes(batch), kgo.BrokerMaxWriteBytes(max(batch, 100<<20)),
		kgo.ProducerBatchCompression(o.codec(), kgo.NoCompression()),
		kgo.DialTimeout(5 * time.Second), kgo.MetadataMinAge(time.Second),
	}
	switch o.Acks {
	case "leader":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "none":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.AllowIdempotentProduceCancellation())
	}
	if m := o.mechanism(auth); m != nil {
		opts = append(opts, kgo.SASL(m))
	}
	return opts
}

func (o *KafkaOptions) codec() kgo.CompressionCodec {
	switch o.Compression {
	case "none":
		return kgo.NoCompression()
	case "gzip":
		return kgo.GzipCompression()
	case "snappy":
		return kgo.SnappyCompression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	return kgo.Lz4Compression()
}

// mechanism reads the password each time somebody has to prove to be the user.
func (o *KafkaOptions) mechanism(auth *AuthOptions) sasl.Mechanism {
	shared := func(context.Context) (scram.Auth, error) {
		p, err := auth.password()
		return scram.Auth{User: auth.User, Pass: p.Reveal()}, err
	}
	switch o.SASL {
	case "plain":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			p, err := auth.password()
			return plain.Auth{User: auth.User, Pass: p.Reveal()}, err
		})
	case "scram-sha-256":
		return scram.Sha256(shared)
	case "scram-sha-512":
		return scram.Sha512(shared)
	}
	return nil
}
