package flow

import (
	"slices"
	"unsafe"
)

// Convention is what the elements 23, 24, 55, 59 and 254 mean, which IANA has for counters and tags
// of packets as they leave, and nProbe uses for the opposite direction.
type Convention uint8

const (
	Leaving  Convention = iota // IANA: as they leave, in the same direction
	Opposite                   // nProbe: of the opposite direction
)

// Inlet returns what reads records of a template. What an element means if there are two for the
// same is decided here once: a value of the flow goes before one that is the sum since it began, and
// a time of the clock before one of an uptime.
func (s *Schema) Inlet(specs []Specifier, c Convention) *Inlet {
	k := compiler{schema: s, specs: specs, convention: c, in: &Inlet{fixed: true}, taken: map[uint16]int{}}
	k.in.ignored = KeyVLAN | KeyProto | KeyAddresses | KeyPorts | KeyTunnel
	for _, x := range specs {
		k.add(x)
	}
	for i := range k.in.steps {
		t := &k.in.steps[i]
		switch {
		case t.size == Varies:
			k.in.fixed = false
			k.in.shortest++
		case !t.stay:
			k.in.shortest += int(t.size)
		}
	}
	k.key()
	return k.in
}

// compiler makes an Inlet.
type compiler struct {
	schema     *Schema
	specs      []Specifier
	convention Convention
	in         *Inlet
	taken      map[uint16]int // which intake fills a place in Record
}

// has reports whether the template has one of the elements.
func (k *compiler) has(pen uint32, ids ...uint16) bool {
	return slices.ContainsFunc(k.specs, func(x Specifier) bool { return x.PEN == pen && slices.Contains(ids, x.ID) })
}

// add adds what an element is read by: in this order what it says to the collector, a member of
// Record, an attribute.
func (k *compiler) add(x Specifier) {
	if k.controlBits(x) {
		return
	}
	from := len(k.in.steps)
	if n := noteOf(x); n != nil {
		k.step(x, intake{how: takeNote, note: n})
	}
	const interval = 34
	if x.PEN == IANA && x.ID == interval { // what the rate is, the collector says
		return
	}
	same := k.meaning(x)
	f := k.schema.Element(same.PEN, same.ID)
	if f == nil && same != x {
		f = k.schema.Element(x.PEN, x.ID)
	}
	if f != nil {
		k.field(x, f)
	}
	if own := k.schema.Element(x.PEN, x.ID); own != nil && own != f && !own.kept() {
		k.field(x, own) // a sum since the flow began is said as that, too
	}
	switch {
	case len(k.in.steps) > from:
	case k.silent(x):
		k.step(x, intake{how: takeNothing})
	default:
		k.step(x, intake{how: takeForeign})
	}
	for i := from; i < len(k.in.steps)-1; i++ {
		k.in.steps[i].stay = true
	}
}

// silent reports whether an element says nothing: padding, and the numbers of things that only the
// exporter knows.
func (k *compiler) silent(x Specifier) bool {
	const padding = 210
	return x.PEN == IANA && x.ID == padding || x.Length == 0
}

func (k *compiler) step(x Specifier, t intake) {
	t.pen, t.id, t.size = x.PEN, x.ID, x.Length
	k.in.steps = append(k.in.steps, t)
}

// field adds the way of a value into the member of Record or attribute that is the field's.
func (k *compiler) field(x Specifier, f *Field) {
	how := f.take(x.Length)
	if how == takeForeign {
		return
	}
	t := intake{field: f, how: how, off: f.place()}
	if !f.kept() && f.calc == nil || how == takeAttr || how == takeOctets {
		k.step(x, t)
		return
	}
	if i, ok := k.taken[t.off]; ok && !twins(k.in.steps[i].field, f) {
		old := &k.in.steps[i]
		if finer(old.field, f) {
			return
		}
		*old = intake{how: takeNothing, size: old.size, stay: old.stay}
	}
	k.taken[t.off] = len(k.in.steps)
	k.in.said.set(t.off)
	k.step(x, t)
}

// twins reports whether fields are the same for IPv4 and for IPv6.
func twins(a, b *Field) bool { return a.twin == b || b.twin == a }

// finer reports whether a says a time as exactly as b, or better.
func finer(a, b *Field) bool { return a.Type.grain() <= b.Type.grain() }

// grain orders the types of times by how exactly they say one.
func (t Type) grain() int {
	order := []Type{DateTimeNanoseconds, DateTimeMicroseconds, DateTimeMilliseconds, DateTimeSeconds}
	if i := slices.Index(order, t); i >= 0 {
		return i
	}
	return len(order)
}

// take returns how a value of so many octets on the wire gets where the field is kept; takeForeign
// if they cannot be one.
func (f *Field) take(size uint16) take {
	want := uint16(f.Type.Size())
	switch f.Type {
	case IPv4Address, IPv6Address, MACAddress:
		if size != want {
			return takeForeign
		}
		if !f.kept() {
			return takeOctets
		}
		return map[Type]take{IPv4Address: take4, IPv6Address: take128, MACAddress: take6}[f.Type]
	case String, OctetArray:
		if f.kept() {
			return takeForeign
		}
		return takeOctets
	}
	switch {
	case size > 8 && size != Varies:
		return takeForeign
	case !f.kept():
		return takeAttr
	}
	return f.takeNumber(size)
}

// takeNumber is take for numbers in members of Record.
func (f *Field) takeNumber(size uint16) take {
	switch f.Type {
	case SysUpTimeMilliseconds:
		if size != 4 {
			return takeForeign
		}
		return takeUptime
	case DateTimeMilliseconds:
		if size == 8 {
			return takeMillis
		}
		return takeTime
	case DateTimeSeconds, DateTimeMicroseconds, DateTimeNanoseconds, MPLSLabel, Float64:
		return takeTime
	}
	switch [2]uint16{size, f.slot.size} {
	case [2]uint16{1, 1}:
		return takeWhole(f, take8)
	case [2]uint16{2, 2}:
		return takeWhole(f, take16)
	case [2]uint16{4, 4}:
		return takeWhole(f, take32)
	case [2]uint16{8, 8}:
		return takeWhole(f, take64)
	case [2]uint16{4, 8}:
		return takeWhole(f, take32to64)
	}
	return takeUint
}

// takeWhole returns how, unless the value has to be converted.
func takeWhole(f *Field, how take) take {
	if f.Scale > 1 {
		return takeUint
	}
	return how
}

// key finds out which parts of the key the records have.
func (k *compiler) key() {
	for label, part := range map[string]KeyPart{
		"PROTOCOL": KeyProto, "IPV4_SRC_ADDR": KeyAddresses, "IPV4_DST_ADDR": KeyAddresses,
		"L4_SRC_PORT": KeyPorts, "L4_DST_PORT": KeyPorts, "DOT1Q_SRC_VLAN": KeyVLAN, "TUNNEL_ID": KeyTunnel,
	} {
		if f := k.schema.Named(label); f != nil {
			if _, ok := k.taken[f.place()]; ok {
				k.in.ignored &^= part
			}
		}
	}
	if k.in.ignored&KeyAddresses == 0 {
		k.in.said.set(uint16(unsafe.Offsetof(rec.Version)))
	}
	if _, ok := k.taken[placeICMP]; ok || k.in.ignored&KeyPorts == 0 {
		k.in.icmp = true
	}
	for _, x := range k.specs {
		if x.PEN == IANA && (x.ID == 176 || x.ID == 177 || x.ID == 178 || x.ID == 179) {
			k.in.icmp = true
		}
	}
}
