// Package formats lists the formats flows can be exported in.
package formats

import (
	"fmt"
	"strings"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/ipfix"
	"github.com/weir-probe/weir/export/json"
	"github.com/weir-probe/weir/export/log"
	"github.com/weir-probe/weir/export/netflow"
	"github.com/weir-probe/weir/export/table"
	"github.com/weir-probe/weir/export/text"
)

// Format is a format by its name in the configuration.
type Format struct {
	Name, Doc string
	New       constructor[export.Format]
	Layout    *log.Layout // if its columns are fixed: what they show
}

// All lists the formats in the order the documentation shows them.
var All = []Format{
	{"ipfix", "IPFIX (RFC 7011), with one record for both directions.", as(ipfix.New), nil},
	{"netflow9", "NetFlow v9 (RFC 3954), over UDP.", as(ipfix.NewNetFlow9), nil},
	{"netflow5", "NetFlow v5, over UDP: IPv4 only, one direction a record.", as(netflow.New), nil},
	{"json", "A JSON object a line.", as(json.New), nil},
	{"table", "Aligned columns for people.", as(table.New), nil},
	{"text", "A line of columns separated by vertical bars, below a line of labels.", as(text.New), nil},
	{"log", "A line of columns separated by tabs, below their names and types.", as(log.New), nil},
	{"dns-log", "nProbe's log of DNS, a line for each query.", as(log.DNS.New), log.DNS},
	{"http-log", "nProbe's log of HTTP, a line for each request.", as(log.HTTP.New), log.HTTP},
}

type constructor[F any] func(export.FormatOptions) (F, error)

// as makes a constructor of a particular format one of any.
func as[F export.Format](make constructor[F]) constructor[export.Format] {
	return func(o export.FormatOptions) (export.Format, error) {
		f, err := make(o)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
}

// Named returns the format of that name, nil if there is none.
func Named(name string) *Format {
	for i := range All {
		if All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}

// New returns the format of that name.
func New(name string, o export.FormatOptions) (export.Format, error) {
	if f := Named(name); f != nil {
		return f.New(o)
	}
	names := make([]string, len(All))
	for i, f := range All {
		names[i] = f.Name
	}
	return nil, fmt.Errorf("format %q is unknown: use one of %s", name, strings.Join(names, " "))
}
