package worker

import "github.com/weir-probe/weir/dataplane/flow"

// lose opens a gap from NextSeq to seq.
func (s *direction) lose(seq uint32) {
	s.Holes++
	s.LostOctets += uint64(seq - s.NextSeq)
	if int(s.Open) == len(s.Gaps) {
		s.forget()
	}
	s.Gaps[s.Open] = flow.Gap{From: s.NextSeq, To: seq}
	s.Open++
}

// forget drops the lowest gap; what it lacks stays lost.
func (s *direction) forget() {
	copy(s.Gaps[:], s.Gaps[1:s.Open])
	s.Open--
	s.settle()
}

// settle ends the difference between gaps of this record and of the last when the latter
// are gone, so that Reported is never compared with numbers a wrap away.
func (s *direction) settle() {
	if s.Open == 0 || int32(s.Gaps[0].From-s.Reported) >= 0 {
		s.Seen &^= flow.SeenCut
	}
}

// fill takes [from, to) out of the gaps and reports whether any of it was in one.
func (s *direction) fill(from, to uint32) (filled bool) {
	for i := int(s.Open) - 1; i >= 0; i-- {
		g := s.Gaps[i]
		a, b := g.From, g.To
		if int32(from-a) > 0 {
			a = from
		}
		if int32(to-b) < 0 {
			b = to
		}
		if int32(b-a) <= 0 {
			continue
		}
		filled = true
		if s.Seen&flow.SeenCut == 0 || int32(g.From-s.Reported) >= 0 {
			s.LostOctets -= min(s.LostOctets, uint64(b-a))
		}
		s.replace(i, flow.Gap{From: g.From, To: a}, flow.Gap{From: b, To: g.To})
	}
	return filled
}

// replace puts what remains below and above in the place of gap i. If there is no room for
// one more gap the lowest of all is dropped.
func (s *direction) replace(i int, below, above flow.Gap) {
	n, keep := int(s.Open), [2]flow.Gap{}
	k := 0
	if below.From != below.To {
		keep[k] = below
		k++
	}
	if above.From != above.To {
		keep[k] = above
		k++
	}
	switch k {
	case 0:
		copy(s.Gaps[i:n], s.Gaps[i+1:n])
		n--
	case 1:
		s.Gaps[i] = keep[0]
	case 2:
		if n == len(s.Gaps) {
			copy(s.Gaps[:i], s.Gaps[1:i+1])
			if i > 0 {
				s.Gaps[i-1] = keep[0]
			}
			s.Gaps[i] = keep[1]
			break
		}
		copy(s.Gaps[i+2:n+1], s.Gaps[i+1:n])
		s.Gaps[i], s.Gaps[i+1] = keep[0], keep[1]
		n++
	}
	s.Open = uint8(n)
	s.settle()
}
