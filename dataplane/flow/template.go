package flow

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Templates for those who name none. Fields of the other IP version take their places by themselves.
const (
	// DefaultNProbe is what nProbe exports if it is not told otherwise.
	DefaultNProbe = `%IPV4_SRC_ADDR %IPV4_DST_ADDR %INPUT_SNMP %OUTPUT_SNMP %IN_PKTS %IN_BYTES
		%FIRST_SWITCHED %LAST_SWITCHED %L4_SRC_PORT %L4_DST_PORT %TCP_FLAGS %PROTOCOL %SRC_TOS %SRC_AS %DST_AS`

	// DefaultV5 is what a NetFlow v5 record has room for.
	DefaultV5 = DefaultNProbe + ` %IPV4_SRC_MASK %IPV4_DST_MASK`

	// DefaultV9 keeps to fields that NetFlow v9 collectors know.
	DefaultV9 = `%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
		%IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS %FIRST_SWITCHED %LAST_SWITCHED %TCP_FLAGS %SRC_TOS %DST_TOS
		%INPUT_SNMP %OUTPUT_SNMP %SRC_VLAN %DST_VLAN %IN_SRC_MAC %IN_DST_MAC %ICMP_TYPE %MIN_TTL %MAX_TTL
		%SRC_AS %DST_AS %IPV4_SRC_MASK %IPV4_DST_MASK %APPLICATION_ID %FLOW_END_REASON`

	// DefaultIPFIX adds what was measured of the connection.
	DefaultIPFIX = `%SCHEMA_VERSION
		%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
		%FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %FLOW_END_REASON %BIFLOW_DIRECTION
		%IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS %SRC_TOS %DST_TOS
		%TCP_FLAGS %CLIENT_TCP_FLAGS %SERVER_TCP_FLAGS %INPUT_SNMP %OUTPUT_SNMP %SRC_VLAN %DOT1Q_SRC_VLAN
		%IN_SRC_MAC %IN_DST_MAC %MPLS_LABEL_1 %IPV6_FLOW_LABEL %ICMP_TYPE %MIN_TTL %MAX_TTL ` + measured + `
		%SRC_AS %DST_AS %APPLICATION_ID %APPLICATION_NAME`

	// Collected is what tells records that were collected apart, and how they were sampled. Every version of
	// NetFlow but v5 has numbers for it.
	Collected = `%EXPORTER_IPV4_ADDRESS %EXPORTER_IPV6_ADDRESS %OBSERVATION_DOMAIN_ID %SAMPLING_INTERVAL`

	// DefaultJSON is for readers.
	DefaultJSON = `%SCHEMA_VERSION
		%FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %FLOW_DURATION_MILLISECONDS %FLOW_END_REASON
		%IPV4_SRC_ADDR %L4_SRC_PORT %IPV4_DST_ADDR %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
		%L7_PROTO %L7_PROTO_NAME %L7_PROTO_CATEGORY %L7_CONFIDENCE %COMMUNITY_ID
		%IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS %SRC_TOS %DST_TOS %TCP_FLAGS %CLIENT_TCP_FLAGS %SERVER_TCP_FLAGS
		%INPUT_SNMP %OUTPUT_SNMP %SRC_VLAN %DOT1Q_SRC_VLAN %IN_SRC_MAC %IN_DST_MAC %MPLS_LABEL_1
		%ICMP_IPV4_TYPE %ICMP_IPV4_CODE %MIN_TTL %MAX_TTL %MIN_IP_PKT_LEN %MAX_IP_PKT_LEN ` + measured + `
		%TCP_WIN_MSS_IN %TCP_WIN_MSS_OUT %TCP_WIN_SCALE_IN %TCP_WIN_SCALE_OUT %L7_OS_HINT
		%TUNNEL_TYPE %UPSTREAM_TUNNEL_ID %DOWNSTREAM_TUNNEL_ID
		%OUTER_IPV4_SRC_ADDR %OUTER_IPV4_DST_ADDR %OUTER_IPV6_SRC_ADDR %OUTER_IPV6_DST_ADDR
		%SRC_IP_COUNTRY %DST_IP_COUNTRY %SRC_IP_CITY %DST_IP_CITY %SRC_AS %SRC_AS_MAP %DST_AS %DST_AS_MAP
		%SAMPLING_INTERVAL %EXPORTER_IPV4_ADDRESS %EXPORTER_IPV6_ADDRESS %NPROBE_INSTANCE_NAME`

	// DefaultECS is for documents of the Elastic Common Schema, which have start and end by themselves.
	DefaultECS = `%RECORD_ID %IPV4_SRC_ADDR %L4_SRC_PORT %IPV4_DST_ADDR %L4_DST_PORT %PROTOCOL %PROTOCOL_MAP
		%L7_PROTO_NAME %L7_PROTO_CATEGORY %SERVICE_NAME %SERVICE_CATEGORY %COMMUNITY_ID
		%IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS %SRC_TOS %DST_TOS %TCP_FLAGS %CLIENT_TCP_FLAGS %SERVER_TCP_FLAGS
		%INPUT_SNMP %OUTPUT_SNMP %DOT1Q_SRC_VLAN %DOT1Q_CUSTOMER_VLAN %IN_SRC_MAC %IN_DST_MAC %MPLS_LABEL_1
		%ICMP_IPV4_TYPE %ICMP_IPV4_CODE %MIN_TTL %MAX_TTL %MIN_IP_PKT_LEN %MAX_IP_PKT_LEN ` + measured + `
		%L7_OS_HINT %TUNNEL_TYPE %UPSTREAM_TUNNEL_ID %DOWNSTREAM_TUNNEL_ID
		%OUTER_IPV4_SRC_ADDR %OUTER_IPV4_DST_ADDR %OUTER_IPV6_SRC_ADDR %OUTER_IPV6_DST_ADDR
		%SRC_IP_COUNTRY %DST_IP_COUNTRY %SRC_IP_CITY %DST_IP_CITY %SRC_IP_LONG %SRC_IP_LAT %DST_IP_LONG %DST_IP_LAT
		%SRC_AS %SRC_AS_MAP %DST_AS %DST_AS_MAP
		%SAMPLING_INTERVAL %EXPORTER_IPV4_ADDRESS %EXPORTER_IPV6_ADDRESS %NPROBE_INSTANCE_NAME`

	// DefaultTable is what fits a screen.
	DefaultTable = `%IPV4_SRC_ADDR %L4_SRC_PORT %IPV4_DST_ADDR %L4_DST_PORT %PROTOCOL_MAP %L7_PROTO_NAME
		%IN_PKTS %OUT_PKTS %IN_BYTES %OUT_BYTES %CLIENT_NW_LATENCY_MS %SERVER_NW_LATENCY_MS %APPL_LATENCY_MS
		%RETRANSMITTED_IN_PKTS %RETRANSMITTED_OUT_PKTS %FLOW_DURATION_MILLISECONDS`

	// DefaultNtopng is nProbe's macro for ntopng, as far as it is about packets.
	DefaultNtopng = `%IN_SRC_MAC %OUT_DST_MAC %INPUT_SNMP %OUTPUT_SNMP %SRC_VLAN
		%IPV4_SRC_ADDR %IPV4_DST_ADDR %L4_SRC_PORT %L4_DST_PORT %IPV6_SRC_ADDR %IPV6_DST_ADDR %SRC_TOS %DST_TOS
		%IP_PROTOCOL_VERSION %PROTOCOL %L7_PROTO %L7_CONFIDENCE %IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS
		%FIRST_SWITCHED %LAST_SWITCHED %CLIENT_TCP_FLAGS %SERVER_TCP_FLAGS %EXPORTER_IPV4_ADDRESS %DIRECTION
		%SAMPLING_INTERVAL %NPROBE_IPV4_ADDRESS %NPROBE_INSTANCE_NAME %FLOW_SOURCE
		%CLIENT_NW_LATENCY_MS %SERVER_NW_LATENCY_MS %APPL_LATENCY_MS %TCP_WIN_MAX_IN %TCP_WIN_MAX_OUT
		%OOORDER_IN_PKTS %OOORDER_OUT_PKTS %RETRANSMITTED_IN_PKTS %RETRANSMITTED_OUT_PKTS
		%SRC_FRAGMENTS %DST_FRAGMENTS`

	// DefaultSIP and DefaultRTP are nProbe's macros for calls and their media.
	DefaultSIP = `%SIP_CALL_ID %SIP_UAC %SIP_UAS %SIP_CALLING_PARTY %SIP_CALLED_PARTY %SIP_RTP_IPV4_SRC_ADDR
		%SIP_RTP_L4_SRC_PORT %SIP_RTP_IPV4_DST_ADDR %SIP_RTP_L4_DST_PORT %SIP_RESPONSE_CODE %SIP_REASON_CAUSE
		%SIP_CALL_STATE %SIP_RTP_CODECS`
	DefaultRTP = `%RTP_SIP_CALL_ID %RTP_RTT %RTP_IN_JITTER %RTP_OUT_JITTER %RTP_IN_PKT_LOST %RTP_OUT_PKT_LOST
		%RTP_IN_PKT_DROP %RTP_OUT_PKT_DROP %RTP_IN_MAX_DELTA %RTP_OUT_MAX_DELTA %RTP_IN_PAYLOAD_TYPE
		%RTP_OUT_PAYLOAD_TYPE %RTP_IN_MOS %RTP_OUT_MOS %RTP_IN_R_FACTOR %RTP_OUT_R_FACTOR`

	measured = `%CLIENT_NW_LATENCY_MS %SERVER_NW_LATENCY_MS %APPL_LATENCY_MS
		%RETRANSMITTED_IN_PKTS %RETRANSMITTED_OUT_PKTS %RETRANSMITTED_IN_BYTES %RETRANSMITTED_OUT_BYTES
		%OOORDER_IN_PKTS %OOORDER_OUT_PKTS %TCP_LOST_IN_BYTES %TCP_LOST_OUT_BYTES`
)

