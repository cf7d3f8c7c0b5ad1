package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/manage"
	"github.com/weir-probe/weir/ctrlplane/metrics"
	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/ctrlplane/track"
	"github.com/weir-probe/weir/ctrlplane/watch"
	"github.com/weir-probe/weir/dataplane/link"
)

// part is something that can be restarted by itself.
type part string

const (
	partNone      part = ""
	partEgress    part = "egress"    // what exports; records wait in the rings meanwhile
	partDataplane part = "dataplane" // and what exports with it
)

// managed is what a run has that keeps its configuration in a store.
type managed struct {
	dir, factory string
	store        *store.Store
	server       *manage.Server
	hub          *watch.Hub
	board        *aggregate.Board
	level        slog.LevelVar
	memoir       memoir
	tracker      *track.Tracker
	again        chan part     // a part is to be restarted
	anew         part          // by the session that is about to end
	wake         chan struct{} // the configuration is another

	mu       sync.Mutex     // of what follows
	want     *config.Config // what shall run
	plane    *config.Config // what the dataplane runs with; nil if there is none
	offer    link.Offer     // of that dataplane
	paused   map[string]bool
	waiters  []chan error // for the next session
	failure  string       // why there is no session
	measures *metrics.Server
	measured string // where they are served
}

// manage opens the store and runs. The file is what it begins with, if it is the first time.
func (r *run) manage(path string, given bool) error {
	first, err := r.first(path, given)
	if err != nil {
		return err
	}
	if r.store, err = store.Open(filepath.Join(r.dir, "config"), first); err != nil {
		return err
	}
	gaveUp, err := r.store.Settle()
	if err != nil {
		return err
	}
	v, text, err := r.store.Running()
	if err != nil {
		return err
	}
	cfg, problems := config.Parse("", text, storeChecks(r.schema))
	r.memoir.to = os.Stderr
	r.log = logTo(&r.memoir, cfg, &r.level)
	if gaveUp {
		r.log.Warn("nobody confirmed the configuration; the one before runs again", "version", v.Number)
	}
	for _, p := range problems { // as of a file that is gone: whoever operates has to be able to mend it
		r.log.Error("mistake in the configuration", "version", v.Number, "mistake", p.String())
	}
	if len(problems) > 0 {
		r.failure = problems.String()
		cfg.Inputs, cfg.Exporters = nil, nil
	}
	if err := apart(cfg); err != nil {
		r.log.Error("not everybody can manage weir", "error", err)
		cfg.Management.Listen, cfg.Metrics.Listen = "", ""
	}
	r.want, r.cfg = cfg, cfg
	r.hub, r.board = watch.New(), aggregate.NewBoard(r.schema)
	r.again, r.wake = make(chan part, 1), make(chan struct{}, 1)
	r.paused, r.tracker = recalled(r.pausedFile()), track.New()
	defer r.tracker.Close()
	if r.server, err = manage.New(filepath.Join(r.dir, "manage"), r.store, r.probe(), manage.DefaultCost); err != nil {
		return err
	}
	defer r.server.Close()
	if err := r.server.Listen(cfg.Management); err != nil {
		r.log.Error("not everybody can manage weir", "error", err)
	}
	return r.run()
}

// nothing is a configuration that waits to be set up.
const nothing = "# Nothing is metered yet: add inputs and exporters.\nschema = 1\n"

