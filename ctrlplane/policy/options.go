package policy

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Options are the table [policy] of the configuration.
type Options struct {
	File         string `toml:"file"`                               // of Lua; empty is none
	Script       string `toml:"script"`                             // the policy itself, in place of a file
	When         string `toml:"when"`                               // condition that records have to meet to be judged; empty is none
	Instructions int    `toml:"instructions" in:"1000..1000000000"` // of the virtual machine, in a call
	Memory       int64  `toml:"memory" in:"256KiB..4GiB"`           // octets of a call, and of what is kept from one to the next
	OnError      string `toml:"on_error" one:"pass drop"`

	Commands       []string      `toml:"commands"`                       // absolute paths of the programs that may run
	CommandRate    int           `toml:"command_rate" in:"1..10000"`     // that start in a second
	CommandLimit   int           `toml:"command_limit" in:"1..64"`       // at a time
	CommandTimeout time.Duration `toml:"command_timeout" in:"100ms..1h"` // of each

	StateEntries int           `toml:"state_entries" in:"0..16777216"`
	StateMemory  int64         `toml:"state_memory" in:"64KiB..64GiB"` // octets
	StateExpiry  time.Duration `toml:"state_expiry" in:"1s..8760h"`    // of what is kept without saying how long
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options {
	return Options{
		Instructions: 100_000, Memory: 16 << 20, OnError: "pass",
		CommandRate: 10, CommandLimit: 2, CommandTimeout: 10 * time.Second,
		StateEntries: 1 << 16, StateMemory: 16 << 20, StateExpiry: 10 * time.Minute,
	}
}

// Given reports whether there is a policy.
func (o *Options) Given() bool { return o.File != "" || o.Script != "" }

// Check returns what is wrong with the options by themselves, and what to do about it.
func (o *Options) Check() error {
	if o.File != "" && o.Script != "" {
		return errors.New("script is given, and a file, too; write one of them")
	}
	if !o.Given() && (o.When != "" || len(o.Commands) > 0) {
		return errors.New(`file is not given, so the other keys have no effect; write file = "/etc/weir/policy.lua"`)
	}
	for i, path := range o.Commands {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path {
			return fmt.Errorf("commands has %q, which is no absolute path; write it like \"/usr/bin/logger\"", path)
		}
		if slices.Contains(o.Commands[:i], path) {
			return fmt.Errorf("commands has %q twice; write it once", path)
		}
	}
	return nil
}
