package collect

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// golden is what another collector makes of a capture: x-pack/filebeat's.
type golden struct {
	Events []struct {
		Timestamp time.Time
		Fields    struct{ Netflow map[string]any }
	}
}

// goldenNames are our keys for those of the golden files; - is what is not compared, for a reason.
var goldenNames = map[string]string{
	"octet_delta_count": "IN_BYTES", "packet_delta_count": "IN_PKTS",
	"initiator_octets": "IN_BYTES", "initiator_packets": "IN_PKTS",
	"responder_octets": "OUT_BYTES", "responder_packets": "OUT_PKTS",
	"octet_total_count": "OCTET_TOTAL", "packet_total_count": "PACKET_TOTAL",
	"reverse_octet_total_count": "OUT_BYTES", "reverse_packet_total_count": "OUT_PKTS",
	"protocol_identifier": "PROTOCOL", "source_transport_port": "L4_SRC_PORT",
	"destination_transport_port": "L4_DST_PORT", "source_ipv4_address": "IPV4_SRC_ADDR",
	"destination_ipv4_address": "IPV4_DST_ADDR", "source_ipv6_address": "IPV6_SRC_ADDR",
	"destination_ipv6_address": "IPV6_DST_ADDR", "ingress_interface": "INPUT_SNMP", "egress_interface": "OUTPUT_SNMP",
	"ip_class_of_service": "SRC_TOS", "reverse_ip_class_of_service": "DST_TOS", "tcp_control_bits": "TCP_FLAGS",
	"vlan_id": "SRC_VLAN", "reverse_vlan_id": "DST_VLAN", "source_mac_address": "IN_SRC_MAC",
	"destination_mac_address": "IN_DST_MAC", "flow_end_reason": "FLOW_END_REASON", "biflow_direction": "BIFLOW_DIRECTION",
	"firewall_event": "FIREWALL_EVENT", "asa_fw_event": "FIREWALL_EVENT", "fw_ext_event": "FW_EXT_EVENT",
	"flow_id": "FLOW_ID", "asa_xlate_src_addr_ipv4": "POST_NAT_SRC_IPV4_ADDR",
	"asa_xlate_dst_addr_ipv4": "POST_NAT_DST_IPV4_ADDR", "asa_xlate_src_port": "POST_NAPT_SRC_PORT",
	"asa_xlate_dst_port": "POST_NAPT_DST_PORT", "icmp_type_ipv4": "ICMP_IPV4_TYPE", "icmp_code_ipv4": "ICMP_IPV4_CODE",
	"ip_next_hop_ipv4_address": "IPV4_NEXT_HOP", "ip_next_hop_ipv6_address": "IPV6_NEXT_HOP",
	"post_nat_source_ipv4_address":      "POST_NAT_SRC_IPV4_ADDR",
	"post_nat_destination_ipv4_address": "POST_NAT_DST_IPV4_ADDR",
	"ip_version":                        "IP_PROTOCOL_VERSION", "flow_duration_milliseconds": "FLOW_DURATION_MILLISECONDS",
	"flow_start_milliseconds": "FLOW_START_MILLISECONDS", "flow_end_milliseconds": "FLOW_END_MILLISECONDS",
	"observation_time_milliseconds": "OBSERVATION_TIME_MILLISECONDS", "new_connection_delta_count": "CONNECTIONS_NEW",
	"connection_sum_duration_seconds": "CONNECTIONS_DURATION_SEC", "ingress_vrfid": "INGRESS_VRFID",
	"ip_ttl": "MIN_TTL", "asa_username": "USERNAME", "application_name": "APPLICATION_NAME",
	"source_ipv4_prefix_length": "IPV4_SRC_MASK", "destination_ipv4_prefix_length": "IPV4_DST_MASK",
	"source_ipv6_prefix_length": "IPV6_SRC_MASK", "destination_ipv6_prefix_length": "IPV6_DST_MASK",
	"flow_direction": "DIRECTION", "bgp_source_as_number": "SRC_AS", "bgp_destination_as_number": "DST_AS",
	"minimum_ttl": "MIN_TTL", "maximum_ttl": "MAX_TTL", "icmp_type_code_ipv4": "ICMP_TYPE",
	"ingress_acl_id": "INGRESS_ACL_ID", "egress_acl_id": "EGRESS_ACL_ID", "flow_label_ipv6": "IPV6_FLOW_LABEL",
	"ethernet_type": "ETHERNET_TYPE", "ip_diff_serv_code_point": "SRC_TOS", "post_ip_class_of_service": "DST_TOS",
	"multicast_replication_factor": "-", // Cisco's element 99 is carried as it is
	"ipv6_extension_headers":       "IPV6_OPTION_HEADERS", "igmp_type": "MUL_IGMP_TYPE", "tcp_options": "TCP_OPTIONS",
	"dot1q_vlan_id": "DOT1Q_SRC_VLAN", "dot1q_customer_vlan_id": "DOT1Q_CUSTOMER_VLAN",

	"ingress_physical_interface": "INGRESS_PHYSICAL_IF", "egress_physical_interface": "EGRESS_PHYSICAL_IF",
	"fragment_identification": "IPV4_IDENT",
	"udp_source_port":         "-", "udp_destination_port": "-", // carried as they are beside the ports that there are
	"tcp_source_port": "-", "tcp_destination_port": "-", "source_ipv4_prefix": "-", "destination_ipv4_prefix": "-",

	"flow_attributes": "YAF_FLOW_ATTRIBUTES", "reverse_flow_attributes": "YAF_REVERSE_FLOW_ATTRIBUTES",
	"silk_app_label": "YAF_APPLABEL", "reverse_flow_delta_milliseconds": "YAF_REVERSE_DELTA_MSEC",
	"initial_tcp_flags": "YAF_INITIAL_TCP_FLAGS", "union_tcp_flags": "YAF_UNION_TCP_FLAGS",
	"reverse_initial_tcp_flags": "YAF_REVERSE_INITIAL_TCP_FLAGS", "reverse_union_tcp_flags": "YAF_REVERSE_UNION_TCP_FLAGS",
	"tcp_sequence_number": "TCP_SEQ_NUM", "application_id": "APPLICATION_ID",

	"art_client_network_time_sum": "CISCO_CLIENT_NETWORK_DELAY_SUM", "art_count_late_responses": "CISCO_RESPONSES_LATE",
	"art_count_responses": "CISCO_SERVER_RESPONSES", "art_count_retransmissions": "CISCO_CLIENT_RETRANSMITTED",
	"art_count_transactions": "CISCO_TRANSACTIONS", "art_network_time_sum": "CISCO_NETWORK_DELAY_SUM",
	"art_response_time_sum":        "CISCO_SERVER_RESPONSE_SUM",
	"art_server_network_time_sum":  "CISCO_SERVER_NETWORK_DELAY_SUM",
	"art_server_response_time_sum": "CISCO_APPLICATION_DELAY_SUM", "art_server_response_time_maximum": "CISCO_APPLICATION_DELAY_MAX",
	"art_total_response_time_sum": "CISCO_TOTAL_RESPONSE_SUM", "art_total_transaction_time_sum": "CISCO_TRANSACTION_DURATION_SUM",
	"waasoptimization_segment": "CISCO_WAAS_SEGMENT", "waas_optimization_segment": "CISCO_WAAS_SEGMENT",
	"waas_passthrough_reason": "CISCO_WAAS_PASSTHROUGH",

	"type": "-", "exporter": "-", // what the other collector adds
	"flow_start_sys_up_time": "-", "flow_end_sys_up_time": "-", // we say when that was: compared by uptimes
	"reverse_tcp_sequence_number": "-", // an element of the opposite direction that goes through as it came
}

