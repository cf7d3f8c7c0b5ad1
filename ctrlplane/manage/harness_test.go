package manage

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/ctrlplane/track"
	"github.com/weir-probe/weir/ctrlplane/watch"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/secret"
)

// cheap is what passwords cost in tests.
var cheap = Cost{Time: 1, Memory: 64, Threads: 1}

const (
	oldConfig = "schema = 1\n[[input]]\ninterface = \"lo\"\n[[exporter]]\nto = \"udp://127.0.0.1:1\"\n"
	newConfig = oldConfig + "batch_age = \"2s\"\n[flow]\ncapacity = 4096\n"
)

// console is what was shown to people.
type console struct {
	mu sync.Mutex
	bytes.Buffer
}

// Write implements io.Writer.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Buffer.Write(b)
}

// after returns the word behind some text that was shown.
func (c *console) after(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, rest, _ := strings.Cut(c.String(), text)
	word, _, _ := strings.Cut(rest, "\n")
	return word
}

// bench is a server of a probe that does nothing but remember what it was told.
type bench struct {
	*Server
	t        *testing.T
	console  console
	mu       sync.Mutex
	applied  []*config.Config
	restarts []bool
	refuses  string // in a configuration, that it cannot be taken over
	paused   map[string]bool
	restarted,
	url, socket string
	sessions *session.Store
	board    *aggregate.Board
	tracker  *track.Tracker
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, paused: map[string]bool{}, tracker: track.New()}
	dir := t.TempDir()
	b.tracker.Configure(filepath.Join(dir, "tracks"), 1<<30, nil)
	t.Cleanup(b.tracker.Close)
	st, err := store.Open(filepath.Join(dir, "config"), store.Change{Text: []byte(oldConfig), Who: "weir",
		Why: "first"})
	if err != nil {
		t.Fatal(err)
	}
	if b.sessions, err = session.New(session.Limits{Entries: 64, Octets: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	b.sessions.Put(session.Address(session.User, [16]byte{10: 255, 11: 255, 192, 0, 2, 1}), []byte("ann"),
		time.Minute)
	b.sessions.Put(session.Address(session.Name, [16]byte{10: 255, 11: 255, 192, 0, 2, 2}),
		[]byte("host.example"), time.Minute)
	schema, err := flow.Compile(append(flow.All(), app.Fields())...)
	if err != nil {
		t.Fatal(err)
	}
	b.board = aggregate.NewBoard(schema)
	if b.Server, err = New(filepath.Join(dir, "manage"), st, b.probe(), cheap); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	b.socket = filepath.Join(dir, "s")
	b.listen(config.Management{Socket: b.socket, Listen: "127.0.0.1:0", Session: time.Hour, UpdateSize: 1 << 20,
		UpdateTime: time.Minute})
	return b
}

// listen has the server listen.
func (b *bench) listen(m config.Management) {
	b.t.Helper()
	if err := b.Listen(m); err != nil {
		b.t.Fatal(err)
	}
	for _, a := range b.Addresses() {
		if a.Network() == "tcp" {
			b.url = "https://" + a.String()
		}
	}
}

func (b *bench) probe() Probe {
	return Probe{
		Version: "test", Checks: config.Checks{Idle: true}, Factory: []byte("schema = 1\n"),
		Log: slog.New(slog.NewTextHandler(&b.console, nil)), Console: &b.console, Hub: watch.New(), Board: b.board,
		Level: new(slog.LevelVar),
		Apply: b.apply, Needs: func(*config.Config) []string { return nil }, State: b.state,
		Pause: func(name string, pause bool) bool { b.paused[name] = pause; return name == "ipfix" },
		Restart: func(part string) error {
			if b.restarted == part {
				return errors.New("busy")
			}
			b.restarted = part
			return nil
		},
		Sessions: func() *session.Store { return b.sessions },
		Collected: func() []collect.Account {
			return []collect.Account{{Collector: "core", Exporter: netip.MustParseAddr("192.0.2.9"), Messages: 3}}
		},
		Query: query, Tracks: b.tracker, Lines: func() []byte { return []byte("a line\n") },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w,
				"weir_test 1\n")
		}),
	}
}

func (b *bench) apply(next *config.Config, restart bool) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if text := string(next.TOML()); b.refuses != "" && strings.Contains(text, b.refuses) {
		return nil, errors.New("no such thing")
	}
	b.applied, b.restarts = append(b.applied, next), append(b.restarts, restart)
	return nil, nil
}

