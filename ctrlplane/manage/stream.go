package manage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/watch"
)

// Host is one that talks.
type Host struct {
	watch.Talker
	Name string `json:"name,omitempty" doc:"As it was looked up, if that was seen."`
}

// Remembered is what is remembered of an address.
type Remembered struct {
	Kind  string  `json:"kind" doc:"media, user, tunnel, name or data."`
	Key   string  `json:"key" doc:"Address, with a port or tunnel if it is about one."`
	Value string  `json:"value"`
	Left  float64 `json:"left" doc:"For how long still, in seconds."`
}

// query reads which records somebody wants to see.
func (r *request) query() (watch.Query, error) {
	q := r.URL.Query()
	var kinds []string
	for _, list := range q["kind"] {
		kinds = append(kinds, strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' })...)
	}
	out, err := r.s.probe.Query(kinds, q.Get("filter"), q.Get("template"))
	if err != nil {
		return out, refuse(http.StatusBadRequest, "%v", err)
	}
	return out, nil
}

func recent(r *request) (any, error) {
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	n, err := r.number("limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, line := range r.s.probe.Hub.Recent(q, n) {
		all = append(all, json.RawMessage(line))
	}
	return all, nil
}

// Times of a stream.
const (
	beat    = 15 * time.Second // between signs of life
	gathers = 50 * time.Millisecond
	slowest = 10 * time.Second // to take what was sent
)

// stream shows records until the client goes away, is too slow, has had as many as it wants, or weir
// ends.
func stream(r *request) (any, error) {
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	most, err := r.number("limit", 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	sub, err := r.s.probe.Hub.Subscribe(q)
	if err != nil {
		return nil, err
	}
	defer sub.Close()
	c := http.NewResponseController(r.w)
	_ = c.SetReadDeadline(time.Time{})
	r.w.Header().Set("Content-Type", string(events))
	r.w.WriteHeader(http.StatusOK)
	out := &teller{r: r, control: c, most: most}
	out.say(": records follow\n\n")
	alive, soon := time.NewTicker(beat), time.NewTicker(gathers)
	defer alive.Stop()
	defer soon.Stop()
	for !out.over {
		select {
		case line := <-sub.C:
			out.record(line)
		case <-soon.C:
			if n := sub.Missed(); n > 0 {
				out.say(fmt.Sprintf("event: missed\ndata: %d\n\n", n))
			}
			out.flush()
		case <-alive.C:
			out.say(":\n\n")
		case <-r.Context().Done():
			return written{}, nil
		}
	}
	if n := sub.Missed(); n > 0 {
		out.say(fmt.Sprintf("event: missed\ndata: %d\n\n", n))
	}
	return written{}, nil
}

// teller writes server-sent events.
type teller struct {
	r       *request
	control *http.ResponseController
	most    int // 0 is any number
	told    int
	waiting bool
	over    bool
}

func (t *teller) record(line []byte) {
	t.told++
	t.say("event: record\ndata: " + strings.TrimRight(string(line), "\n") + "\n\n")
	if t.told == t.most {
		t.flush()
		t.over = true
	}
}

func (t *teller) say(text string) {
	_ = t.control.SetWriteDeadline(time.Now().Add(slowest))
	if _, err := t.r.w.Write([]byte(text)); err != nil {
		t.over = true
	}
	t.waiting = true
}

func (t *teller) flush() {
	if t.waiting && t.control.Flush() != nil {
		t.over = true
	}
	t.waiting = false
}

func top(r *request) (any, error) {
	n, err := r.number("limit", 20, 1000)
	if err != nil {
		return nil, err
	}
	known, all := r.s.probe.Sessions(), []Host{}
	for _, t := range r.s.probe.Hub.Top(n) {
		h := Host{Talker: t}
		if known != nil {
			if name, ok := known.Get(nil, session.Address(session.Name, t.Address.As16())); ok {
				h.Name = strings.ToValidUTF8(string(name), "?")
			}
		}
		all = append(all, h)
	}
	return all, nil
}

func sessions(r *request) (any, error) {
	n, err := r.number("limit", 1000, 100_000)
	if err != nil {
		return nil, err
	}
	known, all, want := r.s.probe.Sessions(), []Remembered{}, r.URL.Query().Get("kind")
	if known == nil {
		return all, nil
	}
	for key, s := range known.All() {
		if len(all) == n {
			break
		}
		kind, rest, _ := strings.Cut(key.String(), ":")
		if want == "" || kind == want {
			all = append(all, Remembered{kind, rest, strings.ToValidUTF8(s.Value, "?"), s.Left.Seconds()})
		}
	}
	return all, nil
}
