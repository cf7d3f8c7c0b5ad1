package manage

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/store"
)

// Judgement is what is wrong with a configuration.
type Judgement struct {
	Valid    bool      `json:"valid"`
	Mistakes []Mistake `json:"mistakes" doc:"All of them, in the order of the lines."`
}

// Differences is what differs between two configurations.
type Differences struct {
	Changes []config.Difference `json:"changes"`
	Waits   []string            `json:"waits" doc:"What would wait for a restart of the dataplane."`
}

// Commit is how the candidate shall run.
type Commit struct {
	Why     string `json:"why" doc:"For those who look at the history."`
	Confirm string `json:"confirm,omitempty" doc:"As 10m: given up unless confirmed within. None is for good."`
	Restart bool   `json:"restart,omitempty" doc:"Restart the dataplane if need be, which misses packets."`
	SHA256  string `json:"sha256,omitempty" doc:"Of the candidate, in hexadecimal: no other is committed."`
}

// Rollback is which version shall run again, and how.
type Rollback struct {
	Version int    `json:"version,omitempty" doc:"None is the one before."`
	Why     string `json:"why,omitempty"`
	Confirm string `json:"confirm,omitempty" doc:"As of a commit."`
	Restart bool   `json:"restart,omitempty" doc:"As of a commit."`
}

// Committed is a configuration that runs now.
type Committed struct {
	Version store.Version `json:"version"`
	Until   *time.Time    `json:"confirm_until,omitempty" doc:"When it is given up if nobody confirms it."`
	Waits   []string      `json:"waits" doc:"What is not in effect before the dataplane is restarted."`
}

// History is the versions there are.
type History struct {
	Running  int             `json:"running" doc:"The version that runs."`
	Until    *time.Time      `json:"confirm_until,omitempty" doc:"When it is given up if nobody confirms it."`
	Versions []store.Version `json:"versions"`
}

// parse judges a configuration.
func (s *Server) parse(text []byte) (*config.Config, config.Problems) {
	return config.Parse("", text, s.probe.Checks)
}

func running(r *request) (any, error) {
	v, text, err := r.s.store.Running()
	r.w.Header().Set("ETag", strconv.Quote(v.SHA256))
	return text, err
}

func candidate(r *request) (any, error) {
	c, err := r.s.store.Candidate()
	return []byte(c.Text), err
}

func putCandidate(r *request) (any, error) {
	if _, err := r.s.store.Put(r.body, r.who.User); err != nil {
		return nil, err
	}
	return validate(r)
}

func dropCandidate(r *request) (any, error) { return nil, r.s.store.Discard() }

func validate(r *request) (any, error) {
	_, problems := r.s.parse(r.body)
	return Judgement{len(problems) == 0, mistakes(problems)}, nil
}

// read returns the configuration that a parameter names: a version, or what there is without one.
func (r *request) config(name string, unless func() ([]byte, error)) (*config.Config, error) {
	n, err := r.number(name, 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	var text []byte
	if n > 0 {
		_, text, err = r.s.store.Version(n)
	} else {
		text, err = unless()
	}
	if err != nil {
		return nil, err
	}
	c, problems := r.s.parse(text)
	if len(problems) > 0 {
		return nil, &refusal{status: http.StatusUnprocessableEntity, wrong: "the configuration has mistakes",
			mistakes: problems}
	}
	return c, nil
}

func diff(r *request) (any, error) {
	old, err := r.config("from", func() ([]byte, error) {
		_, text, err := r.s.store.Running()
		return text, err
	})
	if err != nil {
		return nil, err
	}
	next, err := r.config("to", func() ([]byte, error) {
		c, err := r.s.store.Candidate()
		return []byte(c.Text), err
	})
	if err != nil {
		return nil, err
	}
	d := Differences{config.Diff(old, next), []string{}}
	for _, c := range config.Waits(d.Changes, "dataplane") {
		d.Waits = append(d.Waits, c.Key)
	}
	d.Waits = append(d.Waits, r.s.probe.Needs(next)...)
	if d.Changes == nil {
		d.Changes = []config.Difference{}
	}
	return d, nil
}

// confirmWithin reads how long there is to confirm.
func confirmWithin(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return 0, refuse(http.StatusBadRequest, "confirm is %q; write it as 10m, from 1s to 24h", text)
	}
	return d, nil
}

func commit(r *request) (any, error) {
	in, err := decode[Commit](r)
	if err != nil {
		return nil, err
	}
	within, err := confirmWithin(in.Confirm)
	if err != nil {
		return nil, err
	}
	r.s.changing.Lock()
	defer r.s.changing.Unlock()
	c, err := r.s.store.Candidate()
	if err != nil {
		return nil, err
	}
	if sum := sha(c.Text); in.SHA256 != "" && !strings.EqualFold(in.SHA256, sum) {
		return nil, fmt.Errorf("%w: the candidate was changed meanwhile, its sha256 is %s", store.ErrConflict, sum)
	}
	next, err := r.fit([]byte(c.Text))
	if err != nil {
		return nil, err
	}
	change := store.Change{Text: []byte(c.Text), Who: r.who.User, Why: in.Why, Confirm: within}
	v, err := r.s.store.Commit(change)
	if err != nil {
		return nil, err
	}
	r.detail = fmt.Sprintf("version %d: %s", v.Number, v.Why)
	return r.s.take(v, next, in.Restart)
}

