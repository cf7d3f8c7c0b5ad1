package flow

import "math"

// timingFields are when the packets of each direction came.
var timingFields = []*Field{
	{
		Element: Element{Label: "DURATION_IN", ID: 391, PEN: Ntop},
		Type:    Unsigned32, Scale: 1e6, calc: dirDuration, needs: BlockTiming, has: hasDirTimes,
		Doc: "Time from the first packet to the last from client to server, milliseconds.",
		Rev: &Element{Label: "DURATION_OUT", ID: 392, PEN: Ntop},
	},
	{
		Element: Element{Label: "SRC_TO_DST_IAT_MIN", ID: 531, PEN: Ntop},
		Type:    Unsigned32, Scale: 1e3, slot: pair(&rec.IATMin), has: hasIAT,
		Doc: "Shortest time between packets from client to server, milliseconds.",
		Rev: &Element{Label: "DST_TO_SRC_IAT_MIN", ID: 535, PEN: Ntop},
	},
	{
		Element: Element{Label: "SRC_TO_DST_IAT_MAX", ID: 532, PEN: Ntop},
		Type:    Unsigned32, Scale: 1e3, slot: pair(&rec.IATMax), has: hasIAT,
		Doc: "Longest time between packets from client to server, milliseconds.",
		Rev: &Element{Label: "DST_TO_SRC_IAT_MAX", ID: 536, PEN: Ntop},
	},
	{
		Element: Element{Label: "SRC_TO_DST_IAT_AVG", ID: 533, PEN: Ntop},
		Type:    Unsigned32, Scale: 1e3, calc: averageIAT, needs: BlockTiming, has: hasIAT,
		Doc: "Mean time between packets from client to server, milliseconds.",
		Rev: &Element{Label: "DST_TO_SRC_IAT_AVG", ID: 537, PEN: Ntop},
	},
	{
		Element: Element{Label: "SRC_TO_DST_IAT_STDDEV", ID: 534, PEN: Ntop},
		Type:    Unsigned32, Scale: 1e3, calc: deviationIAT, needs: BlockTiming, has: hasIAT,
		Doc: "Standard deviation of the time between packets from client to server, milliseconds.",
		Rev: &Element{Label: "DST_TO_SRC_IAT_STDDEV", ID: 538, PEN: Ntop},
	},
}

func hasDirTimes(r *Record, d Dir) bool { return r.DirFirst[d] != 0 }
func hasIAT(r *Record, d Dir) bool      { return r.IATCount[d] > 0 }

// dirDuration is in nanoseconds.
func dirDuration(v *View, d Dir, _ []byte) (Value, bool) {
	return Value{U: max(v.DirLast[d], v.DirFirst[d]) - v.DirFirst[d]}, true
}

// averageIAT is in microseconds.
func averageIAT(v *View, d Dir, _ []byte) (Value, bool) {
	n := uint64(v.IATCount[d])
	return Value{U: (v.IATSum[d] + n/2) / n}, true
}

// deviationIAT is in microseconds; there is none once the sum of squares was full.
func deviationIAT(v *View, d Dir, _ []byte) (Value, bool) {
	n := float64(v.IATCount[d])
	mean := float64(v.IATSum[d]) / n
	variance := max(0, float64(v.IATSquares[d])/n-mean*mean)
	return Value{U: uint64(math.Round(math.Sqrt(variance)))}, v.IATSquares[d] != math.MaxUint64
}
