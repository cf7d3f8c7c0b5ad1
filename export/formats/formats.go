// Package formats lists the formats flows can be exported in.
package formats

import (
	"fmt"
	"strings"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/ipfix"
	"github.com/weir-probe/weir/export/json"
	"github.com/weir-probe/weir/export/netflow"
	"github.com/weir-probe/weir/export/table"
	"github.com/weir-probe/weir/export/text"
)

// Format is a format by its name in the configuration.
type Format struct {
	Name, Doc string
	New       constructor[export.Format]
}

// All lists the formats in the order the documentation shows them.
var All = []Format{
	{"ipfix", "IPFIX (RFC 7011), with one record for both directions.", as(ipfix.New)},
	{"netflow9", "NetFlow v9 (RFC 3954), over UDP.", as(ipfix.NewNetFlow9)},
	{"netflow5", "NetFlow v5, over UDP: IPv4 only, one direction a record.", as(netflow.New)},
	{"json", "A JSON object a line.", as(json.New)},
	{"table", "Aligned columns for people.", as(table.New)},
	{"text", "A line of columns separated by vertical bars, below a line of labels.", as(text.New)},
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

// New returns the format of that name.
func New(name string, o export.FormatOptions) (export.Format, error) {
	names := make([]string, len(All))
	for i, f := range All {
		if names[i] = f.Name; f.Name == name {
			return f.New(o)
		}
	}
	return nil, fmt.Errorf("format %q is unknown: use one of %s", name, strings.Join(names, " "))
}