// Every record that another collector finds in a capture is found here, with the same values. Where
// they differ on purpose the reason stands beside it.
func TestGolden(t *testing.T) {
	for _, name := range []string{
		"beats__ipfix_cisco", "derived_netflow__beats__IPFIX-Barracuda-firewall",
		"derived_netflow__beats__IPFIX-Mikrotik-RouterOS-6.39.2", "derived_netflow__beats__IPFIX-YAF-basic-with-applabel",
		"derived_netflow__beats__Netflow-9-Cisco-ASA", "derived_netflow__beats__Netflow-9-Cisco-NBAR-flowset-262",
		"derived_netflow__beats__Netflow-9-ipt_netflow-reduced-size-encoding",
		"derived_netflow__beats__Netflow-9-nprobe-DPI-L7",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			path := collection("netflow/" + name + ".pcap")
			b.read(path)
			var g golden
			text, err := os.ReadFile(path + ".golden.json")
			if err == nil {
				err = json.Unmarshal(text, &g)
			}
			if err != nil {
				t.Fatal(err)
			}
			var want []map[string]any
			for _, e := range g.Events {
				if e.Fields.Netflow["type"] == "netflow_flow" {
					want = append(want, e.Fields.Netflow)
				}
			}
			if len(want) != len(b.records) || len(want) == 0 {
				t.Fatalf("%d records, the other collector has %d", len(b.records), len(want))
			}
			for i := range want {
				compare(t, i, b.records[i], want[i])
				uptimes(t, i, b.records[i], want[i])
			}
		})
	}
}

