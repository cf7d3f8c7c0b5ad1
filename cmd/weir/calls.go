package main

import (
	"errors"

	"github.com/weir-probe/weir/ctrlplane/call"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/expect"
	"github.com/weir-probe/weir/ctrlplane/lease"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/subscriber"
)

// memory is what is remembered beyond a record: sessions, and the calls in hand.
type memory struct {
	sessions *session.Store
	shared   *session.Redis         // nil if nobody shares the sessions
	calls    *call.Correlator       // nil if there are no records of calls
	users    *subscriber.Correlator // nil if nobody is looked for
	expected *expect.Correlator
	leases   *lease.Correlator
}

// openMemory opens it. With Redis away it works as if alone, and failed is told.
func openMemory(cfg *config.Config, failed func(error)) (m memory, err error) {
	o := cfg.Sessions
	if m.sessions, err = session.New(session.Limits{Entries: o.Entries, Octets: o.Memory}); err != nil {
		return m, err
	}
	if o.Redis.Address != "" {
		if m.shared, err = m.sessions.Share(o.Redis, failed); err != nil {
			return m, err
		}
	}
	options := cfg.CallOptions()
	options.Sessions = m.sessions
	m.calls = call.New(options)
	m.expected = expect.New(m.sessions, options.Idle+cfg.Flow.Linger+cfg.Flow.Lateness)
	m.leases = lease.New(m.sessions, m.shared != nil)
	users := cfg.UserOptions()
	users.Store = m.sessions
	if users.DHCP {
		users.Leases = m.leases
	}
	m.users = subscriber.New(users)
	return m, nil
}

// correlators returns those that make records of others.
func (m *memory) correlators() (all []egress.Correlator) {
	if m.users != nil {
		all = append(all, m.users)
	}
	if m.calls != nil {
		all = append(all, m.calls)
	}
	return append(all, m.expected, m.leases)
}

// Tally implements egress.Teller.
func (m *memory) Tally() []egress.Tally {
	s := m.sessions.Stats()
	all := []egress.Tally{
		{Part: "sessions", Name: "active", Doc: "Sessions that are remembered.", N: s.Sessions, Gauge: true},
		{Part: "sessions", Name: "octets", Doc: "Octets of memory for them.", N: s.Octets, Gauge: true},
	}
	for _, d := range session.CounterDocs {
		all = append(all, egress.Tally{Part: "sessions", Name: d.Name, Doc: d.Doc, N: s.Counts[d.Name]})
	}
	if s.Redis == nil {
		return all
	}
	up := uint64(0)
	if s.Redis.Up {
		up = 1
	}
	all = append(all,
		egress.Tally{Part: "redis", Name: "up", Doc: "1 if Redis answers.", N: up, Gauge: true},
		egress.Tally{Part: "redis", Name: "since", N: uint64(s.Redis.Since.Unix()), Gauge: true,
			Doc: "When it came or went last, in seconds since 1970: while it is away, what other probes know is as old."},
		egress.Tally{Part: "redis", Name: "queued", Doc: "Changes that wait to be written.",
			N: uint64(s.Redis.Queued), Gauge: true})
	for _, d := range session.RedisDocs {
		all = append(all, egress.Tally{Part: "redis", Name: d.Name, Doc: d.Doc, N: s.Redis.Counts[d.Name]})
	}
	return all
}

// close stops sharing.
func (m *memory) close() (err error) {
	if m.shared != nil {
		err = errors.Join(err, m.shared.Close())
		m.shared = nil
	}
	return err
}
