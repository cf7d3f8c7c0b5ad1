package main

import (
	"errors"

	"github.com/weir-probe/weir/ctrlplane/call"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/session"
)

// memory is what is remembered beyond a record: sessions, and the calls in hand.
type memory struct {
	sessions *session.Store
	shared   *session.Redis   // nil if nobody shares the sessions
	calls    *call.Correlator // nil if there are no records of calls
}

// openMemory opens it. With Redis away it works as if alone.
func openMemory(cfg *config.Config) (m memory, err error) {
	o := cfg.Sessions
	if m.sessions, err = session.New(session.Limits{Entries: o.Entries, Octets: o.Memory}); err != nil {
		return m, err
	}
	if o.Redis.Address != "" {
		if m.shared, err = m.sessions.Share(o.Redis); err != nil {
			return m, err
		}
	}
	options := cfg.CallOptions()
	options.Sessions = m.sessions
	m.calls = call.New(options)
	return m, nil
}

// correlators returns those that make records of others.
func (m *memory) correlators() (all []egress.Correlator) {
	if m.calls != nil {
		all = append(all, m.calls)
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