// macros stand for many fields. @FULL@, all of them, is not among them because it is derived.
var macros = [...]struct{ name, text string }{
	{"DEFAULT", DefaultNProbe}, {"NTOPNG", DefaultNtopng}, {"TABLE", DefaultTable},
	{"JSON", DefaultJSON}, {"ECS", DefaultECS}, {"IPFIX", DefaultIPFIX}, {"V9", DefaultV9}, {"V5", DefaultV5},
	{"COLLECTED", Collected}, {"SIP", DefaultSIP}, {"RTP", DefaultRTP},
}

// Template is a list of fields to export.
type Template struct {
	Fields []*Field // as they were asked for, without repetitions
}

// Template compiles a list of field names, separated by spaces or commas. A name is a label, an
// element name or an alias in either case, with or without a percent sign; @NAME@ stands for many.
// The error joins one for every mistake, with the names that come nearest.
func (s *Schema) Template(text string) (*Template, error) {
	t := &Template{}
	var wrong []error
	for _, name := range splitNames(text) {
		fields, err := s.resolve(name)
		if err != nil {
			wrong = append(wrong, err)
		}
		for _, f := range fields {
			t.Add(f)
		}
	}
	if len(t.Fields) == 0 && len(wrong) == 0 {
		return nil, errors.New("template is empty: name fields, as %IN_BYTES, or a macro, as @DEFAULT@")
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return t, nil
}

func splitNames(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" ,;\t\r\n", c) })
}

