package manage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/ctrlplane/watch"
)

// media is a body that is no JSON, by its type.
type media string

// Types of bodies.
const (
	tomlText  media = "application/toml"
	events    media = "text/event-stream"
	octets    media = "application/octet-stream"
	archive   media = "application/gzip"
	plainText media = "text/plain"
)

// A route is an endpoint. Requests are answered by it and it is described by it: nothing about an
// endpoint is written down anywhere else.
type route struct {
	method, path string
	who          Role
	doc          string  // in a sentence
	query        []param // and those in the path
	in           any     // a value of the type of the body, or media; nil is none
	out          any     // the same for the answer; nil is an answer without a body
	quiet        bool    // changes nothing, whatever the method
	noted        bool    // is in the audit log though it changes nothing
	do           func(*request) (any, error)
}

// param is something in the path or behind the question mark.
type param struct {
	name, doc string
	kind      string // "string", "integer" or "boolean"
}

// request is one that was admitted.
type request struct {
	*http.Request
	w      http.ResponseWriter
	s      *Server
	route  *route
	who    identity
	detail string // for the audit log
	body   []byte
}

// Problem is what went wrong, as RFC 9457 has it.
type Problem struct {
	Title    string    `json:"title" doc:"The status in words."`
	Status   int       `json:"status" doc:"The HTTP status."`
	Detail   string    `json:"detail" doc:"What is wrong, and what to do about it."`
	Mistakes []Mistake `json:"mistakes,omitempty" doc:"All mistakes of a configuration."`
}

// Mistake is something that is wrong in a configuration.
type Mistake struct {
	Line  int    `json:"line,omitempty" doc:"Where; nothing if it is what is not there."`
	Key   string `json:"key,omitempty" doc:"The key it is about."`
	Wrong string `json:"wrong" doc:"What is wrong."`
	Fix   string `json:"fix,omitempty" doc:"What to do."`
}

func mistakes(all config.Problems) []Mistake {
	list := []Mistake{}
	for _, p := range all {
		list = append(list, Mistake{p.Line, p.Key, p.Wrong, p.Fix})
	}
	return list
}

// refusal is an error with a status.
type refusal struct {
	status   int
	wrong    string
	mistakes config.Problems
	after    time.Duration // when to try again
}

func (r *refusal) Error() string { return r.wrong }

func refuse(status int, format string, a ...any) error {
	return &refusal{status: status, wrong: fmt.Sprintf(format, a...)}
}

// bodyLimit is how many octets a body may have, unless it is an update.
const bodyLimit = 1 << 20

// serve answers a request that came for a route.
func (s *Server) serve(t *route) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r := &request{Request: hr, w: w, s: s, route: t}
		recorder := &recorder{ResponseWriter: w}
		r.w = recorder
		err := s.admit(r)
		var out any
		if err == nil {
			if out, err = s.read(r); err == nil {
				out, err = t.do(r)
			}
		}
		if err != nil {
			r.fail(err)
		} else {
			r.answer(out)
		}
		s.note(r, recorder.status, err)
	}
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// read reads the body, unless the route reads it itself.
func (s *Server) read(r *request) (out any, err error) {
	if r.route.in == octets {
		return nil, nil
	}
	r.body, err = io.ReadAll(http.MaxBytesReader(r.w, r.Body, bodyLimit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d octets", bodyLimit)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the body cannot be read: %v", err)
	case r.route.in == nil && len(r.body) > 0:
		return nil, refuse(http.StatusBadRequest, "there may be no body")
	}
	return nil, nil
}

// decode reads a body of JSON into a value, strictly.
func decode[T any](r *request) (v T, err error) {
	d := json.NewDecoder(strings.NewReader(string(r.body)))
	d.DisallowUnknownFields()
	if err = d.Decode(&v); err == nil && d.Decode(new(json.RawMessage)) != io.EOF {
		err = errors.New("there is something behind it")
	}
	if err != nil {
		return v, refuse(http.StatusBadRequest, "the body is not what it should be: %v; see %s", err, apiPath)
	}
	return v, nil
}

// number reads a parameter that is a whole number in some limits.
func (r *request) number(name string, unless, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		text = r.PathValue(name)
	}
	if text == "" {
		return unless, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, refuse(http.StatusBadRequest, "%s is %q; give a number from 0 to %d", name, text, most)
	}
	return n, nil
}

// answer writes what the route has to say, unless it did so itself.
func (r *request) answer(out any) {
	switch body := out.(type) {
	case written:
	case nil:
		r.w.WriteHeader(http.StatusNoContent)
	case []byte:
		r.w.Header().Set("Content-Type", string(r.route.out.(media)))
		r.w.WriteHeader(http.StatusOK)
		_, _ = r.w.Write(body)
	default:
		r.json(http.StatusOK, "application/json", out)
	}
}

// written is what a route returns that has answered itself.
type written struct{}

func (r *request) json(status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(r.w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	r.w.Header().Set("Content-Type", kind)
	r.w.WriteHeader(status)
	_, _ = r.w.Write(append(b, '\n'))
}

// fail says what went wrong.
func (r *request) fail(err error) {
	p := Problem{Status: http.StatusInternalServerError, Detail: err.Error()}
	var f *refusal
	switch {
	case errors.As(err, &f):
		p.Status = f.status
		if f.mistakes != nil {
			p.Mistakes = mistakes(f.mistakes)
		}
		if f.after > 0 {
			r.w.Header().Set("Retry-After", strconv.Itoa(int(f.after.Seconds())+1))
		}
	case errors.Is(err, store.ErrNone), errors.Is(err, errNobody):
		p.Status = http.StatusNotFound
	case errors.Is(err, store.ErrConflict), errors.Is(err, errLast), errors.Is(err, errDone):
		p.Status = http.StatusConflict
	case errors.Is(err, watch.ErrBusy):
		p.Status = http.StatusServiceUnavailable
	}
	p.Title = http.StatusText(p.Status)
	if p.Status == http.StatusUnauthorized {
		r.w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
	}
	r.json(p.Status, "application/problem+json", p)
}

// secured adds what browsers have to know, should one ever come.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=63072000")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
