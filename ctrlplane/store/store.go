// Package store keeps configurations on disk: the one that runs, a candidate for the next, and those
// that ran before, each with who made it, when and why.
//
// What runs is what the journal names, and the journal is replaced in one step, after the text it
// names is safely on disk: whenever a process is killed or the power is lost, the configuration is the
// old one or the new one.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Kept is how many configurations can be gone back to.
const Kept = 50

// ErrConflict is wrapped by what cannot be done because somebody else was faster.
var ErrConflict = errors.New("conflict")

// ErrNone is wrapped when there is nothing of what was asked for.
var ErrNone = errors.New("not found")

// Version is a configuration that runs or did.
type Version struct {
	Number int       `json:"number"`
	When   time.Time `json:"when"`
	Who    string    `json:"who"`
	Why    string    `json:"why,omitempty"`
	SHA256 string    `json:"sha256"` // of the text, in hexadecimal
}

// Pending is a version that is given up unless somebody confirms it in time.
type Pending struct {
	Number   int           `json:"number"`
	Previous int           `json:"previous"` // what runs again then
	Until    time.Time     `json:"until"`
	For      time.Duration `json:"for"` // how long there was at first, in nanoseconds
}

// Candidate is a configuration that shall run.
type Candidate struct {
	Base int       `json:"base"` // the version that ran when it was put
	When time.Time `json:"when"`
	Who  string    `json:"who"`
	Text string    `json:"text"`
}

// journal is everything that is known but for texts.
type journal struct {
	Format   int       `json:"format"`
	Running  int       `json:"running"`
	Pending  *Pending  `json:"pending,omitempty"`
	Versions []Version `json:"versions"` // the oldest first
}

const format = 1

// Store is a directory of configurations. Any goroutine may use it; one process does.
type Store struct {
	disk disk
	dir  string
	now  func() time.Time

	mu      sync.Mutex
	journal journal
}

// Open opens the store in a directory. One that is not there yet is made, with the first version.
func Open(dir string, first Change) (*Store, error) { return open(files{}, dir, first) }

func open(d disk, dir string, first Change) (*Store, error) {
	s := &Store{disk: d, dir: dir, now: time.Now}
	if err := os.MkdirAll(filepath.Join(dir, "versions"), 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	err := s.load()
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.Join(d.sync(dir), d.sync(filepath.Dir(dir)))
		if err == nil {
			_, err = s.add(first)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return s, nil
}

// Read returns the version that runs by the store in a directory at that time, and its text, for
// processes that change nothing: one that waited in vain to be confirmed is not returned.
func Read(dir string, now time.Time) (Version, []byte, error) {
	s := &Store{dir: dir}
	if err := s.load(); err != nil {
		return Version{}, nil, fmt.Errorf("store: %w", err)
	}
	n := s.journal.Running
	if p := s.journal.Pending; p != nil && !now.Before(p.Until) {
		n = p.Previous
	}
	v, _ := s.version(n)
	text, err := s.text(v)
	return v, text, err
}

// load reads the journal. If the text of the version that runs is damaged, the latest before it that
// is not runs.
func (s *Store) load() error {
	data, err := os.ReadFile(s.path("journal.json"))
	if err != nil {
		return err
	}
	var j journal
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("%s is damaged: %w; restore it, or remove the store and begin anew", s.path("journal.json"), err)
	}
	if j.Format != format {
		return fmt.Errorf("%s has format %d; use the release of weir that wrote it", s.path("journal.json"), j.Format)
	}
	s.journal = j
	for i := len(j.Versions) - 1; i >= 0; i-- {
		v := j.Versions[i]
		if v.Number > j.Running {
			continue
		}
		if _, err = s.text(v); err == nil {
			s.journal.Running = v.Number
			return nil
		}
	}
	return fmt.Errorf("no configuration can be read: %w", errors.Join(err, ErrNone))
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Store) file(number int) string {
	return s.path(filepath.Join("versions", fmt.Sprintf("%06d.toml", number)))
}

func (s *Store) version(number int) (Version, bool) {
	for _, v := range s.journal.Versions {
		if v.Number == number {
			return v, true
		}
	}
	return Version{}, false
}

// text reads the text of a version and checks that it is what was written.
func (s *Store) text(v Version) ([]byte, error) {
	b, err := os.ReadFile(s.file(v.Number))
	if err != nil {
		return nil, err
	}
	if sum(b) != v.SHA256 {
		return nil, fmt.Errorf("%s is not what was written there", s.file(v.Number))
	}
	return b, nil
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Running returns the version that runs and its text.
func (s *Store) Running() (Version, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, _ := s.version(s.journal.Running)
	text, err := s.text(v)
	return v, text, err
}

// Version returns one of the versions that are kept, and its text.
func (s *Store) Version(number int) (Version, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.version(number)
	if !ok {
		return v, nil, fmt.Errorf("version %d: %w; the history lists those that are kept", number, ErrNone)
	}
	text, err := s.text(v)
	return v, text, err
}

// History returns the versions that are kept, the latest first.
func (s *Store) History() (all []Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.journal.Versions) - 1; i >= 0; i-- {
		all = append(all, s.journal.Versions[i])
	}
	return all
}

// Pending returns what waits to be confirmed, and how long it may still; nil if nothing does.
func (s *Store) Pending() (p *Pending, left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.journal.Pending == nil {
		return nil, 0
	}
	c := *s.journal.Pending
	// A clock that went back does not make it wait for longer than was asked for.
	return &c, min(max(c.Until.Sub(s.now()), 0), c.For)
}

// Candidate returns the candidate.
func (s *Store) Candidate() (c Candidate, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.candidate()
}

func (s *Store) candidate() (c Candidate, err error) {
	b, err := os.ReadFile(s.path("candidate.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("candidate: %w; put one first", ErrNone)
	}
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	return c, err
}

// Put makes a text the candidate, in the place of the one there was.
func (s *Store) Put(text []byte, who string) (Candidate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Candidate{Base: s.journal.Running, When: s.now().UTC(), Who: who, Text: string(text)}
	b, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	return c, replace(s.disk, s.path("candidate.json"), b)
}

// Discard forgets the candidate.
func (s *Store) Discard() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discard()
}

func (s *Store) discard() error {
	err := s.disk.remove(s.path("candidate.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, s.disk.sync(s.dir))
}

// oneLine makes what somebody gives as a reason fit for a line.
func oneLine(why string) string {
	why = strings.Join(strings.Fields(strings.ToValidUTF8(why, "?")), " ")
	return why[:min(len(why), 500)]
}
