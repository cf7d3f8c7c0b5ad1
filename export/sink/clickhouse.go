package sink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/weir-probe/weir/export"
)

// clickhouse inserts records into the table of their kind, over HTTP. An insert carries the hash of
// what it inserts, by which the server knows one that comes again.
type clickhouse struct {
	*web
	database, name string // the name with kindMark where the kind stands
	o              Options
	server         release
	ready          map[string]bool // tables that are there
	partly         progress
	body, zip      bytes.Buffer
}

func openClickHouse(place string, o Options) (export.Sink, error) {
	return newClickHouse(place, o, nil)
}
func openClickHouseTLS(place string, o Options) (export.Sink, error) {
	return newClickHouse(place, o, &o.TLS)
}

func newClickHouse(place string, o Options, secure *TLSOptions) (export.Sink, error) {
	hosts, database, name, err := tables(place)
	if err == nil {
		err = o.ClickHouse.Check()
	}
	if err != nil {
		return nil, err
	}
	w, err := newWeb(hosts, &o, secure)
	if err != nil {
		return nil, err
	}
	return &clickhouse{web: w, database: database, name: name, o: o, ready: map[string]bool{}}, nil
}

// Send inserts a message that is one record of which nothing is known.
func (k *clickhouse) Send(ctx context.Context, message []byte) error {
	return k.Store(ctx, message, single(message))
}

// Store returns nil once all records are inserted. Those that do not fit their columns are refused.
func (k *clickhouse) Store(ctx context.Context, message []byte, of export.Batch) error {
	if k.ctx.Err() != nil {
		return errClosed
	}
	if k.server == (release{}) {
		if err := k.ask(ctx); err != nil {
			return err
		}
	}
	k.partly.begin(message)
	left := map[string][]int{}
	var order []string
	for i := range of.Items {
		if k.partly.has(i) {
			continue
		}
		name := strings.ReplaceAll(k.name, kindMark, of.Items[i].Kind.String())
		if left[name] == nil {
			order = append(order, name)
		}
		left[name] = append(left[name], i)
	}
	for _, name := range order {
		if err := k.prepare(ctx, name); err != nil {
			return fmt.Errorf("table %s.%s: %w", k.database, name, err)
		}
		if err := k.insert(ctx, name, batch{message, of, left[name]}); err != nil {
			return fmt.Errorf("table %s.%s: %w", k.database, name, err)
		}
	}
	return k.partly.end()
}

// ask asks the server for its version.
func (k *clickhouse) ask(ctx context.Context) error {
	a, err := k.query(ctx, "SELECT version()")
	if err == nil {
		k.server, err = parseRelease(string(a.body))
	}
	return err
}

// query sends a statement; an answer that is an error is one.
func (k *clickhouse) query(ctx context.Context, statement string) (answer, error) {
	a, err := k.do(ctx, call{method: http.MethodPost, path: "/", kind: "text/plain", body: []byte(statement)})
	if err == nil && a.status != http.StatusOK {
		err = a.error()
	}
	return a, err
}

// prepare makes a table and the columns it lacks, if that is wanted and not yet done.
func (k *clickhouse) prepare(ctx context.Context, name string) error {
	if !k.o.ClickHouse.Create || k.ready[name] {
		return nil
	}
	if k.o.ClickHouse.TTL != "" && !k.server.modern() {
		return fmt.Errorf("server %d.%d does not delete rows by their age: leave ttl out", k.server.major, k.server.minor)
	}
	t := table{k.database, name, k.o.ClickHouse, k.o.Fields, k.server}
	for _, statement := range t.create() {
		if _, err := k.query(ctx, statement); err != nil {
			return err
		}
	}
	a, err := k.query(ctx, "DESCRIBE TABLE "+t.full()+" FORMAT TabSeparated")
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(a.body)) {
		column, _, _ := strings.Cut(line, "\t")
		have[column] = true
	}
	for _, statement := range t.add(have) {
		if _, err := k.query(ctx, statement); err != nil {
			return err
		}
	}
	k.ready[name] = true
	return nil
}

