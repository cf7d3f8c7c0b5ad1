package flow

import (
	"math"
	"math/bits"
)

// rateFields are the throughput of a flow.
var rateFields = []*Field{
	{
		Element: Element{Label: "SRC_TO_DST_MAX_THROUGHPUT", ID: 82, PEN: Ntop},
		Type:    Unsigned32, calc: maxRate, needs: BlockRate, has: hasRate,
		Doc: "IP bits from client to server in the busiest whole second of the flow.",
		Rev: &Element{Label: "DST_TO_SRC_MAX_THROUGHPUT", ID: 85, PEN: Ntop,
			Aliases: []string{"SRC_TO_SRC_MAX_THROUGHPUT"}},
	},
	{
		Element: Element{Label: "SRC_TO_DST_MIN_THROUGHPUT", ID: 83, PEN: Ntop},
		Type:    Unsigned32, calc: minRate, needs: BlockRate, has: hasRate,
		Doc: "IP bits from client to server in the quietest whole second of the flow.",
		Rev: &Element{Label: "DST_TO_SRC_MIN_THROUGHPUT", ID: 86, PEN: Ntop,
			Aliases: []string{"SRC_TO_SRC_MIN_THROUGHPUT"}},
	},
	{
		Element: Element{Label: "SRC_TO_DST_AVG_THROUGHPUT", ID: 84, PEN: Ntop},
		Type:    Unsigned32, calc: averageRate, has: hasDuration, from: pair(&rec.Octets),
		Doc: "IP bits from client to server per second of the flow's duration.",
		Rev: &Element{Label: "DST_TO_SRC_AVG_THROUGHPUT", ID: 87, PEN: Ntop,
			Aliases: []string{"SRC_TO_SRC_AVG_THROUGHPUT"}},
	},
}

func hasRate(r *Record, _ Dir) bool     { return r.Seconds > 0 }
func hasDuration(r *Record, _ Dir) bool { return r.Last > r.First }

func maxRate(v *View, d Dir, _ []byte) (Value, bool) { return Value{U: uint64(v.Max[d]) * 8}, true }
func minRate(v *View, d Dir, _ []byte) (Value, bool) { return Value{U: uint64(v.Min[d]) * 8}, true }

func averageRate(v *View, d Dir, _ []byte) (Value, bool) {
	hi, lo := bits.Mul64(v.Hot.Octets[d], 8e9)
	if ns := v.Last - v.First; hi < ns {
		q, _ := bits.Div64(hi, lo, ns)
		return Value{U: q}, true
	}
	return Value{U: math.MaxUint64}, true
}
