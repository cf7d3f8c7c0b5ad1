package zeek

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
)

// needed are fields whose blocks of the record have to be measured for the columns.
const needed = `IPV4_SRC_ADDR IPV4_DST_ADDR L4_SRC_PORT L4_DST_PORT PROTOCOL IN_PKTS IN_BYTES OUT_PKTS OUT_BYTES
	FLOW_START_MICROSECONDS FLOW_END_MICROSECONDS TCP_FLAGS CLIENT_INITIAL_TCP_FLAGS TCP_LOST_IN_BYTES
	ICMP_TYPE L7_PROTO_NAME RECORD_ID COMMUNITY_ID DOT1Q_SRC_VLAN DOT1Q_CUSTOMER_VLAN IN_SRC_MAC IN_DST_MAC`

// column is a column of conn.log. text appends nothing if the value is not known.
type column struct {
	name, typ string
	text      func(dst []byte, v *flow.View) []byte
}

// unknown is for what a record does not say: which networks are local, which connection a tunnel is.
func unknown(dst []byte, _ *flow.View) []byte { return dst }

var columns = [...]column{
	{"ts", "time", func(dst []byte, v *flow.View) []byte { return appendSeconds(dst, v.First) }},
	{"uid", "string", uid},
	{"id.orig_h", "addr", func(dst []byte, v *flow.View) []byte { return appendAddress(dst, v, v.Src) }},
	{"id.orig_p", "port", func(dst []byte, v *flow.View) []byte { return appendPort(dst, v, flow.Forward) }},
	{"id.resp_h", "addr", func(dst []byte, v *flow.View) []byte { return appendAddress(dst, v, v.Dst) }},
	{"id.resp_p", "port", func(dst []byte, v *flow.View) []byte { return appendPort(dst, v, flow.Reverse) }},
	{"proto", "enum", transport},
	{"service", "string", service},
	{"duration", "interval", duration},
	{"orig_bytes", "count", func(dst []byte, v *flow.View) []byte { return appendPayload(dst, v, flow.Forward) }},
	{"resp_bytes", "count", func(dst []byte, v *flow.View) []byte { return appendPayload(dst, v, flow.Reverse) }},
	{"conn_state", "string", func(dst []byte, v *flow.View) []byte { return append(dst, state(v)...) }},
	{"local_orig", "bool", unknown},
	{"local_resp", "bool", unknown},
	{"missed_bytes", "count", missed},
	{"history", "string", history},
	{"orig_pkts", "count", func(dst []byte, v *flow.View) []byte { return strconv.AppendUint(dst, v.Packets[0], 10) }},
	{"orig_ip_bytes", "count", func(dst []byte, v *flow.View) []byte {
		return strconv.AppendUint(dst, v.Hot.Octets[0], 10)
	}},
	{"resp_pkts", "count", func(dst []byte, v *flow.View) []byte { return strconv.AppendUint(dst, v.Packets[1], 10) }},
	{"resp_ip_bytes", "count", func(dst []byte, v *flow.View) []byte {
		return strconv.AppendUint(dst, v.Hot.Octets[1], 10)
	}},
	{"tunnel_parents", "set[string]", unknown},
	{"ip_proto", "count", number},
	{"community_id", "string", communityID},
	{"vlan", "int", func(dst []byte, v *flow.View) []byte { return appendVLAN(dst, v, v.VLAN) }},
	{"inner_vlan", "int", func(dst []byte, v *flow.View) []byte { return appendVLAN(dst, v, v.CVLAN) }},
	{"orig_l2_addr", "string", func(dst []byte, v *flow.View) []byte { return appendMAC(dst, v, v.SrcMAC) }},
	{"resp_l2_addr", "string", func(dst []byte, v *flow.View) []byte { return appendMAC(dst, v, v.DstMAC) }},
}

// appendSeconds appends nanoseconds as seconds with six decimals.
func appendSeconds(dst []byte, ns uint64) []byte {
	dst = append(strconv.AppendUint(dst, ns/1e9, 10), '.')
	for micros, unit := ns%1e9/1e3, uint64(1e5); unit > 0; unit /= 10 {
		dst = append(dst, '0'+byte(micros/unit%10))
	}
	return dst
}