// insert inserts records into a table; in halves, to find those among them that do not fit.
func (k *clickhouse) insert(ctx context.Context, name string, b batch) error {
	c, err := k.request(name, b)
	if err != nil {
		return err
	}
	a, err := k.do(ctx, c)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusOK:
		for _, i := range b.items {
			k.partly.taken(i)
		}
		return nil
	case !misfit(&a):
		return a.error()
	case len(b.items) == 1:
		k.partly.refused(b.items[0], 1, a.error())
		return nil
	}
	first, second := b, b
	first.items, second.items = b.items[:len(b.items)/2], b.items[len(b.items)/2:]
	return errors.Join(k.insert(ctx, name, first), k.insert(ctx, name, second))
}

// request writes an insert with a row for each record.
func (k *clickhouse) request(name string, b batch) (c call, err error) {
	k.body.Reset()
	for _, i := range b.items {
		record, err := recordOf(b.message, b.of, i)
		if err != nil {
			return c, err
		}
		record = lineOf(record)
		if err := k.row(record, &b.of.Items[i]); err != nil {
			return c, err
		}
	}
	sum := sha256.Sum256(k.body.Bytes())
	c = call{method: http.MethodPost, path: "/", kind: "text/plain", encoding: "gzip", query: url.Values{
		"query":             {fmt.Sprintf("INSERT INTO `%s`.`%s` FORMAT JSONEachRow", k.database, name)},
		"wait_end_of_query": {"1"},
		// A member without a column is a table that lacks one, not something to leave out.
		"input_format_skip_unknown_fields": {"0"},
	}}
	if k.server.modern() {
		c.query.Set("insert_deduplication_token", hex.EncodeToString(sum[:]))
		c.query.Set("async_insert", "0")
		c.query.Set("max_partitions_per_insert_block", "0") // captures may be of any time
	}
	c.body, err = compressed(&k.zip, k.body.Bytes())
	return c, err
}

// row writes a record, with its identifier and time.
func (k *clickhouse) row(record []byte, it *export.Item) error {
	rest, ok := bytes.CutPrefix(record, []byte("{"))
	if !ok {
		return fmt.Errorf("the format has no objects of JSON, choose json: %w", export.ErrUndeliverable)
	}
	fmt.Fprintf(&k.body, `{"%s":"%x","%s":%d`, idColumn, it.ID, timeColumn, min(it.Time/1e9, 1<<32-1))
	if len(rest) > 0 && rest[0] != '}' {
		k.body.WriteByte(',')
	}
	k.body.Write(rest)
	k.body.WriteByte('\n')
	return nil
}

// compressed writes b in gzip.
func compressed(dst *bytes.Buffer, b []byte) ([]byte, error) {
	dst.Reset()
	z, err := gzip.NewWriterLevel(dst, gzip.BestSpeed)
	if err == nil {
		_, err = z.Write(b)
	}
	if err == nil {
		err = z.Close()
	}
	return dst.Bytes(), err
}

// single is what is said of a message of which nothing is known: it is one record.
func single(message []byte) export.Batch {
	now := uint64(time.Now().UnixNano())
	return export.Batch{Time: now, Records: 1, Items: []export.Item{{End: uint32(len(message)), Time: now}}}
}

// misfit reports whether the server refuses what a record says, rather than the table or the person.
// A column that the table lacks can be added, so it is not the record's fault.
func misfit(a *answer) bool {
	if a.busy() || bytes.Contains(a.body, []byte("Unknown field")) {
		return false
	}
	switch a.code() {
	case 6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 441, 675, 676: // of reading values
		return true
	}
	return false
}

// code returns the number of an exception of ClickHouse, 0 if there is none.
func (a *answer) code() int {
	_, rest, ok := bytes.Cut(a.body, []byte("Code: "))
	if !ok {
		return 0
	}
	n := 0
	for n < len(rest) && n < 6 && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	code, _ := strconv.Atoi(string(rest[:n]))
	return code
}

// Close ends what is being sent; nothing more is.
func (k *clickhouse) Close() error {
	k.close()
	return nil
}
