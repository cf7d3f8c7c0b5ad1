package capture

import "math/bits"

// clock turns the timestamps of a pcapng interface into nanoseconds since the epoch:
// × mul ÷ div, >> shift, + offset.
type clock struct {
	mul, div uint64
	shift    uint
	offset   int64 // seconds
}

// resolution returns the clock of an if_tsresol option: the unit is 2^-r if the highest
// bit is set and 10^-r otherwise.
func resolution(r byte, offset int64) clock {
	c := clock{mul: 1e9, div: 1, offset: offset}
	if r&0x80 != 0 {
		c.shift = uint(r & 0x7f)
		return c
	}
	for ; r > 0; r-- {
		switch {
		case c.mul > 1:
			c.mul /= 10
		case c.div < 1e19:
			c.div *= 10
		default: // 64 bits of such a unit are less than a nanosecond.
			c.mul = 0
		}
	}
	return c
}

// time returns when ticks was, 0 if that cannot be told in 64 bits.
func (c *clock) time(ticks uint64) uint64 {
	hi, ns := bits.Mul64(ticks, c.mul)
	switch {
	case c.shift >= 64:
		hi, ns = 0, hi>>(c.shift-64)
	case c.shift > 0:
		hi, ns = hi>>c.shift, ns>>c.shift|hi<<(64-c.shift)
	case c.div > 1 && hi < c.div:
		ns, _ = bits.Div64(hi, ns, c.div)
		hi = 0
	}
	if hi != 0 {
		return 0
	}
	if c.offset == 0 {
		return stamped(ns)
	}
	return c.moved(ns)
}

// moved adds the offset.
func (c *clock) moved(ns uint64) uint64 {
	back := c.offset < 0
	seconds := uint64(c.offset)
	if back {
		seconds = -seconds
	}
	over, by := bits.Mul64(seconds, 1e9)
	var carry uint64
	if back {
		ns, carry = bits.Sub64(ns, by, 0)
	} else {
		ns, carry = bits.Add64(ns, by, 0)
	}
	if over|carry != 0 {
		return 0
	}
	return stamped(ns)
}
