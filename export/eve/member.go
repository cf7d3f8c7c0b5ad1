package eve

import (
	"strconv"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/json"
)

// member is a member of an object. labels are the fields it is made of. One whose fields are not
// there is left out, unless always.
type member struct {
	path   string
	labels string
	form   json.Form
	always bool
}

// common are the members of all types of events.
var common = [...]member{
	{"timestamp", "TRANSACTION_RESPONSE_END TRANSACTION_RESPONSE_START TRANSACTION_REQUEST_END " +
		"TRANSACTION_REQUEST_START", timestamp, true},
	{"flow_id", "", flowID, false},
	{"event_type", "", nil, false},
	{"vlan", "", vlans, false},
	{"src_ip", "IPV4_SRC_ADDR IPV6_SRC_ADDR", nil, false},
	{"src_port", "L4_SRC_PORT", nil, false},
	{"dest_ip", "IPV4_DST_ADDR IPV6_DST_ADDR", nil, false},
	{"dest_port", "L4_DST_PORT", nil, false},
	{"proto", "PROTOCOL_MAP", transport, true},
	{"ip_v", "IP_PROTOCOL_VERSION", nil, false},
	{"icmp_type", "ICMP_IPV4_TYPE ICMP_IPV6_TYPE", nil, false},
	{"icmp_code", "ICMP_IPV4_CODE ICMP_IPV6_CODE", nil, false},
	{"app_proto", "L7_PROTO_NAME", json.Lower, false},
	{"community_id", "COMMUNITY_ID", nil, false},
	{"host", "NPROBE_INSTANCE_NAME", nil, false},
	{"schema_version", "", json.Constant(strconv.Itoa(export.SchemaVersion)), false},
}

// flowMembers are what is said of flows. Octets are those of frames, as Suricata counts them, or
// else those of IP.
var flowMembers = [...]member{
	{"flow.pkts_toserver", "IN_PKTS", nil, false},
	{"flow.pkts_toclient", "OUT_PKTS", nil, false},
	{"flow.bytes_toserver", "IN_L2_BYTES IN_BYTES", nil, false},
	{"flow.bytes_toclient", "OUT_L2_BYTES OUT_BYTES", nil, false},
	{"flow.start", "", start, false},
	{"flow.end", "", end, false},
	{"flow.age", "", age, false},
	{"flow.state", "", state, false},
	{"flow.reason", "", reason, false},
	{"flow.alerted", "", json.Constant("false"), false},
	{"tcp.tcp_flags", "TCP_FLAGS", flags, false},
	{"tcp.tcp_flags_ts", "CLIENT_TCP_FLAGS", flags, false},
	{"tcp.tcp_flags_tc", "SERVER_TCP_FLAGS", flags, false},
	{"tcp.fin", "TCP_FLAGS", flag(fin), false},
	{"tcp.syn", "TCP_FLAGS", flag(syn), false},
	{"tcp.rst", "TCP_FLAGS", flag(rst), false},
	{"tcp.psh", "TCP_FLAGS", flag(psh), false},
	{"tcp.ack", "TCP_FLAGS", flag(ack), false},
	{"tcp.urg", "TCP_FLAGS", flag(urg), false},
	{"tcp.ecn", "TCP_FLAGS", flag(ece), false},
	{"tcp.cwr", "TCP_FLAGS", flag(cwr), false},
	{"tcp.state", "", tcpState, false},
}

var dnsMembers = []member{
	{"dns.version", "", json.Constant("3"), false},
	{"dns.type", "DNS_RET_CODE", dnsType, true},
	{"dns.id", "DNS_QUERY_ID", nil, false},
	{"dns.opcode", "DNS_OPCODE", nil, false},
	{"dns.aa", "DNS_FLAGS", listed("AA"), false},
	{"dns.tc", "DNS_FLAGS", listed("TC"), false},
	{"dns.rd", "DNS_FLAGS DNS_QUERY_FLAGS", listed("RD"), false},
	{"dns.ra", "DNS_FLAGS", listed("RA"), false},
	{"dns.rcode", "DNS_RET_CODE_NAME", nil, false},
	{"dns.queries", "DNS_QUERY DNS_QUERY_TYPE_NAME", queries, false},
	{"dns.answers", "DNS_RESPONSE", answers, false},
}

