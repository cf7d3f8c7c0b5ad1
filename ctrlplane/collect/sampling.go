package collect

import (
	"github.com/weir-probe/weir/dataplane/flow"
)

// sampler is what an exporter says of one of its samplers.
type sampler struct{ rate uint64 }

// origins are who says what the rate is, in the order in which they are believed.
const (
	fromData          = "data"
	fromHeader        = "header"
	fromOptions       = "options"
	fromConfiguration = "configuration"
)

const maxSamplers = 1 << 12 // of an exporter

// rateOf returns the rate that a record says: one packet in so many; 0 is none.
func rateOf(a *flow.Arrival) uint64 {
	switch {
	case a.Has&flow.NoteInterval != 0:
		return a.Interval
	case a.Has&flow.NoteSpace != 0 && a.Has&flow.NoteRun != 0 && a.Run > 0:
		return (a.Run + a.Space) / a.Run
	case a.Has&flow.NoteChosen != 0 && a.Has&flow.NoteOf != 0 && a.Chosen > 0:
		return a.Of / a.Chosen
	case a.Has&flow.NoteRun != 0 && a.Has&flow.NoteSpace == 0:
		return a.Run // exporters that say the interval as if it were one in so many
	}
	return 0
}

// announced takes over what an options record says of a sampler.
func (x *exporter) announced(a *flow.Arrival) {
	rate := rateOf(a)
	if rate == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if a.Has&flow.NoteSampler == 0 {
		x.alone = sampler{rate}
		return
	}
	if x.samplers == nil {
		x.samplers = map[uint64]sampler{}
	}
	if _, ok := x.samplers[a.Sampler]; ok || len(x.samplers) < maxSamplers {
		x.samplers[a.Sampler] = sampler{rate}
	}
}

// sampled returns the rate of a record and who says so. header is that of the message.
func (x *exporter) sampled(a *flow.Arrival, header uint32) (rate uint64, origin string) {
	if rate = rateOf(a); rate > 0 {
		return rate, fromData
	}
	if header > 0 {
		return uint64(header), fromHeader
	}
	x.mu.RLock()
	s := x.sampler(a)
	x.mu.RUnlock()
	if s.rate > 0 {
		return s.rate, fromOptions
	}
	if x.rate > 0 {
		return uint64(x.rate), fromConfiguration
	}
	return 0, ""
}

// sampler returns the one that chose the packets of a record. One that is named and not known is
// none: that of another would be a guess. A record that names none has the only one there is.
func (x *exporter) sampler(a *flow.Arrival) sampler {
	if a.Has&flow.NoteSampler != 0 {
		if s, ok := x.samplers[a.Sampler]; ok {
			return s
		}
		return x.alone
	}
	if x.alone.rate == 0 && len(x.samplers) == 1 {
		for _, s := range x.samplers {
			return s
		}
	}
	return x.alone
}

// scale says in a record what was found out about its sampling.
func scale(a *flow.Arrival, rate uint64, origin string) {
	if origin == "" {
		return
	}
	a.Attrs.Uint(flow.SamplingInterval, rate)
	a.Attrs.Text(flow.SamplingOrigin, origin)
}
