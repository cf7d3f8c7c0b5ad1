package flow

// Cisco is the enterprise number of Cisco. NetFlow v9 has its elements from 32768 on.
const Cisco uint32 = 9

// element is an element without its length.
type element struct {
	PEN uint32
	ID  uint16
}

// synonyms are elements that say the same of a flow as another.
var synonyms = [...]struct {
	of, is element
}{
	{element{IANA, 231}, element{IANA, 1}},    // initiatorOctets
	{element{IANA, 298}, element{IANA, 2}},    // initiatorPackets
	{element{IANA, 232}, element{RFC5103, 1}}, // responderOctets
	{element{IANA, 299}, element{RFC5103, 2}}, // responderPackets

	{element{IANA, 85}, element{IANA, 1}}, // totals, if there are no deltas
	{element{IANA, 86}, element{IANA, 2}},
	{element{RFC5103, 85}, element{RFC5103, 1}},
	{element{RFC5103, 86}, element{RFC5103, 2}},

	{element{IANA, 180}, element{IANA, 7}}, // udpSourcePort
	{element{IANA, 182}, element{IANA, 7}}, // tcpSourcePort
	{element{IANA, 181}, element{IANA, 11}},
	{element{IANA, 183}, element{IANA, 11}},

	{element{IANA, 44}, element{IANA, 8}}, // the network, of records that have no more
	{element{IANA, 45}, element{IANA, 12}},
	{element{IANA, 170}, element{IANA, 27}},
	{element{IANA, 169}, element{IANA, 28}},

	{element{Cisco, 12236}, element{IANA, 8}}, // connection client and server, as AVC has them
	{element{Cisco, 12237}, element{IANA, 12}},
	{element{Cisco, 12238}, element{IANA, 27}},
	{element{Cisco, 12239}, element{IANA, 28}},
	{element{Cisco, 12240}, element{IANA, 7}},
	{element{Cisco, 12241}, element{IANA, 11}},

	{element{Cisco, 12232}, element{IANA, 372}}, // names of applications
	{element{Cisco, 12233}, element{IANA, 373}},
	{element{Cisco, 12234}, element{IANA, 374}},

	{element{Cisco, 7232}, element{IANA, 371}}, // AAA user name of an ASA, translated addresses and ports
	{element{Cisco, 7233}, element{IANA, 225}},
	{element{Cisco, 7234}, element{IANA, 226}},
	{element{Cisco, 7235}, element{IANA, 227}},
	{element{Cisco, 7236}, element{IANA, 228}},
	{element{Cisco, 7237}, element{IANA, 233}}, // event
}

// meaning returns the element that is to be read for one of the template, with its length.
func (k *compiler) meaning(x Specifier) Specifier {
	if x.PEN == IANA && k.convention == Opposite {
		if f := k.schema.byLegacy[x.ID]; f != nil {
			return Specifier{f.PEN, f.ID, x.Length}
		}
	}
	if x.PEN == IANA && (x.ID == 23 || x.ID == 24) && !k.has(IANA, 1, 2, 85, 86, 231, 298) {
		return Specifier{IANA, x.ID - 22, x.Length} // counted as they left, and not otherwise
	}
	for _, s := range synonyms {
		if s.of == (element{x.PEN, x.ID}) && !k.has(s.is.PEN, s.is.ID) {
			return Specifier{s.is.PEN, s.is.ID, x.Length}
		}
	}
	return x
}

// noteOf returns what an element says to the collector, nil if nothing.
func noteOf(x Specifier) func(a *Arrival, b []byte) {
	if x.PEN != IANA {
		return nil
	}
	for i := range noted {
		if noted[i].id == x.ID {
			return noted[i].note
		}
	}
	return nil
}

