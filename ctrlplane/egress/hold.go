package egress

import (
	"time"
	"unsafe"
)

// Hold is how long records wait before they are enriched and exported, so that what is learned meanwhile
// counts: signalling that comes later than the traffic it explains. What waits is in the memory of
// this process: it is lost if that is killed.
type Hold struct {
	For  time.Duration // 0 is not at all
	Room int           // octets; when they are used up, the oldest record need not wait any more
	// Prompt are the kinds that do not wait, as others wait for them.
	Prompt Records
}

// waiting is the records that wait, in the order in which they came.
type waiting struct {
	buf   []uint64 // of whole records, which go round
	queue []waits  // from first on
	first int
	tail  int    // words of buf behind the last record
	early uint64 // records that did not wait as long as they should
}

// waits is where a record is, and until when.
type waits struct {
	at, words int
	octets    int
	due       uint64 // nanoseconds since the Unix epoch
	position  uint64 // in its ring
	source    int
	kind      Kind
}

const never = ^uint64(0)

// receive exports the record in hand, or has it wait.
func (e *Egress) receive(i int, kind Kind, msg []byte) {
	words := (len(msg) + 7) / 8
	if e.Hold.For == 0 || e.Hold.Prompt.Has(kind) || words > e.Hold.Room/8 {
		e.export(i, kind)
		return
	}
	w := &e.waiting
	if w.buf == nil {
		w.buf = make([]uint64, e.Hold.Room/8)
	}
	last, position := e.view.Last, e.at
	for !w.fits(words) {
		w.early++
		e.next()
	}
	due := last
	if !e.Offline {
		due = e.now()
	}
	e.latest = max(e.latest, last)
	if !e.begun && e.Offline {
		e.tick() // before the first message begins
	}
	e.begun = true
	at := w.tail
	copy(octetsOf(w.buf[at:at+words]), msg)
	w.tail = at + words
	w.queue = append(w.queue, waits{
		at: at, words: words, octets: len(msg), due: due + uint64(e.Hold.For),
		position: position, source: i, kind: kind,
	})
}

// fits makes room for so many words behind the last record, and reports whether there is as much.
func (w *waiting) fits(words int) bool {
	if w.first == len(w.queue) {
		w.tail, w.first, w.queue = 0, 0, w.queue[:0]
		return true
	}
	head := w.queue[w.first].at
	switch {
	case w.tail > head && w.tail+words <= len(w.buf):
		return true
	case w.tail > head && words <= head:
		w.tail = 0
		return true
	}
	return w.tail < head && w.tail+words <= head
}

// release exports records whose time has come.
func (e *Egress) release(now uint64) {
	w := &e.waiting
	for w.first < len(w.queue) && w.queue[w.first].due <= now {
		e.next()
	}
}

// next exports the record that has waited the longest.
func (e *Egress) next() {
	w := &e.waiting
	x := w.queue[w.first]
	if w.first++; w.first > 1024 && w.first > len(w.queue)/2 {
		w.queue = w.queue[:copy(w.queue, w.queue[w.first:])]
		w.first = 0
	}
	if e.view.Load(octetsOf(w.buf[x.at : x.at+x.words])[:x.octets]) {
		e.at = x.position
		e.export(x.source, x.kind)
	}
}

func octetsOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words))
}

// holding counts what waits.
func (e *Egress) holding() []Tally {
	if e.Hold.For == 0 {
		return nil
	}
	w := &e.waiting
	return []Tally{
		{Part: "hold", Name: "waiting", Doc: "Records that wait for signalling.",
			N: uint64(len(w.queue) - w.first), Gauge: true},
		{Part: "hold", Name: "early", Doc: "Records that did not wait as long as they should for want of memory.",
			N: w.early},
	}
}
