package sink

import (
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"
)

// deadLetters is a file for records that a server refused for good: a JSON object a line, with the
// reason and the record. When it is full it becomes FILE.1 in the place of the one before.
type deadLetters struct {
	path string
	most int64 // octets

	mu   sync.Mutex
	f    *os.File
	size int64
}

// letter is a line of the file.
type letter struct {
	Time   time.Time       `json:"@timestamp"` // of the refusal
	To     string          `json:"to"`
	Status int             `json:"status"`
	Reason string          `json:"reason"`
	Record json.RawMessage `json:"record,omitempty"`
	Text   string          `json:"text,omitempty"` // the record if it is no JSON
}

// put writes a letter; without a path it does nothing.
func (d *deadLetters) put(l letter) error {
	if d.path == "" {
		return nil
	}
	if !json.Valid(l.Record) {
		l.Record, l.Text = nil, string(l.Record)
	}
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.open(int64(len(line))); err != nil {
		return err
	}
	n, err := d.f.Write(line)
	if err != nil { // a part of a line would spoil the next
		return errors.Join(err, d.f.Truncate(d.size))
	}
	d.size += int64(n)
	return nil
}

// open makes room for n octets.
func (d *deadLetters) open(n int64) error {
	if d.f != nil && d.size > 0 && d.size+n > d.most {
		err := errors.Join(d.f.Close(), os.Rename(d.path, d.path+".1"))
		d.f = nil
		if err != nil {
			return err
		}
	}
	if d.f != nil {
		return nil
	}
	f, err := os.OpenFile(d.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	s, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	d.f, d.size = f, s.Size()
	return nil
}

// close closes the file.
func (d *deadLetters) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f == nil {
		return nil
	}
	err := d.f.Close()
	d.f = nil
	return err
}
