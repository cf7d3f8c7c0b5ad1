package flow

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Type is an abstract data type of RFC 7012, section 3.1.
type Type uint8

// Times are held in nanoseconds since the Unix epoch, whatever their type.
const (
	Unsigned8 Type = iota + 1
	Unsigned16
	Unsigned32
	Unsigned64
	Float64
	DateTimeSeconds
	DateTimeMilliseconds
	DateTimeMicroseconds
	DateTimeNanoseconds
	SysUpTimeMilliseconds // unsigned32, milliseconds since the exporter's boot (IE 21, 22)
	IPv4Address
	IPv6Address
	MACAddress
	String
	OctetArray
	MPLSLabel     // octetArray of 3: label, experimental bits and bottom of stack (IE 70 to 79)
	ApplicationID // octetArray of 4: classification engine and selector (RFC 6759, section 4)
	types_
)

// types describes every Type once. size is the encoded length, 0 if it varies.
// iana is the number in the registry "IPFIX Information Element Data Types" (RFC 5610).
var types = [types_]struct {
	name string
	iana uint8
	size int
	wire func(dst []byte, v Value, boot uint64) []byte // write IPFIX and NetFlow
	read func(b []byte, boot uint64) Value             // read them
	json func(dst []byte, v Value) []byte              // write JSON
}{
	Unsigned8:             {"unsigned8", 1, 1, wire8, readUint, textUint},
	Unsigned16:            {"unsigned16", 2, 2, wire16, readUint, textUint},
	Unsigned32:            {"unsigned32", 3, 4, wire32, readUint, textUint},
	Unsigned64:            {"unsigned64", 4, 8, wire64, readUint, textUint},
	Float64:               {"float64", 10, 8, wire64, readFloat, textFloat},
	DateTimeSeconds:       {"dateTimeSeconds", 14, 4, wireSeconds, readSeconds, textSeconds},
	DateTimeMilliseconds:  {"dateTimeMilliseconds", 15, 8, wireMillis, readMillis, textMillis},
	DateTimeMicroseconds:  {"dateTimeMicroseconds", 16, 8, wireMicros, readNTP, textMicros},
	DateTimeNanoseconds:   {"dateTimeNanoseconds", 17, 8, wireNTP, readNTP, textUint},
	SysUpTimeMilliseconds: {"unsigned32", 3, 4, wireUptime, readUptime, textSeconds},
	IPv4Address:           {"ipv4Address", 18, 4, wireBytes, readBytes, textAddr},
	IPv6Address:           {"ipv6Address", 19, 16, wireBytes, readBytes, textAddr},
	MACAddress:            {"macAddress", 12, 6, wireBytes, readBytes, textMAC},
	String:                {"string", 13, 0, wireVar, readBytes, textString},
	OctetArray:            {"octetArray", 0, 0, wireVar, readBytes, textHex},
	MPLSLabel:             {"octetArray", 0, 3, wireLabel, readLabel, textLabel},
	ApplicationID:         {"octetArray", 0, 4, wire32, readUint, textApplication},
}

func (t Type) String() string { return types[t].name }

// IANA returns the number of t in IANA's registry of data types (RFC 5610, section 3.1).
func (t Type) IANA() uint8 { return types[t].iana }

// Size returns the number of octets of an encoded value, 0 if it varies.
func (t Type) Size() int { return types[t].size }

// Value is the value of a field: U for numbers and times (float64 as its bits), B for the rest.
type Value struct {
	U uint64
	B []byte
}

var be = binary.BigEndian

const ntpEpoch = 2208988800 // seconds from 1900 to 1970 (RFC 5905, section 6)

func wire8(dst []byte, v Value, _ uint64) []byte { return append(dst, byte(min(v.U, 1<<8-1))) }
func wire16(dst []byte, v Value, _ uint64) []byte {
	return be.AppendUint16(dst, uint16(min(v.U, 1<<16-1)))
}
func wire32(dst []byte, v Value, _ uint64) []byte {
	return be.AppendUint32(dst, uint32(min(v.U, 1<<32-1)))
}
func wire64(dst []byte, v Value, _ uint64) []byte { return be.AppendUint64(dst, v.U) }

