package sink

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/weir-probe/weir/export"
)

// elastic creates a document of each record in the data stream of its kind. The identifier of the
// record is that of the document, so that one which is sent twice is there once; only when an
// index was followed by another in between it can be in both.
type elastic struct {
	*web
	name      string // with kindMark where the kind stands
	o         Options
	open      bool // OpenSearch
	installed bool
	partly    progress
	dead      deadLetters
	body, zip bytes.Buffer
}

func openElastic(place string, o Options) (export.Sink, error) { return newElastic(place, o, nil) }
func openElasticTLS(place string, o Options) (export.Sink, error) {
	return newElastic(place, o, &o.TLS)
}

func openOpenSearch(place string, o Options) (export.Sink, error) {
	return asOpenSearch(newElastic(place, o, nil))
}
func openOpenSearchTLS(place string, o Options) (export.Sink, error) {
	return asOpenSearch(newElastic(place, o, &o.TLS))
}

// asOpenSearch tells a sink where it differs.
func asOpenSearch(k *elastic, err error) (export.Sink, error) {
	if err != nil {
		return nil, err
	}
	k.open, k.bearer = true, "Bearer"
	return k, nil
}

func newElastic(place string, o Options, secure *TLSOptions) (*elastic, error) {
	hosts, name, err := streams(place)
	if err == nil {
		err = o.Elastic.Check()
	}
	if err != nil {
		return nil, err
	}
	o.Elastic.fill()
	w, err := newWeb(hosts, &o, secure)
	if err != nil {
		return nil, err
	}
	w.bearer = "ApiKey"
	return &elastic{
		web: w, name: name, o: o, dead: deadLetters{path: o.Elastic.DeadLetter, most: o.Elastic.DeadSize},
	}, nil
}

// Send indexes a message that is one record of which nothing is known.
func (k *elastic) Send(ctx context.Context, message []byte) error {
	return k.Store(ctx, message, single(message))
}

// Store returns nil once all records are indexed. Those that the server will never take are put
// among the dead letters and counted as refused.
func (k *elastic) Store(ctx context.Context, message []byte, of export.Batch) error {
	if k.ctx.Err() != nil {
		return errClosed
	}
	if k.o.Elastic.Install && !k.installed {
		if err := k.install(ctx); err != nil {
			return fmt.Errorf("index template: %w", err)
		}
		k.installed = true
	}
	k.partly.begin(message)
	var left []int
	for i := range of.Items {
		if !k.partly.has(i) {
			left = append(left, i)
		}
	}
	if err := k.bulk(ctx, batch{message, of, left}); err != nil {
		return err
	}
	return k.partly.end()
}

// batch is records of a message that are sent together.
type batch struct {
	message []byte
	of      export.Batch
	items   []int
}

// bulk sends records; in halves, if together they are too many for the server.
func (k *elastic) bulk(ctx context.Context, b batch) error {
	if len(b.items) == 0 {
		return nil
	}
	c, err := k.request(b)
	if err != nil {
		return err
	}
	a, err := k.do(ctx, c)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusRequestEntityTooLarge && len(b.items) > 1:
		first, second := b, b
		first.items, second.items = b.items[:len(b.items)/2], b.items[len(b.items)/2:]
		return errors.Join(k.bulk(ctx, first), k.bulk(ctx, second))
	case a.status == http.StatusRequestEntityTooLarge:
		return k.refuse(b, b.items[0], outcome{a.status, fault{"too_large", a.error().Error()}})
	case a.status != http.StatusOK:
		return a.error()
	}
	return k.settle(b, a.body)
}

// request writes an action and a document for each record.
func (k *elastic) request(b batch) (c call, err error) {
	k.body.Reset()
	for _, i := range b.items {
		record, err := recordOf(b.message, b.of, i)
		if err != nil {
			return c, err
		}
		record = lineOf(record)
		k.action(&b.of.Items[i])
		k.document(record, b.of.Items[i].Time)
	}
	c = call{
		method: http.MethodPost, path: "/_bulk", kind: "application/x-ndjson", body: k.body.Bytes(),
		query: url.Values{"filter_path": {"errors,items.*.status,items.*.error.type,items.*.error.reason"}},
	}
	if k.o.Elastic.Pipeline != "" {
		c.query.Set("pipeline", k.o.Elastic.Pipeline)
	}
	if k.o.Elastic.Plain {
		return c, nil
	}
	c.encoding = "gzip"
	c.body, err = compressed(&k.zip, c.body)
	return c, err
}

