package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// web is a client of servers that speak HTTP. When one does not answer, the next is asked the
// next time. No proxy is used and no redirection followed.
type web struct {
	scheme string
	hosts  []string
	at     atomic.Uint32 // which of hosts is asked
	auth   AuthOptions
	bearer string // what precedes a token in the Authorization header
	client *http.Client
	ctx    context.Context // ended by Close
	stop   context.CancelFunc
	later  time.Time // nothing is sent before: a server asked for it
}

// newWeb returns a client that makes connections as o says, with TLS if secure is not nil.
func newWeb(hosts []string, o *Options, secure *TLSOptions) (*web, error) {
	if err := o.Auth.Check(); err != nil {
		return nil, err
	}
	w := &web{scheme: "http", hosts: hosts, auth: o.Auth, bearer: "Bearer"}
	if secure != nil {
		if err := secure.Check(); err != nil {
			return nil, err
		}
		w.scheme = "https"
	}
	dial := dialer(o.Source, secure)
	connect := func(ctx context.Context, _, address string) (net.Conn, error) { return dial(ctx, address) }
	w.client = &http.Client{
		Transport: &http.Transport{
			DialContext: connect, DialTLSContext: connect,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w, nil
}

// call is a request.
type call struct {
	method, path string
	query        url.Values
	kind         string // media type of the body
	encoding     string // of the body: gzip, or nothing
	body         []byte
}

// answer is what a server said.
type answer struct {
	status int
	body   []byte
	wait   time.Duration // it asks to be left alone for so long
}

// do sends a request and reads the answer. An error means that there was none.
func (w *web) do(ctx context.Context, c call) (a answer, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	if err := w.rest(ctx); err != nil {
		return a, w.cause(err)
	}
	host := w.hosts[int(w.at.Load())%len(w.hosts)]
	req, err := w.request(ctx, host, c)
	if err != nil {
		return a, err
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.at.Add(1)
		return a, w.cause(unwrapURL(err))
	}
	defer resp.Body.Close()
	const most = 64 << 20 // octets; servers say little of each record
	a.status = resp.StatusCode
	a.wait = retryAfter(resp.Header.Get("Retry-After"))
	if a.body, err = io.ReadAll(io.LimitReader(resp.Body, most)); err != nil {
		return a, w.cause(fmt.Errorf("answer of %s breaks off: %w", host, err))
	}
	if a.busy() {
		w.later = time.Now().Add(a.wait)
		w.at.Add(1)
	}
	return a, nil
}

// rest waits as long as a server asked for.
func (w *web) rest(ctx context.Context) error {
	pause := time.Until(w.later)
	if pause <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("server asked to wait for %s more: %w", pause.Round(time.Second), ctx.Err())
	}
}

// cause prefers the end of the sink to what it brought about.
func (w *web) cause(err error) error {
	if w.ctx.Err() != nil {
		return errClosed
	}
	return err
}

// unwrapURL leaves out the address, which is in the name of the exporter, and its query.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (w *web) request(ctx context.Context, host string, c call) (*http.Request, error) {
	u := url.URL{Scheme: w.scheme, Host: host, Path: c.path, RawQuery: c.query.Encode()}
	req, err := http.NewRequestWithContext(ctx, c.method, u.String(), bytes.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "weir")
	if c.kind != "" {
		req.Header.Set("Content-Type", c.kind)
	}
	if c.encoding != "" {
		req.Header.Set("Content-Encoding", c.encoding)
	}
	token, err := w.auth.token()
	if err != nil {
		return nil, err
	}
	if !token.Empty() {
		req.Header.Set("Authorization", w.bearer+" "+token.Reveal())
		return req, nil
	}
	password, err := w.auth.password()
	if err == nil && w.auth.User != "" {
		req.SetBasicAuth(w.auth.User, password.Reveal())
	}
	return req, err
}

// close ends what is being sent; nothing more is.
func (w *web) close() {
	w.stop()
	w.client.CloseIdleConnections()
}

// busy reports whether the server asks for the same request at another time.
func (a *answer) busy() bool {
	switch a.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway,
		http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return true
	}
	return false
}

// error says what the server refused, with the beginning of its words.
func (a *answer) error() error {
	hint := ""
	switch a.status {
	case http.StatusUnauthorized:
		hint = "; set the user or token in [exporter.auth]"
	case http.StatusForbidden:
		hint = "; give the user or token the right to do that"
	}
	return fmt.Errorf("server answers %d %s%s: %s", a.status, http.StatusText(a.status), hint, a.reason())
}

// reason returns why the server refused: the innermost cause if it names causes as Elasticsearch
// does, or else the beginning of what it says.
func (a *answer) reason() string {
	type cause struct {
		Reason string `json:"reason"`
		By     *cause `json:"caused_by"`
	}
	var said struct {
		Error cause `json:"error"`
	}
	text := string(a.body)
	if json.Unmarshal(a.body, &said) == nil && said.Error.Reason != "" {
		text = said.Error.Reason
		for c := said.Error.By; c != nil; c = c.By {
			text = c.Reason
		}
	}
	const most = 300
	text = strings.ToValidUTF8(text[:min(len(text), most)], "")
	return strings.Join(strings.Fields(text), " ")
}

// retryAfter reads the header in seconds or as a date (RFC 9110, section 10.2.3); at most an hour.
func retryAfter(s string) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		d = time.Until(t)
	}
	return min(max(d, 0), time.Hour)
}
