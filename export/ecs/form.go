package ecs

import (
	"bytes"
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/json"
)

// formOf returns how a value is written of which only the field says it; nil is as in other JSON.
func formOf(f *flow.Field, path string) json.Form {
	switch {
	case isTime(f.Type):
		return func(dst []byte, in *json.Input) []byte {
			if f, v := in.Found(); f != nil {
				return appendTime(dst, v.U)
			}
			return dst
		}
	case f.Type == flow.MACAddress:
		return hyphens
	case f.Type == flow.Unsigned64 && f.Scale <= 1 && !strings.HasPrefix(path, own+"."):
		return long
	}
	return nil
}

func appendTime(dst []byte, ns uint64) []byte {
	return append(flow.RFC3339(append(dst, '"'), ns), 'Z', '"')
}

// appendLong appends n, at most what Elasticsearch takes as a long: it refuses the whole document
// for a larger number, which who is watched may have chosen.
func appendLong(dst []byte, n uint64) []byte {
	return strconv.AppendUint(dst, min(n, math.MaxInt64), 10)
}

func long(dst []byte, in *json.Input) []byte {
	if f, v := in.Found(); f != nil {
		return appendLong(dst, v.U)
	}
	return dst
}

// hyphens writes a MAC address as RFC 7042 does.
func hyphens(dst []byte, in *json.Input) []byte {
	const digits = "0123456789ABCDEF"
	f, v := in.Found()
	if f == nil || len(v.B) == 0 {
		return dst
	}
	dst = append(dst, '"')
	for _, c := range v.B {
		dst = append(dst, digits[c>>4], digits[c&15], '-')
	}
	dst[len(dst)-1] = '"'
	return dst
}

func direction(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	switch {
	case f == nil:
		return dst
	case v.U == 0:
		return append(dst, `"ingress"`...)
	}
	return append(dst, `"egress"`...)
}

// location writes a point on the globe from two texts of decimal degrees.
func location(dst []byte, in *json.Input) []byte {
	start := len(dst)
	dst = append(dst, '{')
	n := 0
	for i := range in.Len() {
		v, ok := in.Value(i)
		if !ok || !isNumber(v.B) {
			continue
		}
		key := `"lon":`
		if strings.HasSuffix(in.Field(i).ECS, ".lat") {
			key = `"lat":`
		}
		dst = append(append(append(dst, key...), v.B...), ',')
		n++
	}
	if n != 2 {
		return dst[:start]
	}
	dst[len(dst)-1] = '}'
	return dst
}

// isNumber reports whether b is a number of JSON without an exponent.
func isNumber(b []byte) bool {
	whole, fraction, point := bytes.Cut(bytes.TrimPrefix(b, []byte("-")), []byte("."))
	digits := func(b []byte) bool {
		return len(b) > 0 && !slices.ContainsFunc(b, func(c byte) bool { return c < '0' || c > '9' })
	}
	return digits(whole) && (len(whole) == 1 || whole[0] != '0') && (!point || digits(fraction))
}

// answer returns the value of an answer in DNS_RESPONSE, which is value/TYPE.
func answer(part []byte) []byte {
	if i := bytes.LastIndexByte(part, '/'); i >= 0 {
		return part[:i]
	}
	return part
}

// resolved returns the address that an answer is, if it is one.
func resolved(part []byte) []byte {
	text, ok := bytes.CutSuffix(part, []byte("/A"))
	if !ok {
		text, ok = bytes.CutSuffix(part, []byte("/AAAA"))
	}
	if !ok || !isAddress(text) {
		return nil
	}
	return text
}

// isAddress reports whether b is the text of an address without a zone. It does not copy it.
func isAddress(b []byte) bool {
	a, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(b), len(b)))
	return err == nil && a.Zone() == ""
}

// addresses writes both addresses of the flow.
func addresses(dst []byte, in *json.Input) []byte {
	if in.Version == 0 || in.Ignored&flow.KeyAddresses != 0 {
		return dst
	}
	source, destination := netip.AddrFrom16(in.Src), netip.AddrFrom16(in.Dst)
	if in.Version == 4 {
		source, destination = source.Unmap(), destination.Unmap()
	}
	dst = append(source.AppendTo(append(dst, `["`...)), `","`...)
	return append(destination.AppendTo(dst), `"]`...)
}

func httpVersion(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	v.B = bytes.TrimPrefix(v.B, []byte("HTTP/"))
	return f.JSON(dst, v)
}

// tlsVersion writes the number behind TLS, SSL or DTLS.
func tlsVersion(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	switch v.U {
	case 0x0300:
		return append(dst, `"3.0"`...)
	case 0x0301, 0x0302, 0x0303, 0x0304:
		return append(dst, '"', '1', '.', '0'+byte(v.U-0x0301), '"')
	case 0xfeff, 0xfefd, 0xfefc:
		return append(dst, '"', '1', '.', '0'+byte(0xfeff-v.U), '"')
	}
	return tlsCipher(dst, in)
}

func tlsProtocol(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	switch {
	case f == nil:
		return dst
	case v.U == 0x0300:
		return append(dst, `"ssl"`...)
	case v.U>>8 == 0xfe:
		return append(dst, `"dtls"`...)
	}
	return append(dst, `"tls"`...)
}

// tlsCipher writes a number as IANA's registry does, 0x and four digits.
func tlsCipher(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	dst = hex.AppendEncode(append(dst, `"0x`...), []byte{byte(v.U >> 8), byte(v.U)})
	return append(dst, '"')
}

// dnsType tells an answer, which has a return code, from a query without one.
func dnsType(dst []byte, in *json.Input) []byte {
	f, _ := in.Found()
	switch {
	case f == nil:
		return dst
	case f.Key() == "DNS_RET_CODE":
		return append(dst, `"answer"`...)
	}
	return append(dst, `"query"`...)
}
