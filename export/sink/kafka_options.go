package sink

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// KafkaOptions say how records are produced to Kafka. Records that are acknowledged by all
// replicas are produced idempotently: a retry inside a session does not duplicate them.
type KafkaOptions struct {
	Acks        string        `toml:"acks"`         // "all" in-sync replicas, the "leader", or "none"; empty is all
	Compression string        `toml:"compression"`  // "none", "gzip", "snappy", "lz4" or "zstd"; empty is lz4
	Linger      time.Duration `toml:"linger"`       // how long a partition's batch waits for more; 0 is not at all
	MaxMessage  int           `toml:"max_message"`  // octets of a batch, at most the topic's limit; 0 is 1000000
	SASL        string        `toml:"sasl"`         // "plain", "scram-sha-256" or "scram-sha-512"; empty is none
	SchemaTopic string        `toml:"schema_topic"` // compacted topic for what the fields are; empty is none
}

// Words that options of Kafka may be, the empty one for the default.
func kafkaAcks() []string         { return []string{"", "all", "leader", "none"} }
func kafkaCompressions() []string { return []string{"", "none", "gzip", "snappy", "lz4", "zstd"} }
func kafkaSASLs() []string        { return []string{"", "plain", "scram-sha-256", "scram-sha-512"} }

// Check returns what is wrong with the options and, behind a semicolon, what to do.
func (o *KafkaOptions) Check() error {
	for _, w := range []struct {
		key, word string
		known     []string
	}{
		{"acks", o.Acks, kafkaAcks()},
		{"compression", o.Compression, kafkaCompressions()},
		{"sasl", o.SASL, kafkaSASLs()},
	} {
		if !slices.Contains(w.known, w.word) {
			return fmt.Errorf("%s %q is not known; write one of %s", w.key, w.word, strings.Join(w.known[1:], ", "))
		}
	}
	const least, most = 1 << 10, 1 << 30
	if o.MaxMessage != 0 && (o.MaxMessage < least || o.MaxMessage > most) {
		return fmt.Errorf("max_message %d is out of range; it may be from %d to %d", o.MaxMessage, least, most)
	}
	if o.Linger < 0 || o.Linger > time.Minute {
		return fmt.Errorf("linger %s is out of range; it may be from 0s to 1m", o.Linger)
	}
	if o.SchemaTopic == "" {
		return nil
	}
	if strings.Contains(o.SchemaTopic, kindMark) {
		return errors.New("schema_topic is one for all kinds of records; leave " + kindMark + " out of it")
	}
	if err := checkTopic(o.SchemaTopic); err != nil {
		return fmt.Errorf("schema_topic %w", err)
	}
	return nil
}

// kindMark stands for the kind of a record in the names of topics, data streams and tables.
const kindMark = "{kind}"

// checkTopic returns what is wrong with the name of a topic, in which {kind} may stand.
func checkTopic(name string) error {
	const most = 249 // octets, as Kafka limits them
	plain := strings.ReplaceAll(name, kindMark, "statistics")
	switch {
	case plain == "" || plain == "." || plain == "..":
		return fmt.Errorf("%q is not the name of a topic; write one like weir.%s", name, kindMark)
	case strings.Trim(plain, letters+digits+"._-") != "":
		return fmt.Errorf("%q has characters that no topic has; write letters, digits, dots, hyphens "+
			"and underscores, and %s for the kind of record", name, kindMark)
	case len(plain) > most:
		return fmt.Errorf("%q is too long for a topic; write at most %d characters", name, most)
	}
	return nil
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

// servers splits a place into the servers it names, host:port each and separated by commas, and
// what follows their slash.
func servers(place string) (hosts []string, rest string, err error) {
	list, rest, _ := strings.Cut(place, "/")
	for h := range strings.SplitSeq(list, ",") {
		if err := checkAddress(h); err != nil {
			return nil, "", err
		}
		hosts = append(hosts, h)
	}
	return hosts, rest, nil
}

// brokers splits the place of a Kafka target into brokers and the topic.
func brokers(place string) (hosts []string, topic string, err error) {
	if hosts, topic, err = servers(place); err != nil {
		return nil, "", err
	}
	if topic == "" {
		topic = "weir." + kindMark
	}
	return hosts, topic, checkTopic(topic)
}

func checkKafka(place string) error {
	_, _, err := brokers(place)
	return err
}