// last returns what was taken over last.
func (b *bench) last() *config.Config {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.applied) == 0 {
		return nil
	}
	return b.applied[len(b.applied)-1]
}

func (b *bench) state() State {
	s := &egress.Summary{Packets: map[string]uint64{"received": 3}, Active: 2}
	s.Lanes = []egress.Lane{{Name: "lo/0", Packets: map[string]uint64{"received": 3}}}
	s.Exporters = []egress.Account{{Name: "ipfix", Records: 5, Exported: 5, Failed: time.Now(), Error: "away"}}
	s.Tallies = []egress.Tally{{Part: "calls", Name: "active", N: 1}}
	return State{
		Phase: "metering", Dataplane: 17, Since: time.Now(), Summary: s, Cores: map[string]int{"lo/0": 1},
		Inputs: []Input{{"lo", "interface", "lo"}},
	}
}

// query shows ports.
func query(kinds []string, filter, template string) (watch.Query, error) {
	set, err := egress.ParseRecords(kinds)
	if filter == "wrong" {
		err = errors.New("the condition cannot be read")
	}
	return watch.Query{Kinds: set, Encode: func(dst []byte, v *flow.View) []byte {
		return fmt.Appendf(dst, `{"port":%d}`, v.SrcPort)
	}}, err
}

// show has a flow pass.
func (b *bench) show(port uint16) {
	r := flow.Record{}
	r.Version, r.SrcPort, r.Last, r.Octets[0], r.Packets[0] = 4, port, uint64(time.Now().UnixNano()), 1000, 1
	r.Src, r.Dst = [16]byte{10: 255, 11: 255, 192, 0, 2, 1}, [16]byte{10: 255, 11: 255, 192, 0, 2, 2}
	for _, w := range []egress.Watcher{b.Server.probe.Hub, b.board} {
		w.Show(egress.Flows, &flow.View{Record: &r})
	}
}

// user makes a user with a token.
func (b *bench) user(name string, role Role) (token string) {
	b.t.Helper()
	if err := b.people.put(name, role, secret.New("correct horse battery"), false); err != nil {
		b.t.Fatal(err)
	}
	return b.token(name, role, time.Hour)
}

func (b *bench) token(name string, role Role, life time.Duration) string {
	b.t.Helper()
	_, text, err := b.people.issue(token{User: name, Name: "test", Role: role}, life)
	if err != nil {
		b.t.Fatal(err)
	}
	return text.Reveal()
}

// client is somebody who asks.
type client struct {
	t    *testing.T
	http *http.Client
	url  string
	auth string
}

// client returns who asks over HTTPS, whose certificate it knows.
func (b *bench) client(token string, certs ...tls.Certificate) *client {
	c := &client{t: b.t, url: b.url, http: &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certs,
			VerifyConnection: func(s tls.ConnectionState) error {
				if got := Fingerprint(s.PeerCertificates[0].Raw); got != b.fingerprint() || s.Version != tls.VersionTLS13 {
					return fmt.Errorf("the certificate is %s, TLS %x", got, s.Version)
				}
				return nil
			}},
	}}}
	if token != "" {
		c.auth = "Bearer " + token
	}
	b.t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// local returns who asks at the socket.
func (b *bench) local(token string) *client {
	c := &client{t: b.t, url: "http://weir", http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.socket)
		},
	}}}
	if token != "" {
		c.auth = "Bearer " + token
	}
	b.t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r *reply) String() string { return fmt.Sprintf("%d %s", r.status, r.body) }

// into reads the body.
func (r *reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("%v: %v", r, err)
	}
}

// do asks; a body that is no text becomes JSON.
func (c *client) do(method, path string, body any) *reply {
	c.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case io.Reader:
		in = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	q, err := http.NewRequest(method, c.url+path, in)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.auth != "" {
		q.Header.Set("Authorization", c.auth)
	}
	a, err := c.http.Do(q)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &reply{a.StatusCode, a.Header, text}
}

// want asks and checks the status.
func (c *client) want(status int, method, path string, body any) *reply {
	c.t.Helper()
	r := c.do(method, path, body)
	if r.status != status {
		c.t.Errorf("%s %s: %v, want %d", method, path, r, status)
	}
	return r
}
