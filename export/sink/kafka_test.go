package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/exporttest"
	"github.com/weir-probe/weir/export/sink/sinktest"
)

// cluster starts brokers with a partition for each topic.
func cluster(t *testing.T, opts ...kfake.Opt) (c *kfake.Cluster, place string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.AllowAutoTopicCreation(), kfake.DefaultNumPartitions(1),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, strings.Join(c.ListenAddrs(), ",")
}

// consume returns the records of a topic, once there are n of them.
func consume(t *testing.T, place, topic string, n int) (all []*kgo.Record) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(place, ",")...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for len(all) < n {
		fetched := c.PollFetches(deadline(t, 20*time.Second))
		if err := fetched.Err(); err != nil {
			t.Fatalf("topic %s: %d of %d records: %v", topic, len(all), n, err)
		}
		all = append(all, fetched.Records()...)
	}
	return all
}

func deadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// lines makes a message of n records whose first ends with mark, and what Store is told of it.
func lines(n int, mark string) (message []byte, of export.Batch) {
	for i := range n {
		message = fmt.Appendf(message, `{"N":%d,"MARK":%q}`+"\n", i, mark)
		it := export.Item{End: uint32(len(message)), Kind: flow.Kind(i % 2), Time: exporttest.Epoch + uint64(i)*1e6}
		copy(it.ID[:], fmt.Sprintf("%016x", i+1))
		it.Key[0], it.Key[19] = byte(i), 1
		of.Items = append(of.Items, it)
	}
	of.Records, of.Time = uint32(n), exporttest.Epoch
	return message, of
}

// When no broker answers, the error says why.
func TestKafkaNobody(t *testing.T) {
	c, place := cluster(t)
	c.Close()
	err := open(t, "kafka://"+place, Options{}).Send(deadline(t, time.Second), []byte("x"))
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Send to brokers that are away says: %v", err)
	}
}

func TestKafkaContract(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, sinktest.Peer{
		Open: func(t *testing.T) (export.Sink, func() []byte) {
			_, place := cluster(t)
			return open(t, "kafka://"+place+"/all", Options{}), func() (got []byte) {
				for _, r := range consume(t, place, "all", 200) {
					got = append(got, r.Value...)
				}
				return got
			}
		},
		Gone: func(t *testing.T) export.Sink {
			c, place := cluster(t)
			c.Close()
			return open(t, "kafka://"+place, Options{})
		},
		Stuck: func(t *testing.T) export.Sink {
			l, _ := listen(t, false)
			return open(t, "kafka://"+l.Addr().String(), Options{})
		},
	})
}

// Every record is a record of the topic of its kind, with the key of its flow.
func TestKafkaRecords(t *testing.T) {
	for _, compression := range kafkaCompressions() {
		_, place := cluster(t)
		k := open(t, "kafka://"+place, Options{Kafka: KafkaOptions{Compression: compression}})
		message, of := lines(10, "x")
		if err := k.(export.Storer).Store(deadline(t, 10*time.Second), message, of); err != nil {
			t.Fatal(err)
		}
		for kind, topic := range []string{"weir.flow", "weir.event"} {
			for i, r := range consume(t, place, topic, 5) {
				n := 2*i + kind
				if want := fmt.Sprintf(`{"N":%d,"MARK":"x"}`, n); string(r.Value) != want {
					t.Errorf("%s: record %d is %s, want %s", topic, i, r.Value, want)
				}
				head := ""
				for _, h := range r.Headers {
					head += h.Key + "=" + string(h.Value) + " "
				}
				want := fmt.Sprintf("kind=%s time=%d schema=%d id=%x ",
					flow.Kind(kind), of.Items[n].Time/1e6, export.SchemaVersion, of.Items[n].ID)
				if head != want {
					t.Errorf("%s: headers of record %d are %s, want %s", topic, i, head, want)
				}
				if !strings.HasPrefix(string(r.Key), "1:") || len(r.Key) != 2+28 {
					t.Errorf("%s: key of record %d is %q, which is no Community ID", topic, i, r.Key)
				}
				if age := time.Since(r.Timestamp); age < -time.Hour || age > time.Hour {
					t.Errorf("%s: record %d is of %v, by which a broker would delete it", topic, i, r.Timestamp)
				}
			}
		}
	}
}

