package eve

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export/json"
)

// TCP control bits (RFC 9293, section 3.1).
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
	urg
	ece
	cwr
)

// timestamp is when a flow ended, or the best known time of an event.
func timestamp(dst []byte, in *json.Input) []byte {
	if f, v := in.Found(); f != nil && in.Kind == flow.KindEvent {
		return appendTime(dst, v.U)
	}
	return appendTime(dst, in.Last)
}

func appendTime(dst []byte, ns uint64) []byte {
	return append(flow.RFC3339(append(dst, '"'), ns), `+0000"`...)
}

func start(dst []byte, in *json.Input) []byte { return appendTime(dst, in.First) }

func end(dst []byte, in *json.Input) []byte { return appendTime(dst, in.Last) }

// age is in whole seconds, of the seconds that start and end are in, as Suricata counts.
func age(dst []byte, in *json.Input) []byte {
	return strconv.AppendUint(dst, max(in.Last, in.First)/1e9-in.First/1e9, 10)
}

// flowID is the same for all records of a flow. It has 51 bits, as Suricata's, so that readers that
// take numbers for floating point do not change it.
func flowID(dst []byte, in *json.Input) []byte {
	sum, ok := in.CommunityDigest()
	if !ok {
		return dst
	}
	var n uint64
	for _, b := range sum[:8] {
		n = n<<8 | uint64(b)
	}
	return strconv.AppendUint(dst, n>>13, 10)
}

func vlans(dst []byte, in *json.Input) []byte {
	if in.VLAN == 0 || in.Ignored&flow.KeyVLAN != 0 {
		return dst
	}
	dst = strconv.AppendUint(append(dst, '['), uint64(in.VLAN), 10)
	if in.CVLAN != 0 {
		dst = strconv.AppendUint(append(dst, ','), uint64(in.CVLAN), 10)
	}
	return append(dst, ']')
}

// transport writes the protocol in capitals, or its number in three digits if it has no name.
func transport(dst []byte, in *json.Input) []byte {
	const icmp6 = 58
	f, v := in.Found()
	switch {
	case in.Ignored&flow.KeyProto != 0:
		return dst
	case in.Proto == icmp6:
		return append(dst, `"IPv6-ICMP"`...)
	case f == nil:
		n := in.Proto
		return append(dst, '"', '0'+n/100, '0'+n/10%10, '0'+n%10, '"')
	}
	dst = append(dst, '"')
	for _, c := range v.B {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// state tells a flow with packets one way from one that is answered, and one that has ended.
func state(dst []byte, in *json.Input) []byte {
	const tcp = 6
	switch {
	case in.Proto == tcp && ended(in):
		return append(dst, `"closed"`...)
	case in.Packets[0] > 0 && in.Packets[1] > 0:
		return append(dst, `"established"`...)
	}
	return append(dst, `"new"`...)
}

func ended(in *json.Input) bool {
	a, b := in.TCPFlags[0], in.TCPFlags[1]
	return (a|b)&rst != 0 || a&b&fin != 0
}

// reason is in Suricata's words, which has none for a flow that goes on.
func reason(dst []byte, in *json.Input) []byte {
	switch in.End {
	case flow.EndIdle, flow.EndDetected:
		return append(dst, `"timeout"`...)
	case flow.EndForced:
		return append(dst, `"shutdown"`...)
	case flow.EndResource:
		return append(dst, `"forced"`...)
	}
	return dst
}

// tcpState is said as far as the flags of both ends tell.
func tcpState(dst []byte, in *json.Input) []byte {
	const tcp = 6
	a, b := in.TCPFlags[0], in.TCPFlags[1]
	switch {
	case in.Proto != tcp || in.Ignored&flow.KeyProto != 0:
	case ended(in):
		return append(dst, `"closed"`...)
	case (a|b)&fin != 0:
	case a&syn != 0 && in.Packets[1] == 0:
		return append(dst, `"syn_sent"`...)
	case a&syn != 0 && b&syn != 0 && a&ack == 0:
		return append(dst, `"syn_recv"`...)
	case in.Packets[0] > 0 && in.Packets[1] > 0:
		return append(dst, `"established"`...)
	}
	return dst
}

func flags(dst []byte, in *json.Input) []byte {
	if f, v := in.Found(); f != nil {
		return append(hex.AppendEncode(append(dst, '"'), []byte{byte(v.U)}), '"')
	}
	return dst
}

// flag returns a form that writes true if a control bit is set.
func flag(bit uint64) json.Form {
	return func(dst []byte, in *json.Input) []byte {
		if f, v := in.Found(); f == nil || v.U&bit == 0 {
			return dst
		}
		return append(dst, "true"...)
	}
}

func onlyTrue(dst []byte, in *json.Input) []byte { return flag(1)(dst, in) }

// listed returns a form that writes true if a word is among those of a text with semicolons between.
func listed(word string) json.Form {
	return func(dst []byte, in *json.Input) []byte {
		f, v := in.Found()
		if f == nil {
			return dst
		}
		for rest, more := v.B, true; more; {
			var part []byte
			if part, rest, more = bytes.Cut(rest, []byte{';'}); string(part) == word {
				return append(dst, "true"...)
			}
		}
		return dst
	}
}

func dnsType(dst []byte, in *json.Input) []byte {
	if f, _ := in.Found(); f == nil {
		return append(dst, `"request"`...)
	}
	return append(dst, `"response"`...)
}

// queries writes the question, of which a transaction has one.
func queries(dst []byte, in *json.Input) []byte {
	v, ok := in.Value(0)
	if !ok || in.Field(0).Key() != "DNS_QUERY" {
		return dst
	}
	dst = in.Field(0).JSON(append(dst, `[{"rrname":`...), v)
	if typ, ok := in.Value(1); ok {
		dst = in.Field(1).JSON(append(dst, `,"rrtype":`...), typ)
	}
	return append(dst, `}]`...)
}

// answers writes what DNS_RESPONSE has as value/TYPE with semicolons between.
func answers(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil || len(v.B) == 0 {
		return dst
	}
	dst = append(dst, '[')
	for rest, more := v.B, true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte{';'})
		dst = append(dst, '{')
		if i := bytes.LastIndexByte(part, '/'); i >= 0 {
			dst = append(f.JSON(append(dst, `"rrtype":`...), flow.Value{B: part[i+1:]}), ',')
			part = part[:i]
		}
		dst = append(f.JSON(append(dst, `"rdata":`...), flow.Value{B: part}), '}', ',')
	}
	dst[len(dst)-1] = ']'
	return dst
}

