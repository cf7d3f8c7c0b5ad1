// Package metrics answers Prometheus: everything that weir counts, as of a second ago.
package metrics

import (
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/ctrlplane/policy"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/export"
)

// metric is a name, what it means, and how its values come out of the account of a run.
type metric struct {
	name   string
	doc    string
	labels []string
	each   func(s *egress.Summary, say func(n float64, labels ...string))
}

// counter reports whether the values only grow, as the name says.
func (m *metric) counter() bool { return strings.HasSuffix(m.name, "_total") }

// one is a metric without labels.
func one(name, doc string, of func(s *egress.Summary) uint64) metric {
	return metric{name: name, doc: doc, each: func(s *egress.Summary, say func(float64, ...string)) {
		say(float64(of(s)))
	}}
}

// fates are the counters of workers that become of the packets received.
var fates = [...]worker.Counter{worker.Metered, worker.Refused, worker.Filtered, worker.SampledOut, worker.NotInShard}

// all returns every metric in the order the documentation shows them.
func all() (list []metric) {
	list = append(list, packets()...)
	list = append(list, dissection()...)
	list = append(list, state()...)
	list = append(list, judged()...)
	return append(list, exporters()...)
}

// packets are what workers and ports count.
func packets() (list []metric) {
	list = append(list, metric{
		name: "weir_packets_total", labels: []string{"fate"},
		doc: "Frames received, by what became of them: metered, refused, filtered, sampled_out or not_in_shard.",
		each: func(s *egress.Summary, say func(float64, ...string)) {
			for _, c := range fates {
				name := worker.CounterDocs[c].Name
				say(float64(s.Packets[name]), name)
			}
		},
	})
	for _, d := range worker.CounterDocs {
		list = append(list, one("weir_worker_"+d.Name+"_total", d.Doc, func(s *egress.Summary) uint64 {
			return s.Packets[d.Name]
		}))
	}
	return append(list,
		one("weir_nic_received_total", "Frames the ports or the kernel handed over.",
			func(s *egress.Summary) uint64 { return s.NIC.Received }),
		one("weir_nic_missed_total", "Frames the ports or the kernel dropped because a queue was full (imissed).",
			func(s *egress.Summary) uint64 { return s.NIC.Missed }),
		one("weir_nic_no_buffer_total", "Frames lost for want of a buffer (rx_nombuf).",
			func(s *egress.Summary) uint64 { return s.NIC.NoBuffer }),
		one("weir_nic_errors_total", "Frames the ports refused: damaged or too long (ierrors).",
			func(s *egress.Summary) uint64 { return s.NIC.Errors }))
}

// dissection is what became of frames and messages that were looked into.
func dissection() []metric {
	each := func(of func(d egress.Dissected) uint64) func(s *egress.Summary, say func(float64, ...string)) {
		return func(s *egress.Summary, say func(float64, ...string)) {
			for name, d := range s.Dissected {
				say(float64(of(d)), name)
			}
		}
	}
	label := []string{"dissector"}
	return []metric{
		{"weir_dissection_stops_total", "Frames, by how their dissection ended.", []string{"stop"},
			func(s *egress.Summary, say func(float64, ...string)) {
				for _, d := range dissect.StopDocs {
					say(float64(s.Stops[d.Name]), d.Name)
				}
			}},
		{"weir_dissector_flows_total", "Flows that a dissector was decided on for.", label,
			each(func(d egress.Dissected) uint64 { return d.Flows })},
		{"weir_dissector_messages_total", "Messages that a dissector accepted.", label,
			each(func(d egress.Dissected) uint64 { return d.Messages })},
		{"weir_dissector_malformed_total", "Messages with a flaw, of those it accepted or that came after such.", label,
			each(func(d egress.Dissected) uint64 { return d.Malformed })},
	}
}

