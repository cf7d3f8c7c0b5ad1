package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull is what Append returns if the policy is that the entry has to give way, or if it is larger
// than all that the log may have.
var ErrFull = errors.New("the spool is full")

// ErrClosed is returned by everything after Close.
var ErrClosed = errors.New("the spool is closed")

// Loss is why entries were removed before they were read.
type Loss uint8

const (
	Full    Loss = iota // they were oldest when there was no room
	Expired             // they had waited too long
	Corrupt             // they were damaged
	Losses  int  = iota
)

// Account is where a log counts. Its members may lie in memory that outlives the process.
type Account struct {
	Records *atomic.Uint64 // that are in the log now
	Lost    [Losses]*atomic.Uint64
}

// Log keeps messages on disk, in order. Append, Tick and the others belong to any goroutine, Next and
// Done to one.
//
// What is counted is counted last: if the process ends in the middle, a record may be in no count, and
// who knows how many there were finds it missing. It is never in two.
type Log struct {
	o Options

	mu         sync.Mutex
	file       *os.File // with the state, locked
	state      state
	generation uint32
	segments   []*segment // the oldest first
	active     *segment   // the last of them, nil if it is complete
	synced     time.Time
	explained  []byte // the last preface in the active file
	missed     uint32 // 1 if the last entry found no room
	space      []byte

	read    mark // behind what Next has returned
	held    *Entry
	reading cursor
	preface []byte // in force where reading is
	gap     bool   // something was lost since the last entry that Next returned

	account Account
	lost    [Losses]uint64 // not yet in the account
	err     error          // the last of the disk
	closed  bool

	shown atomic.Pointer[Stats] // what Stats says, which does not wait for the disk
}

// Open opens the log in a directory and finds out what is in it. It fails if another has it open, if
// the disk does, or if there are messages of another format in it.
func Open(o Options) (*Log, error) {
	if err := o.Check(); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	o.fill()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	l := &Log{o: o, synced: time.Now()}
	var err error
	if l.file, l.state, err = openState(o.Dir); err != nil {
		return nil, fmt.Errorf("spool %s: %w", o.Dir, err)
	}
	if err := l.load(); err != nil {
		l.file.Close()
		return nil, fmt.Errorf("spool %s: %w", o.Dir, err)
	}
	return l, nil
}

// load finds out what the files hold.
func (l *Log) load() (err error) {
	fresh := l.state.salt == 0
	if l.segments, err = segmentsOf(l.o.Dir); err != nil {
		return err
	}
	for _, s := range l.segments {
		if s.title(); l.state.salt == 0 {
			l.state.salt = s.salt
		}
	}
	if l.state.salt == 0 {
		l.state.salt = random()
	}
	if err := l.survey(); err != nil {
		return err
	}
	if len(l.segments) > 0 && fresh {
		l.state.read = l.segments[0].first // nobody knows better: deliver all
	}
	l.state.end = l.state.end.latest(l.state.read)
	l.read = l.state.read
	l.release()
	if n := l.records(); n > 0 && len(l.segments) > 0 {
		if f := l.segments[0].format; f != "" && f != l.o.Format {
			return fmt.Errorf("%d records wait there as %s, which the exporter no longer writes: deliver them with "+
				"the configuration they were written with, or choose another directory", n, f)
		}
	}
	l.state.generation++
	l.generation = uint32(l.state.generation)
	l.show()
	return l.state.store(l.file)
}

// survey looks at the files for when they were written and where the last ends.
func (l *Log) survey() error {
	for i, s := range l.segments {
		if s.salt == 0 {
			s.salt = l.state.salt
		}
		if i == len(l.segments)-1 {
			end, err := s.survey()
			if err != nil {
				return err
			}
			l.state.end = l.state.end.latest(end)
			continue
		}
		var c cursor
		var h header
		if err := c.open(s); err != nil {
			return err
		}
		if _, err := c.next(&h); err == nil {
			s.time = h.time
		}
		c.close()
	}
	for i := len(l.segments) - 2; i >= 0; i-- {
		s, next := l.segments[i], l.segments[i+1]
		s.last = max(s.time, next.time)
	}
	return nil
}

