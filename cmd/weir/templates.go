package main

import (
	"fmt"
	"slices"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/call"
	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dissect/app"
	"github.com/weir-probe/weir/export/formats"
	"github.com/weir-probe/weir/export/table"
)

// appTemplate is what they say of flows before the fields of the protocols.
const appTemplate = ` %SERVICE_NAME %SERVICE_CATEGORY
	%FLOW_USER_NAME %SUBSCRIBER_IMSI %SUBSCRIBER_MSISDN %SUBSCRIBER_IMEI %SUBSCRIBER_APN %SUBSCRIBER_CELL
	%SUBSCRIBER_NAS %SUBSCRIBER_SESSION %SUBSCRIBER_MAC %POLICY_TAGS %POLICY_NOTE
	%TRANSACTIONS %TRANSACTION_LATENCY_MIN_USEC %TRANSACTION_LATENCY_AVG_USEC %TRANSACTION_LATENCY_MAX_USEC`

// eventTemplate is what is exported of every event before the fields of its protocol.
const eventTemplate = ` %TRANSACTION_PROTOCOL %TRANSACTION_STATE %TRANSACTION_ASKER
	%TRANSACTION_REQUEST_START %TRANSACTION_REQUEST_END %TRANSACTION_RESPONSE_START %TRANSACTION_RESPONSE_END
	%TRANSACTION_LATENCY_USEC %TRANSACTION_REQUEST_BYTES %TRANSACTION_RESPONSE_BYTES
	%TRANSACTION_REQUEST_PKTS %TRANSACTION_RESPONSE_PKTS %TRANSACTION_RETRANSMISSIONS
	%TRANSACTION_INTERIM_RESPONSES %TRANSACTION_LOST
	%IPV4_SRC_ADDR %L4_SRC_PORT %IPV4_DST_ADDR %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
	%SRC_VLAN %INPUT_SNMP %COMMUNITY_ID %L7_PROTO %L7_PROTO_NAME %L7_PROTO_CATEGORY %L7_CONFIDENCE
	%SERVICE_NAME %SERVICE_CATEGORY
	%FLOW_USER_NAME %SUBSCRIBER_IMSI %SUBSCRIBER_MSISDN %SUBSCRIBER_IMEI %SUBSCRIBER_APN %SUBSCRIBER_CELL
	%SUBSCRIBER_NAS %SUBSCRIBER_SESSION %SUBSCRIBER_MAC %POLICY_TAGS %POLICY_NOTE
	%FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS
	%SRC_IP_COUNTRY %DST_IP_COUNTRY %SRC_IP_CITY %DST_IP_CITY %SRC_AS %DST_AS
	%SAMPLING_INTERVAL %EXPORTER_IPV4_ADDRESS %EXPORTER_IPV6_ADDRESS %NPROBE_INSTANCE_NAME`

// kindTemplates are what is exported, whatever the format, of kinds of records other than flows.
var kindTemplates = [...]struct {
	records  egress.Records
	template string
	fields   func() []*flow.Field // and these; nil is none
}{
	{egress.Events(), eventTemplate, nil},
	{egress.Only(egress.Calls), callTemplate, call.Fields},
	{egress.Only(egress.Subscribers, egress.Groups), usageTemplate, flow.OfUsage},
	{egress.Only(egress.Devices), counterTemplate, flow.OfCounters},
	{egress.Only(egress.Aggregates), aggregateTemplate, flow.OfAggregates},
	{egress.Only(egress.Alerts), alertTemplate, flow.OfAlerts},
}

// alertTemplate is what is exported of an alert besides what the policy says: what it was raised for.
const alertTemplate = ` %IPV4_SRC_ADDR %L4_SRC_PORT %IPV4_DST_ADDR %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
	%COMMUNITY_ID %FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %L7_PROTO %L7_PROTO_NAME %SERVICE_NAME
	%FLOW_USER_NAME %POLICY_TAGS %POLICY_NOTE %TRANSACTION_PROTOCOL`

// counterTemplate is who sent counters of devices, and when they came.
const counterTemplate = ` %EXPORTER_IPV4_ADDRESS %EXPORTER_IPV6_ADDRESS %OBSERVATION_DOMAIN_ID
	%COLLECTION_TIME_MILLISECONDS`

// callTemplate is what is exported of every call besides what the schema has of calls.
const callTemplate = ` %IPV4_SRC_ADDR %L4_SRC_PORT %IPV4_DST_ADDR %L4_DST_PORT %PROTOCOL %IP_PROTOCOL_VERSION
	%FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS`

// usageTemplate is what is exported of usage besides what the schema has of it.
const usageTemplate = ` %FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS
	%FLOW_USER_NAME`

// aggregateTemplate is what is exported of rows of aggregates besides the fields that tell them apart.
const aggregateTemplate = ` %FLOW_START_MILLISECONDS %FLOW_END_MILLISECONDS %IN_BYTES %IN_PKTS %OUT_BYTES %OUT_PKTS`