// state is what there is now, and what this process has read.
func state() []metric {
	ring := func(of func(r egress.Ring) uint64) func(s *egress.Summary, say func(float64, ...string)) {
		return func(s *egress.Summary, say func(float64, ...string)) {
			for _, r := range s.Rings {
				say(float64(of(r)), r.Name)
			}
		}
	}
	return []metric{
		one("weir_flows_active", "Flows in the tables.", func(s *egress.Summary) uint64 { return s.Active }),
		one("weir_flows_capacity", "Flows that the tables hold.", func(s *egress.Summary) uint64 { return s.Capacity }),
		one("weir_fragments_waiting", "Fragments that wait for their first one.",
			func(s *egress.Summary) uint64 { return s.Waiting }),
		one("weir_streams_active", "Flows that are looked into, or of which something was found.",
			func(s *egress.Summary) uint64 { return s.Worker.Streams }),
		one("weir_stream_memory_bytes", "Octets in use for them.",
			func(s *egress.Summary) uint64 { return s.Worker.StreamMemory }),
		one("weir_transactions_active", "Transactions that wait for their response.",
			func(s *egress.Summary) uint64 { return s.Worker.Transactions }),
		{"weir_ring_used_bytes", "Octets in the ring of a worker that the control plane has not read.", []string{"worker"},
			ring(func(r egress.Ring) uint64 { return r.Used })},
		{"weir_ring_size_bytes", "Octets that the ring of a worker holds.", []string{"worker"},
			ring(func(r egress.Ring) uint64 { return r.Size })},
		one("weir_flows_read_total", "Records of flows that the control plane read since it began.",
			func(s *egress.Summary) uint64 { return s.Taken }),
		one("weir_events_read_total", "Events that the control plane read since it began.",
			func(s *egress.Summary) uint64 { return s.Events }),
		one("weir_records_corrupt_total", "Messages in the rings that could not be read.",
			func(s *egress.Summary) uint64 { return s.Corrupt }),
		one("weir_attributes_dropped_total", "Attributes that records had no room for.",
			func(s *egress.Summary) uint64 { return s.Crowded }),
	}
}

// judged is what the policy decided.
func judged() []metric {
	of := func(each func(j *egress.Judged, say func(float64, ...string))) func(*egress.Summary, func(float64, ...string)) {
		return func(s *egress.Summary, say func(float64, ...string)) {
			if s.Policy != nil {
				each(s.Policy, say)
			}
		}
	}
	return []metric{
		{"weir_policy_records_total", "Records of kinds that the policy has a function for.", nil,
			of(func(j *egress.Judged, say func(float64, ...string)) { say(float64(j.Records)) })},
		{"weir_policy_passed_total", "Records that the policy let pass.", nil,
			of(func(j *egress.Judged, say func(float64, ...string)) { say(float64(j.Passed)) })},
		{"weir_policy_dropped_total", "Records that the policy dropped, by the reason that it gave.", []string{"reason"},
			of(func(j *egress.Judged, say func(float64, ...string)) {
				for reason, n := range j.Dropped {
					say(float64(n), label(reason))
				}
			})},
	}
}

// each is a metric of every exporter; of returns false if one has no value.
func each(name, doc string, of func(a *egress.Account) (float64, bool)) metric {
	return metric{name, doc, []string{"exporter"}, func(s *egress.Summary, say func(float64, ...string)) {
		for i := range s.Exporters {
			if n, ok := of(&s.Exporters[i]); ok {
				say(n, s.Exporters[i].Name)
			}
		}
	}}
}

// count is a metric of every exporter that always has a value.
func count(name, doc string, of func(a *egress.Account) uint64) metric {
	return each(name, doc, func(a *egress.Account) (float64, bool) { return float64(of(a)), true })
}

// exporters are what became of records.
func exporters() []metric {
	return []metric{
		count("weir_exporter_records_total", "Records given to an exporter: exported, dropped, pending or spooled.",
			func(a *egress.Account) uint64 { return a.Records }),
		count("weir_exporter_recovered_total", "Records that an earlier run had left on disk.",
			func(a *egress.Account) uint64 { return a.Recovered }),
		count("weir_exporter_exported_total", "Records in messages that the destination took.",
			func(a *egress.Account) uint64 { return a.Exported }),
		count("weir_exporter_replayed_total", "Those of them that were on disk before.",
			func(a *egress.Account) uint64 { return a.Replayed }),
		count("weir_exporter_filtered_total", "Records that the filter left out.",
			func(a *egress.Account) uint64 { return a.Filtered }),
		count("weir_exporter_vetoed_total", "Records that the policy kept from an exporter.",
			func(a *egress.Account) uint64 { return a.Vetoed }),
		dropped(),
		count("weir_exporter_messages_total", "Messages that the destination took.",
			func(a *egress.Account) uint64 { return a.Messages }),
		count("weir_exporter_bytes_total", "Octets in them.", func(a *egress.Account) uint64 { return a.Octets }),
		count("weir_exporter_retries_total", "Attempts to send a message after the first.",
			func(a *egress.Account) uint64 { return a.Retries }),
		count("weir_exporter_failures_total", "Attempts to send a message that failed.",
			func(a *egress.Account) uint64 { return a.Failures }),
		count("weir_exporter_pending_records", "Records in memory that are neither exported nor dropped yet.",
			func(a *egress.Account) uint64 { return a.Pending }),
		count("weir_exporter_queued_messages", "Messages in memory that wait to be sent.",
			func(a *egress.Account) uint64 { return uint64(a.Queued) }),
		count("weir_exporter_spooled_records", "Records that wait on disk.",
			func(a *egress.Account) uint64 { return a.Spooled }),
		count("weir_exporter_spooled_bytes", "Octets of the files that they wait in.",
			func(a *egress.Account) uint64 { return a.OnDisk }),
		each("weir_exporter_oldest_message_age_seconds", "How long the oldest message that is not sent has been waiting.",
			func(a *egress.Account) (float64, bool) { return a.Age(time.Now()).Seconds(), true }),
		each("weir_exporter_paused", "1 if the exporter is paused, 0 if not.", func(a *egress.Account) (float64, bool) {
			return map[bool]float64{true: 1}[a.Paused], true
		}),
		each("weir_exporter_last_error_timestamp_seconds", "When the last attempt failed that did.",
			func(a *egress.Account) (float64, bool) { return float64(a.Failed.UnixMilli()) / 1000, a.Error != "" }),
		failure(),
	}
}

