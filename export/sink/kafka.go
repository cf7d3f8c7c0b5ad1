package sink

import (
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
	MaxMessage  int           `toml:"max_message"`  // octets of a batch, at most the topic's max.message.bytes; 0 is 1000000
	SASL        string        `toml:"sasl"`         // "plain", "scram-sha-256" or "scram-sha-512", as auth says; empty is none
	SchemaTopic string        `toml:"schema_topic"` // compacted topic that gets the description of the fields; empty is none
}

// Words that options of Kafka may be.
var (
	kafkaAcks         = []string{"", "all", "leader", "none"}
	kafkaCompressions = []string{"", "none", "gzip", "snappy", "lz4", "zstd"}
	kafkaSASLs        = []string{"", "plain", "scram-sha-256", "scram-sha-512"}
)

// Check returns what is wrong with the options, and what to do about it.
func (o *KafkaOptions) Check() error {
	for _, w := range []struct {
		key, word string
		known     []string
	}{
		{"acks", o.Acks, kafkaAcks}, {"compression", o.Compression, kafkaCompressions}, {"sasl", o.SASL, kafkaSASLs},
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
	if o.SchemaTopic != "" {
		return checkTopic(o.SchemaTopic)
	}
	return nil
}

// checkTopic returns what is wrong with the name of a topic, in which {kind} may stand.
func checkTopic(name string) error {
	const most = 249 // octets, as Kafka limits them
	plain := strings.ReplaceAll(name, "{kind}", "kind")
	legal := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c)
	}
	if strings.ContainsFunc(plain, func(c rune) bool { return !legal(c) }) || plain == "." || plain == ".." {
		return fmt.Errorf("topic %q has characters that Kafka does not allow; "+
			"write letters, digits, dots, hyphens, underscores, and {kind} for the kind of record", name)
	}
	if plain == "" || len(plain) > most {
		return fmt.Errorf("topic %q has %d characters; write 1 to %d", name, len(plain), most)
	}
	return nil
}
