package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// onHangUp reads the configuration again at every SIGHUP.
func (r *run) onHangUp() (cancel func()) {
	asked, end := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(asked, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-asked:
				r.reread()
			case <-end:
				return
			}
		}
	}()
	return func() { signal.Stop(asked); close(end) }
}

// reread takes over what can be taken over of the configuration as it is now, and logs the rest.
func (r *run) reread() {
	if r.dir != "" {
		r.log.Info("the configuration is in the store; weir ctl changes it")
		return
	}
	next, problems := config.Load(r.path, checks(r.schema))
	for _, p := range problems {
		r.log.Error("mistake in the configuration; everything stays as it was", "mistake", p.String())
	}
	c := r.active.Load()
	if len(problems) > 0 || c == nil {
		return // a session that is yet to begin reads it anyway
	}
	if a := r.rings.Load(); a != nil && metersOtherwise(r.cfg, next) {
		if err := a.Reload(); err != nil {
			r.log.Error("configuration not taken over; everything stays as it was", "error", err)
			return
		}
	}
	restart, err := r.takeOver(c, next)
	if err != nil {
		r.log.Error("configuration not taken over; everything stays as it was", "error", err)
		return
	}
	for _, what := range restart {
		r.log.Warn("not taken over without a restart", "what", what)
	}
}

// takeOver has the exporters of a configuration run, and returns what waits for a restart.
func (r *run) takeOver(c *control, next *config.Config) (waits []string, err error) {
	done, waits, err := c.Reload(next)
	if err != nil {
		return nil, err
	}
	select {
	case <-r.every: // of an earlier time
	default:
	}
	r.every <- next.Stats.Interval
	r.log.Info("configuration taken over", "added", done.Added, "changed", done.Changed, "paused", done.Paused,
		"resumed", done.Resumed, "removed", done.Removed, "policy", done.Policy)
	return waits, nil
}
