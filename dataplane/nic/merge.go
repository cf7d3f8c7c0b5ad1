package nic

// Merged polls several sources in turn, so that one worker serves, for instance, the two
// ports of a tap: a flow whose directions come in by different ports stays one flow.
type Merged struct {
	sources []Source
	next    int
}

// Merge returns a source of everything the given ones receive. They must not be used otherwise.
func Merge(sources ...Source) Source {
	if len(sources) == 1 {
		return sources[0]
	}
	return &Merged{sources: sources}
}

// Burst implements Source. It asks each source once until one has frames; a source's
// frames are given back when its turn comes again.
func (m *Merged) Burst() []Frame {
	for range m.sources {
		s := m.sources[m.next]
		if m.next++; m.next == len(m.sources) {
			m.next = 0
		}
		if frames := s.Burst(); len(frames) > 0 {
			return frames
		}
	}
	return nil
}

// Done implements Finite: every source ends, and has.
func (m *Merged) Done() bool {
	for _, s := range m.sources {
		if f, ok := s.(Finite); !ok || !f.Done() {
			return false
		}
	}
	return true
}

// Stats implements Counter with the sums of those that count.
func (m *Merged) Stats() (sum Stats) {
	for _, s := range m.sources {
		if c, ok := s.(Counter); ok {
			st := c.Stats()
			sum.Received += st.Received
			sum.Missed += st.Missed
			sum.NoBuffer += st.NoBuffer
			sum.Errors += st.Errors
		}
	}
	return sum
}
