package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Change is a text that shall run, and who wants it and why.
type Change struct {
	Text     []byte
	Who, Why string
	Confirm  time.Duration // it is given up unless confirmed within; 0 is for good
}

// Commit has the candidate run. It fails with ErrConflict if another configuration was committed since
// the candidate was put, or waits to be confirmed. The Text of c, if there is one, has to be that of the
// candidate.
func (s *Store) Commit(c Change) (Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next, err := s.candidate()
	switch {
	case err != nil:
		return Version{}, err
	case c.Text != nil && string(c.Text) != next.Text:
		return Version{}, fmt.Errorf("%w: the candidate was changed meanwhile; look at it again", ErrConflict)
	case next.Base != s.journal.Running:
		return Version{}, fmt.Errorf("%w: the candidate is a change of version %d, and version %d runs; put it again",
			ErrConflict, next.Base, s.journal.Running)
	}
	c.Text = []byte(next.Text)
	v, err := s.change(c)
	if err == nil {
		_ = s.discard() // or else it is refused when committed again, as its base is another
	}
	return v, err
}

// Rollback has the text of an earlier version run again, as a new version.
func (s *Store) Rollback(number int, c Change) (Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.version(number)
	if !ok {
		return v, fmt.Errorf("version %d: %w; the history lists those that are kept", number, ErrNone)
	}
	text, err := s.text(v)
	if err != nil {
		return v, err
	}
	if c.Why == "" {
		c.Why = fmt.Sprintf("back to version %d", number)
	}
	c.Text = text
	if p := s.journal.Pending; p != nil && number == p.Previous {
		s.journal.Pending = nil // which is what giving it up means
	}
	return s.change(c)
}

// change adds a version unless one waits to be confirmed.
func (s *Store) change(c Change) (Version, error) {
	if p := s.journal.Pending; p != nil {
		return Version{}, fmt.Errorf("%w: version %d waits to be confirmed until %s; confirm it or go back to version %d",
			ErrConflict, p.Number, p.Until.Format(time.RFC3339), p.Previous)
	}
	return s.add(c)
}

// add has a text run as a new version.
func (s *Store) add(c Change) (Version, error) {
	old := s.journal
	v := Version{When: s.now().UTC(), Who: c.Who, Why: oneLine(c.Why), SHA256: sum(c.Text), Number: 1}
	if n := len(old.Versions); n > 0 {
		v.Number = old.Versions[n-1].Number + 1
	}
	if err := replace(s.disk, s.file(v.Number), c.Text); err != nil {
		return v, s.undone(err)
	}
	next := journal{Format: format, Running: v.Number, Versions: append(slices.Clone(old.Versions), v)}
	if c.Confirm > 0 {
		next.Pending = &Pending{v.Number, old.Running, v.When.Add(c.Confirm), c.Confirm}
	}
	dropped := max(len(next.Versions)-Kept-1, 0) // the one that runs, and those to go back to
	gone := next.Versions[:dropped]
	next.Versions = next.Versions[dropped:]
	if err := s.write(next); err != nil {
		return v, err
	}
	for _, g := range gone {
		_ = s.disk.remove(s.file(g.Number)) // nobody names it any more
	}
	return v, nil
}

// write makes a journal the one that holds.
func (s *Store) write(j journal) error {
	b, err := json.MarshalIndent(j, "", "  ")
	if err == nil {
		err = replace(s.disk, s.path("journal.json"), append(b, '\n'))
	}
	if err != nil {
		return s.undone(err)
	}
	s.journal = j
	return nil
}

// undone says that a change failed. What is on disk counts: it may have been made after all.
func (s *Store) undone(err error) error {
	_ = s.load()
	return fmt.Errorf("store cannot be written: %w; version %d runs", err, s.journal.Running)
}

// Confirm keeps what waits to be confirmed. It fails with ErrNone if nothing does.
func (s *Store) Confirm() (Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.journal
	if j.Pending == nil {
		return Version{}, fmt.Errorf("nothing waits to be confirmed: %w", ErrNone)
	}
	j.Pending = nil
	v, _ := s.version(j.Running)
	return v, s.write(j)
}

// Settle gives up what was not confirmed while no process was there to do so. It returns false if
// there is nothing of the kind.
func (s *Store) Settle() (bool, error) {
	p, left := s.Pending()
	if p == nil || left > 0 {
		return false, nil
	}
	_, err := s.Rollback(p.Previous, Change{Who: "weir", Why: fmt.Sprintf("version %d: nobody confirmed it", p.Number)})
	return err == nil, err
}

// Reset begins anew with a text: no candidate and no version before it is left.
func (s *Store) Reset(c Change) (Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal.Pending = nil
	v, err := s.add(c)
	if err != nil {
		return v, err
	}
	gone := s.journal.Versions[:len(s.journal.Versions)-1]
	if err := s.write(journal{Format: format, Running: v.Number, Versions: []Version{v}}); err != nil {
		return v, err
	}
	for _, g := range gone {
		_ = s.disk.remove(s.file(g.Number))
	}
	return v, s.discard()
}
