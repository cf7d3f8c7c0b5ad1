package collect

import (
	"cmp"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/weir-probe/weir/dataplane/flow"
)

// learnt are elements that exporters have described (RFC 5610) and nobody here knows.
type learnt struct {
	mu      sync.Mutex
	fields  map[[2]uint32]*flow.Field // by enterprise and element
	names   map[string]bool
	changed bool
}

// maxLearnt bounds them.
const maxLearnt = 1 << 14

// Elements of type information (RFC 5610, section 3).
const (
	elementID   = 303
	elementType = 339
	elementName = 341
	enterprise  = 346
)

// describes takes over what the options record in hand says of an element, if it does.
func (w *Worker) describes() {
	be := binary.BigEndian
	var pen, id, kind uint64
	var name string
	for b := w.a.Foreign; len(b) >= 8; {
		n := int(be.Uint16(b[6:]))
		of, element, value := be.Uint32(b), be.Uint16(b[4:])&(1<<15-1), b[8:8+n]
		b = b[8+n:]
		if of != flow.IANA {
			continue
		}
		switch element {
		case elementID:
			id = unsigned(value) & (1<<15 - 1)
		case elementType:
			kind = unsigned(value)
		case elementName:
			name = strings.TrimRight(string(value), "\x00")
		case enterprise:
			pen = unsigned(value)
		}
	}
	if pen != uint64(flow.IANA) && pen <= 1<<32-1 && id != 0 && name != "" {
		w.c.describe(uint32(pen), uint16(id), flow.TypeNumbered(uint8(min(kind, 255))), name)
	}
}

// unsigned reads a number of up to 8 octets; of more it is 0.
func unsigned(b []byte) (n uint64) {
	if len(b) > 8 {
		return 0
	}
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// describe keeps the description of an element, unless it is known, or its name is taken or none.
func (c *Collector) describe(pen uint32, id uint16, t flow.Type, name string) {
	s, l, key := c.registry.schema, &c.learnt, [2]uint32{pen, uint32(id)}
	if s.Element(pen, id) != nil || s.Named(name) != nil || t == 0 {
		return
	}
	row := []string{name, strconv.Itoa(int(pen)), strconv.Itoa(int(id)), t.String()}
	f, err := entry(row)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil || l.fields[key] != nil || l.names[name] || len(l.fields) >= maxLearnt {
		return
	}
	l.fields[key], l.names[name], l.changed = f, true, true
}

// Learnt reads what collectors have learnt of elements before; those that the schema has by now are left out.
// That there is no file is no error.
func Learnt(path string, s *flow.Schema) ([]*flow.Field, error) {
	fields, err := Dictionary(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.DeleteFunc(fields, func(f *flow.Field) bool {
		return s.Element(f.PEN, f.ID) != nil || s.Named(f.Name) != nil
	}), err
}

// save adds what was learnt to the dictionary at path, all or nothing.
func (l *learnt) save(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if path == "" || !l.changed {
		return nil
	}
	all, err := Dictionary(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, f := range all {
		delete(l.fields, [2]uint32{f.PEN, uint32(f.ID)})
	}
	for _, f := range l.fields {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *flow.Field) int {
		return cmp.Or(cmp.Compare(a.PEN, b.PEN), cmp.Compare(a.ID, b.ID))
	})
	var text strings.Builder
	text.WriteString("# Elements that exporters have described (RFC 5610).\n")
	w := csv.NewWriter(&text)
	for _, f := range all {
		w.Write([]string{f.Name, strconv.Itoa(int(f.PEN)), strconv.Itoa(int(f.ID)), f.Type.String()})
	}
	w.Flush()
	if err := replace(path, []byte(text.String())); err != nil {
		return fmt.Errorf("elements: %w", err)
	}
	l.changed = false
	return nil
}

// replace gives a file new contents, all or nothing.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // of no effect once it has its name
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
