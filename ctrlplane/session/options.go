package session

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/weir-probe/weir/export/sink"
)

// Options are a table of the configuration: how much is remembered, and with whom it is shared.
type Options struct {
	Entries int          `toml:"entries" in:"1024..268435456"`
	Memory  int64        `toml:"memory" in:"1MiB..1TiB"` // octets, values included
	Redis   RedisOptions `toml:"redis"`
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options {
	return Options{
		Entries: 1 << 18, Memory: 64 << 20,
		Redis: RedisOptions{Prefix: "weir", Queue: 1 << 16, Timeout: time.Second},
	}
}

// Check returns what is wrong with the options, and what to do about it.
func (o *Options) Check() error {
	if o.Entries < shards {
		return nil // said elsewhere
	}
	if _, err := New(Limits{o.Entries, o.Memory}); err != nil {
		return fmt.Errorf("memory %w", err)
	}
	return nil
}

// RedisOptions say where several probes share their sessions.
type RedisOptions struct {
	Address      string          `toml:"address"` // host:port, or the path of a Unix socket; empty is nowhere
	Prefix       string          `toml:"prefix"`  // of all keys, the same for all probes that share
	Database     int             `toml:"database" in:"0..65535"`
	Queue        int             `toml:"queue" in:"16..16777216"` // changes that wait to be written
	Timeout      time.Duration   `toml:"timeout" in:"10ms..1m"`   // of one exchange
	User         string          `toml:"user"`
	PasswordFile string          `toml:"password_file"` // whose first line is the password
	PasswordEnv  string          `toml:"password_env"`  // environment variable that holds the password
	Secure       bool            `toml:"secure"`        // by TLS
	TLS          sink.TLSOptions `toml:"tls"`
}

// Check returns what is wrong with the options, and what to do about it.
func (o *RedisOptions) Check() error {
	if o.Address == "" {
		return nil
	}
	if !strings.HasPrefix(o.Address, "/") {
		if _, port, err := net.SplitHostPort(o.Address); err != nil || port == "" {
			return fmt.Errorf("address %q is no host with a port and no path; "+
				`write it like "127.0.0.1:6379" or "/run/redis/redis.sock"`, o.Address)
		}
	}
	if o.Prefix == "" || strings.ContainsAny(o.Prefix, "*?[]\\ ") {
		return errors.New("prefix is empty or has characters that patterns of keys have; use letters, digits and colons")
	}
	return o.auth().Check()
}

func (o *RedisOptions) auth() *sink.AuthOptions {
	return &sink.AuthOptions{User: o.User, PasswordFile: o.PasswordFile, PasswordEnv: o.PasswordEnv}
}