// endOf returns the mark behind the segment at a position.
func (l *Log) endOf(i int) mark {
	if i+1 < len(l.segments) {
		return l.segments[i+1].first
	}
	return l.state.end
}

// Count has the log count in an account from now on.
func (l *Log) Count(a Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.account = a
	l.tally()
}

// tally brings the account up to date.
func (l *Log) tally() {
	if l.account.Records == nil {
		return
	}
	l.account.Records.Store(l.records())
	for i, n := range l.lost {
		if n > 0 {
			l.account.Lost[i].Add(n)
			l.lost[i] = 0
		}
	}
}

// records returns how many records are in the log.
func (l *Log) records() uint64 {
	n := l.state.end.since(l.read)
	if l.held != nil {
		n += uint64(l.held.Records)
	}
	return n
}

// ID tells the log from others. It stays the same as long as the directory does.
func (l *Log) ID() uint64 { return l.state.salt }

// Generation is that of the entries that are appended to this log by this process.
func (l *Log) Generation() uint32 { return l.generation }

// Options returns what the log was told, with defaults filled in.
func (l *Log) Options() Options { return l.o }

// Stats is how a log does.
type Stats struct {
	Records uint64    // that wait to be delivered
	Octets  int64     // of the files
	Oldest  time.Time // when the oldest entry was written; zero if there is none
	Err     error     // the last that the disk had, nil if there was none
}

// Stats returns how the log does. It never waits for the disk.
func (l *Log) Stats() Stats { return *l.shown.Load() }

// show has Stats say how things are now.
func (l *Log) show() {
	s := Stats{Records: l.records(), Octets: l.octets(), Err: l.err}
	switch {
	case l.held != nil:
		s.Oldest = time.Unix(0, int64(l.held.Time))
	case l.read.less(l.state.end) && len(l.segments) > 0:
		s.Oldest = time.Unix(0, int64(l.segments[0].time))
	}
	l.shown.Store(&s)
}

// Unread reports whether there are entries that Next has not returned yet.
func (l *Log) Unread() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read.less(l.state.end)
}

// Empty reports whether all entries are settled.
func (l *Log) Empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held == nil && !l.read.less(l.state.end)
}

func (l *Log) octets() (n int64) {
	for _, s := range l.segments {
		n += s.size
	}
	return n
}

// settle notes that everything before m is done with.
func (l *Log) settle(m mark) {
	l.state.read = m
	if err := l.state.store(l.file); err != nil {
		l.err = err
	}
}

// Tick removes what has waited too long and sees that what was written gets to the disk in time.
func (l *Log) Tick(now time.Time) error {
	l.mu.Lock()
	for l.o.Age > 0 && len(l.segments) > 0 && l.segments[0].last+uint64(l.o.Age) < uint64(now.UnixNano()) {
		l.discard(Expired)
	}
	due := l.o.Sync > 0 && now.Sub(l.synced) >= l.o.Sync
	var files []*os.File
	for _, s := range l.segments {
		if s.file != nil && s != l.active {
			files, s.file = append(files, s.file), nil
		}
	}
	var open *os.File
	if l.active != nil && due {
		l.synced, open = now, l.active.file
		files = append(files, open, l.file)
	}
	l.show()
	l.mu.Unlock()
	err := l.sync(files, open)
	if err != nil {
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
	}
	return err
}

// sync brings files and their names to the disk, and closes those that are complete.
func (l *Log) sync(files []*os.File, active *os.File) (err error) {
	for _, f := range files {
		if e := f.Sync(); !errors.Is(e, os.ErrClosed) { // closed: it was removed in the meantime
			err = errors.Join(err, e)
		}
		if f != l.file && f != active {
			f.Close()
		}
	}
	if len(files) == 0 {
		return nil
	}
	d, e := os.Open(l.o.Dir)
	if e == nil {
		e = d.Sync()
		d.Close()
	}
	return errors.Join(err, e)
}

// Close brings everything to the disk and gives the directory free.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	l.reading.close()
	files := []*os.File{l.file}
	for _, s := range l.segments {
		if s.file != nil {
			files = append(files, s.file)
		}
	}
	err := l.sync(files, nil)
	return errors.Join(err, l.file.Close())
}
