package log

import (
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Type is what the header says of a column.
type Type string

// Types of columns.
const (
	Uint  Type = "uint"
	ASCII Type = "ascii" // text of at most Width octets
	Epoch Type = "epoch" // seconds since the Unix epoch
	Float Type = "float"
)

// Form writes what a column shows of a record.
type Form func(c *column, dst []byte, v *flow.View) []byte

// Column is one column of a log: what the header calls it, and the fields, by their labels, that
// Form makes it from. A column without fields is always empty: nothing of the kind is measured.
type Column struct {
	Name   string
	Type   Type
	Width  int
	Fields string
	Form   Form
}

func (c *Column) labels() []string { return strings.Fields(c.Fields) }

// Layout is a published log of one protocol. A new log is one such value.
type Layout struct {
	Records []string // the dissectors whose events it shows
	Columns []Column
}

// Layouts by the name of their format in the configuration.
var (
	// DNS has a line for each query, answered or not.
	DNS = &Layout{[]string{"dns"}, []Column{
		{"When", Epoch, 0, "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_START", seconds},
		{"DNS_Client", ASCII, 32, "IPV4_SRC_ADDR", first},
		{"AS", Uint, 0, "SRC_AS", first},
		{"ClientCountry", ASCII, 32, "SRC_IP_COUNTRY", first},
		{"ClientCity", ASCII, 32, "SRC_IP_CITY", first},
		{"DNS_Server", ASCII, 32, "IPV4_DST_ADDR", first},
		{"Query", ASCII, 64, "DNS_QUERY DNS_ANSWER_NAME", first},
		{"NumRetCode", Uint, 0, "DNS_RET_CODE", first},
		{"RetCode", ASCII, 16, "DNS_RET_CODE_NAME", first},
		{"NumAnswer", Uint, 0, "DNS_NUM_ANSWERS", first},
		{"NumQueryType", Uint, 0, "DNS_QUERY_TYPE", first},
		{"QueryType", ASCII, 8, "DNS_QUERY_TYPE_NAME", first},
		{"TransactionId", Uint, 0, "DNS_QUERY_ID", first},
		{"Answers", ASCII, 128, "DNS_RESPONSE", first},
		{"AuthNSs", ASCII, 32, "DNS_AUTH_NS", first},
		{"Cli2SrvTTL", Uint, 0, "MAX_TTL", first},
		{"Srv2CliTTL", Uint, 0, "REVERSE_MAX_TTL", first},
		{"NumQueryPkts", Uint, 0, "TRANSACTION_REQUEST_START TRANSACTION_RETRANSMISSIONS", tries},
		{"NumReplyPkts", Uint, 0, "TRANSACTION_RESPONSE_START TRANSACTION_INTERIM_RESPONSES", tries},
		{"ServerResponseTime(ms)", Float, 0, "TRANSACTION_LATENCY_USEC", millis},
		{"RecordTTL", Uint, 0, "DNS_FIRST_TTL", first},
	}}

	// HTTP has a line for each request, answered or not.
	HTTP = &Layout{[]string{"http", "http2"}, []Column{
		{"Client", ASCII, 32, "IPV4_SRC_ADDR", first},
		{"Server", ASCII, 32, "HTTP_HOST", first},
		{"Protocol", ASCII, 8, "TRANSACTION_PROTOCOL", lower},
		{"Method", ASCII, 8, "HTTP_METHOD", first},
		{"URL", ASCII, 255, "HTTP_URL", first},
		{"HTTPReturnCode", Uint, 0, "HTTP_RET_CODE", first},
		{"Location", ASCII, 255, "HTTP_LOCATION", place},
		{"Referer", ASCII, 255, "HTTP_REFERER", place},
		{"UserAgent", ASCII, 255, "HTTP_USER_AGENT", first},
		{"ContentType", ASCII, 96, "HTTP_MIME", first},
		{"Bytes", Uint, 0, "TRANSACTION_REQUEST_BYTES TRANSACTION_RESPONSE_BYTES", sum},
		{"BeginTime", Epoch, 0, "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_START", seconds},
		{"EndTimeWithPayload", Epoch, 0, "TRANSACTION_RESPONSE_END TRANSACTION_REQUEST_END", seconds},
		{"FlowHash", ASCII, 16, "COMMUNITY_ID", hash},
		{"Cookie", ASCII, 255, "HTTP_COOKIE_RAW HTTP_COOKIE", first},
		{"Terminator", ASCII, 4, "HTTP_TERMINATOR", first},
		{"ApplLatency(ms)", Uint, 0, "TRANSACTION_LATENCY_USEC", millis},
		{"ClientLatency(ms)", Uint, 0, "CLIENT_NW_LATENCY_MS", millis},
		{"ServerLatency(ms)", Uint, 0, "SERVER_NW_LATENCY_MS", millis},
		{"ApplicationId", Uint, 0, "L7_PROTO", first},
		{"Application", ASCII, 32, "L7_PROTO_NAME", first},
		{"BalancerHost", ASCII, 32, "HTTP_X_FORWARDED_HOST", first},
		{"ServerIP", ASCII, 32, "IPV4_DST_ADDR", first},
		{"RehttpPkts", Uint, 0, "RETRANSMITTED_IN_PKTS RETRANSMITTED_OUT_PKTS", sum},
		{"Client2Server_TEID", ASCII, 8, "", first},
		{"Server2Client_TEID", ASCII, 8, "", first},
		{"FlowUserName (User or IMSI/LAC/CCI/CSAC/NSAPI)", ASCII, 32, "", first},
		{"AdditionalInfo", ASCII, 32, "", first},
		{"Pkts_Cli2Srv", Uint, 0, "TRANSACTION_REQUEST_PKTS", first},
		{"Pkts_Svr2Cli", Uint, 0, "TRANSACTION_RESPONSE_PKTS", first},
		{"Bytes_Cli2Srv", Uint, 0, "TRANSACTION_REQUEST_BYTES", first},
		{"Bytes_Svr2Cli", Uint, 0, "TRANSACTION_RESPONSE_BYTES", first},
		{"OOO_Cli2Srv", Uint, 0, "OOORDER_IN_PKTS", first},
		{"OOO_Svr2Cli", Uint, 0, "OOORDER_OUT_PKTS", first},
		{"Retr_Cli2Srv", Uint, 0, "RETRANSMITTED_IN_PKTS", first},
		{"Retr_Svr2Cli", Uint, 0, "RETRANSMITTED_OUT_PKTS", first},
		{"Duration_Cli2Srv(ms)", Uint, 0, "DURATION_IN", millis},
		{"Duration_Svr2Cli(ms)", Uint, 0, "DURATION_OUT", millis},
		{"FlowID", Uint, 0, "", first},
		{"X-Forwarded-For", ASCII, 255, "HTTP_X_FORWARDED_FOR", first},
		{"Via", ASCII, 255, "HTTP_VIA", first},
		{"POSTParams", ASCII, 256, "HTTP_POST_PARAMS", first},
	}}
)
