package config

import (
	"slices"

	"github.com/weir-probe/weir/ctrlplane/call"
	"github.com/weir-probe/weir/ctrlplane/subscriber"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/formats"
)

// calls checks that there is what records of calls are made of, if an exporter wants some.
func (k *checker) calls(c *Config) {
	if !slices.ContainsFunc(c.Exporters, wantsCalls) {
		return
	}
	if c.Calls.Calls == 0 {
		k.report("calls.capacity", "an exporter wants records of calls, but none are made", "write more than 0")
	}
	used := c.Apps.Dissectors()
	if !slices.Contains(used, &app.SIP) && !slices.Contains(used, &app.RTP) {
		k.report("applications.off", "an exporter wants records of calls, but the dissectors sip and rtp are off", turnOn)
	}
}

func wantsCalls(x Exporter) bool {
	kinds := x.Records
	if f := formats.Named(x.Format); f != nil && f.Layout != nil && len(kinds) == 0 {
		kinds = f.Layout.Records
	}
	return slices.Contains(kinds, "call")
}

// users checks that there are records of usage, if an exporter wants some.
func (k *checker) users(c *Config) {
	wants := func(x Exporter) bool {
		return slices.Contains(x.Records, "subscriber") || slices.Contains(x.Records, "group")
	}
	if slices.ContainsFunc(c.Exporters, wants) && (c.Users.Interval == 0 || c.Users.Sessions == 0) {
		k.report("subscribers.interval", "an exporter wants records of what subscribers use, but none are made",
			`write how often, as "5m", and a capacity of more than 0`)
	}
}

// UserOptions returns how subscribers are found, but for where sessions are remembered.
func (c *Config) UserOptions() subscriber.Options {
	o := c.Users
	o.Idle, o.Active, o.Shared = c.Flow.Idle, c.Flow.Active, c.Sessions.Redis.Address != ""
	return o
}

// CallOptions returns how records of calls are made, but for where sessions are remembered.
func (c *Config) CallOptions() call.Options {
	o := c.Calls
	o.Idle, o.Active = c.Flow.Idle, c.Flow.Active
	if used := c.Apps.Dissectors(); !slices.Contains(used, &app.SIP) && !slices.Contains(used, &app.RTP) {
		o.Calls = 0
	}
	return o
}
