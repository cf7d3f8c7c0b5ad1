package app

import (
	"math/rand/v2"
	"slices"
)

// What streams are cut into, and what is put together again.

// places returns every place where n octets can be cut, or many of them.
func places(rnd *rand.Rand, n int) (all []int) {
	const enough = 400
	for at := 1; at < n; at++ {
		if n <= enough || at < enough/2 || rnd.IntN(n) < enough/2 {
			all = append(all, at)
		}
	}
	return all
}

// cutAt returns c with a turn in two.
func cutAt(c *conversation, i, at int) *conversation {
	x, t := *c, c.turns[i]
	head, tail := t, t
	head.octets, head.closed = t.octets[:at], false
	tail.octets, tail.lost = t.octets[at:], 0
	x.turns = slices.Concat(c.turns[:i], []turn{head, tail}, c.turns[i+1:])
	return &x
}

// shred cuts all turns into random pieces of up to most octets.
func shred(rnd *rand.Rand, c *conversation, most int) *conversation {
	x := *c
	x.turns = nil
	for _, t := range c.turns {
		for len(t.octets) > most {
			n := 1 + rnd.IntN(most)
			head := t
			head.octets, head.closed = t.octets[:n], false
			x.turns = append(x.turns, head)
			t.octets, t.lost = t.octets[n:], 0
		}
		x.turns = append(x.turns, t)
	}
	return &x
}

// joined returns c with what a side says without being interrupted in one turn, at the time when
// it began.
func joined(c *conversation) *conversation {
	x := *c
	x.turns = nil
	for _, t := range c.turns {
		if n := len(x.turns); n > 0 && x.turns[n-1].dir == t.dir && !x.turns[n-1].closed && t.lost == 0 {
			last := &x.turns[n-1]
			last.octets, last.closed = slices.Concat(last.octets, t.octets), t.closed
			continue
		}
		x.turns = append(x.turns, t)
	}
	return &x
}

// evened returns c with what joined makes one turn said at the same time.
func evened(c *conversation) *conversation {
	x := *c
	x.turns = slices.Clone(c.turns)
	for i := 1; i < len(x.turns); i++ {
		if t, last := &x.turns[i], x.turns[i-1]; last.dir == t.dir && !last.closed && t.lost == 0 {
			t.time = last.time
		}
	}
	return &x
}

// shredded returns c octet by octet.
func shredded(c *conversation) *conversation { return shred(rnd(), c, 1) }

func rnd() *rand.Rand { return rand.New(rand.NewPCG(0, 0)) }
