package call

// pool lends things by their numbers, and lends again what was given back.
type pool[T any] struct {
	all   []*T
	spare []uint32
	most  int
}

// take returns the number of one that is as it was given back, false if most are lent.
func (p *pool[T]) take() (uint32, bool) {
	if n := len(p.spare); n > 0 {
		i := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return i, true
	}
	if len(p.all) >= p.most {
		return 0, false
	}
	p.all = append(p.all, new(T))
	return uint32(len(p.all) - 1), true
}

func (p *pool[T]) give(i uint32) { p.spare = append(p.spare, i) }

func (p *pool[T]) inUse() int { return len(p.all) - len(p.spare) }
