package flow

import "encoding/hex"

// Kind is what a record tells of.
type Kind uint8

const (
	KindFlow       Kind = iota // a flow that ended, or a part of one that goes on
	KindEvent                  // a transaction, as it happened
	KindCall                   // a call: its signalling and its media
	KindStatistics             // what weir counts
	KindUsage                  // what a subscriber, or a group of them, has used in a time
	KindCounters               // what other devices count
	KindAggregate              // what records have in common, summed up
	KindAlert                  // what a policy raised the alarm about
	Kinds          int  = iota
)

var kinds = [Kinds]string{"flow", "event", "call", "statistics", "usage", "counters", "aggregate", "alert"}

func (k Kind) String() string { return kinds[k] }

// ID tells a record from all others that a probe has ever made. A record that is delivered
// twice has the same one both times.
type ID [16]byte

// SchemaVersion is raised when a field that was there before means something else, or a format
// says it in another way. New fields do not change it.
const SchemaVersion = 1

// identityFields tell records apart, and what their fields mean.
var identityFields = []*Field{
	Version,
	{
		Element: Element{Label: "RECORD_KIND", ID: 274, PEN: Weir},
		Type:    String, Width: 12, calc: recordKind,
		Doc: "What the record tells of: flow, event, call, statistics, usage, counters, aggregate or alert.",
	},
	{
		Element: Element{Label: "RECORD_ID", ID: 275, PEN: Weir, ECS: "event.id"},
		Type:    String, Width: 32, calc: recordID,
		Doc: "Identifier of the record in 32 hexadecimal digits: one that is delivered twice has the same both times.",
	},
}

// Version is SchemaVersion as a field, which formats add to what they are asked for.
var Version = &Field{
	Element: Element{Label: "SCHEMA_VERSION", ID: 276, PEN: Weir},
	Type:    Unsigned16, calc: schemaVersion,
	Doc: "Version of what fields mean and how formats say it.",
}

func schemaVersion(*View, Dir, []byte) (Value, bool) { return Value{U: SchemaVersion}, true }

func recordKind(v *View, _ Dir, dst []byte) (Value, bool) {
	return Value{B: append(dst, v.Kind.String()...)}, true
}

func recordID(v *View, _ Dir, dst []byte) (Value, bool) {
	return Value{B: hex.AppendEncode(dst, v.ID[:])}, v.ID != ID{}
}
