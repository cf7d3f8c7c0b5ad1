package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// aggregates checks what tables of aggregates name, and that somebody gets their records.
func (k *checker) aggregates(c *Config) {
	names := map[string]bool{}
	for i := range c.Aggregates {
		o, key := &c.Aggregates[i], fmt.Sprintf("aggregate[%d]", i)
		k.unique(key+".name", o.Name, names)
		if k.checks.Schema == nil {
			continue
		}
		if _, err := o.Spec(k.checks.Schema); err != nil {
			member, _, _ := strings.Cut(err.Error(), " ")
			if about, colon := strings.CutSuffix(member, ":"); colon {
				member, err = about, errors.New(strings.TrimPrefix(err.Error(), member+" "))
			}
			k.fault(key+"."+member, err)
		}
	}
	given := slices.ContainsFunc(c.Exporters, func(e Exporter) bool { return slices.Contains(e.Records, "aggregate") })
	if given && len(c.Aggregates) == 0 {
		k.report("aggregate", "an exporter is for aggregates, and there are none",
			`add an [[aggregate]], or leave "aggregate" out of records`)
	}
}

// slack is what records take from a worker to where they are summed up.
const slack = 2 * time.Second

// AggregateLateness returns how much later than its last packet a record of a flow comes by the timeouts.
func (c *Config) AggregateLateness() uint64 {
	return uint64(c.Flow.Idle + c.Flow.Linger + c.Flow.Lateness + c.Users.Hold + slack)
}