// compare reports values that differ.
func compare(t *testing.T, i int, got said, want map[string]any) {
	t.Helper()
	for name, value := range want {
		key, known := goldenNames[name]
		if !known {
			t.Errorf("record %d: %s is %v there and not compared", i, name, value)
			continue
		}
		if key == "-" {
			continue
		}
		text := plain(value)
		switch {
		case name == "ip_diff_serv_code_point":
			text = fmt.Sprint(value.(float64) * 4) // a type of service here
		case name == "application_id": // the engine's number and its selector here
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil || len(b) != 4 {
				t.Fatal(text, err)
			}
			text = fmt.Sprintf("%d:%d", b[0], uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))
		case name == "application_name": // octets that cannot be printed are spaces in plain text
			text = strings.Map(func(c rune) rune { return max(c, ' ') }, strings.TrimRight(text, "\x00"))
		case strings.HasSuffix(name, "acl_id"):
			text = strings.ReplaceAll(text, "-", "")
		}
		if have, ok := got[key]; ok && have == text || !ok && absent(got, key, text) {
			continue
		}
		t.Errorf("record %d: %s is %q, there %s is %s", i, key, got[key], name, text)
	}
}

// uptimes compares times of the uptime, which are times of the clock here if the message says what the uptime
// was when it was sent; else they are as far apart.
func uptimes(t *testing.T, i int, got said, want map[string]any) {
	t.Helper()
	first, ok := want["flow_start_sys_up_time"].(float64)
	last, ok2 := want["flow_end_sys_up_time"].(float64)
	if !ok || !ok2 {
		return
	}
	begin, _ := strconv.ParseFloat(got["FLOW_START_MILLISECONDS"], 64)
	end, _ := strconv.ParseFloat(got["FLOW_END_MILLISECONDS"], 64)
	if end-begin != last-first {
		t.Errorf("record %d: lasted %v ms, there %v", i, end-begin, last-first)
	}
	from := want["exporter"].(map[string]any)
	at, err := time.Parse(time.RFC3339, from["timestamp"].(string))
	if uptime := from["uptime_millis"].(float64); err == nil && uptime > 0 {
		if there := float64(at.UnixMilli()) - uptime + last; end != there {
			t.Errorf("record %d: ended at %v, there %v", i, end, there)
		}
	}
}

// absent reports whether what is zero there is left out here because it is not known.
func absent(got said, key, there string) bool {
	icmp := got["PROTOCOL"] == "1" || got["PROTOCOL"] == "58"
	switch key {
	case "L4_SRC_PORT", "L4_DST_PORT": // ICMP has no ports; nobody knows those of fragments
		return icmp || there == "0" && got["L4_SRC_PORT"] == "" && got["L4_DST_PORT"] == ""
	case "ICMP_IPV4_TYPE", "ICMP_IPV4_CODE", "ICMP_TYPE":
		return !icmp && there == "0"
	case "TCP_FLAGS":
		return got["PROTOCOL"] != "6" && there == "0"
	}
	return there == ""
}

// plain writes a value of a golden file as ours are written.
func plain(v any) string {
	switch v := v.(type) {
	case float64:
		return fmt.Sprintf("%.0f", v)
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return fmt.Sprint(at.UnixMilli())
		}
		if a, err := netip.ParseAddr(v); err == nil {
			return a.String()
		}
		return v
	}
	return fmt.Sprint(v)
}
