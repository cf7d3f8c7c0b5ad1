package ecs

import (
	"strconv"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/json"
)

// version is that of the Elastic Common Schema whose paths are used. Those of 9.0 are the same.
const version = "8.17.0"

// kinds is a set of flow.Kind.
type kinds uint8

const (
	flows      kinds = 1<<flow.KindFlow | 1<<flow.KindCall
	events     kinds = 1 << flow.KindEvent
	statistics kinds = 1 << flow.KindStatistics
	alerts     kinds = 1 << flow.KindAlert
	traffic          = flows | events
	all              = traffic | statistics | alerts
)

// member is what a document has beyond the fields that are asked for. labels are fields that it is
// made of if the template has them.
type member struct {
	path   string
	typ    string // Elasticsearch type
	kinds  kinds
	labels string
	form   json.Form
}

// Times of an event, best first.
const (
	began = "TRANSACTION_REQUEST_START TRANSACTION_RESPONSE_START"
	ended = "TRANSACTION_RESPONSE_END TRANSACTION_RESPONSE_START TRANSACTION_REQUEST_END TRANSACTION_REQUEST_START"
)

var members = [...]member{
	{"@timestamp", "date", all, ended, endTime},
	{"ecs.version", "keyword", all, "", json.Constant(`"` + version + `"`)},
	{"event.kind", "keyword", traffic, "", json.Constant(`"event"`)},
	{"event.kind", "keyword", statistics, "", json.Constant(`"metric"`)},
	{"event.kind", "keyword", alerts, "", json.Constant(`"alert"`)},
	{"event.category", "keyword", all, "", json.Constant(`["network"]`)},
	{"event.type", "keyword", flows, "", connection},
	{"event.type", "keyword", events, "", json.Constant(`["protocol"]`)},
	{"event.type", "keyword", statistics | alerts, "", json.Constant(`["info"]`)},
	{"event.action", "keyword", all, "", action},
	{"event.module", "keyword", all, "", json.Constant(`"weir"`)},
	{"event.dataset", "keyword", all, "", dataset},
	{"event.start", "date", traffic, began, beginTime},
	{"event.end", "date", traffic, ended, endTime},
	{"event.duration", "long", flows, "", duration},
	{"event.duration", "long", events, began + " " + ended, transactionDuration},
	{"event.reason", "keyword", flows, "", reason},
	{"network.type", "keyword", traffic, "", family},
	{"network.bytes", "long", flows, "", octets},
	{"network.packets", "long", flows, "", packets},
	{"related.ip", "ip", traffic, "", addresses},
	{"related.hosts", "keyword", traffic, "TLS_SERVER_NAME HTTP_HOST DNS_QUERY", json.All},
	{"dns.type", "keyword", events, "DNS_RET_CODE DNS_QUERY", dnsType},
	{"dns.resolved_ip", "ip", traffic, "DNS_RESPONSE", json.List(';', resolved)},
	{"tls.version_protocol", "keyword", traffic, "TLS_VERSION", tlsProtocol},
	{"observer.product", "keyword", all, "", json.Constant(`"weir"`)},
	{"observer.type", "keyword", all, "", json.Constant(`"probe"`)},
	{own + ".schema_version", "long", all, "", json.Constant(strconv.Itoa(export.SchemaVersion))},
}

func action(dst []byte, in *json.Input) []byte {
	switch in.Kind {
	case flow.KindEvent:
		return append(dst, `"network_transaction"`...)
	case flow.KindStatistics:
		return append(dst, `"statistics"`...)
	}
	return append(append(append(dst, `"network_`...), in.Kind.String()...), '"')
}

func dataset(dst []byte, in *json.Input) []byte {
	return append(append(append(dst, `"weir.`...), in.Kind.String()...), '"')
}

// connection says of a flow that goes on that it is one, and of others that they ended.
func connection(dst []byte, in *json.Input) []byte {
	if in.End == flow.EndActive {
		return append(dst, `["connection"]`...)
	}
	return append(dst, `["connection","end"]`...)
}

// reasons are in the words of IANA's flowEndReason.
var reasons = [...]string{
	flow.EndIdle: "idle timeout", flow.EndActive: "active timeout", flow.EndDetected: "end of flow detected",
	flow.EndForced: "forced end", flow.EndResource: "lack of resources",
}

func reason(dst []byte, in *json.Input) []byte {
	if in.End == 0 || int(in.End) >= len(reasons) {
		return dst
	}
	return append(append(append(dst, '"'), reasons[in.End]...), '"')
}

func family(dst []byte, in *json.Input) []byte {
	switch in.Version {
	case 4:
		return append(dst, `"ipv4"`...)
	case 6:
		return append(dst, `"ipv6"`...)
	}
	return dst
}

func octets(dst []byte, in *json.Input) []byte { return appendLong(dst, in.Octets[0]+in.Octets[1]) }

func packets(dst []byte, in *json.Input) []byte { return appendLong(dst, in.Packets[0]+in.Packets[1]) }

func duration(dst []byte, in *json.Input) []byte {
	return appendLong(dst, max(in.Last, in.First)-in.First)
}

func beginTime(dst []byte, in *json.Input) []byte {
	if f, v := in.Found(); f != nil {
		return appendTime(dst, v.U)
	}
	return appendTime(dst, in.First)
}

func endTime(dst []byte, in *json.Input) []byte {
	if f, v := in.Found(); f != nil {
		return appendTime(dst, v.U)
	}
	return appendTime(dst, in.Last)
}

// transactionDuration is from the earliest to the latest of its fields.
func transactionDuration(dst []byte, in *json.Input) []byte {
	least, most := ^uint64(0), uint64(0)
	for i := range in.Len() {
		if v, ok := in.Value(i); ok {
			least, most = min(least, v.U), max(most, v.U)
		}
	}
	if most < least {
		return dst
	}
	return appendLong(dst, most-least)
}
