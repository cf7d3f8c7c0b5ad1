package protobuf

import (
	_ "embed" // for numbering
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// kind is a scalar type of Protocol Buffers.
type kind string

const (
	uint32s kind = "uint32"
	uint64s kind = "uint64"
	double  kind = "double"
	text    kind = "string"
	octets  kind = "bytes"
)

// wire returns the wire type.
func (k kind) wire() uint8 {
	switch k {
	case uint32s, uint64s:
		return 0 // VARINT
	case double:
		return 1 // I64
	}
	return 2 // LEN
}

// kindOf returns the type of the values of f.
func kindOf(f *flow.Field) kind {
	if f.Scale > 1 {
		return double
	}
	switch f.Type {
	case flow.Unsigned8, flow.Unsigned16, flow.Unsigned32, flow.MPLSLabel, flow.ApplicationID:
		return uint32s
	case flow.Float64:
		return double
	case flow.String:
		return text
	case flow.IPv4Address, flow.IPv6Address, flow.MACAddress, flow.OctetArray:
		return octets
	}
	return uint64s // counters and times
}

// numbering has a line for each field there ever was: its number, its label and its type. Lines are
// added to it and never changed, so that what was written once can always be read.
//
//go:embed numbers.txt
var numbering string

// number is a line of numbering.
type number struct {
	n    int
	name string
	kind kind
}

// numbers are the lines of numbering by their names.
type numbers map[string]number

func read(text string) (numbers, error) {
	all, taken := numbers{}, map[int]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words := strings.Fields(line)
		n := 0
		if len(words) == 3 {
			n, _ = strconv.Atoi(words[0])
		}
		if n != i+1 || taken[n] || all[words[1]].n != 0 || reserved(n) {
			return nil, fmt.Errorf("numbers.txt line %d: %q is not the next number, a new label and a type", i+1, line)
		}
		taken[n] = true
		all[words[1]] = number{n, words[1], kind(words[2])}
	}
	return all, nil
}

// reserved reports whether n is for the implementation of Protocol Buffers.
func reserved(n int) bool { return n >= 19000 && n <= 19999 }

// of returns the number of f.
func (all numbers) of(f *flow.Field) (int, error) {
	n, ok := all[f.Key()]
	switch k := kindOf(f); {
	case !ok:
		return 0, fmt.Errorf("field %s has no number in Protocol Buffers: remove it, or give it one with make docs",
			f.Key())
	case n.kind != k:
		return 0, fmt.Errorf("field %s is %s in Protocol Buffers and cannot become %s: give it another label",
			f.Key(), n.kind, k)
	}
	return n.n, nil
}

// Schema returns the definition of Record for the fields of s, as a file for the compiler of Protocol
// Buffers. It fails if one has no number.
func Schema(s *flow.Schema) (string, error) {
	all, err := read(numbering)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `// Records of weir, version %d of the schema. Each is written behind its length as a varint.
// This file is derived from the code. Numbers never change and are never used again.
syntax = "proto3";

package weir;

// Record is a flow, an event, a call or statistics. What is not known is not present.
message Record {
`, export.SchemaVersion)
	fields := slices.Clone(s.Fields)
	for _, f := range fields {
		if _, err := all.of(f); err != nil {
			return "", err
		}
	}
	slices.SortFunc(fields, func(x, y *flow.Field) int { return all[x.Key()].n - all[y.Key()].n })
	for _, f := range fields {
		n := all[f.Key()]
		delete(all, f.Key())
		fmt.Fprintf(&b, "  // %s\n  optional %s %s = %d;\n", f.Doc, n.kind, strings.ToLower(n.name), n.n)
	}
	b.WriteString(all.gone())
	b.WriteString("}\n")
	return b.String(), nil
}

// gone returns the statement about the numbers that no field has any more.
func (all numbers) gone() string {
	if len(all) == 0 {
		return ""
	}
	var left []int
	for _, n := range all {
		left = append(left, n.n)
	}
	slices.Sort(left)
	return "  reserved " + strings.Trim(strings.ReplaceAll(fmt.Sprint(left), " ", ", "), "[]") + ";\n"
}
