package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in a configuration.
type Problem struct {
	File  string // empty if the configuration was not read from a file
	Line  int    // 0 if the mistake is what is not there
	Key   string // as in "flow.idle_timeout" or "input[0].queues"
	Wrong string // what is wrong
	Fix   string // what to do
}

// String returns "file:line: key: what is wrong; what to do".
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
	case p.File != "":
		fmt.Fprintf(&b, "%s: ", p.File)
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Wrong)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Problems are all mistakes of a configuration, in the order of its lines, file by file.
type Problems []Problem

// String returns one problem per line.
func (p Problems) String() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Err returns nil if there are no problems, or else an error that lists all of them.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return errors.New(p.String())
}

// sorted returns the problems in the order of their lines, those of a file together, and those of the
// first file before all others.
func (p Problems) sorted(first string) Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		switch {
		case a.File == b.File:
			return a.Line - b.Line
		case a.File == first:
			return -1
		case b.File == first:
			return 1
		}
		return strings.Compare(a.File, b.File)
	})
	return p
}