var httpMembers = []member{
	{"http.hostname", "HTTP_HOST", nil, false},
	{"http.url", "HTTP_URL", nil, false},
	{"http.http_user_agent", "HTTP_USER_AGENT", nil, false},
	{"http.xff", "HTTP_X_FORWARDED_FOR", nil, false},
	{"http.http_content_type", "HTTP_MIME", nil, false},
	{"http.http_refer", "HTTP_REFERER", nil, false},
	{"http.http_method", "HTTP_METHOD", nil, false},
	{"http.protocol", "HTTP_PROTOCOL", nil, false},
	{"http.status", "HTTP_RET_CODE", nil, false},
	{"http.redirect", "HTTP_LOCATION", nil, false},
	{"http.length", "HTTP_BODY_BYTES", nil, false},
}

var tlsMembers = []member{
	{"tls.sni", "TLS_SERVER_NAME", nil, false},
	{"tls.version", "TLS_VERSION", tlsVersion, false},
	{"tls.session_resumed", "TLS_RESUMED", onlyTrue, false},
	{"tls.subject", "TLS_CERT_SUBJECT", nil, false},
	{"tls.issuerdn", "TLS_CERT_ISSUER", nil, false},
	{"tls.serial", "TLS_CERT_SERIAL", serial, false},
	{"tls.fingerprint", "TLS_CERT_SHA1", colons, false},
	{"tls.notbefore", "TLS_CERT_NOT_BEFORE", validity, false},
	{"tls.notafter", "TLS_CERT_NOT_AFTER", validity, false},
	{"tls.subjectaltname", "TLS_CERT_NAMES", json.List(',', nil), false},
	{"tls.ja3.hash", "JA3C_HASH", nil, false},
	{"tls.ja3s.hash", "JA3S_HASH", nil, false},
	{"tls.ja4", "JA4C_HASH", nil, false},
	{"tls.client_alpns", "TLS_CLIENT_ALPN", json.List(',', nil), false},
	{"tls.server_alpns", "TLS_ALPN", json.List(',', nil), false},
}

var quicMembers = []member{
	{"quic.version", "QUIC_VERSION", quicVersion, false},
	{"quic.sni", "TLS_SERVER_NAME", nil, false},
	{"quic.ua", "QUIC_USER_AGENT", nil, false},
	{"quic.ja3.hash", "JA3C_HASH", nil, false},
	{"quic.ja4", "JA4C_HASH", nil, false},
}

var sshMembers = []member{
	{"ssh.client.proto_version", "SSH_CLIENT_VERSION", sshProtocol, false},
	{"ssh.client.software_version", "SSH_CLIENT_VERSION", sshSoftware, false},
	{"ssh.client.hassh.hash", "HASSH_CLIENT", nil, false},
	{"ssh.server.proto_version", "SSH_SERVER_VERSION", sshProtocol, false},
	{"ssh.server.software_version", "SSH_SERVER_VERSION", sshSoftware, false},
	{"ssh.server.hassh.hash", "HASSH_SERVER", nil, false},
}

// membersOf returns the type of the events of a dissector and their members: those of Suricata for
// what it knows, or else the fields whose labels begin with the name of the protocol.
func membersOf(d *app.Dissector) (typ string, members []member) {
	switch d.Name {
	case "dns":
		return "dns", dnsMembers
	case "http", "http2":
		return "http", httpMembers
	case "tls", "dtls":
		return "tls", tlsMembers
	case "quic":
		return "quic", quicMembers
	case "ssh":
		return "ssh", sshMembers
	}
	for _, f := range d.Fields {
		members = append(members, ownMember(d.Name, f))
	}
	return d.Name, members
}

// ownMember returns the member of a field that Suricata has no name for.
func ownMember(protocol string, f *flow.Field) member {
	name := strings.TrimPrefix(strings.ToLower(f.Label), protocol+"_")
	return member{protocol + "." + name, f.Label, nil, false}
}
