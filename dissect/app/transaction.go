package app

import "github.com/weir-probe/weir/dataplane/flow"

// Fields of a transaction, whatever its protocol. The worker says them of every event.
var (
	TransactionProtocol = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_PROTOCOL", ID: 80, PEN: flow.Weir},
		Type:    flow.String, Width: 16,
		Doc: "Dissector that found the transaction.",
	}
	TransactionState = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_STATE", ID: 81, PEN: flow.Weir},
		Type:    flow.String, Width: 12,
		Doc: "How the transaction ended: complete, unanswered, unasked, reset, abandoned, notice, or open if it goes on.",
	}
	TransactionAsker = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_ASKER", ID: 82, PEN: flow.Weir},
		Type:    flow.String, Width: 8,
		Doc: "Who sent the request or notice, or to whom the response went: client or server.",
	}
	TransactionRequestBegin = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_REQUEST_START", ID: 83, PEN: flow.Weir},
		Type:    flow.DateTimeMicroseconds,
		Doc:     "Time of the first octet of the request, microseconds.",
	}
	TransactionRequestEnd = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_REQUEST_END", ID: 84, PEN: flow.Weir},
		Type:    flow.DateTimeMicroseconds,
		Doc:     "Time of the last octet of the request, microseconds.",
	}
	TransactionResponseBegin = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_RESPONSE_START", ID: 85, PEN: flow.Weir},
		Type:    flow.DateTimeMicroseconds,
		Doc:     "Time of the first octet of the final response, microseconds.",
	}
	TransactionResponseEnd = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_RESPONSE_END", ID: 86, PEN: flow.Weir},
		Type:    flow.DateTimeMicroseconds,
		Doc:     "Time of the last octet of the response, microseconds.",
	}
	TransactionLatency = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_LATENCY_USEC", ID: 87, PEN: flow.Weir},
		Type:    flow.Unsigned64, Scale: 1e3,
		Doc: "Time from the last octet of the request to the first of the response, microseconds.",
	}
	TransactionRequestOctets = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_REQUEST_BYTES", ID: 88, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Octets of the request, retransmissions not counted.",
	}
	TransactionResponseOctets = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_RESPONSE_BYTES", ID: 89, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Octets of the response, retransmissions not counted.",
	}
	TransactionRequestPackets = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_REQUEST_PKTS", ID: 90, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Packets with payload by who asked from the request to the end of the transaction.",
	}
	TransactionResponsePackets = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_RESPONSE_PKTS", ID: 91, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Packets with payload by who answered from the response to the end of the transaction.",
	}
	TransactionRepeats = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_RETRANSMISSIONS", ID: 92, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Times the request was sent again.",
	}
	TransactionInterim = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_INTERIM_RESPONSES", ID: 93, PEN: flow.Weir},
		Type:    flow.Unsigned32,
		Doc:     "Responses that were not final.",
	}
	TransactionLost = &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_LOST", ID: 94, PEN: flow.Weir},
		Type:    flow.Unsigned8,
		Doc:     "1 if octets of the stream before one of the messages were not seen.",
	}
)

// Fields of a flow with transactions.
var (
	Transactions = &flow.Field{
		Element: flow.Element{Label: "TRANSACTIONS", ID: 95, PEN: flow.Weir},
		Type:    flow.Unsigned64,
		Doc:     "Transactions and notices that ended.",
	}
	TransactionLatencyMin = latencyOf("MIN", "Least", 96)
	TransactionLatencyAvg = latencyOf("AVG", "Mean", 97)
	TransactionLatencyMax = latencyOf("MAX", "Greatest", 98)
)

func latencyOf(label, word string, id uint16) *flow.Field {
	return &flow.Field{
		Element: flow.Element{Label: "TRANSACTION_LATENCY_" + label + "_USEC", ID: id, PEN: flow.Weir},
		Type:    flow.Unsigned64, Scale: 1e3,
		Doc: word + " time from the last octet of a request to the first of its response, microseconds.",
	}
}

var transactionFields = []*flow.Field{
	TransactionProtocol, TransactionState, TransactionAsker,
	TransactionRequestBegin, TransactionRequestEnd, TransactionResponseBegin, TransactionResponseEnd,
	TransactionLatency, TransactionRequestOctets, TransactionResponseOctets,
	TransactionRequestPackets, TransactionResponsePackets, TransactionRepeats, TransactionInterim,
	TransactionLost, Transactions, TransactionLatencyMin, TransactionLatencyAvg, TransactionLatencyMax,
}
