package ipfix

import "time"

// set is an encoded set of templates or of options.
type set struct {
	octets        []byte
	records, data uint32
	refresh       func(octets []byte) // brings values up to date; nil if they never change
}

// schedule says what has to be announced and when.
type schedule struct {
	next      [2]int    // first of Format.sets and Format.options not announced in this round
	since     [2]uint64 // when the round began
	messages  int       // since the round of templates began
	introduce *template // to announce in the next message, whatever else
	lost      bool      // everything has to be announced again
	explained uint64    // when it last was for that reason
	crowded   bool      // a flow found no room beside announcements: the next message has none
}

// Explain has templates and options repeated, but not more than once a second: when the
// network cannot take the messages, more of them do not help.
func (f *Format) Explain() { f.lost = true }

// announce writes what is due as far as the message has room.
func (f *Format) announce(dst []byte) []byte {
	if t := f.introduce; t != nil {
		dst = f.add(dst, &t.set)
		sets := append(*f.sets.Load(), t.set)
		if f.next[0] == len(sets)-1 {
			f.next[0] = len(sets)
		}
		f.sets.Store(&sets)
		f.introduce, t.announced = nil, true
	}
	if f.crowded {
		f.crowded = false
		return dst
	}
	f.plan()
	for i, sets := range [2][]set{*f.sets.Load(), f.options} {
		for f.next[i] < len(sets) {
			s := &sets[f.next[i]]
			if len(dst)-f.base+len(s.octets) > f.o.Size {
				return dst
			}
			dst = f.add(dst, s)
			f.next[i]++
		}
	}
	return dst
}

func (f *Format) add(dst []byte, s *set) []byte {
	if s.refresh != nil {
		s.refresh(s.octets)
	}
	f.records += s.records
	f.data += s.data
	return append(dst, s.octets...)
}

// plan starts the rounds that are due.
func (f *Format) plan() {
	elapsed := func(since uint64, d time.Duration) bool { return d > 0 && f.now >= since+uint64(d) }
	again := f.lost && elapsed(f.explained, time.Second)
	if again {
		f.lost, f.explained = false, f.now
	}
	counted := f.o.RefreshMessages > 0 && f.messages >= f.o.RefreshMessages
	due := f.first(0) || !f.opened && (counted || elapsed(f.since[0], f.o.Refresh))
	if again || due {
		f.restart(0)
		f.messages = 0
	}
	if f.first(1) || again || elapsed(f.since[1], f.o.OptionsInterval) {
		f.restart(1)
	}
}

// first reports whether a first round is due. In a stream it never is, and only the clock
// starts to run: Open has told everything.
func (f *Format) first(i int) bool {
	if f.since[i] != 0 {
		return false
	}
	f.since[i] = f.now
	return !f.opened
}

// restart begins a round, unless the last one has not ended.
func (f *Format) restart(i int) {
	f.since[i] = f.now
	if all := [2]int{len(*f.sets.Load()), len(f.options)}; f.next[i] == all[i] {
		f.next[i] = 0
	}
}

// Open returns a function that writes, for the start of a connection or a file, a message
// with every template so far and the options that do not change. RFC 5655 asks for it in
// files, and a new connection starts without knowledge.
func (f *Format) Open() func(dst, next []byte) []byte {
	f.opened = true
	f.next = [2]int{len(*f.sets.Load()), len(f.options)}
	return f.preface
}

// preface does not touch what the goroutine that appends changes, but sets, which is atomic.
func (f *Format) preface(dst, next []byte) []byte {
	if len(next) < f.shape.header {
		return dst
	}
	base, records, data := len(dst), uint32(0), uint32(0)
	dst = append(dst, next[:f.shape.header]...)
	for _, sets := range [2][]set{*f.sets.Load(), f.options} {
		for _, s := range sets {
			if s.refresh == nil {
				dst = append(dst, s.octets...)
				records, data = records+s.records, data+s.data
			}
		}
	}
	at := dst[base+f.shape.sequence:]
	be.PutUint32(at, be.Uint32(at)-f.shape.advance(data))
	f.d.finish(dst[base:], records)
	return dst
}