// The key is what a field of the same flow says.
func TestKafkaKey(t *testing.T) {
	v := exporttest.Flow(0)
	digest, ok := v.CommunityDigest()
	id, _ := v.Value(exporttest.Schema(t).Named("COMMUNITY_ID"))
	want := string(id.B)
	if !ok || want == "" {
		t.Fatal("the flow has no Community ID")
	}
	_, place := cluster(t)
	k := open(t, "kafka://"+place, Options{})
	of := export.Batch{Records: 1, Items: []export.Item{{End: 3, Key: digest, Time: exporttest.Epoch}}}
	if err := k.(export.Storer).Store(deadline(t, 10*time.Second), []byte("{}\n"), of); err != nil {
		t.Fatal(err)
	}
	if r := consume(t, place, "weir.flow", 1)[0]; string(r.Key) != want {
		t.Errorf("key is %s, want %s", r.Key, want)
	}
}

// A message whose records cannot be told apart is one record, which explains itself.
func TestKafkaWhole(t *testing.T) {
	_, place := cluster(t)
	k := open(t, "kafka://"+place, Options{})
	k.(export.Stream).Preface(func(dst, next []byte) []byte { return append(dst, "templates "...) })
	of := export.Batch{Records: 2, Items: []export.Item{{Kind: flow.KindFlow}, {Kind: flow.KindEvent}}}
	for range 2 {
		if err := k.(export.Storer).Store(deadline(t, 10*time.Second), []byte("message"), of); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range consume(t, place, "weir.mixed", 2) {
		if string(r.Value) != "templates message" {
			t.Errorf("record is %q", r.Value)
		}
	}
}

// A record that is too large is refused by itself; those beside it arrive, once.
func TestKafkaTooLarge(t *testing.T) {
	_, place := cluster(t)
	k := open(t, "kafka://"+place+"/all", Options{Kafka: KafkaOptions{MaxMessage: 2000}})
	message, of := lines(3, "x")
	message = fmt.Appendf(message, "{%q}\n", bytes.Repeat([]byte("y"), 5000))
	of.Items = append(of.Items, export.Item{End: uint32(len(message))})
	of.Records++
	err := k.(export.Storer).Store(deadline(t, 10*time.Second), message, of)
	var refused *export.Refused
	if !errors.As(err, &refused) || refused.Records != 1 || !errors.Is(err, kerr.MessageTooLarge) {
		t.Fatalf("Store returns %v, want one record refused", err)
	}
	if got := len(consume(t, place, "all", 3)); got != 3 {
		t.Errorf("%d records arrived, want 3", got)
	}
}

// When one of two topics is not there, the message is sent again, without what had been taken.
func TestKafkaPartly(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "weir.flow"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	place := strings.Join(c.ListenAddrs(), ",")
	k := open(t, "kafka://"+place, Options{}).(export.Storer)
	message, of := lines(10, "x")
	if err := k.Store(deadline(t, time.Second), message, of); err == nil {
		t.Fatal("Store reports no error although a topic is missing")
	}
	admin, err := kgo.NewClient(kgo.SeedBrokers(place))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "weir.event", 1, 1
	req.Topics = append(req.Topics, topic)
	if _, err := req.RequestWith(deadline(t, 10*time.Second), admin); err != nil {
		t.Fatal(err)
	}
	if err := k.Store(deadline(t, 10*time.Second), message, of); err != nil {
		t.Fatal(err)
	}
	if message, of = lines(2, "y"); k.Store(deadline(t, 10*time.Second), message, of) != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"weir.flow", "weir.event"} {
		if got := consume(t, place, topic, 6); len(got) != 6 || !strings.Contains(string(got[5].Value), "y") {
			t.Errorf("%s has %d records, the last %s", topic, len(got), got[len(got)-1].Value)
		}
	}
}

