// Package table writes flows as lines that a person can read on a terminal.
package table

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Format collects the cells of a message and aligns them when it is sealed. Columns only
// ever grow, so that the lines of later messages stand under those of earlier ones.
type Format struct {
	columns []column
	widths  []int
	cells   []byte // of the open message, one after the other
	ends    []int  // where each cell ends
	titled  bool
}

// column is one column: cell appends its text for a flow.
type column struct {
	title string
	right bool
	cell  func(dst []byte, v *flow.View) []byte
}

// rows is how many flows are aligned together.
const rows = 256

// Blocks are the cold blocks of a flow that the summary needs.
const Blocks = flow.BlockTCP | flow.BlockLatency

// New returns a table of the fields of o.Template, a column each; without a template it is
// the summary most people want: who, what, how much, how slow.
func New(o export.FormatOptions) (*Format, error) {
	f := &Format{columns: summary[:]}
	if o.Template != nil {
		f.columns = nil
		for _, fd := range o.Template.Fields {
			f.columns = append(f.columns, fieldColumn(fd))
		}
	}
	f.widths = make([]int, len(f.columns))
	for i, c := range f.columns {
		f.widths[i] = utf8.RuneCountInString(c.title)
	}
	return f, nil
}

// Begin implements export.Format.
func (f *Format) Begin(dst []byte, _ uint64) []byte {
	f.cells, f.ends = f.cells[:0], f.ends[:0]
	return dst
}

// Append implements export.Format.
func (f *Format) Append(dst []byte, v *flow.View) ([]byte, bool) {
	if len(f.ends) == rows*len(f.columns) {
		return dst, false
	}
	for i, c := range f.columns {
		start := len(f.cells)
		if f.cells = c.cell(f.cells, v); len(f.cells) == start {
			f.cells = append(f.cells, '-')
		}
		f.ends = append(f.ends, len(f.cells))
		f.widths[i] = max(f.widths[i], utf8.RuneCount(f.cells[start:]))
	}
	return dst, true
}

// Seal implements export.Format: it writes the lines.
func (f *Format) Seal(dst []byte) []byte {
	if !f.titled && len(f.ends) > 0 {
		f.titled = true
		for i, c := range f.columns {
			dst = f.align(dst, i, []byte(c.title))
		}
	}
	start := 0
	for n, end := range f.ends {
		dst = f.align(dst, n%len(f.columns), f.cells[start:end])
		start = end
	}
	return dst
}

// align appends a cell in its column; the last column ends the line.
func (f *Format) align(dst []byte, col int, cell []byte) []byte {
	pad := f.widths[col] - utf8.RuneCount(cell)
	if f.columns[col].right {
		dst = appendSpaces(dst, pad)
		dst = append(dst, cell...)
	} else {
		dst = append(dst, cell...)
	}
	if col == len(f.columns)-1 {
		return append(dst, '\n')
	}
	if !f.columns[col].right {
		dst = appendSpaces(dst, pad)
	}
	return append(dst, "  "...)
}

