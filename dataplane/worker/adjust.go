package worker

import (
	"time"

	"github.com/weir-probe/weir/dataplane/nic/filter"
)

// Settings are what of a Config can be another while the worker works.
type Settings struct {
	Idle, Active, Linger, Lateness, TransactionTimeout time.Duration

	Sampling uint32
	Filter   *filter.Program
	Early    uint64
	Off      uint64 // bit i: dissector i looks into no flow that begins
}

// Settings returns those of c.
func (c *Config) Settings() Settings {
	return Settings{
		Idle: c.Idle, Active: c.Active, Linger: c.Linger, Lateness: c.Lateness, TransactionTimeout: c.TransactionTimeout,
		Sampling: c.Sampling, Filter: c.Filter, Early: c.Early, Off: c.Off,
	}
}

// Check returns what is wrong with c when it has other settings.
func (c Config) Check(s Settings) error {
	c.use(s)
	return c.check()
}

func (c *Config) use(s Settings) {
	c.Idle, c.Active, c.Linger, c.Lateness = s.Idle, s.Active, s.Linger, s.Lateness
	c.TransactionTimeout, c.Sampling, c.Filter, c.Early, c.Off = s.TransactionTimeout, s.Sampling, s.Filter, s.Early, s.Off
}

// Adjust has the worker go on with other settings, which are valid. It is called between two Steps.
// Flows that are open end by the new timeouts, whatever was expected of them; dissectors that look into
// one go on doing so.
func (w *Worker) Adjust(s Settings) {
	w.conf.use(s)
	w.idle, w.active, w.linger = int64(s.Idle), int64(s.Active), int64(s.Linger)
	w.sampled = 0
	w.sweep = sweep{tick: max(uint64(s.Lateness)/4, 1), anew: true}
	for k := range w.any {
		w.any[k] = w.every[k] &^ s.Off
	}
}

// usable reports whether dissector j may take over a flow.
func (w *Worker) usable(j int) bool { return w.conf.Off>>j&1 == 0 }