// first returns the configuration of a store that is new.
func (r *run) first(path string, given bool) (store.Change, error) {
	c := store.Change{Text: r.origin(), Who: "weir", Why: "first start"}
	if _, err := os.Stat(path); err != nil && !given {
		return c, nil
	}
	if _, err := os.Stat(filepath.Join(r.dir, "config", "journal.json")); err == nil {
		return c, nil // it is not new
	}
	cfg, problems := config.Load(path, storeChecks(r.schema))
	if len(problems) > 0 {
		return c, usagef("%d %s:\n%s", len(problems), plural(len(problems), "mistake"), problems)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if _, mistakes := config.Parse(path, text, storeChecks(r.schema)); len(mistakes) > 0 {
		text = cfg.TOML() // it includes others
	}
	c.Text, c.Why = text, "as in "+path
	return c, nil
}

// origin returns the configuration of the factory.
func (r *run) origin() []byte {
	if r.factory == "" {
		return []byte(nothing)
	}
	text, err := os.ReadFile(r.factory)
	if err != nil {
		return []byte(nothing)
	}
	return text
}

// serve lives through sessions until ctx ends. Whatever goes wrong, weir can be managed meanwhile.
func (r *run) serve(ctx context.Context) error {
	r.expose(r.cfg.Metrics.Listen)
	defer r.expose("")
	for pause := time.Second; ; {
		r.cfg, r.anew = r.prepare(), partNone
		if len(r.cfg.Inputs) == 0 {
			r.began(nil)
			if !r.rest(ctx, nil) {
				return nil
			}
			continue
		}
		began := time.Now()
		err := r.session(ctx)
		if ctx.Err() != nil {
			return err
		}
		if r.anew != partNone {
			if err != nil {
				r.log.Warn("something was left undone", "error", err)
			}
			if r.anew == partDataplane {
				r.buried()
			}
			continue
		}
		if err == nil {
			err = errors.New("the dataplane has ended")
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		r.failed(err)
		r.log.Error("nothing is metered; trying again", "error", err, "in", pause)
		if !r.rest(ctx, time.After(pause)) {
			return err
		}
		pause = min(2*pause, time.Minute)
	}
}

// rest waits until there is something to do. It returns false when all is over.
func (r *run) rest(ctx context.Context, due <-chan time.Time) bool {
	notify("READY=1") // it can be managed
	for alive := watchdog(); ; {
		select {
		case <-alive:
			notify("WATCHDOG=1")
		case <-r.wake:
			return true
		case <-due:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// prepare returns what the next session runs with: what is wanted, but for what the dataplane would
// have to be restarted for.
func (r *run) prepare() *config.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fitting(r.want)
}

// fitting returns a configuration as it can run now.
func (r *run) fitting(c *config.Config) *config.Config {
	next := *c
	next.Exporters = slices.Clone(c.Exporters)
	for i := range next.Exporters {
		if pause, said := r.paused[next.Exporters[i].Name]; said {
			next.Exporters[i].Paused = pause
		}
	}
	if r.plane == nil {
		return &next
	}
	return next.Keep(r.plane)
}

// beside learns what the dataplane runs with that the session is attached to.
func (r *run) beside(a *link.Attachment) {
	if r.dir == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offer, r.plane = a.Offer, r.want
	if text := a.Offer.Config; text != "" {
		r.plane, _ = config.Parse("", []byte(text), config.Checks{})
	}
	r.cfg = r.fitting(r.want)
}

// buried waits for a dataplane to be gone, and its ports with it, and forgets it.
func (r *run) buried() {
	r.mu.Lock()
	pid := r.offer.PID
	r.plane, r.offer = nil, link.Offer{}
	r.mu.Unlock()
	for end := time.Now().Add(handOverTime); alive(pid) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
}

// handOverTime is how long a dataplane may take to end.
const handOverTime = 20 * time.Second

func alive(pid int) bool { return pid > 0 && unix.Kill(pid, 0) != unix.ESRCH }

// began tells who waits for it that there is a session, or none to begin.
func (r *run) began(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && r.dir != "" && len(r.want.Inputs) > 0 {
		r.failure = ""
	}
	for _, w := range r.waiters {
		w <- err
	}
	r.waiters = nil
}

// failed says why there is no session.
func (r *run) failed(err error) {
	r.began(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure = err.Error()
	if !alive(r.offer.PID) {
		r.plane, r.offer = nil, link.Offer{}
	}
}

// watchers returns who looks at records.
func (r *run) watchers() []egress.Watcher {
	if r.hub == nil {
		return nil
	}
	if err := r.board.Configure(r.cfg.Aggregates); err != nil {
		r.log.Error("aggregates are not shown", "error", err)
	}
	return []egress.Watcher{r.hub, r.board}
}

// reopening is how long it may take until there is another session.
const reopening = 2 * time.Minute

// reopen ends the session and waits for another one.
func (r *run) reopen(p part) error {
	w := make(chan error, 1)
	r.mu.Lock()
	r.waiters = append(r.waiters, w)
	r.mu.Unlock()
	if p == partNone || r.active.Load() == nil {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	} else {
		select {
		case r.again <- p:
		default: // somebody was faster
		}
	}
	select {
	case err := <-w:
		return err
	case <-time.After(reopening):
		return fmt.Errorf("it has not begun within %v", reopening)
	}
}

// expose serves metrics somewhere else, or nowhere.
func (r *run) expose(listen string) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if listen == r.measured {
		return nil
	}
	if r.measures != nil {
		_ = r.measures.Close()
	}
	r.measures, r.measured = nil, ""
	if listen == "" {
		return nil
	}
	if r.measures, err = metrics.Serve(listen, version, r.published); err != nil {
		r.measures = nil
		return err
	}
	r.measured = listen
	r.log.Info("metrics are served", "at", r.measures.URL())
	return nil
}

// pausedFile is where it is kept who pauses, or does not though the configuration says so.
func (r *run) pausedFile() string { return filepath.Join(r.dir, "paused.json") }

// recalled returns who pauses; a file that cannot be read says nothing.
func recalled(path string) map[string]bool {
	paused := map[string]bool{}
	if b, err := os.ReadFile(path); err != nil || json.Unmarshal(b, &paused) != nil {
		return map[string]bool{}
	}
	return paused
}

// pause has an exporter pause, or go on, until the opposite is asked for or the exporter is no more.
func (r *run) pause(name string, pause bool) bool {
	c := r.active.Load()
	if c == nil {
		return false
	}
	c.mu.Lock()
	f := c.find(name)
	if f != nil {
		f.pause(pause)
	}
	c.mu.Unlock()
	if f == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = maps.Clone(r.paused)
	r.paused[name] = pause
	maps.DeleteFunc(r.paused, func(name string, pause bool) bool {
		i := slices.IndexFunc(r.want.Exporters, func(x config.Exporter) bool { return x.Name == name })
		return i < 0 || r.want.Exporters[i].Paused == pause
	})
	text, err := json.Marshal(r.paused)
	if err == nil {
		err = store.Replace(r.pausedFile(), text)
	}
	if err != nil {
		r.log.Error("that an exporter pauses will be forgotten when weir begins anew", "exporter", name, "error", err)
	}
	return true
}
