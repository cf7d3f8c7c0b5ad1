package sink

import (
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Description says what records are made of, for those who read them.
type Description struct {
	Schema uint64             `json:"schema_version"`
	Format string             `json:"format"`
	Fields []FieldDescription `json:"fields"`
}

// FieldDescription says what a field is.
type FieldDescription struct {
	Label string `json:"label"` // nProbe's, or weir's in its style
	Name  string `json:"name"`  // of the information element
	PEN   uint32 `json:"enterprise"`
	ID    uint16 `json:"element"`
	Type  string `json:"type"`          // abstract data type of RFC 7012
	ECS   string `json:"ecs,omitempty"` // path in the Elastic Common Schema, if it has one
	Doc   string `json:"description"`   // a sentence, with the unit
}

// Describe describes fields, those of IPv4 and IPv6 beside each other.
func Describe(format string, fields []*flow.Field) Description {
	d := Description{Schema: export.SchemaVersion, Format: format, Fields: []FieldDescription{}}
	for _, f := range both(fields) {
		d.Fields = append(d.Fields, FieldDescription{
			Label: f.Key(), Name: f.Name, PEN: f.PEN, ID: f.ID, Type: f.Type.String(), ECS: f.ECS, Doc: f.Doc,
		})
	}
	return d
}

// both returns the fields with those that take their places in flows of the other IP version, and
// before them the version of the schema, which formats write unasked.
func both(fields []*flow.Field) (all []*flow.Field) {
	have := map[*flow.Field]bool{}
	for _, f := range append([]*flow.Field{flow.Version}, fields...) {
		for _, f := range [2]*flow.Field{f, f.Twin()} {
			if f != nil && !have[f] {
				have[f] = true
				all = append(all, f)
			}
		}
	}
	return all
}
