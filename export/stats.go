package export

import "time"

// Stats is how an exporter does.
type Stats struct {
	Name                       string
	Records, Exported, Pending uint64
	Recovered, Spooled         uint64 // see Counters
	Filtered, Replayed         uint64
	Dropped                    [Reasons]uint64
	Messages, Octets, Retries  uint64
	Failures                   uint64
	Zeroed, Cut, Saturated     uint64
	Queued                     int       // messages that wait to be sent
	SpoolOctets                int64     // that the spool has on disk
	Oldest                     time.Time // when the oldest message that is not sent was made; zero if all are
	Paused                     bool
	Last                       *Failure // nil if no attempt ever failed
}

// Stats returns how the exporter does. Any goroutine may call it.
func (e *Exporter) Stats() Stats {
	c := e.c
	s := Stats{
		Name: e.name, Exported: c.Exported.Load(), Messages: c.Messages.Load(), Octets: c.Octets.Load(),
		Retries: c.Retries.Load(), Failures: c.Failures.Load(), Zeroed: c.Zeroed.Load(), Cut: c.Cut.Load(),
		Saturated: c.Saturated.Load(), Filtered: c.Filtered.Load(), Replayed: c.Replayed.Load(),
		Queued: len(e.queue), Paused: e.paused(), Last: e.last.Load(),
	}
	done := s.Exported
	for r := range s.Dropped {
		s.Dropped[r] = c.Dropped[r].Load()
		done += s.Dropped[r]
	}
	if at := e.oldest.Load(); at != 0 {
		s.Oldest = time.Unix(0, at)
	}
	if e.log != nil {
		l := e.log.Stats()
		if s.SpoolOctets = l.Octets; !l.Oldest.IsZero() && (s.Oldest.IsZero() || l.Oldest.Before(s.Oldest)) {
			s.Oldest = l.Oldest
		}
	}
	// A record that leaves the spool does so before it is counted as exported or dropped. So these come
	// last, and are never behind the others.
	s.Spooled = c.Spooled.Load()
	s.Recovered, s.Records = c.Recovered.Load(), c.Records.Load()
	s.Pending = max(s.Records+s.Recovered, done+s.Spooled) - done - s.Spooled
	return s
}