// uid appends 17 letters and digits behind a C: of the record's identifier, or of the flow's digest
// and its time if nobody gave it one.
func uid(dst []byte, v *flow.View) []byte {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hi, lo := be.Uint64(v.ID[:]), be.Uint64(v.ID[8:])
	if v.ID == (flow.ID{}) {
		sum, ok := v.CommunityDigest()
		if !ok {
			return dst
		}
		hi, lo = be.Uint64(sum[:]), be.Uint64(sum[8:])^v.First
	}
	dst = append(dst, 'C')
	for i := range 17 {
		n := &hi
		if i >= 9 { // nine of the one half and eight of the other
			n = &lo
		}
		dst = append(dst, digits[*n%62])
		*n /= 62
	}
	return dst
}

func appendAddress(dst []byte, v *flow.View, a [16]byte) []byte {
	if v.Ignored&flow.KeyAddresses != 0 || v.Version == 0 {
		return dst
	}
	addr := netip.AddrFrom16(a)
	if v.Version == 4 {
		addr = addr.Unmap()
	}
	return addr.AppendTo(dst)
}

const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// appendPort appends a port. Of ICMP it is the type in the place of the one who asks, and in the
// other the type of the answer, or the code if there is none.
func appendPort(dst []byte, v *flow.View, d flow.Dir) []byte {
	if v.Ignored&(flow.KeyPorts|flow.KeyProto) != 0 {
		return dst
	}
	if v.Proto == protoICMP || v.Proto == protoICMPv6 {
		if v.HasICMP&1 == 0 {
			return dst
		}
		n := v.ICMP[flow.Forward] >> 8
		if d == flow.Reverse {
			if answer, ok := flow.ICMPAnswer(v.Proto, uint8(n)); ok {
				n = uint16(answer)
			} else {
				n = v.ICMP[flow.Forward] & 0xff
			}
		}
		return strconv.AppendUint(dst, uint64(n), 10)
	}
	return strconv.AppendUint(dst, uint64([2]uint16{v.SrcPort, v.DstPort}[d]), 10)
}

func transport(dst []byte, v *flow.View) []byte {
	switch {
	case v.Ignored&flow.KeyProto != 0:
		return dst
	case v.Proto == protoTCP:
		return append(dst, "tcp"...)
	case v.Proto == protoUDP:
		return append(dst, "udp"...)
	case v.Proto == protoICMP || v.Proto == protoICMPv6:
		return append(dst, "icmp"...)
	}
	return append(dst, "unknown_transport"...)
}

func number(dst []byte, v *flow.View) []byte {
	if v.Ignored&flow.KeyProto != 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(v.Proto), 10)
}

// service appends the application in Zeek's words, which says ssl for TLS.
func service(dst []byte, v *flow.View) []byte {
	name, ok := v.Value(flow.AppName)
	if !ok {
		return dst
	}
	if string(name.B) == "TLS" {
		return append(dst, "ssl"...)
	}
	for _, c := range name.B {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// duration is not set if it is zero, as in Zeek.
func duration(dst []byte, v *flow.View) []byte {
	if v.Last <= v.First {
		return dst
	}
	return appendSeconds(dst, v.Last-v.First)
}

func appendPayload(dst []byte, v *flow.View, d flow.Dir) []byte {
	if n, ok := payload(v, d); ok {
		return strconv.AppendUint(dst, n, 10)
	}
	return dst
}

func missed(dst []byte, v *flow.View) []byte {
	return strconv.AppendUint(dst, v.TCP[0].LostOctets+v.TCP[1].LostOctets, 10)
}

func communityID(dst []byte, v *flow.View) []byte {
	sum, ok := v.CommunityDigest()
	if !ok {
		return dst
	}
	return base64.StdEncoding.AppendEncode(append(dst, "1:"...), sum[:])
}

func appendVLAN(dst []byte, v *flow.View, id uint16) []byte {
	if id == 0 || v.Ignored&flow.KeyVLAN != 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(id), 10)
}

func appendMAC(dst []byte, v *flow.View, mac [6]byte) []byte {
	if v.HasMAC == 0 {
		return dst
	}
	for i := range mac {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = hex.AppendEncode(dst, mac[i:i+1])
	}
	return dst
}