func TestKafkaDescription(t *testing.T) {
	_, place := cluster(t)
	s := exporttest.Schema(t)
	fields := exporttest.Template(t, s, "%IPV4_SRC_ADDR %IN_BYTES").Fields
	k := open(t, "kafka://"+place, Options{
		Format: "json", Fields: fields, Kafka: KafkaOptions{SchemaTopic: "weir.schema"},
	})
	message, of := lines(1, "x")
	if err := k.(export.Storer).Store(deadline(t, 10*time.Second), message, of); err != nil {
		t.Fatal(err)
	}
	var d Description
	r := consume(t, place, "weir.schema", 1)[0]
	if err := json.Unmarshal(r.Value, &d); err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, f := range d.Fields {
		labels = append(labels, f.Label)
		if f.Doc == "" || f.Type == "" || f.ID == 0 {
			t.Errorf("%s is not described: %+v", f.Label, f)
		}
	}
	got := strings.Join(labels, " ")
	if got != "SCHEMA_VERSION IPV4_SRC_ADDR IPV6_SRC_ADDR IN_BYTES" || d.Schema != export.SchemaVersion {
		t.Errorf("fields %s of version %d", got, d.Schema)
	}
}

// The password is read when it is needed and proves the user; a wrong one is not shown.
func TestKafkaSASL(t *testing.T) {
	t.Parallel()
	for _, mechanism := range kafkaSASLs()[1:] {
		_, place := cluster(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "weir", "s3cret"))
		file := filepath.Join(t.TempDir(), "password")
		o := Options{
			Auth:  AuthOptions{User: "weir", PasswordFile: file},
			Kafka: KafkaOptions{SASL: mechanism},
		}
		write(t, file, "not-it\n")
		k := open(t, "kafka://"+place+"/all", o)
		err := k.Send(deadline(t, time.Second), []byte("x"))
		if err == nil || !strings.Contains(err.Error(), "set sasl") || strings.Contains(err.Error(), "not-it") {
			t.Errorf("%s with a wrong password: %v", mechanism, err)
		}
		write(t, file, "s3cret\n")
		k = open(t, "kafka://"+place+"/all", o)
		if err := k.Send(deadline(t, 10*time.Second), []byte("x")); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKafkaPlaces(t *testing.T) {
	for place, want := range map[string]string{
		"a:9092,b:9092":         "",
		"a:9092/flows":          "",
		"a:9092/x.{kind}-y_z":   "",
		"a":                     "has no port",
		"a:9092,b":              "has no port",
		"a:9092/x y":            "characters that no topic has",
		"a:9092/..":             "not the name of a topic",
		"a:9092/{kin}":          "characters that no topic has",
		"a:9092/" + long(250):   "too long",
		"[::1]:9092,1.2.3.4:99": "",
	} {
		err := checkKafka(place)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", place, err, want)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestKafkaOptions(t *testing.T) {
	for want, o := range map[string]KafkaOptions{
		"acks":         {Acks: "some"},
		"compression":  {Compression: "rar"},
		"sasl":         {SASL: "gssapi"},
		"max_message":  {MaxMessage: 1},
		"linger":       {Linger: time.Hour},
		"schema_topic": {SchemaTopic: "weir.{kind}"},
	} {
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "; ") {
			t.Errorf("%+v: %v, want a word about %s and what to do", o, err, want)
		}
	}
	for _, acks := range kafkaAcks() {
		_, place := cluster(t)
		k := open(t, "kafka://"+place+"/all", Options{Kafka: KafkaOptions{Acks: acks}})
		if err := k.Send(deadline(t, 10*time.Second), []byte("x")); err != nil {
			t.Errorf("acks %q: %v", acks, err)
		}
		consume(t, place, "all", 1)
	}
}