func wireSeconds(dst []byte, v Value, _ uint64) []byte { return be.AppendUint32(dst, uint32(v.U/1e9)) }
func wireMillis(dst []byte, v Value, _ uint64) []byte  { return be.AppendUint64(dst, v.U/1e6) }

// wireNTP writes seconds since 1900 and a binary fraction (RFC 7011, section 6.1.9).
func wireNTP(dst []byte, v Value, _ uint64) []byte {
	dst = be.AppendUint32(dst, uint32(v.U/1e9+ntpEpoch))
	return be.AppendUint32(dst, uint32((v.U%1e9<<32+1e9-1)/1e9))
}

// wireMicros is wireNTP with what is less than a microsecond, 11 bits, zeroed (RFC 7011, section 6.1.9).
// It rounds up, so that reading finds the same microsecond.
func wireMicros(dst []byte, v Value, _ uint64) []byte {
	const below = 1<<11 - 1
	dst = be.AppendUint32(dst, uint32(v.U/1e9+ntpEpoch))
	fraction := (v.U%1e9/1e3<<32 + 1e6 - 1) / 1e6
	return be.AppendUint32(dst, uint32((fraction+below)&^below))
}

func wireUptime(dst []byte, v Value, boot uint64) []byte {
	return be.AppendUint32(dst, uint32((max(v.U, boot)-boot)/1e6))
}

func wireBytes(dst []byte, v Value, _ uint64) []byte { return append(dst, v.B...) }

// wireVar encodes a variable-length value (RFC 7011, section 7).
func wireVar(dst []byte, v Value, _ uint64) []byte {
	b := v.B[:min(len(v.B), 1<<16-1)]
	if len(b) < 255 {
		dst = append(dst, byte(len(b)))
	} else {
		dst = be.AppendUint16(append(dst, 255), uint16(len(b)))
	}
	return append(dst, b...)
}

// wireLabel writes a label stack entry but for its last octet, the time to live.
func wireLabel(dst []byte, v Value, _ uint64) []byte {
	return append(dst, byte(v.U>>24), byte(v.U>>16), byte(v.U>>8))
}

// readUint accepts any length: exporters may shorten numbers (RFC 7011, section 6.2).
func readUint(b []byte, _ uint64) (v Value) {
	for _, c := range b {
		v.U = v.U<<8 | uint64(c)
	}
	return v
}

func readSeconds(b []byte, boot uint64) Value { return Value{U: readUint(b, boot).U * 1e9} }
func readMillis(b []byte, boot uint64) Value  { return Value{U: readUint(b, boot).U * 1e6} }
func readUptime(b []byte, boot uint64) Value  { return Value{U: boot + readUint(b, boot).U*1e6} }
func readBytes(b []byte, _ uint64) Value      { return Value{B: b} }

func readNTP(b []byte, boot uint64) Value {
	u := readUint(b, boot).U
	seconds := u >> 32
	if seconds < ntpEpoch {
		seconds += 1 << 32 // the era that begins in 2036
	}
	return Value{U: (seconds-ntpEpoch)*1e9 + (u & (1<<32 - 1) * 1e9 >> 32)}
}

// readFloat accepts a float32, the only shorter form there is (RFC 7011, section 6.2).
func readFloat(b []byte, boot uint64) Value {
	v := readUint(b, boot)
	if len(b) == 4 {
		v.U = math.Float64bits(float64(math.Float32frombits(uint32(v.U))))
	}
	return v
}

func readLabel(b []byte, boot uint64) Value { return Value{U: readUint(b, boot).U << 8} }

func textUint(dst []byte, v Value) []byte    { return strconv.AppendUint(dst, v.U, 10) }
func textSeconds(dst []byte, v Value) []byte { return strconv.AppendUint(dst, v.U/1e9, 10) }
func textMillis(dst []byte, v Value) []byte  { return strconv.AppendUint(dst, v.U/1e6, 10) }
func textMicros(dst []byte, v Value) []byte  { return strconv.AppendUint(dst, v.U/1e3, 10) }