// shape knows which fields an exporter writes.
type shape struct {
	schema     *flow.Schema
	apps       *config.Apps
	aggregates []aggregate.Options
}

func shapeOf(schema *flow.Schema, cfg *config.Config) shape {
	return shape{schema, &cfg.Apps, cfg.Aggregates}
}

// records returns which records x gets: those it asks for, or else those its format is for.
func records(x *config.Exporter) (egress.Records, error) {
	kinds := x.Records
	if f := formats.Named(x.Format); f != nil && f.Layout != nil && len(kinds) == 0 {
		kinds = f.Layout.Records
	}
	set, err := egress.ParseRecords(kinds)
	if err != nil {
		return egress.Records{}, fmt.Errorf("exporter %s: %w", x.Name, err)
	}
	return set, nil
}

// template returns the fields that x exports; nil are those a table shows by itself.
func (s shape) template(x *config.Exporter) (*flow.Template, error) {
	if f := formats.Named(x.Format); f != nil && f.Fixed != nil {
		return s.allowed(f), nil
	}
	if x.Template != "" {
		t, err := s.schema.Template(x.Template)
		if err != nil {
			return nil, fmt.Errorf("exporter %s: %w", x.Name, err)
		}
		return t, nil
	}
	set, err := records(x)
	if err != nil || set == egress.Only(egress.Flows) && x.Format == "table" {
		return nil, err
	}
	return s.standard(x.Format, set)
}

// allowed returns the fields of a format whose members are fixed: a log of one protocol has those of
// its columns, whatever is withheld, because it was asked for by name.
func (s shape) allowed(f *formats.Format) *flow.Template {
	if f.Layout != nil {
		return f.Fixed(s.schema)
	}
	t := &flow.Template{}
	s.add(t, f.Fixed(s.schema).Fields)
	return t
}

// standard returns the fields of a format for records of which no template is given.
func (s shape) standard(format string, set egress.Records) (*flow.Template, error) {
	text, said := "", set
	if set.Has(egress.Flows) {
		f := formats.Named(format)
		if text = f.Default; f.Verbose {
			text, said = text+appTemplate, said.And(egress.Events())
		}
	}
	for _, k := range kindTemplates {
		if set.Meets(k.records) {
			text += k.template
		}
	}
	if set == egress.Only(egress.Statistics) {
		return &flow.Template{Fields: flow.OfStatistics()}, nil
	}
	t, err := s.schema.Template(text)
	if err != nil {
		return nil, err
	}
	for _, k := range kindTemplates {
		if set.Meets(k.records) && k.fields != nil {
			s.add(t, k.fields())
		}
	}
	if set.Has(egress.Aggregates) {
		for i := range s.aggregates {
			by, err := s.aggregates[i].Spec(s.schema)
			if err != nil {
				return nil, fmt.Errorf("aggregate %s: %w", s.aggregates[i].Name, err)
			}
			s.add(t, by.By)
		}
	}
	for i, d := range app.All {
		if said.Has(egress.EventsOf(i)) {
			s.add(t, d.Fields)
		}
	}
	return t, nil
}

// add adds fields to a template, but for those that are withheld.
func (s shape) add(t *flow.Template, fields []*flow.Field) {
	for _, f := range fields {
		if !slices.Contains(s.withheld(), f) {
			t.Add(f)
		}
	}
}

// withheld returns the fields that the configuration keeps back.
func (s shape) withheld() (fields []*flow.Field) {
	for _, label := range s.apps.Withheld() {
		if f := s.schema.Named(label); f != nil {
			fields = append(fields, f)
		}
	}
	return fields
}

// measures returns what workers have to measure for a configuration.
func (s shape) measures(cfg *config.Config) (flow.Block, error) {
	b, err := s.blocks(cfg.Exporters)
	if err != nil {
		return 0, err
	}
	more, err := s.judged(cfg)
	return b | more, err
}

// blocks returns what workers have to measure for all exporters together, and for the aggregates.
func (s shape) blocks(tables []config.Exporter) (all flow.Block, err error) {
	for i := range tables {
		b, err := s.needs(&tables[i])
		if err != nil {
			return 0, err
		}
		all |= b
	}
	for i := range s.aggregates {
		by, err := s.aggregates[i].Spec(s.schema)
		if err != nil {
			return 0, fmt.Errorf("aggregate %s: %w", s.aggregates[i].Name, err)
		}
		all |= by.Blocks()
	}
	return all, nil
}

// needs returns what workers have to measure for an exporter: for its fields and for its filter.
func (s shape) needs(x *config.Exporter) (b flow.Block, err error) {
	if x.Filter != "" {
		k, err := condition.Compile(x.Filter, s.schema)
		if err != nil {
			return 0, fmt.Errorf("exporter %s: filter: %w", x.Name, err)
		}
		b = k.Blocks()
	}
	t, err := s.template(x)
	switch {
	case err != nil:
		return 0, err
	case t == nil:
		return b | table.Blocks, nil
	}
	return b | t.Blocks(), nil
}
