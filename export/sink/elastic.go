package sink

import (
	"fmt"
	"time"
)

// ElasticOptions say how records are indexed by Elasticsearch and OpenSearch.
type ElasticOptions struct {
	Install bool `toml:"install"` // put the life cycle and the index template there before the first record
	// Rollover and Delete are the life cycle that Install puts there: when a backing index is old
	// enough to be followed by another, and when it is deleted.
	Rollover   time.Duration `toml:"rollover"`    // 0 is 24 h
	Delete     time.Duration `toml:"delete"`      // after the rollover; 0 is 720 h
	Shards     int           `toml:"shards"`      // primary shards of an index; 0 is 1
	Replicas   int           `toml:"replicas"`    // copies of each shard; 0 is none
	Pipeline   string        `toml:"pipeline"`    // ingest pipeline; empty is the index's own
	Plain      bool          `toml:"plain"`       // send bodies as they are, without gzip
	DeadLetter string        `toml:"dead_letter"` // file for refused records, each with the reason; empty only counts them
	DeadSize   int64         `toml:"dead_size"`   // octets after which it becomes FILE.1 and another is begun; 0 is 16 MiB
}

// Check returns what is wrong with the options, and what to do about it.
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
