package collect

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Dictionary reads a file of elements: name, enterprise, element and type of each, and a sentence about
// it if there is one. Lines that begin with # are left out.
func Dictionary(path string) (fields []*flow.Field, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = '#', -1, true
	for {
		row, err := r.Read()
		if err == io.EOF {
			return fields, nil
		}
		line, _ := r.FieldPos(0)
		var x *flow.Field
		if err == nil {
			x, err = entry(row)
		}
		if err != nil {
			return nil, fmt.Errorf("dictionary %s:%d: %w", path, line, err)
		}
		fields = append(fields, x)
	}
}

// entry makes a field of a line.
func entry(row []string) (*flow.Field, error) {
	if len(row) < 4 {
		return nil, fmt.Errorf("%d columns; write name,enterprise,element,type", len(row))
	}
	pen, err := strconv.ParseUint(row[1], 10, 32)
	id, err2 := strconv.ParseUint(row[2], 10, 15)
	t := flow.TypeNamed(row[3])
	switch {
	case row[0] == "" || strings.ContainsAny(row[0], " %@,;"):
		return nil, fmt.Errorf("%q is no name; write one without spaces", row[0])
	case err != nil || err2 != nil || id == 0:
		return nil, fmt.Errorf("%s.%s is no element; write the numbers of its enterprise and its own", row[1], row[2])
	case t == 0:
		return nil, fmt.Errorf("%q is no type that can be read; write one of RFC 7012, as unsigned32 or string", row[3])
	}
	f := &flow.Field{Element: flow.Element{Name: row[0], PEN: uint32(pen), ID: uint16(id)}, Type: t, Doc: "Of a dictionary."}
	if len(row) > 4 && row[4] != "" {
		f.Doc = row[4]
	}
	if t.Size() == 0 {
		f.Width = 64
	}
	return f, nil
}
