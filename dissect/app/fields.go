package app

import "github.com/weir-probe/weir/dataplane/flow"

// textWidth is how many octets texts of NetFlow v9 have, unless more is known of them.
const textWidth = 64

// ntop returns a field that has nProbe's number.
func ntop(id uint16, label string, kind flow.Type, doc string) *flow.Field {
	return newField(flow.Element{Label: label, ID: id, PEN: flow.Ntop}, kind, doc)
}

// ours returns a field that nobody else has published a number of.
func ours(id uint16, label string, kind flow.Type, doc string) *flow.Field {
	return newField(flow.Element{Label: label, ID: id, PEN: flow.Weir}, kind, doc)
}

func newField(e flow.Element, kind flow.Type, doc string) *flow.Field {
	f := &flow.Field{Element: e, Type: kind, Doc: doc}
	if kind == flow.String || kind == flow.OctetArray {
		f.Width = textWidth
	}
	return f
}
