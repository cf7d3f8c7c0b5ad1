package app

import "github.com/weir-probe/weir/dataplane/flow"

// All lists every dissector. Its position is its bit in Record.Pending; new ones go at the
// end, and there is room for 32.
var All = []*Dissector{&SSH, &DNS}

// Fields returns the fields of all dissectors.
func Fields() (all []*flow.Field) {
	for _, d := range All {
		all = append(all, d.Fields...)
	}
	return all
}
