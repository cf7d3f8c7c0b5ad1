package sink

import (
	"fmt"
	"strings"
)

// ClickHouseOptions say how records are inserted into tables of ClickHouse.
type ClickHouseOptions struct {
	Create bool   `toml:"create"` // create the database and the tables before the first record, unless they are there
	Engine string `toml:"engine"` // of the tables; empty is MergeTree, or ReplacingMergeTree where it cannot deduplicate
	TTL    string `toml:"ttl"`    // how long records are kept, as ClickHouse writes it: "30 DAY"; empty is for ever
}

// Check returns what is wrong with the options, and what to do about it.
func (o *ClickHouseOptions) Check() error {
	if strings.ContainsAny(o.Engine, ";'\"`\\") {
		return fmt.Errorf("engine %q is not the name of an engine; write one like ReplacingMergeTree", o.Engine)
	}
	if o.TTL == "" {
		return nil
	}
	var n uint
	var unit string
	if _, err := fmt.Sscanf(o.TTL, "%d %s", &n, &unit); err != nil || n == 0 ||
		!strings.Contains(" HOUR DAY WEEK MONTH YEAR ", " "+unit+" ") {
		return fmt.Errorf(`ttl %q is not a number and a unit; write it like "30 DAY", with HOUR, DAY, WEEK, MONTH or YEAR`, o.TTL)
	}
	return nil
}
