package json

import "github.com/weir-probe/weir/dataplane/flow"

// Column is a column of a ClickHouse table that takes the objects of this package as JSONEachRow.
type Column struct {
	Name string // the label of the field, which is the key in the object
	Type string // ClickHouse type; Nullable, as what a record does not have is left out
	Old  string // the same for servers before 20.1, which have no types for addresses
	Doc  string // a sentence
}

// Columns returns a column for each of the fields, those of IPv4 and IPv6 beside each other.
func Columns(fields []*flow.Field) (columns []Column) {
	have := map[string]bool{}
	for _, f := range fields {
		for _, f := range [2]*flow.Field{f, f.Twin()} {
			if f == nil || have[f.Key()] {
				continue
			}
			have[f.Key()] = true
			typ, old := columnType(f)
			columns = append(columns, Column{f.Key(), "Nullable(" + typ + ")", "Nullable(" + old + ")", f.Doc})
		}
	}
	return columns
}

// columnType returns the ClickHouse types of the values of a field as JSON has them.
func columnType(f *flow.Field) (typ, old string) {
	if f.Scale > 1 {
		return "Float64", "Float64"
	}
	switch f.Type {
	case flow.Unsigned8:
		typ = "UInt8"
	case flow.Unsigned16:
		typ = "UInt16"
	case flow.Unsigned32, flow.MPLSLabel:
		typ = "UInt32"
	case flow.Float64:
		typ = "Float64"
	case flow.DateTimeSeconds, flow.SysUpTimeMilliseconds:
		typ = "DateTime"
	case flow.IPv4Address:
		return "IPv4", "String"
	case flow.IPv6Address:
		return "IPv6", "String"
	case flow.MACAddress, flow.String, flow.OctetArray, flow.ApplicationID:
		typ = "String"
	default: // counters, and times in milliseconds, microseconds and nanoseconds
		typ = "UInt64"
	}
	return typ, typ
}