func appendSpaces(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

func fieldColumn(fd *flow.Field) column {
	return column{fd.Key(), fd.Type <= flow.Float64, func(dst []byte, v *flow.View) []byte {
		f := fd
		if twin := fd.Twin(); twin != nil && !fd.For(v.Version) {
			f = twin
		}
		if val, ok := v.Value(f); ok {
			return f.Text(dst, val)
		}
		return dst
	}}
}

var summary = [...]column{
	{"Client", false, func(dst []byte, v *flow.View) []byte {
		return appendEndpoint(dst, v, v.Src, v.SrcPort)
	}},
	{"Server", false, func(dst []byte, v *flow.View) []byte {
		return appendEndpoint(append(dst, "→ "...), v, v.Dst, v.DstPort)
	}},
	{"Proto", false, func(dst []byte, v *flow.View) []byte { return appendProtocol(dst, v.Proto) }},
	{"Application", false, func(dst []byte, v *flow.View) []byte {
		name, _ := v.Value(flow.AppName)
		return append(dst, name.B...)
	}},
	{"Packets →", true, func(dst []byte, v *flow.View) []byte { return strconv.AppendUint(dst, v.Packets[0], 10) }},
	{"←", true, func(dst []byte, v *flow.View) []byte { return strconv.AppendUint(dst, v.Packets[1], 10) }},
	{"Bytes →", true, func(dst []byte, v *flow.View) []byte { return appendOctets(dst, v.Octets[0]) }},
	{"←", true, func(dst []byte, v *flow.View) []byte { return appendOctets(dst, v.Octets[1]) }},
	{"Client RTT", true, func(dst []byte, v *flow.View) []byte { return appendMillis(dst, v.Latency.Client) }},
	{"Server RTT", true, func(dst []byte, v *flow.View) []byte { return appendMillis(dst, v.Latency.Server) }},
	{"Response", true, func(dst []byte, v *flow.View) []byte {
		return appendMillis(dst, v.Latency.Application)
	}},
	{"Retrans →", true, func(dst []byte, v *flow.View) []byte { return appendRetransmissions(dst, v, 0) }},
	{"←", true, func(dst []byte, v *flow.View) []byte { return appendRetransmissions(dst, v, 1) }},
	{"Duration", true, func(dst []byte, v *flow.View) []byte {
		return appendDuration(dst, time.Duration(v.Last-v.First))
	}},
}

func appendEndpoint(dst []byte, v *flow.View, addr [16]byte, port uint16) []byte {
	if v.Ignored&flow.KeyAddresses != 0 {
		return append(dst, '*')
	}
	a := netip.AddrFrom16(addr)
	if v.Version == 4 {
		a = a.Unmap()
	}
	if !hasPorts(v.Proto) || v.Ignored&flow.KeyPorts != 0 {
		return a.AppendTo(dst)
	}
	return netip.AddrPortFrom(a, port).AppendTo(dst)
}

func hasPorts(proto uint8) bool { return proto == 6 || proto == 17 || proto == 132 }

func appendProtocol(dst []byte, proto uint8) []byte {
	switch proto {
	case 1:
		return append(dst, "ICMP"...)
	case 2:
		return append(dst, "IGMP"...)
	case 6:
		return append(dst, "TCP"...)
	case 17:
		return append(dst, "UDP"...)
	case 47:
		return append(dst, "GRE"...)
	case 50:
		return append(dst, "ESP"...)
	case 58:
		return append(dst, "ICMPv6"...)
	case 132:
		return append(dst, "SCTP"...)
	}
	return strconv.AppendUint(dst, uint64(proto), 10)
}

// appendOctets appends n with a binary unit and three significant digits.
func appendOctets(dst []byte, n uint64) []byte {
	if n < 1024 {
		return append(strconv.AppendUint(dst, n, 10), 'B')
	}
	f, unit := float64(n)/1024, 0
	for f >= 1000 && unit < 4 {
		f, unit = f/1024, unit+1
	}
	digits := 1
	if f >= 100 {
		digits = 0
	}
	return append(strconv.AppendFloat(dst, f, 'f', digits, 64), "KMGTP"[unit])
}

func appendMillis(dst []byte, ns uint64) []byte {
	if ns == 0 {
		return dst
	}
	return append(strconv.AppendFloat(dst, float64(ns)/1e6, 'f', 2, 64), " ms"...)
}

func appendRetransmissions(dst []byte, v *flow.View, d flow.Dir) []byte {
	n := v.TCP[d].RetransmittedPackets
	if v.Proto != 6 || v.Collected != 0 && n == 0 { // few exporters say it
		return dst
	}
	return strconv.AppendUint(dst, uint64(n), 10)
}

func appendDuration(dst []byte, d time.Duration) []byte {
	switch {
	case d < time.Second:
		return append(strconv.AppendInt(dst, d.Milliseconds(), 10), " ms"...)
	case d < time.Minute:
		return append(strconv.AppendFloat(dst, d.Seconds(), 'f', 2, 64), " s"...)
	}
	return append(dst, d.Round(time.Second).String()...)
}