// noted are elements that are about how a flow was seen, or from which something else is made. Most
// are attributes as well.
var noted = [...]struct {
	id   uint16
	note func(a *Arrival, b []byte)
}{
	{34, func(a *Arrival, b []byte) { a.interval(b) }},
	{48, func(a *Arrival, b []byte) { a.number(&a.Sampler, b, NoteSampler) }},
	{50, func(a *Arrival, b []byte) { a.interval(b) }},
	{302, func(a *Arrival, b []byte) { a.number(&a.Sampler, b, NoteSampler) }},
	{305, func(a *Arrival, b []byte) { a.number(&a.Run, b, NoteRun) }},
	{306, func(a *Arrival, b []byte) { a.number(&a.Space, b, NoteSpace) }},
	{309, func(a *Arrival, b []byte) { a.number(&a.Chosen, b, NoteChosen) }},
	{310, func(a *Arrival, b []byte) { a.number(&a.Of, b, NoteOf) }},
	{160, func(a *Arrival, b []byte) { a.number(&a.Init, b, NoteInit); a.Init *= 1e6 }},
	{161, func(a *Arrival, b []byte) { a.number(&a.Duration, b, NoteDuration); a.Duration *= 1e6 }},
	{162, func(a *Arrival, b []byte) { a.number(&a.Duration, b, NoteDuration); a.Duration *= 1e3 }},
	{158, func(a *Arrival, b []byte) { a.number(&a.Before[0], b, NoteBeforeFirst); a.Before[0] *= 1e3 }},
	{159, func(a *Arrival, b []byte) { a.number(&a.Before[1], b, NoteBeforeLast); a.Before[1] *= 1e3 }},
	{322, func(a *Arrival, b []byte) { a.number(&a.Observed, b, NoteObserved); a.Observed *= 1e9 }},
	{323, func(a *Arrival, b []byte) { a.number(&a.Observed, b, NoteObserved); a.Observed *= 1e6 }},
	{130, func(a *Arrival, b []byte) { a.Has |= NoteExporter }},
	{131, func(a *Arrival, b []byte) { a.Has |= NoteExporter }},
	{149, func(a *Arrival, b []byte) { a.Has |= NoteDomain }},
	{176, func(a *Arrival, b []byte) { a.icmp(b, 8) }},
	{177, func(a *Arrival, b []byte) { a.icmp(b, 0) }},
	{178, func(a *Arrival, b []byte) { a.icmp(b, 8) }},
	{179, func(a *Arrival, b []byte) { a.icmp(b, 0) }},
	{32, func(a *Arrival, b []byte) { a.HasICMP |= 1 }},
	{139, func(a *Arrival, b []byte) { a.HasICMP |= 1 }},
	{58, func(a *Arrival, b []byte) { a.vlan(b) }},
	{192, func(a *Arrival, b []byte) { a.ttl(b) }},
	{195, func(a *Arrival, b []byte) { a.dscp(b) }},
	{312, func(a *Arrival, b []byte) { a.Wire = uint32(readUint(b, 0).U) }},
	{104, func(a *Arrival, b []byte) { a.section(b, FrameSection) }},
	{313, func(a *Arrival, b []byte) { a.section(b, IPSection) }},
	{315, func(a *Arrival, b []byte) { a.section(b, FrameSection) }},
	{291, func(a *Arrival, b []byte) { a.list(291, b) }},
	{292, func(a *Arrival, b []byte) { a.list(292, b) }},
	{293, func(a *Arrival, b []byte) { a.list(293, b) }},
	{150, func(a *Arrival, _ []byte) { a.Has |= NoteFirst }},
	{152, func(a *Arrival, _ []byte) { a.Has |= NoteFirst }},
	{154, func(a *Arrival, _ []byte) { a.Has |= NoteFirst }},
	{156, func(a *Arrival, _ []byte) { a.Has |= NoteFirst }},
	{151, func(a *Arrival, _ []byte) { a.Has |= NoteLast }},
	{153, func(a *Arrival, _ []byte) { a.Has |= NoteLast }},
	{155, func(a *Arrival, _ []byte) { a.Has |= NoteLast }},
	{157, func(a *Arrival, _ []byte) { a.Has |= NoteLast }},
}

// number notes a number.
func (a *Arrival) number(to *uint64, b []byte, n Note) {
	if len(b) > 0 && len(b) <= 8 {
		*to, a.Has = readUint(b, 0).U, a.Has|n
	}
}

// interval notes a sampling rate. One of 0 is none: exporters have several elements and fill one.
func (a *Arrival) interval(b []byte) {
	if len(b) > 0 && len(b) <= 8 && readUint(b, 0).U > 0 {
		a.number(&a.Interval, b, NoteInterval)
	}
}

// icmp notes type or code.
func (a *Arrival) icmp(b []byte, shift uint) {
	if len(b) == 1 {
		a.ICMP[Forward] |= uint16(b[0]) << shift
		a.HasICMP |= 1
		a.Said.set(placeICMP)
	}
}

func (a *Arrival) section(b []byte, s Section) {
	if len(b) > 0 {
		a.Section, a.Starts = b, s
	}
}

// list notes structured data, as much as there is room for.
func (a *Arrival) list(id uint16, b []byte) {
	for i := range a.Lists {
		if a.Lists[i].ID == 0 {
			a.Lists[i] = List{id, b}
			return
		}
	}
	a.Lost++
}

// flags notes TCP's control bits of a direction.
func (a *Arrival) flags(b []byte, d Dir) {
	if len(b) > 0 && len(b) <= 4 {
		a.TCPFlags[d] = uint16(readUint(b, 0).U)
	}
}

// controlBits adds how TCP's control bits are read. Those that an exporter of both directions says
// only once are of both together, which is not what one side said.
func (k *compiler) controlBits(x Specifier) bool {
	const controlBits = 6
	switch {
	case x.ID != controlBits || x.PEN != IANA && x.PEN != RFC5103:
		return false
	case x.PEN == RFC5103:
		k.in.said.set(placeFlags + 2)
		k.step(x, intake{how: takeNote, note: func(a *Arrival, b []byte) { a.flags(b, Reverse) }})
		return true
	}
	k.step(x, intake{how: takeNote, note: func(a *Arrival, b []byte) { a.flags(b, Forward) }})
	if f := k.schema.Element(IANA, controlBits); f != nil && k.both() && !k.has(RFC5103, controlBits) {
		k.in.steps[len(k.in.steps)-1].stay = true
		k.step(x, intake{field: f, how: takeAttr})
		return true
	}
	k.in.said.set(placeFlags)
	return true
}

// both reports whether the records are of both directions.
func (k *compiler) both() bool {
	return k.has(RFC5103, 1, 2, 85, 86) || k.has(IANA, 232, 299) || k.convention == Opposite && k.has(IANA, 23, 24)
}

// vlan notes the innermost tag, which is the outermost as well unless that is said, too.
func (a *Arrival) vlan(b []byte) {
	if len(b) == 2 && a.VLAN == 0 {
		a.VLAN = be.Uint16(b)
	}
}

// ttl notes the time to live of a record that has one only.
func (a *Arrival) ttl(b []byte) {
	if len(b) == 1 {
		a.MinTTL[Forward], a.MaxTTL[Forward] = b[0], b[0]
		a.Said.set(placeMinTTL)
		a.Said.set(placeMaxTTL)
	}
}

// dscp notes the upper six bits of the type of service.
func (a *Arrival) dscp(b []byte) {
	if len(b) == 1 && a.TOS[Forward] == 0 {
		a.TOS[Forward] = b[0] << 2
		a.Said.set(placeTOS)
	}
}