func (k *elastic) action(it *export.Item) {
	fmt.Fprintf(&k.body, `{"create":{"_index":%q`, k.index(it))
	if it.ID != [16]byte{} {
		fmt.Fprintf(&k.body, `,"_id":"%s"`, hex.EncodeToString(it.ID[:]))
	}
	k.body.WriteString("}}\n")
}

func (k *elastic) index(it *export.Item) string {
	return strings.ReplaceAll(k.name, kindMark, it.Kind.String())
}

// document writes a record, with the time that every document of a data stream needs.
func (k *elastic) document(record []byte, at uint64) {
	const key = `{"@timestamp":`
	if rest, ok := bytes.CutPrefix(record, []byte("{")); ok && !bytes.HasPrefix(record, []byte(key)) {
		k.body.WriteString(key + `"` + time.Unix(0, int64(at)).UTC().Format("2006-01-02T15:04:05.000000Z") + `"`)
		if len(rest) > 0 && rest[0] != '}' {
			k.body.WriteByte(',')
		}
		record = rest
	}
	k.body.Write(record)
	k.body.WriteByte('\n')
}

// outcome is what a server says of a record.
type outcome struct {
	Status int   `json:"status"`
	Error  fault `json:"error"`
}

// fault is why a record was not taken.
type fault struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// settle notes what became of each record. It returns an error if some may be taken another time.
func (k *elastic) settle(b batch, body []byte) error {
	var said struct {
		Items []map[string]outcome `json:"items"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("answer to _bulk is no JSON: %w", err)
	}
	if len(said.Items) != len(b.items) {
		return fmt.Errorf("answer to _bulk is about %d records, not %d", len(said.Items), len(b.items))
	}
	var again error
	waiting := 0
	for n, i := range b.items {
		o := said.Items[n]["create"]
		switch o.fate() {
		case taken:
			k.partly.taken(i)
		case refused:
			if err := k.refuse(b, i, o); err != nil {
				return err
			}
		default:
			again = &o.Error
			waiting++
		}
	}
	if again != nil {
		return fmt.Errorf("%d of %d records were not taken yet: %w", waiting, len(b.items), again)
	}
	return nil
}

func (f *fault) Error() string { return f.Type + ": " + f.Reason }

// refuse puts a record among the dead letters. If that fails it is not yet refused.
func (k *elastic) refuse(b batch, i int, o outcome) error {
	record, err := recordOf(b.message, b.of, i)
	if err != nil {
		return err
	}
	record = lineOf(record)
	err = k.dead.put(letter{
		Time: time.Now().UTC(), To: k.index(&b.of.Items[i]), Status: o.Status, Reason: o.Error.Error(), Record: record,
	})
	if err != nil {
		return fmt.Errorf("dead letter cannot be written: %w; correct dead_letter", err)
	}
	k.partly.refused(i, 1, &o.Error)
	return nil
}

// fate is what becomes of a record.
type fate uint8

const (
	waits fate = iota
	taken
	refused
)

// fate reads an outcome. A conflict means that the document is there already.
func (o *outcome) fate() fate {
	switch {
	case o.Status == http.StatusOK, o.Status == http.StatusCreated, o.Status == http.StatusConflict:
		return taken
	case o.Status == http.StatusTooManyRequests, o.Status == http.StatusForbidden, o.Status >= 500, o.Status == 0,
		o.Error.Type == "es_rejected_execution_exception", o.Error.Type == "rejected_execution_exception",
		o.Error.Type == "cluster_block_exception", o.Error.Type == "unavailable_shards_exception":
		return waits
	}
	return refused
}

// Close ends what is being sent; nothing more is.
func (k *elastic) Close() error {
	k.close()
	return k.dead.close()
}
