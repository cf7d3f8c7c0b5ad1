// Package voice estimates what people would think of a conversation from what a network did to
// it: the E-model of ITU-T G.107 with the impairments of codecs of G.113. Its functions are pure.
package voice

import "math"

// Line is what is known of one direction of a conversation. Everything else that the E-model asks
// for, as loudness and noise, has the default value of G.107, table 2.
type Line struct {
	Impairment
	// Loss is the share of packets that were lost, or came too late to be heard, 0 to 1.
	Loss float64
	// Burst is BurstR: the mean length of gaps, by what it were if losses were random. Values below 1
	// count as 1, which is random.
	Burst float64
	// Delay is the mean one-way delay from mouth to ear, milliseconds; 0 if it is not known.
	Delay float64
}

// Impairment says how a codec sounds, and how well it hides losses (G.113, appendix I).
type Impairment struct {
	Ie       float64 // equipment impairment factor without losses
	Bpl      float64 // packet-loss robustness factor
	Estimate bool    // G.113 does not have it, or only on the scale of wideband
}

// Default values of G.107, table 2.
const (
	slr  = 8.0   // sending loudness rating, dB
	rlr  = 2.0   // receiving loudness rating, dB
	stmr = 15.0  // sidetone masking rating, dB
	ds   = 3.0   // D-value of the telephone, send side
	dr   = 3.0   // and receive side
	telr = 65.0  // talker echo loudness rating, dB
	wepl = 110.0 // weighted echo path loss, dB
	qdu  = 1.0   // quantization distortion units
	nc   = -70.0 // circuit noise, dBm0p
	nfor = -64.0 // noise floor at the receive side, dBmp
	ps   = 35.0  // room noise at the send side, dB(A)
	pr   = 35.0  // and at the receive side
	unit = 100.0 // delay from which it disturbs, milliseconds (mT)
)

// Rating returns R = Ro − Is − Id − Ie,eff, within 0 and 100 (G.107, section 7.1).
func (l Line) Rating() float64 {
	noise := noise()
	ro := 15 - 1.5*(slr+noise)
	delay := max(0, l.Delay)
	r := ro - simultaneous(ro, noise, delay) - delayed(ro, noise, delay) - l.equipment()
	return min(max(r, 0), 100)
}

// equipment returns Ie,eff (G.107, section 7.5).
func (l Line) equipment() float64 {
	loss := 100 * min(max(l.Loss, 0), 1)
	if loss == 0 {
		return l.Ie
	}
	return l.Ie + (95-l.Ie)*loss/(loss/max(l.Burst, 1)+l.Bpl)
}

// noise returns No, all noises at the point where both loudness ratings are 0, dBm0p (section 7.2).
func noise() float64 {
	const olr = slr + rlr
	send := ps - slr - ds - 100 + 0.004*square(ps-olr-ds-14)
	ear := pr + 10*math.Log10(1+power((10-stmr-dr)/10))
	receive := rlr - 121 + ear + 0.008*square(ear-35)
	return 10 * math.Log10(power(nc/10.0)+power(send/10)+power(receive/10)+power((nfor+rlr)/10))
}

// simultaneous returns Is, what disturbs while somebody speaks (section 7.3).
func simultaneous(ro, noise, delay float64) float64 {
	x := slr + rlr + 0.2*(64+noise-rlr)
	loud := 20 * (norm(1, x/8, 8) - x/8)
	side := -10 * math.Log10(power(-stmr/10)+math.Exp(-delay/4)*power(-telr/10))
	tone := 12*norm(1, (side-13)/6, 8) - 28*norm(1, (side+1)/19.4, 35) - 13*norm(1, (side-3)/33, 13) + 29
	q := 37 - 15*math.Log10(qdu)
	g := 1.07 + 0.258*q + 0.0602*q*q
	y, z := (ro-100)/15+46/8.4-g/9, 46.0/30-g/40
	return loud + tone + 15*math.Log10(1+power(y)+power(z))
}

// delayed returns Id: echoes to who talks and to who listens, and delay itself (section 7.4).
func delayed(ro, noise, delay float64) float64 {
	talker := 0.0
	if delay >= 1 {
		terv := telr - 40*math.Log10((1+delay/10)/(1+delay/150)) + 6*math.Exp(-0.3*delay*delay)
		d := (-1.5*(noise-rlr) - (80 + 2.5*(terv-14))) / 2
		talker = (d + math.Sqrt(d*d+100) - 1) * (1 - math.Exp(-delay))
	}
	d := (ro - 10.5*(wepl+7)*math.Pow(2*delay+1, -0.25)) / 2
	listener := d + math.Sqrt(d*d+169)
	if delay <= unit {
		return talker + listener
	}
	x := math.Log2(delay / unit)
	return talker + listener + 25*(norm(1, x, 6)-3*norm(1, x/3, 6)+2)
}

// MOS returns the mean opinion score that R stands for, 1 to 4.5 (G.107, annex B).
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+7e-6*r*(r-60)*(100-r))
}

func power(x float64) float64  { return math.Pow(10, x) }
func square(x float64) float64 { return x * x }

// norm returns the n-th root of aⁿ + bⁿ.
func norm(a, b, n float64) float64 { return math.Pow(math.Pow(a, n)+math.Pow(math.Abs(b), n), 1/n) }
