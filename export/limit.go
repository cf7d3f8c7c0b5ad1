package export

import (
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

// limits is how fast an exporter may send; nil is as fast as it can.
type limits struct{ messages, octets, replayed *rate.Limiter }

func newLimits(o *Options) (l limits) {
	const slack = 4096
	l.messages = limiter(o.MessageRate, 1)
	l.octets = limiter(o.OctetRate, o.Size+slack)
	if o.Spool != nil {
		l.replayed = limiter(o.Spool.Options().Rate, 1)
	}
	return l
}

// limiter returns a limiter for so many a second, of which least may come at once.
func limiter(perSecond float64, least int) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	const perBurst = 20 // a burst is what comes in a twentieth of a second
	return rate.NewLimiter(rate.Limit(perSecond), max(least, int(perSecond/perBurst)))
}

// pace waits until the message may be sent. It returns false if it may not before the exporter ends.
func (e *Exporter) pace(p *parcel) bool {
	if e.messages == nil && e.octets == nil && e.replayed == nil {
		return true
	}
	now := time.Now()
	d := max(reserve(e.messages, now, 1), reserve(e.octets, now, len(p.message)))
	if p.entry != nil {
		d = max(d, reserve(e.replayed, now, 1))
	}
	return d == 0 || e.sleep(d)
}

// reserve returns how long to wait before n more may be sent.
func reserve(l *rate.Limiter, now time.Time, n int) time.Duration {
	if l == nil {
		return 0
	}
	return l.ReserveN(now, min(n, l.Burst())).DelayFrom(now)
}

// jitter returns between half of a pause and all of it, so that exporters which lost the same
// destination do not come back to it at the same time.
func jitter(pause time.Duration) time.Duration {
	return pause/2 + rand.N(pause/2+1)
}
