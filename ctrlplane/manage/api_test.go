package manage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/track"
	"github.com/weir-probe/weir/dataplane/worker"
)

// call is a use of an endpoint that succeeds.
type call struct {
	method, path string
	body         any
}

// described is the description of the API and what of it was used.
type described struct {
	t       *testing.T
	doc     map[string]any
	schemas *jsonschema.Compiler
	used    map[string]bool
}

func describedBy(t *testing.T, c *client) *described {
	t.Helper()
	d := &described{t: t, schemas: jsonschema.NewCompiler(), used: map[string]bool{}}
	c.want(200, "GET", apiPath, nil).into(t, &d.doc)
	if err := d.schemas.AddResource("weir.json", d.doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// operation finds what a request is, by the paths of the description alone.
func (d *described) operation(method, path string) (pattern string, op map[string]any) {
	path, _, _ = strings.Cut(path, "?")
	for p, of := range d.doc["paths"].(map[string]any) {
		a, b := strings.Split(p, "/"), strings.Split(path, "/")
		fits := len(a) == len(b)
		for i := range a {
			fits = fits && (a[i] == b[i] || strings.HasPrefix(a[i], "{") && !strings.Contains(p+"|", path+"|"))
		}
		if o, ok := of.(map[string]any)[strings.ToLower(method)].(map[string]any); fits && ok {
			if pattern == "" || !strings.Contains(p, "{") {
				pattern, op = p, o
			}
		}
	}
	return pattern, op
}

// check holds an answer, and what was asked, to the description.
func (d *described) check(c call, r *reply) {
	d.t.Helper()
	pattern, op := d.operation(c.method, c.path)
	if op == nil {
		d.t.Errorf("%s %s is not described", c.method, c.path)
		return
	}
	d.used[c.method+" "+pattern] = true
	at := "weir.json#/paths/" + strings.ReplaceAll(pattern, "/", "~1") + "/" + strings.ToLower(c.method)
	if in, ok := op["requestBody"].(map[string]any); ok != (c.body != nil) {
		d.t.Errorf("%s %s: a body is described: %v", c.method, c.path, ok)
	} else if _, isJSON := c.body.(string); ok && !isJSON &&
		in["content"].(map[string]any)["application/json"] != nil {
		text, _ := json.Marshal(c.body)
		d.holds(at+"/requestBody/content/application~1json/schema", text)
	}
	code, kind := fmt.Sprint(r.status), r.header.Get("Content-Type")
	responses := op["responses"].(map[string]any)
	if responses[code] == nil {
		code = "default"
	}
	content, _ := responses[code].(map[string]any)["content"].(map[string]any)
	switch {
	case r.status >= 300 && code != "default", content == nil && len(r.body) > 0, content != nil &&
		content[kind] == nil:
		d.t.Errorf("%s %s: %v of type %q is not described", c.method, c.path, r, kind)
	case strings.HasSuffix(kind, "json"):
		d.holds(at+"/responses/"+code+"/content/"+strings.ReplaceAll(kind, "/", "~1")+"/schema", r.body)
	}
}

// holds holds a text to a schema.
func (d *described) holds(schema string, text []byte) {
	d.t.Helper()
	s, err := d.schemas.Compile(schema)
	if err != nil {
		d.t.Fatalf("%s: %v", schema, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		d.t.Errorf("%s: %v\n%s", schema, err, text)
	}
}

// TestEndpoints uses every endpoint that the description has, and none that it lacks, and holds what
// is asked and answered to it.
func TestEndpoints(t *testing.T) {
	b := newBench(t)
	c := b.client("")
	d := describedBy(t, c)
	use := func(x call) *reply {
		t.Helper()
		r := c.do(x.method, x.path, x.body)
		if r.status >= 300 {
			t.Errorf("%s %s: %v", x.method, x.path, r)
		}
		d.check(x, r)
		return r
	}
	use(call{"GET", apiPath, nil})
	use(call{"GET", "/v1/setup", nil})
	code := b.console.after("Code to make the first one: ")
	var s Session
	use(call{"POST", "/v1/setup", map[string]string{"code": strings.ToLower(code), "user": "ann",
		"password": "correct horse"}}).into(t, &s)
	use(call{"POST", "/v1/login", map[string]string{"user": "ann", "password": "correct horse"}}).into(t, &s)
	c.auth = "Bearer " + s.Token
	b.show(7)
	m := b.conf
	m.Update = []string{"/bin/cat"}
	b.listen(m)
	c.url = b.url
	cert, err := selfSigned([]string{"weir.example"})
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(cert, []byte("-----BEGIN PRIVATE"))
	for _, x := range []call{
		{"GET", "/v1/whoami", nil}, {"GET", "/v1/status", nil}, {"GET", "/v1/workers", nil}, {"GET", "/v1/queues",
			nil},
		{"GET", "/v1/ports", nil}, {"GET", "/v1/exporters", nil}, {"GET", "/v1/collected", nil}, {"POST", "/v1/exporters/ipfix/pause", nil},
		{"POST", "/v1/exporters/ipfix/resume", nil}, {"POST", "/v1/restart/dataplane", nil}, {"POST",
			"/v1/restart/egress", nil},
		{"PUT", "/v1/log/level", Level{"debug"}}, {"GET", "/v1/log/level", nil},
		{"GET", "/v1/records?kind=flow&limit=5", nil}, {"GET", "/v1/top?limit=3", nil}, {"GET",
			"/v1/sessions?kind=user", nil},
		{"GET", "/v1/aggregates/top?by=IPV4_SRC_ADDR&sums=L4_SRC_PORT&greatest=L4_SRC_PORT", nil}, {"GET",
			"/v1/aggregates", nil},
		{"GET", "/v1/aggregates/series?by=IPV4_SRC_ADDR&steps=3&step=1s&order=packets", nil},
		{"GET", "/v1/config", nil}, {"PUT", "/v1/config/candidate", newConfig}, {"GET", "/v1/config/candidate",
			nil},
		{"POST", "/v1/config/validate", "schema = 2\nx = 1\n"}, {"GET", "/v1/config/diff", nil},
		{"POST", "/v1/config/commit", Commit{Why: "more", Confirm: "10m"}}, {"POST", "/v1/config/confirm", nil},
		{"POST", "/v1/config/rollback", Rollback{Why: "less"}}, {"GET", "/v1/config/history", nil},
		{"GET", "/v1/config/history/2", nil}, {"GET", "/v1/config/diff?from=1&to=2", nil},
		{"PUT", "/v1/config/candidate", "no"}, {"DELETE", "/v1/config/candidate", nil},
		{"PUT", "/v1/users/bob", map[string]string{"role": "read", "password": "battery staple"}}, {"GET",
			"/v1/users", nil},
		{"DELETE", "/v1/users/bob", nil}, {"POST", "/v1/tokens", TokenWish{Name: "scripts", Role: Read,
			Life: "1h"}},
		{"GET", "/v1/tokens", nil}, {"GET", "/v1/audit", nil}, {"GET", "/v1/system", nil}, {"GET",
			"/v1/system/metrics", nil},
		{"GET", "/v1/system/support", nil}, {"POST", "/v1/system/update", "a bundle"},
		{"PUT", "/v1/system/certificate", map[string]string{"certificate": string(cert[:at]),
			"key": string(cert[at:])}},
		{"GET", "/v1/records?kind=nothing", nil}, {"GET", "/v1/nowhere", nil},
	} {
		if strings.HasSuffix(x.path, "nothing") || strings.HasSuffix(x.path, "nowhere") {
			r := c.do(x.method, x.path, x.body)
			if r.status/100 != 4 || r.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %v", x.path, r)
			}
			continue
		}
		use(x)
	}
	var x track.Track
	use(call{"POST", "/v1/tracks", TrackWish{IMSI: "001010000000001", Seconds: 60}}).into(t, &x)
	kept := worker.Kept{Of: uint16(x.ID), Link: 1, Time: 1e18}
	b.tracker.Take(append(slices.Clone(unsafe.Slice((*byte)(unsafe.Pointer(&kept)), unsafe.Sizeof(kept))),
		"a frame"...))
	use(call{"GET", "/v1/tracks", nil})
	c.want(409, "GET", "/v1/tracks/1/capture", nil)
	use(call{"POST", "/v1/tracks/1/stop", nil})
	if r := use(call{"GET", "/v1/tracks/1/capture", nil}); !bytes.Contains(r.body, []byte("a frame")) {
		t.Errorf("the capture is %q", r.body)
	}
	use(call{"DELETE", "/v1/tracks/1", nil})
	c.want(404, "GET", "/v1/tracks/1/capture", nil)
	c.want(400, "POST", "/v1/tracks", TrackWish{IMSI: "../x"})
	for _, did := range []string{"POST /v1/tracks", "GET /v1/tracks/1/capture", "DELETE /v1/tracks/1",
		"GET /v1/tracks"} {
		if !slices.ContainsFunc(b.audit.last(100), func(e Entry) bool {
			return e.Action == did &&
				e.User == "ann"
		}) {
			t.Errorf("%s is not in the audit log", did)
		}
	}
	var list []Token
	c.want(200, "GET", "/v1/tokens", nil).into(t, &list)
	use(call{"DELETE", "/v1/tokens/" + list[len(list)-1].ID, nil})
	go func() { time.Sleep(100 * time.Millisecond); b.show(9) }()
	if r := use(call{"GET", "/v1/records/stream?limit=1", nil}); !strings.Contains(string(r.body),
		"event: record\ndata: {\"port\":9}\n\n") {
		t.Errorf("stream: %v", r)
	}
	use(call{"PUT", "/v1/password", map[string]string{"old": "correct horse", "new": "horse that is correct"}})
	use(call{"POST", "/v1/login", map[string]string{"user": "ann",
		"password": "horse that is correct"}}).into(t, &s)
	c.auth = "Bearer " + s.Token
	use(call{"POST", "/v1/logout", nil})
	c.want(401, "GET", "/v1/whoami", nil)
	c.auth = "Bearer " + b.token("ann", Admin, time.Hour)
	use(call{"POST", "/v1/system/reset", Reset{true}})
	for path, of := range d.doc["paths"].(map[string]any) {
		for method := range of.(map[string]any) {
			if id := strings.ToUpper(method) + " " + path; !d.used[id] {
				t.Errorf("%s is described and was not used", id)
			}
		}
	}
	if len(d.used) != len(b.routes) {
		t.Errorf("%d of %d routes were used", len(d.used), len(b.routes))
	}
}

// TestRoles asks for every endpoint as everybody: who may not is told so before anything happens.
func TestRoles(t *testing.T) {
	b := newBench(t)
	asking := map[Role]*client{
		Anyone: b.client(""), Read: b.client(b.user("rita", Read)), Operate: b.client(b.user("olga", Operate)),
		Admin: b.client(b.user("adam", Admin)),
	}
	sum := b.fingerprint()
	for _, x := range b.routes {
		if x.path == "/v1/system/reset" || x.path == "/v1/records/stream" || x.path == "/v1/logout" {
			continue // below
		}
		path := strings.NewReplacer("{name}", "nobody", "{part}", "nothing", "{version}", "77", "{id}",
			"none").Replace(x.path)
		for role, c := range asking {
			var body any
			if x.in != nil {
				body = "{" // which nobody can read
			}
			r := c.do(x.method, path, body)
			refused := r.status == 401 || r.status == 403
			if role < x.who != refused {
				t.Errorf("%s %s by %v: %v", x.method, path, role, r)
			}
			if want := map[bool]int{true: 401, false: 403}[role == Anyone]; refused && r.status != want {
				t.Errorf("%s %s by %v: %v", x.method, path, role, r)
			}
		}
		b.guard.mu.Lock()
		clear(b.guard.who) // so many requests of one address are too many
		b.guard.mu.Unlock()
	}
	for _, x := range []call{{"POST", "/v1/system/reset", Reset{true}},
		{"GET", "/v1/records/stream?limit=1", nil}} {
		asking[Anyone].want(401, x.method, x.path, x.body)
	}
	asking[Operate].want(403, "POST", "/v1/system/reset", Reset{true})
	asking[Admin].want(400, "POST", "/v1/system/reset", Reset{false})
	if len(b.store.History()) != 1 || b.last() != nil || b.fingerprint() != sum {
		t.Error("something was changed by somebody who may not")
	}
	// What programs run, and who is let in, is not for operators; the rest of the configuration is.
	asking[Operate].want(200, "PUT", "/v1/config/candidate", oldConfig+"[management]\nsession = \"1h\"\n")
	asking[Operate].want(403, "POST", "/v1/config/commit", Commit{Why: "in"})
	asking[Operate].want(200, "PUT", "/v1/config/candidate", oldConfig+"[logs]\ncommands = \"/bin/true\"\n")
	asking[Operate].want(403, "POST", "/v1/config/commit", Commit{Why: "run"})
	asking[Admin].want(200, "POST", "/v1/config/commit", Commit{Why: "run"})
	asking[Operate].want(403, "POST", "/v1/config/rollback", Rollback{})
	asking[Operate].want(200, "PUT", "/v1/config/candidate", newConfig+"[logs]\ncommands = \"/bin/true\"\n")
	asking[Operate].want(200, "POST", "/v1/config/commit", Commit{Why: "more"})
	asking[Read].want(403, "POST", "/v1/tokens", TokenWish{Name: "x", Role: Admin, Life: "1h", User: "adam"})
	var s Session
	asking[Read].want(200, "POST", "/v1/tokens", TokenWish{Name: "x", Role: Admin, Life: "1h"}).into(t, &s)
	if s.Role != Read {
		t.Errorf("a reader made themself a token of %v", s.Role)
	}
}

// TestHeaders asks for what every answer has to say.
func TestHeaders(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("adam", Admin))
	for _, path := range []string{"/v1/status", "/v1/nowhere", "/v1/config", apiPath, "/"} {
		h := c.do("GET", path, nil).header
		for name, want := range map[string]string{
			"Strict-Transport-Security": "max-age=", "Content-Security-Policy": "default-src 'none'",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store",
		} {
			if !strings.Contains(h.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
	}
	if h := c.want(405, "PATCH", "/v1/status", nil).header; !strings.Contains(h.Get("Allow"), "GET") {
		t.Errorf("got %v", h)
	}
	if h := b.client("").want(401, "GET", "/v1/status", nil).header; h.Get("WWW-Authenticate") == "" {
		t.Errorf("got %v", h)
	}
}

// A configuration with mistakes is kept as a candidate, with all of them told, and never runs.
func TestMistakes(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("olga", Operate))
	var j Judgement
	c.want(200, "PUT", "/v1/config/candidate", oldConfig+"batch_ag = \"2s\"\n[flow]\nlinger = \"1h\"\n").into(t,
		&j)
	if j.Valid || len(j.Mistakes) != 2 || j.Mistakes[0].Line != 6 ||
		!strings.Contains(j.Mistakes[0].Fix, "batch_age") {
		t.Errorf("got %+v", j)
	}
	var p Problem
	c.want(422, "POST", "/v1/config/commit", Commit{Why: "x"}).into(t, &p)
	if len(p.Mistakes) != 2 || b.last() != nil {
		t.Errorf("got %+v", p)
	}
	c.want(422, "GET", "/v1/config/diff", nil)
	for _, wrong := range []string{"", "{}}", `{"why":1}`, `{"who":"x"}`, `{"why":"x","confirm":"1ms"}`,
		`{"why":"x","confirm":"soon"}`} {
		c.want(400, "POST", "/v1/config/commit", wrong)
	}
	c.want(404, "GET", "/v1/config/history/17", nil)
	c.want(400, "GET", "/v1/config/history/x", nil)
	c.want(404, "POST", "/v1/config/rollback", Rollback{Version: 17})
	c.want(404, "POST", "/v1/config/rollback", Rollback{})
	c.want(404, "POST", "/v1/config/confirm", nil)
	c.want(404, "POST", "/v1/exporters/nobody/pause", nil)
	c.want(404, "POST", "/v1/restart/everything", nil)
	c.want(400, "GET", "/v1/records?filter=wrong", nil)
	c.want(400, "GET", "/v1/records?limit=-1", nil)
	c.want(400, "PUT", "/v1/log/level", Level{"loud"})
	for _, wrong := range []string{"", "by=NONSENSE", "by=PROTOCOL&order=most", "by=PROTOCOL&step=2s",
		"by=PROTOCOL&sums=L7_PROTO_NAME",
		"by=PROTOCOL&filter=(", "by=PROTOCOL&kind=statistics", "by=PROTOCOL&limit=1001", "by=PROTOCOL&steps=x"} {
		c.want(400, "GET", "/v1/aggregates/top?"+wrong, nil)
	}
	c.want(404, "GET", "/v1/aggregates/top?name=nobody", nil)
}

// TestAggregates asks who has most, of what passes from then on.
func TestAggregates(t *testing.T) {
	b := newBench(t)
	c := b.client(b.user("rita", Read))
	const ask = "/v1/aggregates/top?by=IPV4_SRC_ADDR,L4_SRC_PORT&sums=L4_SRC_PORT&limit=2&greatest=L4_SRC_PORT"
	c.want(200, "GET", ask, nil)
	for range 2 {
		for port := uint16(1); port <= 4; port++ {
			b.show(port)
			if port > 2 {
				b.show(port)
			}
		}
	}
	var got AggregateTop
	c.want(200, "GET", ask, nil).into(t, &got)
	if len(got.Rows) != 2 || fmt.Sprint(got.Rows[0].Key) != "map[IPV4_SRC_ADDR:192.0.2.1 L4_SRC_PORT:3]" ||
		got.Rows[0].In != 4000 ||
		got.Rows[0].Sums["L4_SRC_PORT"] != 12 || *got.Rows[0].Greatest != 3 || got.Others.Records != 4 ||
		got.Total.In != 12000 {
		t.Errorf("got %+v", got)
	}
	c.want(200, "GET", strings.Replace(ask, "/top", "/series", 1), nil).into(t, &got)
	if len(got.Times) != 2 || len(got.Rows[0].Points) != 2 ||
		got.Rows[0].Points[0].In+got.Rows[0].Points[1].In != 4000 {
		t.Errorf("got %+v", got)
	}
	if err := b.board.Configure([]aggregate.Options{{Name: "own", By: []string{"PROTOCOL"},
		Order: "octets"}}); err != nil {
		t.Fatal(err)
	}
	b.show(5)
	c.want(200, "GET", "/v1/aggregates/top?name=own", nil).into(t, &got)
	if got.Total.Records != 1 || got.By[0] != "PROTOCOL" {
		t.Errorf("got %+v", got)
	}
}
