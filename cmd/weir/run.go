package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/metrics"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/link"
)

// run is a control plane.
type run struct {
	path    string
	cfg     *config.Config
	schema  *flow.Schema
	attach  bool
	summary string
	log     *slog.Logger
	out     *os.File

	active atomic.Pointer[control] // of the session, nil between sessions
	rings  atomic.Pointer[link.Attachment]
	every  chan time.Duration // another interval of the report
	managed
}

func runCommand(schema *flow.Schema) *cobra.Command {
	r := &run{schema: schema, out: os.Stderr}
	c := &cobra.Command{
		Use:   "run",
		Short: "Meter live and export",
		Long: "Meter the inputs of the configuration and export their flows. Metering happens in a process of its own,\n" +
			"which is started unless it runs already, and taken over if an earlier control plane left it behind.\n" +
			"SIGINT and SIGTERM hand over and export all flows and end both with status 0. SIGHUP reads the configuration\n" +
			"again: exporters are added, changed, paused and removed without losing a record, and what needs a restart is\n" +
			"logged. With a mistake in it, everything stays as it was.",
		Example: `  weir run -c /etc/weir/weir.toml
  weir run -c weir.toml --attach         leave the dataplane to its own service unit
  weir run --store /var/lib/weir         keep the configuration there; weir ctl manages it`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if r.dir != "" {
				return r.manage(r.path, c.Flags().Changed("config"))
			}
			if r.cfg, err = load(r.path, schema); err != nil {
				return err
			}
			if err := apart(r.cfg); err != nil {
				return usageError{err}
			}
			r.log = newLogger(r.cfg)
			return r.run()
		},
	}
	f := c.Flags()
	f.StringVarP(&r.path, "config", "c", defaultConfig, "configuration file")
	f.StringVar(&r.dir, "store", "", "directory to keep the configuration in, and be managed by the API; the file is\n"+
		"only what it begins with")
	f.StringVar(&r.factory, "factory", "", "configuration of a store that is new or is reset; empty waits to be set up")
	f.BoolVar(&r.attach, "attach", false, "attach to a running dataplane; neither start nor stop it")
	f.StringVar(&r.summary, "summary", "", "write the summary as JSON to this file")
	return c
}

// run lives through sessions with a dataplane until a signal ends it.
func (r *run) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer onSignal(cancel)()
	r.every = make(chan time.Duration, 1)
	defer r.onHangUp()()
	if listen := r.cfg.Metrics.Listen; listen != "" && r.dir == "" {
		m, err := metrics.Serve(listen, version, r.published)
		if err != nil {
			return err
		}
		defer m.Close()
		r.log.Info("metrics are served", "at", m.URL())
	}
	if r.dir != "" {
		return r.serve(ctx)
	}
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		began := time.Now()
		err := r.session(ctx)
		if ctx.Err() != nil || errors.As(err, new(usageError)) || errors.Is(err, link.ErrBusy) {
			return err
		}
		if time.Since(began) < 5*time.Second {
			return err // it never worked
		}
		notify("WATCHDOG=1")
		r.log.Error("the dataplane is gone; starting again", "error", err, "in", pause)
		time.Sleep(pause)
		if cfg, problems := config.Load(r.path, checks(r.schema)); len(problems) == 0 {
			r.cfg = cfg // the dataplane will read it, too
		}
	}
}

// published returns the account of the session, nil if there is none.
func (r *run) published() *egress.Summary {
	c := r.active.Load()
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return nil
	}
	return c.running.Published()
}

// patience is how long exporters may take to send what they have when all is over.
const patience = 30 * time.Second

// session attaches to a dataplane and exports until ctx ends or the dataplane does. It
// returns nil only when everything could be handed over.
func (r *run) session(ctx context.Context) error {
	undone := func(err error) { r.log.Warn("something was left undone", "error", err) }
	var a *link.Attachment // nil without inputs
	var err error
	if len(r.cfg.Inputs) > 0 {
		if a, err = r.find(ctx); err != nil {
			return err
		}
		defer a.Detach()
		r.beside(a)
	}
	c, err := openControl(r.cfg, r.schema, undone, false)
	if err != nil {
		if a != nil && !r.attach && r.dir == "" {
			err = errors.Join(err, a.Stop()) // nobody else would
		}
		return err
	}
	c.watchers = r.watchers()
	c.follow(r.tracker)
	if a != nil && r.tracker != nil {
		r.tracker.Attach(a.Track)
		defer r.tracker.Attach(nil)
	}
	if err := c.openExporters(r.setting(a)); err != nil {
		return errors.Join(err, c.close(patience))
	}
	tellLost(r.cfg, c.shape, r.log)
	if c.collectors, err = openCollectors(r.cfg, r.schema, r.log); err != nil {
		return errors.Join(err, c.close(patience))
	}
	e := c.egress(append(r.sources(a), c.sources(nil)...))
	e.Seed = uint64(time.Now().UnixNano())
	r.rings.Store(a)
	r.active.Store(c)
	defer r.rings.Store(nil)
	defer r.active.Store(nil)
	r.began(nil)
	err = r.export(ctx, a, e)
	defer pinging(2 * patience)()
	err = errors.Join(err, c.collectors.close())
	for e.Step() > 0 { // what was collected last
	}
	e.Flush()
	err = errors.Join(err, c.close(patience))
	sum := e.Summary()
	sum.Print(r.out)
	return errors.Join(err, writeSummary(r.summary, &sum))
}

