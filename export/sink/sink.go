// Package sink delivers messages to the network and to files.
package sink

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/weir-probe/weir/export"
)

// Options of sinks; each uses what applies to it.
type Options struct {
	Source         netip.AddrPort    // local address to send from; the zero value leaves it to the kernel
	RotateSize     int64             // octets after which a file is complete; 0 is never
	RotateInterval time.Duration     // after which it is; 0 is never
	RotateLines    uint64            // records after which it is; 0 is never
	Nested         bool              // files are in directories of the hour of their records
	Mode           os.FileMode       // of files; 0 is 0644
	Done           func(path string) // told the name of each file that is complete; it does not block
}

// Scheme is a kind of place that messages go to.
type Scheme struct {
	Name string // before "://"
	Doc  string
	// Open opens a sink for what follows "://". It does not wait for the network.
	Open func(place string, o Options) (export.Sink, error)
}

// Schemes lists every kind of place. A path is short for file, and "-" for stdout.
var Schemes = []Scheme{
	{"udp", "Datagrams to host:port.", openUDP},
	{"tcp", "A connection to host:port, made anew when it breaks.", openTCP},
	{"file", "A file, or a series of them: see the rotation options.", openFile},
	{"stdout", "Standard output.", openStdout},
}

// errClosed is what Send returns after Close.
var errClosed = fmt.Errorf("sink is closed: %w", export.ErrUndeliverable)

// Open opens the sink that target names: scheme://place, a path, or "-".
func Open(target string, o Options) (export.Sink, error) {
	name, place, found := strings.Cut(target, "://")
	switch {
	case target == "":
		return nil, errors.New("target is empty: name a scheme://place, a path, or - for standard output")
	case target == "-":
		name, place = "stdout", ""
	case !found:
		name, place = "file", target
	}
	var known []string
	for _, s := range Schemes {
		if s.Name == name {
			k, err := s.Open(place, o)
			if err != nil {
				return nil, fmt.Errorf("target %s: %w", target, err)
			}
			return k, nil
		}
		known = append(known, s.Name+"://")
	}
	return nil, fmt.Errorf("target %s: scheme is unknown: use one of %s", target, strings.Join(known, " "))
}