// Add adds a field, unless the template has it.
func (t *Template) Add(f *Field) {
	if !slices.Contains(t.Fields, f) {
		t.Fields = append(t.Fields, f)
	}
}

// resolve returns the fields that a word of a template means.
func (s *Schema) resolve(word string) ([]*Field, error) {
	if strings.HasPrefix(word, "@") {
		return s.macro(word)
	}
	name := strings.TrimPrefix(word, "%")
	if f := s.Named(name); f != nil {
		return []*Field{f}, nil
	}
	near := ""
	if n := s.Nearest(name); len(n) > 0 {
		near = ", nearest are " + strings.Join(n, ", ")
	}
	if isNProbe(name) {
		return nil, fmt.Errorf("template field %s is nProbe's but not measured here: leave it out%s", word, near)
	}
	return nil, fmt.Errorf("template field %s is unknown%s", word, near)
}

func (s *Schema) macro(word string) (fields []*Field, err error) {
	name := strings.ToUpper(strings.Trim(word, "@"))
	if name == "FULL" {
		return s.Fields, nil
	}
	known := "@FULL@"
	for _, m := range macros {
		if m.name != name {
			known += " @" + m.name + "@"
			continue
		}
		for _, n := range splitNames(m.text) {
			f := s.Named(strings.TrimPrefix(n, "%"))
			if f == nil {
				return nil, fmt.Errorf("template macro %s needs %s, which this schema does not have", word, n)
			}
			fields = append(fields, f)
		}
		return fields, nil
	}
	return nil, fmt.Errorf("template macro %s is unknown, there are %s", word, known)
}

// Version returns the fields to export for flows of an IP version: each address is of that
// version, and what only the other version has is left out.
func (t *Template) Version(version uint8) []*Field {
	of := &Template{}
	for _, f := range t.Fields {
		if !f.For(version) {
			if f = f.Twin(); f == nil || !f.For(version) {
				continue
			}
		}
		of.Add(f)
	}
	return of.Fields
}

// Labelled returns those of the fields that have one of the labels, which have spaces between, in
// the order of the labels.
func Labelled(fields []*Field, labels string) (found []*Field) {
	for _, label := range strings.Fields(labels) {
		for _, f := range fields {
			if f.Key() == label {
				found = append(found, f)
			}
		}
	}
	return found
}

// Blocks returns the cold blocks a worker has to maintain for the template.
func (t *Template) Blocks() (b Block) {
	for _, f := range t.Fields {
		b |= f.Blocks()
	}
	return b
}

// nProbeNames are the labels of nProbe's template fields, one a line, to tell a field that is not
// measured from a misspelt one.
//
//go:embed nprobe.txt
var nProbeNames string

func isNProbe(name string) bool {
	return strings.Contains("\n"+nProbeNames, "\n"+strings.ToUpper(name)+"\n")
}

// Nearest returns the keys of up to three fields whose names are most like name, best first.
func (s *Schema) Nearest(name string) []string {
	type candidate struct {
		key      string
		distance int
	}
	name = strings.ToLower(name)
	var found []candidate
	for known, f := range s.byName {
		if d := Distance(name, known); d <= max(2, len(name)/3) {
			found = append(found, candidate{f.Key(), d})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.key, b.key)
	})
	var keys []string
	for _, c := range found {
		if len(keys) < 3 && !slices.Contains(keys, c.key) {
			keys = append(keys, c.key)
		}
	}
	return keys
}

// Distance counts the octets to insert, remove or replace to turn a into b (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
