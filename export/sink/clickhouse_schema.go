package sink

import (
	"fmt"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/json"
)

// Columns that each record has beyond its fields: its identifier, and when what it tells of ended.
const (
	idColumn   = "record_id"
	timeColumn = "record_time"
)

// table is a table of ClickHouse, and what makes it.
type table struct {
	database, name string
	o              ClickHouseOptions
	fields         []*flow.Field
	server         release
}

// column is a column of a table.
type column struct{ name, typ, doc string }

func (t *table) columns() []column {
	all := []column{
		{idColumn, "String", "Identifier of the record in hexadecimal digits."},
		{timeColumn, "DateTime", "When what the record tells of ended."},
	}
	for _, c := range json.Columns(both(t.fields)) {
		typ := c.Type
		if !t.server.modern() {
			typ = c.Old
		}
		all = append(all, column{c.Name, typ, c.Doc})
	}
	return all
}

// define returns the definition of a column.
func (t *table) define(c column) string {
	s := fmt.Sprintf("`%s` %s", c.name, c.typ)
	if t.server.modern() {
		s += " COMMENT " + quote(c.doc)
	}
	return s
}

// quote writes a string of SQL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func (t *table) full() string { return fmt.Sprintf("`%s`.`%s`", t.database, t.name) }

// engine returns the engine of the table. Only newer servers recognize an insert that comes again;
// in older ones merges remove the records that are there twice.
func (t *table) engine() string {
	switch {
	case t.o.Engine != "":
		return t.o.Engine
	case t.server.modern():
		return "MergeTree"
	}
	return "ReplacingMergeTree"
}

// create returns the statements that make the table, unless it is there.
func (t *table) create() []string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s\n(", t.full())
	for i, c := range t.columns() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    " + t.define(c))
	}
	engine := t.engine()
	if !strings.Contains(engine, "(") {
		engine += "()"
	}
	fmt.Fprintf(&b, "\n)\nENGINE = %s\nPARTITION BY toYYYYMM(%s)\nORDER BY (%s, %s)",
		engine, timeColumn, timeColumn, idColumn)
	if t.o.TTL != "" && t.server.modern() {
		fmt.Fprintf(&b, "\nTTL %s + INTERVAL %s", timeColumn, t.o.TTL)
	}
	if t.server.modern() && !strings.HasPrefix(engine, "Replicated") && !strings.HasPrefix(engine, "Shared") {
		b.WriteString("\nSETTINGS non_replicated_deduplication_window = 1000")
	}
	return []string{fmt.Sprintf("CREATE DATABASE IF NOT EXISTS `%s`", t.database), b.String()}
}

// add returns the statements that add the columns which are not among those the table has.
func (t *table) add(have map[string]bool) (statements []string) {
	for _, c := range t.columns() {
		if !have[c.name] {
			statements = append(statements, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s", t.full(), t.define(c)))
		}
	}
	return statements
}

// ClickHouse returns the statements that make the table of a kind of records, for a target like
// clickhouse://host:port/database/table. They are for servers from 22.2 on, or for older ones.
func ClickHouse(target string, kind flow.Kind, o *Options, old bool) ([]string, error) {
	_, place, err := Find(target)
	if err != nil {
		return nil, err
	}
	_, database, name, err := tables(place)
	if err != nil {
		return nil, err
	}
	t := table{database, strings.ReplaceAll(name, kindMark, kind.String()), o.ClickHouse, o.Fields, release{22, 2}}
	if old {
		t.server = release{18, 16}
	}
	return t.create(), nil
}