// setting is what the exporters of a session have in common. Flows that are collected may have begun
// before weir did.
func (r *run) setting(a *link.Attachment) setting {
	s := setting{boot: uint64(time.Now().UnixNano()), sampling: 1, measured: flow.AllBlocks}
	if a != nil {
		s = setting{
			boot: a.Offer.Started, sampling: r.sampling(), ledger: egress.OpenLedger(a.Ledger),
			measured: flow.Block(a.Offer.Blocks),
		}
	}
	if len(r.cfg.Collectors) > 0 {
		s.boot -= uint64(past)
	}
	return s
}

// export reads the rings until the dataplane has closed them or, attached to one that goes
// on or without one, until ctx ends.
func (r *run) export(ctx context.Context, a *link.Attachment, e *egress.Egress) error {
	report, watch := ticker(r.cfg.Stats.Interval), watchdog()
	notify("READY=1")
	asked, dead := ctx.Done(), false
	var gone <-chan struct{}
	if a != nil {
		gone = a.Gone()
	}
	for !r.drained(a) {
		n := e.Step()
		select {
		case <-report:
			r.report(e.Summary())
		case <-watch:
			notify("WATCHDOG=1")
		case every := <-r.every:
			report = ticker(every)
		case r.anew = <-r.again:
			if r.anew == partEgress || a == nil {
				return nil
			}
			if err := a.Stop(); err != nil {
				r.log.Error("the dataplane cannot be stopped", "error", err)
			}
		case <-asked:
			if r.attach || a == nil {
				return nil
			}
			asked = nil
			if err := a.Stop(); err != nil {
				r.log.Error("the dataplane cannot be stopped", "error", err)
			}
		case <-gone:
			gone, dead = nil, true // what it committed can still be read
		default:
			if n > 0 {
				continue
			}
			if dead {
				return errors.New("the dataplane ended without handing over its flows")
			}
			time.Sleep(egress.Idle)
		}
	}
	return nil
}

// drained reports whether the dataplane has ended and everything of it was read.
func (r *run) drained(a *link.Attachment) bool {
	if a == nil {
		return false
	}
	for _, ring := range a.Rings {
		if !ring.Closed() || ring.Used() > 0 {
			return false
		}
	}
	return true
}

// ticker ticks every so often, or never.
func ticker(every time.Duration) <-chan time.Time {
	if every <= 0 {
		return nil
	}
	return time.Tick(every)
}

// find attaches to the dataplane, which it starts if there is none.
func (r *run) find(ctx context.Context) (*link.Attachment, error) {
	socket := r.cfg.Dataplane.Socket
	a, err := link.Attach(socket)
	if err == nil {
		r.log.Info("attached to a running dataplane", "pid", a.Offer.PID)
		return a, nil
	}
	if r.dir != "" && (r.attach || errors.Is(err, link.ErrBusy)) { // it may not know yet that the last session ended
		return r.awaited(ctx, socket)
	}
	if r.attach || errors.Is(err, link.ErrBusy) {
		return nil, err
	}
	ended, err := r.start()
	if err != nil {
		return nil, err
	}
	for {
		if a, err := link.Attach(socket); err == nil {
			return a, nil
		}
		select {
		case err := <-ended:
			return nil, fmt.Errorf("dataplane did not start: %w", err)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// awaited attaches to a dataplane that somebody else starts, within a little time.
func (r *run) awaited(ctx context.Context, socket string) (*link.Attachment, error) {
	for end := time.Now().Add(handOverTime); ; {
		a, err := link.Attach(socket)
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return a, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// start starts the dataplane in a process group of its own, so that an interrupt at the
// terminal reaches it only by way of this process.
func (r *run) start() (ended <-chan error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("dataplane: %w", err)
	}
	c := exec.Command(self, "dataplane", "--config", r.path)
	if r.dir != "" {
		c = exec.Command(self, "dataplane", "--store", r.dir)
	}
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("dataplane: %w", err)
	}
	done := make(chan error, 1)
	go func() {
		err := c.Wait()
		var status *exec.ExitError
		if errors.As(err, &status) && status.ExitCode() == exitUsage {
			err = usageError{err}
		}
		done <- err
	}()
	return done, nil
}

// sources gives each ring the facts of its worker's input.
func (r *run) sources(a *link.Attachment) (all []egress.Source) {
	if a == nil {
		return nil
	}
	for i, w := range a.Offer.Workers {
		all = append(all, egress.Source{
			Name: w.Name, Ring: a.Rings[i], Facts: probeFacts(r.samplingOf(w.Name)), Seed: a.Offer.Started + uint64(i),
		})
	}
	return all
}

// samplingOf returns the sampling of the input or group that a worker is named after.
func (r *run) samplingOf(worker string) uint32 {
	for i := range r.cfg.Inputs {
		n := &r.cfg.Inputs[i]
		if strings.HasPrefix(worker, n.Name+"/") || n.Group != "" && strings.HasPrefix(worker, n.Group+"/") {
			return n.Sampling
		}
	}
	return 1
}

// sampling is what the options of an exporter announce: the rate, if it is the same for all
// inputs. Records tell their own in any case, if their template asks for it.
func (r *run) sampling() uint32 {
	for i := range r.cfg.Inputs {
		if r.cfg.Inputs[i].Sampling != r.cfg.Inputs[0].Sampling {
			return 1
		}
	}
	return r.cfg.Inputs[0].Sampling
}

// report logs how things are.
func (r *run) report(s egress.Summary) {
	r.log.Info("totals", "received", s.Packets["received"], "metered", s.Packets["metered"],
		"refused", s.Packets["refused"], "missed", s.NIC.Missed, "no_buffer", s.NIC.NoBuffer,
		"active", s.Active, "records", s.Made(), "ring_full", s.Packets["ring_full"])
	for _, x := range s.Exporters {
		r.log.Info("exporter", "name", x.Name, "records", x.Records, "exported", x.Exported,
			"dropped", x.Dropped, "pending", x.Pending, "last_error", x.Error)
	}
}
