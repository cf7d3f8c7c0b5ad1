package egress

import (
	"slices"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/worker"
)

// statistics makes a record of every worker, of every exporter, and of what Reporters say, if somebody wants them.
func (e *Egress) statistics(now uint64) {
	if !e.stated() {
		return
	}
	for i := range e.reports {
		if e.sources[i].Collects {
			continue
		}
		e.own.Reset()
		workerFacts(&e.own, e.sources[i].Name, &e.reports[i])
		e.state(now)
	}
	for i, a := range e.accounts() {
		e.own.Reset()
		exporterFacts(&e.own, uint64(i+1), &a)
		e.state(now)
	}
	e.reported(now, false)
}

// stated reports whether somebody wants statistics.
func (e *Egress) stated() bool {
	return slices.ContainsFunc(e.outputs, func(o *Output) bool { return o.Records.Has(Statistics) })
}

// reported makes records of what Reporters say, or of their news, which do not wait until statistics are due.
func (e *Egress) reported(now uint64, news bool) {
	for _, t := range e.Tellers {
		if r, ok := t.(Reporter); ok {
			r.Report(news, &e.own, func() { e.state(now) })
		}
	}
}

// state hands over what was collected as a record that is about no flow.
func (e *Egress) state(now uint64) {
	const nothing = flow.KeyVLAN | flow.KeyProto | flow.KeyAddresses | flow.KeyPorts | flow.KeyTunnel
	r := flow.Record{}
	r.First, r.Last, r.Ignored = now, now, nothing
	e.emit(Statistics, &flow.View{Record: &r, Attrs: e.own.All()})
}

// fact is a field and its value.
type fact struct {
	field *flow.Field
	n     uint64
}

func workerFacts(a *flow.Attrs, name string, r *worker.Report) {
	a.Text(flow.StatisticsOf, "worker")
	a.Text(flow.StatisticsName, name)
	c := &r.Counters
	for _, f := range []fact{
		{flow.MeteringProcess, uint64(r.Worker) + 1},
		{flow.PacketTotal, c[worker.Metered]}, {flow.OctetTotal, c[worker.MeteredOctets]},
		{flow.ObservedFlows, c[worker.Opened]},
		{flow.IgnoredPackets, c[worker.Refused] + c[worker.Filtered] + c[worker.SampledOut]},
		{flow.DroppedPackets, r.NIC.Missed + r.NIC.NoBuffer + r.NIC.Errors},
		{flow.ReceivedPackets, c[worker.Received]}, {flow.SampledOutPackets, c[worker.SampledOut]},
		{flow.FilteredPackets, c[worker.Filtered]}, {flow.RefusedPackets, c[worker.Refused]},
		{flow.ActiveFlows, r.Active}, {flow.FlowCapacity, r.Capacity},
		{flow.RingFullRecords, c[worker.RingFull]}, {flow.RingFullEvents, c[worker.EventsRingFull]},
		{flow.TransactionTotal, c[worker.TransactionsDone]}, {flow.LookedInto, r.Streams},
	} {
		a.Uint(f.field, f.n)
	}
}

func exporterFacts(a *flow.Attrs, number uint64, x *Account) {
	a.Text(flow.StatisticsOf, "exporter")
	a.Text(flow.StatisticsName, x.Name)
	for _, f := range []fact{
		{flow.ExportingProcess, number},
		{flow.ExportedOctets, x.Octets}, {flow.ExportedMessages, x.Messages},
		{flow.ExportedRecords, x.Exported}, {flow.NotSentRecords, x.Lost()},
		{flow.GivenRecords, x.Records}, {flow.PendingRecords, x.Pending},
		{flow.UnwantedRecords, x.Filtered}, {flow.SpooledRecords, x.Spooled},
		{flow.SpooledOctets, x.OnDisk}, {flow.OldestRecord, uint64(x.Age(time.Now()).Milliseconds())},
		{flow.ExporterPaused, truth(x.Paused)},
		{flow.SendRetries, x.Retries}, {flow.SendFailures, x.Failures},
	} {
		a.Uint(f.field, f.n)
	}
	if x.Error != "" {
		a.Text(flow.LastError, x.Error)
	}
}

func truth(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}
