package egress

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Disguise puts pseudonyms in the place of what says who somebody is: the same for the same person as long as
// the key is, and nothing that leads back without it (HMAC, RFC 2104, with SHA-256). One output uses it.
type Disguise struct {
	name  string
	mac   hash.Hash
	said  map[uint16]*flow.Field // that get a pseudonym, by number; nil ones are left out
	attrs flow.Attrs
	view  flow.View
	sum   [sha256.Size]byte
	text  [maxKeyName + 1 + 2*pseudonym]byte
}

const (
	maxKeyName = 8
	leastKey   = 16 // octets
	pseudonym  = 12 // octets of the hash that are kept
)

// NewDisguise reads the key from a file, whose first line is a name of the key and the key in hexadecimal
// digits, with a blank between. Lines below are keys of earlier times, and not used. Texts among fields get
// pseudonyms that begin with the name of the key; numbers are left out.
func NewDisguise(path string, fields []*flow.Field) (*Disguise, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key of pseudonyms: %w", err)
	}
	defer file.Close()
	line, err := bufio.NewReader(file).ReadString('\n')
	name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
	key, bad := hex.DecodeString(strings.TrimSpace(digits))
	if bad != nil || len(key) < leastKey || name == "" || len(name) > maxKeyName {
		return nil, errors.Join(fmt.Errorf("key of pseudonyms: the first line of %s is no name of at most %d characters, "+
			"a blank and at least %d hexadecimal digits", path, maxKeyName, 2*leastKey), err)
	}
	d := &Disguise{name: name, mac: hmac.New(sha256.New, key), said: map[uint16]*flow.Field{}}
	for _, f := range fields {
		d.said[f.Number()] = nil
		if f.Type == flow.String {
			d.said[f.Number()] = f
		}
	}
	return d, nil
}

// of returns a record with pseudonyms, which is borrowed until the next call.
func (d *Disguise) of(v *flow.View) *flow.View {
	d.attrs.Reset()
	for number, attr := range flow.Attributes(v.Attrs) {
		f, is := d.said[number]
		switch {
		case !is:
			d.attrs.Add(attr)
		case f != nil:
			d.attrs.Bytes(f, d.pseudonym(attr[4:]))
		}
	}
	d.view = flow.View{Record: v.Record, Attrs: d.attrs.All(), Kind: v.Kind, ID: v.ID}
	return &d.view
}

func (d *Disguise) pseudonym(value []byte) []byte {
	d.mac.Reset()
	d.mac.Write(value)
	b := append(append(d.text[:0], d.name...), '-')
	return hex.AppendEncode(b, d.mac.Sum(d.sum[:0])[:pseudonym])
}
