package aggregate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Options are a table of the configuration.
type Options struct {
	Name     string        `toml:"name"`
	By       []string      `toml:"by"`      // fields
	Records  []string      `toml:"records"` // kinds; empty is flows
	Filter   string        `toml:"filter"`
	Sums     []string      `toml:"sums"` // fields whose numbers are summed up
	Most     string        `toml:"greatest"`
	Order    string        `toml:"order"` // octets, packets, records, greatest, or one of Sums
	Interval time.Duration `toml:"interval" in:"1s..24h"`
	Lateness time.Duration `toml:"lateness" in:"0s..24h"` // 0 see the manual
	Top      int           `toml:"top" in:"1..65536"`
	Entries  int           `toml:"entries" in:"16..1048576"`
}

// DefaultOptions returns those of a table that says nothing.
func DefaultOptions() Options {
	return Options{Order: "octets", Interval: time.Minute, Top: 100, Entries: 4096}
}

// Check returns what is wrong with the options, and what to do about it.
func (o *Options) Check() error {
	switch {
	case len(o.By) == 0:
		return errors.New(`by is empty: name the fields that rows are told apart by, like by = ["L7_PROTO_NAME"]`)
	case len(o.Sums) > More:
		return fmt.Errorf("sums has %d fields: name %d at most", len(o.Sums), More)
	case o.Top > o.Entries:
		return fmt.Errorf("top %d is more than the entries %d that are good: give less, or more entries", o.Top, o.Entries)
	}
	return nil
}

// Spec is what is summed up, of which records, by which fields.
type Spec struct {
	Name   string
	By     []*flow.Field
	Sums   []*flow.Field
	Most   *flow.Field // nil is none
	Order  Order
	Kinds  egress.Records
	Filter *condition.Condition // nil is none
}

// Spec reads what the options name. The error begins with the key that it is about.
func (o *Options) Spec(schema *flow.Schema) (s *Spec, err error) {
	s = &Spec{Name: o.Name}
	for _, name := range o.By {
		f, err := named(schema, "by", name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.By, f) {
			return nil, fmt.Errorf("by names %s twice: name it once", f.Key())
		}
		s.By = append(s.By, f)
	}
	for _, name := range o.Sums {
		f, err := number(schema, "sums", name)
		if err != nil {
			return nil, err
		}
		s.Sums = append(s.Sums, f)
	}
	if o.Most != "" {
		if s.Most, err = number(schema, "greatest", o.Most); err != nil {
			return nil, err
		}
	}
	if s.Order, err = s.order(o.Order); err != nil {
		return nil, err
	}
	if s.Kinds, err = egress.ParseRecords(o.Records); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if s.Kinds.Meets(egress.Only(egress.Aggregates, egress.Statistics)) {
		return nil, errors.New("records: there is nothing to sum up of aggregates and statistics; name others")
	}
	if o.Filter != "" {
		if s.Filter, err = condition.Compile(o.Filter, schema); err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
	}
	return s, nil
}

// named returns the field with a name.
func named(schema *flow.Schema, key, name string) (*flow.Field, error) {
	f := schema.Named(strings.TrimPrefix(name, "%"))
	if f == nil {
		return nil, fmt.Errorf(`%s: %q is no field; "weir fields" lists them`, key, name)
	}
	return f, nil
}

// number returns one that is a number which can be summed up.
func number(schema *flow.Schema, key, name string) (*flow.Field, error) {
	f, err := named(schema, key, name)
	if err == nil && (f.Type < flow.Unsigned8 || f.Type > flow.Unsigned64) {
		return nil, fmt.Errorf("%s: %s is of type %v; name a field that is a whole number", key, f.Key(), f.Type)
	}
	return f, err
}

func (s *Spec) order(word string) (Order, error) {
	if i := slices.Index([]string{"octets", "packets", "records"}, word); i >= 0 {
		return Order(i), nil
	}
	if word == "greatest" && s.Most != nil {
		return Most, nil
	}
	i := slices.IndexFunc(s.Sums, func(f *flow.Field) bool { return strings.EqualFold(f.Key(), word) })
	if i < 0 {
		return 0, fmt.Errorf("order %q is not known: write octets, packets, records, greatest if there is such a "+
			"field, or one of sums", word)
	}
	return OfMore + Order(i), nil
}

// Blocks returns the cold blocks that workers have to maintain for it.
func (s *Spec) Blocks() flow.Block {
	fields := slices.Concat(s.By, s.Sums)
	if s.Most != nil {
		fields = append(fields, s.Most)
	}
	if s.Filter != nil {
		fields = append(fields, s.Filter.Fields()...)
	}
	return (&flow.Template{Fields: fields}).Blocks()
}

// Wants reports whether a record is one of those that are summed up.
func (s *Spec) Wants(kind egress.Kind, v *flow.View) bool {
	return s.Kinds.Has(kind) && (s.Filter == nil || s.Filter.Holds(v))
}

// Sum returns what a record adds. Octets and packets are those of flows; other records say again what the
// flow that they belong to had.
func (s *Spec) Sum(kind egress.Kind, v *flow.View) (x Sums) {
	x.Records = 1
	if kind == egress.Flows {
		x.Octets, x.Packets = v.Octets, v.Packets
	}
	for i, f := range s.Sums {
		n, _ := v.Value(f)
		x.More[i] = n.U
	}
	if s.Most != nil {
		n, _ := v.Value(s.Most)
		x.Most = n.U
	}
	return x
}

// longest is how many octets of a value tell rows apart.
const longest = 255

// Key appends the values of the fields: of each an octet that is 0 if the record does not have it, or else one
// more than its length, and the value. Numbers have eight octets.
func (s *Spec) Key(dst []byte, v *flow.View) []byte {
	for _, f := range s.By {
		if twin := f.Twin(); twin != nil && !f.For(v.Version) {
			f = twin
		}
		x, ok := v.Value(f)
		switch {
		case !ok:
			dst = append(dst, 0)
		case octets(f):
			b := x.B[:min(len(x.B), longest-1)]
			dst = append(append(dst, byte(len(b)+1)), b...)
		default:
			dst = binary.BigEndian.AppendUint64(append(dst, 9), x.U)
		}
	}
	return dst
}

// octets reports whether the values of a field are octets, not numbers.
func octets(f *flow.Field) bool {
	switch f.Type {
	case flow.IPv4Address, flow.IPv6Address, flow.MACAddress, flow.String, flow.OctetArray:
		return true
	}
	return false
}

// Values tells what a key is made of. A value that is absent is not told.
func (s *Spec) Values(key string, tell func(f *flow.Field, v flow.Value)) {
	for _, f := range s.By {
		if len(key) == 0 || int(key[0]) > len(key) {
			return
		}
		n := max(int(key[0]), 1)
		b := key[1:n]
		there := key[0] > 0
		key = key[n:]
		switch twin := f.Twin(); {
		case !there:
		case !octets(f):
			tell(f, flow.Value{U: binary.BigEndian.Uint64([]byte(b))})
		case twin != nil && len(b) == twin.Type.Size():
			tell(twin, flow.Value{B: []byte(b)})
		default:
			tell(f, flow.Value{B: []byte(b)})
		}
	}
}

// Scaled returns a number of a field in the unit of the field.
func Scaled(f *flow.Field, n uint64) uint64 {
	if f != nil && f.Scale > 1 {
		return n/f.Scale + n%f.Scale*2/f.Scale
	}
	return n
}