// fit judges a configuration that shall run, and whether somebody may have it run.
func (r *request) fit(text []byte) (*config.Config, error) {
	next, problems := r.s.parse(text)
	if len(problems) > 0 {
		return nil, &refusal{status: http.StatusUnprocessableEntity, wrong: "the configuration has mistakes",
			mistakes: problems}
	}
	if r.who.Role == Admin {
		return next, nil
	}
	_, now, err := r.s.store.Running()
	if err != nil {
		return nil, err
	}
	old, _ := r.s.parse(now)
	for _, d := range config.Diff(old, next) {
		// Which programs run and who is let in is not for who only operates.
		if strings.HasPrefix(d.Key, "management") || strings.HasPrefix(d.Key, "logs.commands") {
			return nil, refuse(http.StatusForbidden, "%s may not change %s: it is for role admin", r.who.User, d.Key)
		}
	}
	return next, nil
}

// take has the probe take over what the store has made the version that runs. If it cannot, the version
// before runs again.
func (s *Server) take(v store.Version, next *config.Config, restart bool) (any, error) {
	waits, err := s.probe.Apply(next, restart)
	if err != nil {
		if e := s.back(v.Number, "it could not be taken over: "+err.Error()); e != nil {
			err = errors.Join(err, e)
		}
		if _, text, e := s.store.Running(); e == nil {
			old, _ := s.parse(text)
			_, e = s.probe.Apply(old, restart) // whatever of the other one is in effect already
			err = errors.Join(err, e)
		}
		return nil, refuse(http.StatusUnprocessableEntity,
			"the configuration was not taken over, the one before runs: %v", err)
	}
	s.arm()
	return s.committed(v, waits), nil
}

func (s *Server) committed(v store.Version, waits []string) Committed {
	c := Committed{Version: v, Waits: append([]string{}, waits...)}
	if p, _ := s.store.Pending(); p != nil && p.Number == v.Number {
		c.Until = &p.Until
	}
	return c
}

// back has the version before one run again, in the store.
func (s *Server) back(number int, why string) error {
	previous := 0
	if p, _ := s.store.Pending(); p != nil {
		previous = p.Previous
	} else if h := s.store.History(); len(h) > 1 {
		previous = h[1].Number
	}
	_, err := s.store.Rollback(previous, store.Change{Who: "weir", Why: fmt.Sprintf("version %d: %s", number,
		why)})
	return err
}

// await begins to wait for a confirmation if one is due, as after a restart.
func (s *Server) await() {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.arm()
}

// arm has what is not confirmed in time given up.
func (s *Server) arm() {
	if s.timer != nil {
		s.timer.Stop()
	}
	p, left := s.store.Pending()
	if p == nil {
		return
	}
	s.timer = time.AfterFunc(left, func() { s.giveUp(p.Number) })
}

// giveUp has what ran before run again. It restarts the dataplane if that is needed, as whoever
// committed may not be able to.
func (s *Server) giveUp(number int) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if p, _ := s.store.Pending(); p == nil || p.Number != number || s.ctx.Err() != nil {
		return
	}
	log := s.probe.Log.With("version", number)
	if err := s.back(number, "nobody confirmed it"); err != nil {
		log.Error("a configuration that nobody confirmed cannot be given up", "error", err)
		s.timer = time.AfterFunc(time.Minute, func() { s.giveUp(number) })
		return
	}
	v, text, err := s.store.Running()
	if err == nil {
		next, _ := s.parse(text)
		_, err = s.probe.Apply(next, true)
	}
	e := Entry{Time: time.Now().UTC(), User: "weir", By: "itself", From: "here", Action: "rollback",
		Status: http.StatusOK,
		Detail: fmt.Sprintf("version %d: %s", v.Number, v.Why)}
	if err := s.audit.add(e); err != nil {
		log.Error("a rollback is not in the audit log", "error", err)
	}
	log.Warn("nobody confirmed the configuration; the one before runs again", "error", err)
}

func confirm(r *request) (any, error) {
	r.s.changing.Lock()
	defer r.s.changing.Unlock()
	v, err := r.s.store.Confirm()
	if err != nil {
		return nil, err
	}
	r.s.arm()
	r.detail = fmt.Sprintf("version %d", v.Number)
	return r.s.committed(v, nil), nil
}

func rollback(r *request) (any, error) {
	in, err := decode[Rollback](r)
	if err != nil {
		return nil, err
	}
	within, err := confirmWithin(in.Confirm)
	if err != nil {
		return nil, err
	}
	r.s.changing.Lock()
	defer r.s.changing.Unlock()
	if in.Version == 0 {
		if in.Version, err = r.s.before(); err != nil {
			return nil, err
		}
	}
	_, text, err := r.s.store.Version(in.Version)
	if err != nil {
		return nil, err
	}
	next, err := r.fit(text)
	if err != nil {
		return nil, err
	}
	v, err := r.s.store.Rollback(in.Version, store.Change{Who: r.who.User, Why: in.Why, Confirm: within})
	if err != nil {
		return nil, err
	}
	r.detail = fmt.Sprintf("version %d: %s", v.Number, v.Why)
	return r.s.take(v, next, in.Restart)
}

// before returns the version before the one that runs.
func (s *Server) before() (int, error) {
	h := s.store.History()
	v, _, err := s.store.Running()
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(h, func(o store.Version) bool { return o.Number < v.Number })
	if i < 0 {
		return 0, fmt.Errorf("there is no version before %d: %w", v.Number, store.ErrNone)
	}
	return h[i].Number, nil
}

func history(r *request) (any, error) {
	v, _, err := r.s.store.Running()
	h := History{Running: v.Number, Versions: r.s.store.History()}
	if p, _ := r.s.store.Pending(); p != nil {
		h.Until = &p.Until
	}
	return h, err
}

func earlier(r *request) (any, error) {
	n, err := r.number("version", 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	_, text, err := r.s.store.Version(n)
	return text, err
}
