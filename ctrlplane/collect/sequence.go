package collect

// sequence follows the numbers of the messages of one sender. What they count differs: records of
// flows (v5, v7, v8), messages (v9, sFlow) or data records of any kind (IPFIX).
type sequence struct {
	next  uint32
	begun bool
	known bool // next could be worked out
}

const (
	farAhead  = 1 << 20 // a greater step is another count, not a loss
	farBehind = 1 << 10
)

// step is what a sequence number says.
type step struct {
	lost      uint32
	late      bool
	restarted bool
}

// take returns what the number of a message with so many of what is counted says. Of one whose
// records could not all be counted the next number is not known.
func (q *sequence) take(number, n uint32, countable bool) (s step) {
	ahead := int32(number - q.next)
	switch {
	case !q.begun, !q.known && ahead >= 0 && ahead < farAhead, ahead == 0:
	case ahead > 0 && ahead < farAhead:
		s.lost = uint32(ahead)
	case ahead < 0 && ahead > -farBehind && number != 0:
		return step{late: true}
	default:
		s.restarted = true
	}
	q.next, q.begun, q.known = number+n, true, countable
	return s
}
