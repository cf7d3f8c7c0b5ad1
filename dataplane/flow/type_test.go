package flow

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

var long = bytes.Repeat([]byte{'x'}, 300)

// encodings are octets by RFC 7011, section 6.1, and text.
var encodings = []struct {
	typ  Type
	v    Value
	wire string
	json string
}{
	{Unsigned8, Value{U: 200}, "\xc8", "200"},
	{Unsigned16, Value{U: 0x1234}, "\x12\x34", "4660"},
	{Unsigned32, Value{U: 0x12345678}, "\x12\x34\x56\x78", "305419896"},
	{Unsigned64, Value{U: math.MaxUint64}, strings.Repeat("\xff", 8), "18446744073709551615"},
	{Float64, Value{U: math.Float64bits(-1.5)}, "\xbf\xf8\x00\x00\x00\x00\x00\x00", "-1.5"},
	{DateTimeSeconds, Value{U: 1_700_000_000e9}, "\x65\x53\xf1\x00", "1700000000"},
	{DateTimeMilliseconds, Value{U: 1_700_000_000_123e6}, "\x00\x00\x01\x8b\xcf\xe5\x68\x7b", "1700000000123"},
	{DateTimeNanoseconds, Value{U: sampleTime}, "\xe8\xfe\x6f\x80\x1f\x9a\xdd\x38", "1700000000123456789"},
	{SysUpTimeMilliseconds, Value{U: sampleTime}, "\x00\x00\x00\x0a", "1700000000"},
	{IPv4Address, Value{B: []byte{192, 0, 2, 1}}, "\xc0\x00\x02\x01", `"192.0.2.1"`},
	{IPv6Address, Value{B: []byte("\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")},
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", `"2001:db8::1"`},
	{MACAddress, Value{B: []byte{0, 1, 2, 0xa, 0xb, 0xff}}, "\x00\x01\x02\x0a\x0b\xff", `"00:01:02:0a:0b:ff"`},
	{String, Value{B: []byte("abc")}, "\x03abc", `"abc"`},
	{String, Value{}, "\x00", `""`},
	{String, Value{B: long[:254]}, "\xfe" + string(long[:254]), `"` + string(long[:254]) + `"`},
	{String, Value{B: long}, "\xff\x01\x2c" + string(long), `"` + string(long) + `"`},
	{OctetArray, Value{B: []byte{1, 0xfe}}, "\x02\x01\xfe", `"01fe"`},
	{MPLSLabel, Value{U: 0x186a0100}, "\x18\x6a\x01", "100000"},
	{ApplicationID, Value{U: 22<<24 | 91}, "\x16\x00\x00\x5b", `"22:91"`},
}

// Octets on the wire are as they should be, and reading them gives the value back.
func TestWire(t *testing.T) {
	const boot = sampleTime - 10_000_000
	for _, c := range encodings {
		f := &Field{Type: c.typ}
		got := f.Wire([]byte("before"), c.v, boot)
		if string(got) != "before"+c.wire {
			t.Errorf("%s %v is written %x, want %x", c.typ, c.v, got[6:], c.wire)
		}
		value := got[6:]
		if n := len(value) - len(c.v.B); c.typ.Size() == 0 {
			value = value[n:]
		} else if len(value) != c.typ.Size() {
			t.Errorf("%s has %d octets, want %d", c.typ, len(value), c.typ.Size())
		}
		back := f.Read(value, boot)
		if back.U != c.v.U || !bytes.Equal(back.B, c.v.B) {
			t.Errorf("%s %v is read as %v", c.typ, c.v, back)
		}
		if got := string(f.JSON(nil, c.v)); got != c.json {
			t.Errorf("%s %v is %s in JSON, want %s", c.typ, c.v, got, c.json)
		}
		if text := string(f.Text(nil, c.v)); text != strings.Trim(c.json, `"`) {
			t.Errorf("%s %v is %s as text", c.typ, c.v, text)
		}
	}
}

// Every type has a row, and absent values fill their place.
func TestTypes(t *testing.T) {
	for typ := Type(1); typ < types_; typ++ {
		row := types[typ]
		if row.name == "" || row.wire == nil || row.read == nil || row.json == nil {
			t.Fatalf("type %d is not whole", typ)
		}
		f := &Field{Type: typ, Width: 5}
		got := f.Wire(nil, Value{}, 0)
		if len(got) != max(typ.Size(), 1) || bytes.Count(got, []byte{0}) != len(got) {
			t.Errorf("%s: absent is %x", typ, got)
		}
		want := typ.Size()
		if want == 0 {
			want = 5
		}
		if got := f.Fixed(nil, Value{}, 0); len(got) != want || bytes.Count(got, []byte{0}) != want {
			t.Errorf("%s: absent in NetFlow v9 is %x", typ, got)
		}
		if !json.Valid(f.JSON(nil, Value{})) {
			t.Errorf("%s: the zero value is not JSON: %s", typ, f.JSON(nil, Value{}))
		}
	}
}

// A value of the wrong length must not move the fields behind it.
func TestWireKeepsItsPlace(t *testing.T) {
	for typ := Type(1); typ < types_; typ++ {
		if typ.Size() == 0 {
			continue
		}
		for _, n := range []int{0, 1, 3, 5, 17, 40} {
			f := &Field{Type: typ}
			v := Value{U: math.MaxUint64, B: bytes.Repeat([]byte{0xff}, n)}
			if got := f.Wire([]byte{1}, v, 0); len(got) != 1+typ.Size() {
				t.Errorf("%s with %d octets takes %d", typ, n, len(got)-1)
			}
		}
	}
	huge := (&Field{Type: String}).Wire(nil, Value{B: make([]byte, 1<<16+5)}, 0)
	if len(huge) != 3+1<<16-1 || huge[1] != 0xff || huge[2] != 0xff {
		t.Errorf("a string of 65541 octets takes %d", len(huge))
	}
}

// Numbers may come in fewer octets (RFC 7011, section 6.2), and leave saturated, not wrapped.
func TestReducedSize(t *testing.T) {
	wide := &Field{Type: Unsigned64}
	for n := 1; n <= 8; n++ {
		b := bytes.Repeat([]byte{0x81}, n)
		want := uint64(0)
		for range n {
			want = want<<8 | 0x81
		}
		if got := wide.Read(b, 0).U; got != want {
			t.Errorf("%x is read as %x", b, got)
		}
	}
	if got := (&Field{Type: Float64}).Read([]byte{0x3f, 0xc0, 0, 0}, 0).U; math.Float64frombits(got) != 1.5 {
		t.Errorf("float32 1.5 is read as %v", math.Float64frombits(got))
	}
	for typ, most := range map[Type]string{
		Unsigned8: "\xff", Unsigned16: "\xff\xff", Unsigned32: "\xff\xff\xff\xff",
	} {
		if got := (&Field{Type: typ}).Wire(nil, Value{U: 1 << 40}, 0); string(got) != most {
			t.Errorf("2^40 as %s is %x", typ, got)
		}
	}
}

func TestTimes(t *testing.T) {
	micros, nanos := &Field{Type: DateTimeMicroseconds}, &Field{Type: DateTimeNanoseconds}
	for _, ns := range []uint64{1, 999, 1000, 999_999_999, 1e9, sampleTime, sampleTime + 1,
		1_700_000_000_999_999_999, 2_085_978_495_999_999_999, 2_085_978_496_000_000_001,
		4_000_000_000_000_000_000} {
		if got := nanos.Read(nanos.Wire(nil, Value{U: ns}, 0), 0).U; got != ns {
			t.Errorf("%d ns come back as %d", ns, got)
		}
		b := micros.Wire(nil, Value{U: ns}, 0)
		if got := micros.Read(b, 0).U; got/1e3 != ns/1e3 {
			t.Errorf("%d µs come back as %d", ns/1e3, got/1e3)
		}
		if be.Uint64(b)&(1<<11-1) != 0 {
			t.Errorf("the lowest 11 bits of %x are not zero", b)
		}
	}
	up := &Field{Type: SysUpTimeMilliseconds}
	if got := up.Wire(nil, Value{U: 5e9}, 9e9); be.Uint32(got) != 0 {
		t.Errorf("before the boot the up-time is %x", got)
	}
	if got := string(RFC3339(nil, sampleTime)); got != "2023-11-14T22:13:20.123456" {
		t.Errorf("RFC 3339 says %s", got)
	}
}

func TestScaled(t *testing.T) {
	f := &Field{Type: Unsigned32, Scale: 1e6}
	for _, c := range []struct {
		ns   uint64
		wire uint32
		json string
	}{
		{0, 0, "0"}, {499_999, 0, "0.5"}, {400_000, 0, "0.4"}, {500_000, 1, "0.5"}, {1_500, 0, "0.002"},
		{100, 0, "0"},
		{1_000_000, 1, "1"}, {1_999_999, 2, "1.999"}, {12_345_678, 12, "12.346"},
		{math.MaxUint64, math.MaxUint32, "18446744073709.552"},
	} {
		if got := be.Uint32(f.Wire(nil, Value{U: c.ns}, 0)); got != c.wire {
			t.Errorf("%d ns are %d ms on the wire, want %d", c.ns, got, c.wire)
		}
		if got := string(f.JSON(nil, Value{U: c.ns})); got != c.json {
			t.Errorf("%d ns are %s ms in JSON, want %s", c.ns, got, c.json)
		}
	}
	if got := f.Read([]byte{0, 0, 0, 7}, 0).U; got != 7e6 {
		t.Errorf("7 ms are read as %d", got)
	}
}

func TestFixed(t *testing.T) {
	f := &Field{Type: String, Width: 4}
	for s, want := range map[string]string{
		"": "\x00\x00\x00\x00", "ab": "ab\x00\x00", "abcd": "abcd", "abcdef": "abcd",
	} {
		if got := f.Fixed([]byte("-"), Value{B: []byte(s)}, 0); string(got) != "-"+want {
			t.Errorf("%q is %q in four octets", s, got)
		}
	}
}

// hostile are octets somebody could put on the wire where a name is expected.
var hostile = []string{"", `"`, `\`, `\"`, "\x00", "\x1b[2J", "\x7f", "a\nb\r\tc", "</script>", "\xff\xfe",
	"\xc3(", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é", "世界", "\u2028\u2029", "😀", `","x":"`, "\u0085",
	"\u009b31m", "|a|b|", "\xf0\x9f\x98", "\u202eevil"}

// encoding/json judges what String writes.
func TestStrings(t *testing.T) {
	for _, s := range hostile {
		checkString(t, []byte(s))
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -0.1, 5e-324} {
		if b := (&Field{Type: Float64}).JSON(nil, Value{U: math.Float64bits(f)}); !json.Valid(b) {
			t.Errorf("%v is %s", f, b)
		}
	}
}

func checkString(t *testing.T, s []byte) {
	t.Helper()
	f := &Field{Type: String}
	var got string
	b := f.JSON(nil, Value{B: s})
	if err := json.Unmarshal(b, &got); err != nil {
		t.Errorf("%q is written as %s: %v", s, b, err)
	}
	if want := strings.ToValidUTF8(string(s), ""); utf8.Valid(s) && got != want {
		t.Errorf("%q comes back as %q", s, got)
	}
	if !utf8.Valid(b) || bytes.ContainsFunc(b, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		t.Errorf("%q is written as %q", s, b)
	}
	text := f.Text(nil, Value{B: s})
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(c rune) bool {
		return c < ' ' || c == '|' || c >= 0x7f && c < 0xa0 || c == 0x202e || c == 0x2028
	}) {
		t.Errorf("%q as text is %q", s, text)
	}
}

func FuzzString(f *testing.F) {
	for _, s := range hostile {
		f.Add([]byte(s))
	}
	f.Fuzz(checkString)
}

// Whatever octets a collector is sent, a value can be read, printed and sent on.
func FuzzRead(f *testing.F) {
	for typ := Type(1); typ < types_; typ++ {
		f.Add(uint8(typ), []byte("\x12\x34\x56\x78\x9a\xbc\xde\xf0"), uint64(sampleTime))
	}
	f.Fuzz(func(t *testing.T, typ uint8, b []byte, boot uint64) {
		fd := &Field{Type: Type(typ%uint8(types_-1) + 1), Width: 7, Scale: boot % 3}
		v := fd.Read(b, boot)
		if js := fd.JSON(nil, v); !json.Valid(js) {
			t.Errorf("%s %x is %s in JSON", fd.Type, b, js)
		}
		if n := len(fd.Wire(nil, v, boot)); fd.Type.Size() > 0 && n != fd.Type.Size() {
			t.Errorf("%s %x takes %d octets", fd.Type, b, n)
		}
		fd.Fixed(nil, v, boot)
		fd.Text(nil, v)
	})
}