// textFloat writes null for what JSON has no number for.
func textFloat(dst []byte, v Value) []byte {
	f := math.Float64frombits(v.U)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

func textLabel(dst []byte, v Value) []byte { return strconv.AppendUint(dst, v.U>>12, 10) }

// textApplication writes engine and selector as RFC 6759 does in its examples.
func textApplication(dst []byte, v Value) []byte {
	dst = strconv.AppendUint(append(dst, '"'), v.U>>24, 10)
	return append(strconv.AppendUint(append(dst, ':'), v.U&(1<<24-1), 10), '"')
}

func textAddr(dst []byte, v Value) []byte {
	a, _ := netip.AddrFromSlice(v.B)
	return append(a.AppendTo(append(dst, '"')), '"')
}

func textMAC(dst []byte, v Value) []byte {
	dst = append(dst, '"')
	for i, c := range v.B {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, []byte{c})
	}
	return append(dst, '"')
}

func textHex(dst []byte, v Value) []byte {
	return append(hex.AppendEncode(append(dst, '"'), v.B), '"')
}

// textString writes v as a JSON string; octets that are not UTF-8 become U+FFFD.
func textString(dst []byte, v Value) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for s := v.B; len(s) > 0; {
		n := 0
		for n < len(s) && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\' {
			n++
		}
		if dst, s = append(dst, s[:n]...), s[n:]; len(s) == 0 {
			break
		}
		c, n := utf8.DecodeRune(s)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = utf8.AppendRune(dst, c)
		}
		s = s[n:]
	}
	return append(dst, '"')
}

// RFC3339 appends the nanoseconds since the epoch ns as the text form of RFC 7373.
func RFC3339(dst []byte, ns uint64) []byte {
	seconds := ns / 1e9
	year, month, day := date(seconds / 86400)
	dst = append(pair10(pair10(dst, year/100), year%100), '-')
	dst = append(pair10(dst, month), '-')
	dst = append(pair10(dst, day), 'T')
	dst = append(pair10(dst, seconds/3600%24), ':')
	dst = append(pair10(dst, seconds/60%60), ':')
	dst = append(pair10(dst, seconds%60), '.')
	micros := ns % 1e9 / 1e3
	return pair10(pair10(pair10(dst, micros/1e4), micros/100%100), micros%100)
}

// pair10 appends two decimal digits.
func pair10(dst []byte, n uint64) []byte { return append(dst, '0'+byte(n/10), '0'+byte(n%10)) }

// date returns the date so many days after the epoch. It counts in years that begin in March, so that
// the day that may be missing is the last, and in eras of 400 years, which are all of the same length.
func date(days uint64) (year, month, day uint64) {
	const era, toEpoch = 146097, 719468 // days of an era, and from March of the year 0 to the epoch
	days += toEpoch
	of := days % era
	years := (of - of/1460 + of/36524 - of/146096) / 365
	rest := of - (365*years + years/4 - years/100)
	march := (5*rest + 2) / 153
	year, month, day = years+days/era*400, march+3, rest-(153*march+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

// appendScaled appends u/scale with up to three decimals, trailing zeroes removed.
func appendScaled(dst []byte, u, scale uint64) []byte {
	dst = strconv.AppendUint(dst, u/scale, 10)
	milli := (u%scale*1000 + scale/2) / scale
	if milli >= 1000 {
		milli = 999 // rounding never carries into the whole part
	}
	if milli == 0 {
		return dst
	}
	dst = append(dst, '.', '0'+byte(milli/100), '0'+byte(milli/10%10), '0'+byte(milli%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendPlain appends s with what is not printable, and the column separator, as spaces.
func appendPlain(dst, s []byte) []byte {
	for len(s) > 0 {
		c, n := utf8.DecodeRune(s)
		if c == '|' || !unicode.IsPrint(c) {
			c = ' '
		}
		dst = utf8.AppendRune(dst, c)
		s = s[n:]
	}
	return dst
}

// TypeNumbered returns the type with a number of RFC 5610, 0 if there is none here. Single precision is read as
// double, and a truth as a number.
func TypeNumbered(n uint8) Type {
	const float32, boolean = 9, 11
	switch n {
	case 0:
		return OctetArray
	case float32:
		return Float64
	case boolean:
		return Unsigned8
	}
	for t := Type(1); t < types_; t++ {
		if types[t].iana == n {
			return t
		}
	}
	return 0
}

// TypeNamed returns the type with a name of RFC 7012, 0 if there is none here.
func TypeNamed(name string) Type {
	for t := Type(1); t < types_; t++ {
		if types[t].name == name {
			return t
		}
	}
	return 0
}
