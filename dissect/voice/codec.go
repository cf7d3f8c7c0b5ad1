package voice

// Codec returns the impairment of a codec by the name that SDP has for it, and whether it is known.
// Losses of G.711 are taken to be concealed (G.711, appendix I), as telephones do; Plain is without.
// AMR is taken at its highest rate, which is that of GSM-EFR.
func Codec(name string) (Impairment, bool) {
	switch name {
	case "PCMU", "PCMA":
		return Impairment{Ie: 0, Bpl: 25.1}, true
	case "G729":
		return Impairment{Ie: 11, Bpl: 19}, true // G.729A with silence suppression
	case "G723":
		return Impairment{Ie: 15, Bpl: 16.1}, true // 6.3 kbit/s
	case "GSM-EFR", "AMR":
		return Impairment{Ie: 5, Bpl: 10}, true
	}
	return guess(name)
}

// Plain is G.711 whose losses nobody conceals.
func Plain() Impairment { return Impairment{Ie: 0, Bpl: 4.3} }

// guess returns those of which G.113 has no robustness, or says it on the scale of wideband. Wideband
// is taken for perfect while nothing is lost, as the scale of telephones has nothing above.
func guess(name string) (Impairment, bool) {
	i := Impairment{Estimate: true}
	switch name {
	case "G726-40":
		i.Ie, i.Bpl = 2, 4.3
	case "G726-32", "G721":
		i.Ie, i.Bpl = 7, 4.3
	case "G726-24":
		i.Ie, i.Bpl = 25, 4.3
	case "G726-16":
		i.Ie, i.Bpl = 50, 4.3
	case "G728":
		i.Ie, i.Bpl = 7, 10
	case "GSM":
		i.Ie, i.Bpl = 20, 10
	case "GSM-HR-08":
		i.Ie, i.Bpl = 23, 10
	case "iLBC", "speex":
		i.Ie, i.Bpl = 11, 32
	case "G722":
		i.Ie, i.Bpl = 0, 4.3
	case "AMR-WB", "EVS", "G7221":
		i.Ie, i.Bpl = 0, 10
	case "opus", "SILK":
		i.Ie, i.Bpl = 0, 25.1
	default:
		return Impairment{}, false
	}
	return i, true
}
