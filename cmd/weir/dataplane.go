package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/store"
	"github.com/weir-probe/weir/dataplane"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/link"
	"github.com/weir-probe/weir/dataplane/worker"
)

func dataplaneCommand(schema *flow.Schema) *cobra.Command {
	var path, dir string
	c := &cobra.Command{
		Use:   "dataplane",
		Short: "Meter live and hand the flows to whoever runs with --attach",
		Long: "The process that meters. weir run starts it by itself; it is a command of its own so that each of the two\n" +
			"can have its service unit and be restarted without the other. It ends on SIGINT or SIGTERM, after it\n" +
			"has handed over its flows.",
		Example: `  weir dataplane -c /etc/weir/weir.toml
  weir run -c /etc/weir/weir.toml --attach`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if dir == "" {
				cfg, err := load(path, schema)
				if err != nil {
					return err
				}
				return meter(cfg, schema, func() (*config.Config, error) { return load(path, schema) })
			}
			return meterStored(dir, schema)
		},
	}
	c.Flags().StringVarP(&path, "config", "c", defaultConfig, "configuration file")
	c.Flags().StringVar(&dir, "store", "", "directory of a store whose configuration to take instead")
	return c
}

// meterStored meters with the configuration that runs by a store. Without one that has inputs it ends
// with status 0: there is nothing to do.
func meterStored(dir string, schema *flow.Schema) error {
	read := func() (*config.Config, error) {
		_, text, err := store.Read(filepath.Join(dir, "config"), time.Now())
		if err != nil {
			return nil, err
		}
		cfg, problems := config.Parse(dir, text, storeChecks(schema))
		if len(problems) > 0 {
			return nil, usagef("%d %s:\n%s", len(problems), plural(len(problems), "mistake"), problems)
		}
		return cfg, nil
	}
	cfg, err := read()
	if err != nil {
		return err
	}
	if len(cfg.Inputs) == 0 {
		newLogger(cfg).Info("there is nothing to meter", "store", dir)
		return nil
	}
	return meter(cfg, schema, read)
}

// heap is what the dataplane may allocate before its collector runs after all. Metering
// allocates nothing.
const heap = 256 << 20

// meter runs the dataplane until a signal or the control plane stops it. again reads its configuration
// again.
func meter(cfg *config.Config, schema *flow.Schema, again func() (*config.Config, error)) error {
	log := newLogger(cfg).With("process", "dataplane")
	b, err := shapeOf(schema, cfg).measures(cfg)
	if err != nil {
		return err
	}
	in, err := openInputs(cfg, b, log)
	if err != nil {
		return err
	}
	defer in.close()
	plane, err := dataplane.New(in.queues, int(cfg.Dataplane.RingSize))
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heap)
	if err := plane.Start(); err != nil {
		return err
	}
	defer onSignal(plane.Stop)()
	offer := plane.Offer()
	offer.Blocks = uint64(b)
	state(&offer, cfg)
	server, err := link.Listen(cfg.Dataplane.Socket, offer, plane.Files(), plane.Stop)
	if err != nil {
		plane.Stop()
		plane.Wait()
		return err
	}
	defer server.Close()
	attend(server, plane, in, cfg, again, log)
	describe(log, in)
	notify("READY=1")
	watched := make(chan struct{})
	go vouch(plane, watched)
	plane.Wait()
	close(watched)
	log.Info("metering has ended")
	return handOver(plane, server)
}

// attend answers what the control plane asks for while the dataplane runs.
func attend(server *link.Server, plane *dataplane.Plane, in *inputs, cfg *config.Config,
	again func() (*config.Config, error), log *slog.Logger) {
	server.OnReload(func(o *link.Offer) error {
		next, err := again()
		if err != nil {
			return err
		}
		next = next.Keep(cfg)
		if err := plane.Adjust(in.settings(next)); err != nil {
			return err
		}
		cfg = next
		state(o, cfg)
		log.Info("configuration taken over")
		return nil
	})
	server.OnTrack(func(traces []worker.Trace) error {
		if len(traces) > 0 {
			log.Info("packets are tracked", "traces", len(traces))
		}
		return plane.Track(traces)
	})
}

// vouch tells the service manager that the dataplane lives, as long as every worker does.
func vouch(plane *dataplane.Plane, end <-chan struct{}) {
	tick := watchdog()
	for since := time.Now(); ; {
		select {
		case now := <-tick:
			if plane.Stalled(since) == "" {
				notify("WATCHDOG=1")
			}
			since = now
		case <-end:
			return
		}
	}
}

// state has an offer say what the dataplane runs with.
func state(o *link.Offer, cfg *config.Config) {
	if text := cfg.TOML(); len(text) <= link.LongestConfig {
		o.Config = string(text)
	}
}

// grace is how long a dataplane that has ended keeps what nobody has read yet.
const grace = 10 * time.Second

// handOver waits for somebody to attach to the rings, whose memory ends with the last
// process that has it.
func handOver(plane *dataplane.Plane, server *link.Server) error {
	for end := time.Now().Add(grace); plane.Unread() && !server.Attached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("nobody came for %v to read what was metered last; it is lost", grace)
		}
	}
	return nil
}

func describe(log *slog.Logger, in *inputs) {
	for i := range in.queues {
		log.Info("metering", "queue", in.queues[i].Name, "core", in.queues[i].Core)
	}
}
