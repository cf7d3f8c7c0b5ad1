package sink

import (
	"errors"
	"fmt"
	"strings"
)

// ClickHouseOptions say how records are inserted into tables of ClickHouse.
type ClickHouseOptions struct {
	// Create has the database, the tables and what columns they lack created before the first record.
	Create bool   `toml:"create"`
	Engine string `toml:"engine"` // of the tables; empty is MergeTree, or ReplacingMergeTree before 22.2
	TTL    string `toml:"ttl"`    // how long records are kept, as ClickHouse writes it: "30 DAY"; empty is for ever
}

// Check returns what is wrong with the options and, behind a semicolon, what to do.
func (o *ClickHouseOptions) Check() error {
	if strings.ContainsAny(o.Engine, ";`\\") {
		return fmt.Errorf("engine %q is not an engine; write one like ReplacingMergeTree", o.Engine)
	}
	if o.TTL == "" {
		return nil
	}
	number, unit, _ := strings.Cut(o.TTL, " ")
	const units = " HOUR DAY WEEK MONTH YEAR "
	if number == "" || strings.Trim(number, digits) != "" || !strings.Contains(units, " "+unit+" ") || unit == "" {
		return fmt.Errorf("ttl %q is not a number and a unit; write it like \"30 DAY\", the unit one of%s",
			o.TTL, strings.TrimRight(strings.ReplaceAll(units, " ", ", "), ", ")[1:])
	}
	return nil
}

// tables splits the place of a target into servers, the database and the table.
func tables(place string) (hosts []string, database, table string, err error) {
	hosts, rest, err := servers(place)
	if err != nil {
		return nil, "", "", err
	}
	database, table, _ = strings.Cut(rest, "/")
	if database == "" {
		database = "weir"
	}
	if table == "" {
		table = kindMark
	}
	plain := strings.ReplaceAll(table, kindMark, "kind")
	if strings.Trim(database+plain, letters+digits+"_") != "" {
		return nil, "", "", fmt.Errorf("names the table %s.%s; write /database/table in letters, digits and underscores, "+
			"with %s for the kind of record", database, table, kindMark)
	}
	return hosts, database, table, nil
}

func checkClickHouse(place string) error {
	_, _, _, err := tables(place)
	return err
}

// release is a version of ClickHouse.
type release struct{ major, minor int }

// parseRelease reads what SELECT version() returns.
func parseRelease(s string) (r release, err error) {
	if n, _ := fmt.Sscanf(s, "%d.%d", &r.major, &r.minor); n != 2 {
		return r, errors.New("server does not say its version: it is no ClickHouse")
	}
	return r, nil
}

// modern reports whether the server recognizes inserts that it has had (22.2), and has types for
// addresses.
func (r release) modern() bool { return r.major > 22 || r.major == 22 && r.minor >= 2 }
