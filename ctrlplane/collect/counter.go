package collect

import (
	"sync/atomic"

	"github.com/weir-probe/weir/ctrlplane/egress"
)

// Counter is something a collector counts.
type Counter uint8

const (
	Datagrams Counter = iota
	Octets
	Refused
	Unread
	Truncated
	Kernel
	Records
	OptionRecords
	CounterRecords
	RingFull
	RecordsBad
	SetsBad
	Templates
	TemplatesBad
	TemplatesFull
	TemplatesChanged
	TemplatesWithdrawn
	TemplatesExpired
	Held
	HeldRead
	HeldLost
	HeldFull
	Lost
	Late
	Restarted
	ElementsLost
	ListsBad
	Duplicates
	Joined
	CacheFull
	ExportersFull
	TimesEstimated
	SectionsBad
	SamplesBad
	SamplesUnknown
	Silences
	Relayed
	RelayFailed
	Fragments
	Counters int = iota
)

// CounterDocs names and explains every Counter.
var CounterDocs = [Counters]struct{ Name, Doc string }{
	Datagrams: {"datagrams", "Datagrams, and messages of streams and files, that were received."},
	Octets:    {"octets", "Octets of them."},
	Refused:   {"refused", "Datagrams of exporters that are not allowed."},
	Unread: {"unread",
		"Datagrams that are no message of a version that is known, or end before its header does."},
	Truncated:      {"truncated", "Messages shorter than they say. What is there of them is read."},
	Kernel:         {"kernel_dropped", "Datagrams that the kernel dropped because the receive buffer was full."},
	Records:        {"records", "Records of flows handed to the exporters, or lost because the ring was full."},
	OptionRecords:  {"options", "Records that tell of the exporter: sampling, names, statistics."},
	CounterRecords: {"counter_records", "Records of what devices count, of sFlow."},
	RingFull:       {"ring_full", "Records lost because the control plane did not take them in time."},
	RecordsBad: {"records_malformed",
		"Records that end before their template does. The rest of their set is lost."},
	SetsBad:   {"sets_malformed", "Sets with a length that cannot be. The rest of their message is lost."},
	Templates: {"templates", "Templates that were learnt, those that were known already not counted."},
	TemplatesBad: {"templates_malformed",
		"Template records that make no sense, or whose records would be empty. The rest of their set is lost."},
	TemplatesFull: {"templates_full", "Templates refused because the exporter has too many."},
	TemplatesChanged: {"templates_changed",
		"Templates that an exporter gave another meaning while they were in use."},
	TemplatesWithdrawn: {"templates_withdrawn", "Templates that their exporter took back."},
	TemplatesExpired:   {"templates_expired", "Templates forgotten because they were not repeated for so long."},
	Held: {"sets_held",
		"Sets of data that came before their template and waited for it: the sum of the next two, and of " +
			"what waits."},
	HeldRead: {"sets_held_read", "Sets that waited and were read when their template came."},
	HeldLost: {"sets_held_lost", "Sets that waited in vain."},
	HeldFull: {"sets_without_template",
		"Sets of data without a template that did not wait, for want of room or because none may."},
	Lost: {"lost",
		"Records, or messages of NetFlow v9 and sFlow, that the sequence numbers say are missing."},
	Late:      {"late", "Messages that came after later ones."},
	Restarted: {"restarted", "Times that the sequence numbers of an exporter began anew."},
	ElementsLost: {"elements_lost",
		"Elements nobody here knows that a record had no room for, and structured data likewise."},
	ListsBad: {"lists_malformed",
		"Structured data (RFC 6313) that contradicts itself, or has no template."},
	Duplicates: {"duplicates", "Records left out because another exporter had reported the same flow."},
	Joined:     {"joined", "Records that were joined to another of the same flow, as they were asked to be."},
	CacheFull: {"cache_full",
		"Records that did not wait for others of their flow because too many did."},
	ExportersFull: {"exporters_full", "Messages of exporters that there was no room to remember."},
	TimesEstimated: {"times_estimated",
		"Records with times of an uptime whose begin is not known but estimated."},
	SectionsBad: {"sections_refused",
		"Sampled packets without an IP header that can be read: ARP, LLDP and the like."},
	SamplesBad: {"samples_malformed",
		"Samples of sFlow whose lengths contradict each other. The rest of their datagram is lost, or " +
			"that of the sample."},
	SamplesUnknown: {"samples_unknown",
		"Samples and records of sFlow that are not known and were passed over."},
	Silences: {"silences",
		"Times that an exporter had not sent anything for so long as is worth a word."},
	Relayed:     {"relayed", "Copies of datagrams that were sent on."},
	RelayFailed: {"relay_failed", "Copies of datagrams that could not be sent."},
	Fragments:   {"fragments", "Fragments of datagrams in captures, which are not put together."},
}

// counts are counted by a worker and read by others.
type counts [Counters]atomic.Uint64

func (c *counts) add(n Counter, by uint64) { c[n].Add(by) }

// Tally implements egress.Teller.
func (c *Collector) Tally() (all []egress.Tally) {
	for i, d := range CounterDocs {
		n := uint64(0)
		for _, w := range c.workers {
			n += w.counts[i].Load()
		}
		all = append(all, egress.Tally{Part: "collector", Name: d.Name, Doc: d.Doc, N: n})
	}
	return append(all, egress.Tally{
		Part: "collector", Name: "exporters", Doc: "Exporters and domains that are remembered.",
		N: uint64(c.registry.size()), Gauge: true,
	}, egress.Tally{
		Part: "collector", Name: "exporters_silent", Doc: "Exporters that have not sent anything for so long as is worth a word.",
		N: c.registry.silentNow.Load(), Gauge: true,
	})
}
