// Package nprobe translates the command line of nProbe, or its file of one option per line,
// into a configuration of weir.
package nprobe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/config"
)

// A Note says what of a command line could not be taken over as it is, and what to do instead.
// What is counted is the same without it.
type Note struct {
	File   string // empty for the command line
	Line   int
	Option string // as it was written
	Text   string
}

// String returns "file:line: option: text".
func (n Note) String() string {
	s := n.Option + ": " + n.Text
	if n.File != "" {
		s = fmt.Sprintf("%s:%d: %s", n.File, n.Line, s)
	}
	return s
}

// Parse translates arguments. The first may be the path of a file of options. What weir has no
// counterpart for becomes a note, or part of the error if without it the numbers would differ.
// The error joins one for every mistake, each with its option, file and line.
func Parse(args []string) (*config.Config, []Note, error) {
	t := &translation{version: 9, dumpEvery: "60", seen: map[string]use{}}
	t.c, t.input, t.proto = config.Default(), config.DefaultInput(), config.DefaultExporter()
	for _, u := range t.read(args) {
		t.apply(u)
	}
	t.finish()
	t.c.Complete()
	return t.c, t.notes, errors.Join(t.errs...)
}

// A translation is a configuration in the making.
type translation struct {
	c     *config.Config
	notes []Note
	errs  []error
	use   use            // the option being translated
	seen  map[string]use // by the first name of the option

	input     config.Input // what -f, -S, -s and --no-promisc say about every input
	sources   []string     // -i
	captures  []string     // --pcap-file-list
	excluded  []string     // filters of --black-list and -W
	proto     config.Exporter
	version   int      // -V
	to        []string // -n
	silent    bool     // -n none
	all       bool     // -a
	dump      string   // -P
	dumpKind  string   // -D
	dumpEvery string   // -F, seconds
	tcp       []string // --tcp
	inner     bool     // --tunnel
	upscaled  bool     // --disable-upscale

	others       []config.Exporter // --kafka and --elastic
	zmq          []string          // --zmq and --ntopng
	connect      bool              // an endpoint of them ends in c
	probing      bool              // --zmq-probe-mode
	uncompressed bool              // --zmq-disable-compression
	labels       bool              // --json-labels
	syslog       bool              // --json-to-syslog
}

// note records that the option being translated was not taken over as it is.
func (t *translation) note(format string, args ...any) {
	t.notes = append(t.notes, Note{t.use.file, t.use.line, t.use.name, fmt.Sprintf(format, args...)})
}

// fail records a mistake in the option being translated.
func (t *translation) fail(format string, args ...any) {
	n := Note{t.use.file, t.use.line, t.use.name, fmt.Sprintf(format, args...)}
	t.errs = append(t.errs, errors.New(n.String()))
}

// apply translates one option.
func (t *translation) apply(u use) {
	t.use = u
	t.seen[strings.Fields(u.option.names)[0]] = u
	switch o := u.option; {
	case o.set != nil:
		o.set(t, strings.TrimSpace(u.value))
	case o.refuse:
		t.fail("%s", o.text)
	default:
		t.note("%s", o.text)
	}
}
