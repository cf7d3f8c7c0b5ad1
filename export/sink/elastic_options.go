package sink

import (
	"fmt"
	"strings"
	"time"
)

// ElasticOptions say how records are indexed by Elasticsearch and OpenSearch.
type ElasticOptions struct {
	Install bool `toml:"install"` // put the life cycle and the index template there before the first record
	// Rollover and Delete are the life cycle that Install puts there: when a backing index is old
	// enough to be followed by another, and when it is deleted.
	Rollover time.Duration `toml:"rollover"` // 0 is 24 h
	Delete   time.Duration `toml:"delete"`   // after the rollover; 0 is 720 h
	Shards   int           `toml:"shards"`   // primary shards of an index; 0 is 1
	Replicas int           `toml:"replicas"` // copies of each shard; 0 is none
	Pipeline string        `toml:"pipeline"` // ingest pipeline; empty is the index's own
	Plain    bool          `toml:"plain"`    // send bodies as they are, without gzip
	// DeadLetter is a file for records that are refused for good, each with the reason; empty only
	// counts them. At DeadSize octets, 0 is 16 MiB, it becomes FILE.1 and another is begun.
	DeadLetter string `toml:"dead_letter"`
	DeadSize   int64  `toml:"dead_size"`
}

// Check returns what is wrong with the options and, behind a semicolon, what to do.
func (o *ElasticOptions) Check() error {
	const year = 8760 * time.Hour
	switch {
	case o.Rollover != 0 && (o.Rollover < time.Minute || o.Rollover > year):
		return fmt.Errorf("rollover %s is out of range; it may be from 1m to 8760h", o.Rollover)
	case o.Delete != 0 && (o.Delete < time.Minute || o.Delete > 10*year):
		return fmt.Errorf("delete %s is out of range; it may be from 1m to 87600h", o.Delete)
	case o.Shards < 0 || o.Shards > 1024:
		return fmt.Errorf("shards %d is out of range; it may be from 0 to 1024", o.Shards)
	case o.Replicas < 0 || o.Replicas > 10:
		return fmt.Errorf("replicas %d is out of range; it may be from 0 to 10", o.Replicas)
	case o.DeadSize != 0 && o.DeadSize < 1<<10:
		return fmt.Errorf("dead_size %d is too small; write 1024 octets or more", o.DeadSize)
	}
	return nil
}

// fill gives what is not set its default.
func (o *ElasticOptions) fill() {
	if o.Rollover == 0 {
		o.Rollover = 24 * time.Hour
	}
	if o.Delete == 0 {
		o.Delete = 720 * time.Hour
	}
	o.Shards = max(o.Shards, 1)
	if o.DeadSize == 0 {
		o.DeadSize = 16 << 20
	}
}

// streams splits the place of a target into servers and the name of the data stream or index.
func streams(place string) (hosts []string, name string, err error) {
	if hosts, name, err = servers(place); err != nil {
		return nil, "", err
	}
	if name == "" {
		name = "logs-weir." + kindMark + "-default"
	}
	const lower = "abcdefghijklmnopqrstuvwxyz"
	plain := strings.ReplaceAll(name, kindMark, "statistics")
	switch {
	case strings.Trim(plain, lower+digits+"._-") != "":
		return nil, "", fmt.Errorf("has characters in %q that no data stream should have; write lower-case letters, "+
			"digits, dots, hyphens and underscores, and %s for the kind of record", name, kindMark)
	case strings.IndexAny(plain, "._-") == 0:
		return nil, "", fmt.Errorf("has a data stream %q that begins with %q; begin it with a letter", name, plain[:1])
	case len(plain) > 200:
		return nil, "", fmt.Errorf("has a data stream with a name of %d characters; write at most 200", len(plain))
	}
	return hosts, name, nil
}

func checkElastic(place string) error {
	_, _, err := streams(place)
	return err
}
