package ipfix

import "github.com/weir-probe/weir/dataplane/flow"

// optionsTemplate is the layout of records about the exporter itself.
type optionsTemplate struct {
	id      uint16
	columns []column
	scopes  int // how many of the columns are the scope
}

// Information elements of options.
const (
	selectorID          = 302
	selectorAlgorithm   = 304
	samplingInterval    = 305 // packets metered in a row (RFC 5477, section 8.2)
	samplingSpace       = 306 // packets left out between
	observationDomain   = 149
	exportingProcess    = 144
	exportedOctets      = 40
	exportedMessages    = 41
	exportedFlows       = 42
	notSentFlows        = 166
	ignoredPackets      = 164
	droppedPackets      = 135
	elementID           = 303
	elementType         = 339
	elementName         = 341
	elementEnterprise   = 346
	netflow9Interval    = 34
	netflow9Algorithm   = 35
	netflow9System      = 1 // scope type (RFC 3954, section 6.1)
	systematicSampling  = 1 // selectorAlgorithm: systematic count-based
	deterministicSample = 1 // samplingAlgorithm of NetFlow v9
)

// describe makes the options templates and their records.
func (f *Format) describe() {
	n := uint64(max(f.o.Sampling, 1))
	c, domain := f.o.Counters, uint64(f.o.Domain)
	if _, v9 := f.d.(netflow9); v9 {
		system := column{id: netflow9System, length: 4}
		f.option([]column{system, num(netflow9Interval, 4), num(netflow9Algorithm, 1)}, 1,
			func() []uint64 { return []uint64{domain, n, deterministicSample} })
		f.report([]column{system, num(exportedMessages, 8), num(exportedFlows, 8), num(exportedOctets, 8)},
			func() []uint64 {
				return []uint64{domain, c.Messages.Load(), c.Exported.Load(), c.Octets.Load()}
			})
		return
	}
	f.option([]column{num(selectorID, 8), num(selectorAlgorithm, 2), num(samplingInterval, 4),
		num(samplingSpace, 4)}, 1,
		func() []uint64 { return []uint64{1, systematicSampling, 1, n - 1} })
	f.report([]column{num(observationDomain, 4), num(exportedMessages, 8), num(exportedFlows, 8),
		num(exportedOctets, 8), num(ignoredPackets, 8), num(droppedPackets, 8)},
		func() []uint64 {
			return []uint64{domain, c.Messages.Load(), c.Exported.Load(), c.Octets.Load(),
				c.IgnoredPackets.Load(), c.LostPackets.Load()}
		})
	f.report([]column{num(exportingProcess, 4), num(notSentFlows, 8)},
		func() []uint64 { return []uint64{domain, c.DroppedTotal()} })
	f.typeInformation()
}

func num(id, length uint16) column { return column{id: id, length: length} }

// optionsTemplate announces an options template.
func (f *Format) optionsTemplate(columns []column, scopes int) uint16 {
	t := optionsTemplate{f.nextID, columns, scopes}
	f.nextID++
	b := be.AppendUint16(nil, f.shape.options)
	b = f.d.optionsTemplate(append(b, 0, 0), &t)
	for i := range columns {
		b = columns[i].specifier(b)
	}
	sets := append(*f.sets.Load(), set{octets: f.sealSet(b), records: 1})
	f.sets.Store(&sets)
	return t.id
}

// sealSet pads a set and writes its length.
func (f *Format) sealSet(b []byte) []byte {
	b = append(b, zeroes[:f.padding(len(b))]...)
	be.PutUint16(b[2:], uint16(len(b)))
	return b
}

// option adds a record of numbers that do not change.
func (f *Format) option(columns []column, scopes int, values func() []uint64) {
	b := be.AppendUint16(nil, f.optionsTemplate(columns, scopes))
	b = numbers(append(b, 0, 0), columns, values())
	f.options = append(f.options, set{octets: f.sealSet(b), records: 1, data: 1})
}

// report adds a record of numbers that change, with a scope of one column.
func (f *Format) report(columns []column, values func() []uint64) {
	f.option(columns, 1, values)
	f.options[len(f.options)-1].refresh = func(octets []byte) { numbers(octets[:4], columns, values()) }
}

// numbers appends values in the lengths of their columns.
func numbers(dst []byte, columns []column, values []uint64) []byte {
	for i, c := range columns {
		for shift := 8 * int(c.length); shift > 0; {
			shift -= 8
			dst = append(dst, byte(values[i]>>shift))
		}
	}
	return dst
}

// typeInformation describes the elements that are not IANA's, in the records of RFC 5610,
// so that a collector that never heard of them can decode and name them.
func (f *Format) typeInformation() {
	seen := map[column]bool{}
	var id uint16
	var b []byte
	var n uint32
	flush := func() {
		if n > 0 {
			f.options = append(f.options, set{octets: f.sealSet(b), records: n, data: n})
		}
		b, n = append(be.AppendUint16(nil, id), 0, 0), 0
	}
	for i := range f.families {
		for _, c := range f.families[i].columns {
			key := column{id: c.id, pen: c.pen}
			if c.pen == flow.IANA || c.pen == flow.RFC5103 || seen[key] {
				continue
			}
			seen[key] = true
			if id == 0 {
				id = f.optionsTemplate([]column{num(elementEnterprise, 4), num(elementID, 2),
					num(elementType, 1), num(elementName, varies)}, 2)
			}
			if n == 0 || len(b) > f.o.Size/2 {
				flush()
			}
			b = be.AppendUint32(b, c.pen)
			b = be.AppendUint16(b, c.id)
			b = append(b, c.field.Type.IANA(), byte(len(c.field.Name)))
			b = append(b, c.field.Name...)
			n++
		}
	}
	if n > 0 {
		flush()
	}
}