// tlsVersion writes the version in Suricata's words.
func tlsVersion(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	name := ""
	switch v.U {
	case 0x0300:
		name = "SSLv3"
	case 0x0301:
		name = "TLSv1"
	case 0x0302:
		name = "TLS 1.1"
	case 0x0303:
		name = "TLS 1.2"
	case 0x0304:
		name = "TLS 1.3"
	case 0xfeff:
		name = "DTLS 1.0"
	case 0xfefd:
		name = "DTLS 1.2"
	default:
		dst = hex.AppendEncode(append(dst, `"0x`...), []byte{byte(v.U >> 8), byte(v.U)})
		return append(dst, '"')
	}
	return append(append(append(dst, '"'), name...), '"')
}

func quicVersion(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	if v.U < 1<<16 {
		return append(strconv.AppendUint(append(dst, '"'), v.U, 10), '"')
	}
	octets := []byte{byte(v.U >> 24), byte(v.U >> 16), byte(v.U >> 8), byte(v.U)}
	return append(hex.AppendEncode(append(dst, '"'), octets), '"')
}

// colons writes octets with colons between.
func colons(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil || len(v.B) == 0 {
		return dst
	}
	dst = append(dst, '"')
	for i := range v.B {
		dst = append(hex.AppendEncode(dst, v.B[i:i+1]), ':')
	}
	dst[len(dst)-1] = '"'
	return dst
}

// serial is colons in capitals.
func serial(dst []byte, in *json.Input) []byte {
	begin := len(dst)
	dst = colons(dst, in)
	for i, c := range dst[begin:] {
		if 'a' <= c && c <= 'f' {
			dst[begin+i] = c - 'a' + 'A'
		}
	}
	return dst
}

// validity writes a time in whole seconds.
func validity(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	if f == nil {
		return dst
	}
	dst = flow.RFC3339(append(dst, '"'), v.U)
	return append(dst[:bytes.LastIndexByte(dst, '.')], '"')
}

// sshProtocol writes 2.0 of SSH-2.0-OpenSSH_9.2p1.
func sshProtocol(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	_, rest, ok := bytes.Cut(v.B, []byte{'-'})
	if f == nil || !ok {
		return dst
	}
	v.B, _, _ = bytes.Cut(rest, []byte{'-'})
	return f.JSON(dst, v)
}

// sshSoftware writes what is behind that.
func sshSoftware(dst []byte, in *json.Input) []byte {
	f, v := in.Found()
	_, rest, _ := bytes.Cut(v.B, []byte{'-'})
	_, software, ok := bytes.Cut(rest, []byte{'-'})
	if f == nil || !ok {
		return dst
	}
	return f.JSON(dst, flow.Value{B: software})
}