func failure() metric {
	return metric{"weir_exporter_last_error_info", "Why it did; the value is 1.", []string{"exporter", "error"},
		func(s *egress.Summary, say func(float64, ...string)) {
			for i := range s.Exporters {
				if a := &s.Exporters[i]; a.Error != "" {
					say(1, a.Name, label(a.Error))
				}
			}
		}}
}

func dropped() metric {
	return metric{"weir_exporter_dropped_total", "Records that an exporter dropped, by the reason.",
		[]string{"exporter", "reason"}, func(s *egress.Summary, say func(float64, ...string)) {
			for i := range s.Exporters {
				for r := range export.Reasons {
					say(float64(s.Exporters[i].Dropped[r.String()]), s.Exporters[i].Name, r.String())
				}
			}
		}}
}

// label makes a text fit for a label.
func label(s string) string {
	const most = 200
	s = strings.ToValidUTF8(s, "?")
	for i := range s {
		if i > most {
			return s[:i]
		}
	}
	return s
}

// Page returns the page that names every metric and explains every counter.
func Page() string {
	var b strings.Builder
	b.WriteString(egress.Metrics())
	b.WriteString("\n# Metrics\n\n" +
		"What Prometheus gets at `http://address:port/metrics`, with the address and port of `listen` in\n" +
		"`[metrics]`. " +
		"Values are as of a second ago at most. Names that end in `_total` only grow, until the dataplane begins anew;\n" +
		"the others are as things are. Beside them there are the usual metrics of a Go process (`go_`, `process_`),\n" +
		"and those of parts that are in use, like `weir_calls_evicted_total`: the part and its counter.\n\n" +
		"| Metric | Labels | Meaning |\n|---|---|---|\n")
	for _, m := range all() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.name, strings.Join(m.labels, ", "), m.doc)
	}
	b.WriteString("\n# Collectors\n\nWhat collectors count, as `weir_collector_datagrams_total`, and in summaries as tallies of " +
		"the part `collector`.\n\n| Counter | Meaning |\n|---|---|\n")
	for _, d := range collect.CounterDocs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", d.Name, d.Doc)
	}
	b.WriteString("\n# Policy\n\nWhat the policy counts besides, as `weir_policy_calls_total`, and in summaries as tallies of " +
		"the part `policy`.\n\n| Counter | Meaning |\n|---|---|\n")
	for _, d := range policy.CounterDocs {
		fmt.Fprintf(&b, "| `%s` | %s |\n", d.Name, d.Doc)
	}
	return b.String()
}

// collector hands an account over to Prometheus.
type collector struct {
	metrics []metric
	descs   []*prometheus.Desc
	account func() *egress.Summary
}

func newCollector(account func() *egress.Summary) *collector {
	c := &collector{metrics: all(), account: account}
	for _, m := range c.metrics {
		c.descs = append(c.descs, prometheus.NewDesc(m.name, m.doc, m.labels, nil))
	}
	return c
}

// Describe says which metrics there are.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect says how they are. There are none between two dataplanes.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := c.account()
	if s == nil {
		return
	}
	for i := range c.metrics {
		kind := prometheus.GaugeValue
		if c.metrics[i].counter() {
			kind = prometheus.CounterValue
		}
		c.metrics[i].each(s, func(n float64, labels ...string) {
			m, err := prometheus.NewConstMetric(c.descs[i], kind, n, labels...)
			if err != nil {
				m = prometheus.NewInvalidMetric(c.descs[i], err)
			}
			to <- m
		})
	}
	for _, t := range s.Tallies {
		to <- tally(t)
	}
}

// tally is the metric of a part that is not known here by its counters.
func tally(t egress.Tally) prometheus.Metric {
	name, kind := "weir_"+t.Part+"_"+t.Name, prometheus.GaugeValue
	if !t.Gauge {
		name, kind = name+"_total", prometheus.CounterValue
	}
	d := prometheus.NewDesc(name, t.Doc, nil, nil)
	m, err := prometheus.NewConstMetric(d, kind, float64(t.N))
	if err != nil {
		return prometheus.NewInvalidMetric(d, err)
	}
	return m
}
