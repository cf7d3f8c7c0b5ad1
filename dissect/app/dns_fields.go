package app

import "github.com/weir-probe/weir/dataplane/flow"

// What a transaction or a message of DNS is, in the order it is written.
var (
	dnsQuery = &flow.Field{
		Element: flow.Element{Label: "DNS_QUERY", ID: 205, PEN: flow.Ntop, ECS: "dns.question.name"},
		Type:    flow.String, Width: 255,
		Doc: "Name that was asked for, in its original case, with escapes of RFC 1035 and without the final dot.",
	}
	dnsQueryID = &flow.Field{
		Element: flow.Element{Label: "DNS_QUERY_ID", ID: 206, PEN: flow.Ntop, ECS: "dns.id"},
		Type:    flow.Unsigned16,
		Doc:     "Identifier of the DNS transaction.",
	}
	dnsQueryType = &flow.Field{
		Element: flow.Element{Label: "DNS_QUERY_TYPE", ID: 207, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Type of the records that were asked for, as a number.",
	}
	dnsRetCode = &flow.Field{
		Element: flow.Element{Label: "DNS_RET_CODE", ID: 208, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Return code of the DNS response, 12 bits with the extension of EDNS.",
	}
	dnsNumAnswers = &flow.Field{
		Element: flow.Element{Label: "DNS_NUM_ANSWERS", ID: 209, PEN: flow.Ntop},
		Type:    flow.Unsigned16,
		Doc:     "Number of records in the answer section of the DNS response.",
	}
	dnsTTLAnswer = &flow.Field{
		Element: flow.Element{Label: "DNS_TTL_ANSWER", ID: 352, PEN: flow.Ntop},
		Type:    flow.Unsigned32,
		Doc:     "Time to live of the first A or AAAA record of the answer, seconds.",
	}
	dnsResponse = &flow.Field{
		Element: flow.Element{Label: "DNS_RESPONSE", ID: 398, PEN: flow.Ntop, ECS: "dns.answers.data"},
		Type:    flow.String, Width: 255,
		Doc: "Answers as value/TYPE with semicolons between, addresses first, as many as fit into 255 octets.",
	}
	dnsTypeName = &flow.Field{
		Element: flow.Element{Label: "DNS_QUERY_TYPE_NAME", ID: 100, PEN: flow.Weir, ECS: "dns.question.type"},
		Type:    flow.String, Width: 10,
		Doc: "Type of the records that were asked for, by name.",
	}
	dnsClass = &flow.Field{
		Element: flow.Element{Label: "DNS_QUERY_CLASS", ID: 101, PEN: flow.Weir, ECS: "dns.question.class"},
		Type:    flow.String, Width: 10,
		Doc: "Class of the records that were asked for, by name.",
	}
	dnsRetCodeName = &flow.Field{
		Element: flow.Element{Label: "DNS_RET_CODE_NAME", ID: 102, PEN: flow.Weir, ECS: "dns.response_code"},
		Type:    flow.String, Width: 10,
		Doc: "Return code of the DNS response, by name.",
	}
	dnsAuthNS = &flow.Field{
		Element: flow.Element{Label: "DNS_AUTH_NS", ID: 103, PEN: flow.Weir},
		Type:    flow.String, Width: 255,
		Doc: "Name servers in the authority section of the response, with semicolons between.",
	}
	dnsOpcode = &flow.Field{
		Element: flow.Element{Label: "DNS_OPCODE", ID: 104, PEN: flow.Weir, ECS: "dns.op_code"},
		Type:    flow.String, Width: 8,
		Doc: "Kind of the DNS query, by name.",
	}
	dnsQueryFlags = &flow.Field{
		Element: flow.Element{Label: "DNS_QUERY_FLAGS", ID: 105, PEN: flow.Weir},
		Type:    flow.String, Width: 24,
		Doc: "Flags of the query, with semicolons between: those of the header, DO of EDNS, QU of multicast DNS.",
	}
	dnsFlags = &flow.Field{
		Element: flow.Element{Label: "DNS_FLAGS", ID: 106, PEN: flow.Weir, ECS: "dns.header_flags"},
		Type:    flow.String, Width: 32,
		Doc: "Flags of the response, with semicolons between: those of the header, DO, FLUSH of multicast DNS.",
	}
	dnsNumQueries = &flow.Field{
		Element: flow.Element{Label: "DNS_NUM_QUERIES", ID: 107, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of questions in the DNS message.",
	}
	dnsNumAuth = &flow.Field{
		Element: flow.Element{Label: "DNS_NUM_AUTH", ID: 108, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of records in the authority section of the DNS response.",
	}
	dnsNumAdditional = &flow.Field{
		Element: flow.Element{Label: "DNS_NUM_ADDITIONAL", ID: 109, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Number of records in the additional section of the DNS response.",
	}
	dnsFirstTTL = &flow.Field{
		Element: flow.Element{Label: "DNS_FIRST_TTL", ID: 110, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Time to live of the first record of the answer, seconds.",
	}
	dnsMinTTL = &flow.Field{
		Element: flow.Element{Label: "DNS_MIN_TTL", ID: 111, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Least time to live of the records of the answer, seconds.",
	}
	dnsOwner = &flow.Field{
		Element: flow.Element{Label: "DNS_ANSWER_NAME", ID: 112, PEN: flow.Weir},
		Type:    flow.String, Width: 255,
		Doc: "Name that the first answer is about, if the message repeats no question, as in multicast DNS.",
	}
	ednsVersion = &flow.Field{
		Element: flow.Element{Label: "DNS_EDNS_VERSION", ID: 113, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Version of EDNS (RFC 6891).",
	}
	ednsQuerySize = &flow.Field{
		Element: flow.Element{Label: "DNS_EDNS_QUERY_SIZE", ID: 114, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Largest UDP payload that who asks can receive, octets.",
	}
	ednsSize = &flow.Field{
		Element: flow.Element{Label: "DNS_EDNS_SIZE", ID: 115, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "Largest UDP payload that who answers can receive, octets.",
	}
	ednsSubnet = &flow.Field{
		Element: flow.Element{Label: "DNS_CLIENT_SUBNET", ID: 116, PEN: flow.Weir},
		Type:    flow.String, Width: 43,
		Doc: "Network that a resolver asks on behalf of, address/length (RFC 7871).",
	}
	ednsScope = &flow.Field{
		Element: flow.Element{Label: "DNS_CLIENT_SUBNET_SCOPE", ID: 117, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "Length of the prefix that the answer is meant for, bits (RFC 7871).",
	}
	ednsError = &flow.Field{
		Element: flow.Element{Label: "DNS_EXTENDED_ERROR", ID: 118, PEN: flow.Weir},
		Type:    flow.Unsigned16,
		Doc:     "First extended error of the DNS response (RFC 8914).",
	}
)

// dnsFields are all of them.
var dnsFields = []*flow.Field{
	dnsQuery, dnsQueryID, dnsQueryType, dnsTypeName, dnsClass, dnsOpcode, dnsQueryFlags, dnsNumQueries,
	dnsRetCode, dnsRetCodeName, dnsFlags, dnsNumAnswers, dnsNumAuth, dnsNumAdditional, dnsResponse,
	dnsOwner, dnsAuthNS, dnsTTLAnswer, dnsFirstTTL, dnsMinTTL,
	ednsVersion, ednsQuerySize, ednsSize, ednsSubnet, ednsScope, ednsError,
}
