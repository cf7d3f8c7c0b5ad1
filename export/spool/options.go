// Package spool keeps messages on disk until they can be delivered: a log of entries in files that are
// appended to, read in order and removed when all in them is delivered.
//
// Every entry has a sequence number, the number of records before it, and checksums. So a file that was
// cut or damaged costs the entries it hit and no others, and how many records they held is known.
package spool

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Options of a log. The zero value of each member but Dir stands for its default. Members with a tag
// are keys of an exporter's table in the configuration.
type Options struct {
	// Dir is the directory of this log alone. It is made if it is not there.
	Dir string `toml:"dir"`
	// Size is how many octets the files may have together; 0 is 1 GiB.
	Size int64 `toml:"size"`
	// Age is how long an entry may wait to be delivered; 0 is for ever.
	Age time.Duration `toml:"age"`
	// Policy says what gives way when there is no room: Oldest or Newest; empty is Oldest.
	Policy Policy `toml:"policy"`
	// Sync is how long what is written may stay in the memory of the kernel, which a loss of power takes;
	// 0 is until a file is complete.
	Sync time.Duration `toml:"sync"`
	// Rate is how many messages a second are delivered from the log at most; 0 is as fast as they are taken.
	// It has to be more than what comes, or the log is never empty again.
	Rate float64 `toml:"rate"`

	// Segment is after how many octets a file is complete; 0 is a sixteenth of Size, at most 64 MiB. What
	// is oldest gives way by files.
	Segment int64
	// Format says what the messages are. Messages of another format are not mixed with these: a log that
	// still has some cannot be opened.
	Format string
}

// Policy says what gives way when a log has no room.
type Policy string

const (
	Oldest Policy = "oldest" // the file with the oldest entries
	Newest Policy = "newest" // the entry that does not fit
)

const (
	defaultSize  = 1 << 30
	smallestSize = 64 << 10
	largestFile  = 64 << 20
)

// Check says what is wrong with the options and, behind a semicolon, what to do.
func (o *Options) Check() error {
	switch {
	case o.Dir == "" && *o != (Options{}):
		return errors.New("dir is empty; name the directory that undelivered messages are kept in")
	case o.Dir != "" && !filepath.IsAbs(o.Dir):
		return fmt.Errorf("dir %q is relative to wherever weir is started; begin it with /", o.Dir)
	case o.Size != 0 && o.Size < smallestSize:
		return fmt.Errorf("size %d is too small to be of use; give it at least %d octets", o.Size, smallestSize)
	case o.Policy != "" && o.Policy != Oldest && o.Policy != Newest:
		return fmt.Errorf("policy %q is unknown; use %q or %q", o.Policy, Oldest, Newest)
	case o.Age < 0 || o.Sync < 0:
		return errors.New("a duration is negative; leave it out for its default")
	case o.Rate < 0:
		return fmt.Errorf("rate %g is negative; leave it out to have no limit", o.Rate)
	}
	return nil
}

func (o *Options) fill() {
	if o.Size == 0 {
		o.Size = defaultSize
	}
	if o.Policy == "" {
		o.Policy = Oldest
	}
	if o.Segment == 0 {
		o.Segment = min(o.Size/16, largestFile)
	}
}
