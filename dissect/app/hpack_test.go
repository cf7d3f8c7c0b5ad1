package app

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// What the library encodes is decoded, and what it refuses is refused.
func TestHuffman(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	rnd := rand.New(rand.NewPCG(3, 0))
	var dst [4096]byte
	check := func(s string) {
		t.Helper()
		n, ok := unhuffman(dst[:], hpack.AppendHuffmanString(nil, s))
		if !ok || string(dst[:n]) != s {
			t.Fatalf("%q is decoded to %q, %v", s, dst[:n], ok)
		}
	}
	check("")
	check(string(every))
	for _, c := range every {
		check(string([]byte{c}))
		check(strings.Repeat(string([]byte{c}), 37))
	}
	refused := 0
	for range 20000 {
		b := make([]byte, rnd.IntN(24))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		check(string(b))
		want, err := hpack.HuffmanDecodeToString(b)
		n, ok := unhuffman(dst[:], b)
		if ok != (err == nil) || ok && string(dst[:n]) != want {
			t.Fatalf("%x: %q, %v; the library says %q, %v", b, dst[:n], ok, want, err)
		}
		if !ok {
			refused++
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	if n, ok := unhuffman(dst[:3], hpack.AppendHuffmanString(nil, "abcdef")); n != 6 || !ok ||
		string(dst[:3]) != "abc" {
		t.Errorf("with room for 3 octets: %d octets, %q", n, dst[:3])
	}
}

// decoded returns the fields of a block that are kept.
func decoded(table *hpackTable, block []byte) (all [httpHeaders]string, flaw string) {
	r := hpackReader{b: block, table: table, room: make([]byte, 4096)}
	r.block()
	for i, v := range r.head.header {
		all[i] = string(v)
	}
	return all, r.flaw
}

// wanted returns what is to be kept of fields.
func wanted(fields []hpack.HeaderField) (all [httpHeaders]string) {
	for _, f := range fields {
		h := headerNamed([]byte(f.Name))
		v := f.Value[:min(len(f.Value), hpackLongest)]
		switch {
		case h == headerOther:
		case all[h] != "" && h == headerCookie:
			all[h] += "; " + v
		case all[h] == "":
			all[h] = v
		}
	}
	return all
}

// Blocks of any fields, over tables of any size, are decoded as the library does, and the
// tables stay alike.
func TestHPACKAgainstLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 0))
	names := append([]string{"x-a", "accept", strings.Repeat("n", 100)}, httpHeaderNames[1:]...)
	for range 50 {
		var b bytes.Buffer
		e, d, table := hpack.NewEncoder(&b), hpack.NewDecoder(hpackOctets, nil), &hpackTable{}
		for range 200 {
			b.Reset()
			if rnd.IntN(10) == 0 {
				e.SetMaxDynamicTableSize(rnd.Uint32N(hpackOctets + 1))
			}
			for range 1 + rnd.IntN(12) { // the library refuses two changes of the size at once
				e.WriteField(hpack.HeaderField{Name: names[rnd.IntN(len(names))], Value: value(rnd),
					Sensitive: rnd.IntN(5) == 0})
			}
			fields, err := d.DecodeFull(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			got, flaw := decoded(table, b.Bytes())
			if want := wanted(fields); got != want || flaw != "" {
				t.Fatalf("%x:\n%q %s, want\n%q", b.Bytes(), got, flaw, want)
			}
			if err := table.sound(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// value returns a value that may come again: short, or longer than is kept, or than the table.
func value(rnd *rand.Rand) string {
	n := []int{1, 5, 40, 254, 300, 900, 5000}[min(rnd.IntN(20), rnd.IntN(20), 6)]
	return strings.Repeat(fmt.Sprint(rnd.IntN(50)), n)[:n]
}

// sound tells what is wrong with a table.
func (t *hpackTable) sound() error {
	size, at := 0, -1
	for i := range int(t.count) {
		e := t.newest(int(t.count) - 1 - i)
		size += int(e.size)
		if int(e.at) < at || int(e.at)+int(e.kept) > int(t.used) {
			return fmt.Errorf("entry %d is at %d, after %d, of %d", i, e.at, at, t.used)
		}
		at = int(e.at) + int(e.kept)
	}
	if size != int(t.size) || size > hpackOctets-int(t.less) || int(t.used) > len(t.octets) {
		return fmt.Errorf("entries of %d octets, size %d, limit %d, %d used", size, t.size,
			hpackOctets-int(t.less), t.used)
	}
	return nil
}

// What the library refuses is refused.
func TestHPACKFlaws(t *testing.T) {
	for block, flaw := range map[string]string{
		"\x80": hpackFlawIndex, "\xbe": hpackFlawIndex, "\xff\x80\x80\x01": hpackFlawIndex,
		"\xff\xff\xff\xff\xff\xff\x01": hpackFlawNumber, "\xff": hpackFlawBlock, "\x44": hpackFlawBlock,
		"\x44\x05abc": hpackFlawBlock, "\x44\x82\x00\x00": hpackFlawHuffman, "\x40": hpackFlawBlock,
		"\x7f\x10\x01a": hpackFlawIndex, "\x44\xff": hpackFlawBlock,
	} {
		if _, err := hpack.NewDecoder(hpackOctets, nil).DecodeFull([]byte(block)); err == nil {
			t.Errorf("%x: the library accepts it", block)
		}
		if _, got := decoded(&hpackTable{}, []byte(block)); got != flaw {
			t.Errorf("%x: %q, want %q", block, got, flaw)
		}
	}
}

// A table that is larger than what can be kept, or of which a part was missed, says what is
// known of it.
func TestHPACKPartial(t *testing.T) {
	var b bytes.Buffer
	e, table := hpack.NewEncoder(&b), &hpackTable{}
	e.SetMaxDynamicTableSizeLimit(1 << 16)
	e.SetMaxDynamicTableSize(1 << 16)
	paths := 100
	for i := range paths {
		e.WriteField(hpack.HeaderField{Name: ":path", Value: fmt.Sprint("/", i, strings.Repeat("x", 90))})
	}
	e.WriteField(hpack.HeaderField{Name: "x-large", Value: strings.Repeat("x", 8000)})
	e.WriteField(hpack.HeaderField{Name: ":path", Value: "/last"})
	if got, flaw := decoded(table, b.Bytes()); flaw != "" || !strings.HasPrefix(got[headerPath], "/0xx") {
		t.Fatalf("%q %s", got, flaw)
	}
	rest := strings.Repeat("x", 90)
	for value, want := range map[string]string{"/last": "/last", "/99" + rest: "/99" + rest,
		"/0" + rest: ""} {
		b.Reset()
		e.WriteField(hpack.HeaderField{Name: ":path", Value: value})
		if got, flaw := decoded(table, b.Bytes()); flaw != "" || b.Len() > 3 || got[headerPath] != want {
			t.Errorf("%x is %q %s, want %q", b.Bytes(), got[headerPath], flaw, want)
		}
	}
	if err := table.sound(); err != nil {
		t.Error(err)
	}
}

func BenchmarkHPACK(b *testing.B) {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "GET"}, {":path", "/index.html?a=b"}, {":authority",
		"www.example.com"},
		{"user-agent", "Mozilla/5.0 (X11; Linux x86_64)"}, {"accept", "*/*"}, {"cookie",
			"session=0123456789abcdef"}} {
		e.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	b.SetBytes(int64(block.Len()))
	table, room := &hpackTable{}, make([]byte, 4096)
	for b.Loop() {
		r := hpackReader{b: block.Bytes(), table: table, room: room}
		r.block()
	}
}
