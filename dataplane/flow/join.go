package flow

import "unsafe"

// A Kept is a collected record as Arrival.Put writes it, to be added to before it is handed over.
type Kept []byte

// Keep returns the record as it is now, in memory of its own.
func (a *Arrival) Keep() Kept {
	n := a.Size()
	words := make([]uint64, (n+7)/8) // aligned as Record is
	k := Kept(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:n])
	a.Put(k)
	return k
}

// Record returns the members of the record.
func (k Kept) Record() *Record { return (*Record)(unsafe.Pointer(unsafe.SliceData(k))) }

func (k Kept) said() []byte { return said(k[unsafe.Sizeof(Record{}):]) }

// joined are the members of a record that are summed up or united where records are one: by direction.
var joined = [...]slot{
	pair(&rec.Octets), pair(&rec.Packets), pair(&rec.L2Octets), pair(&rec.TCPFlags), pair(&rec.TOS),
	pair(&rec.MinTTL), pair(&rec.MaxTTL), pair(&rec.FlowLabel),
}

// Join adds what o has counted: packets of the same direction, or of the opposite one. What o says in
// attributes is left out.
func (k Kept) Join(o Kept, opposite bool) {
	a, b := k.Record(), o.Record()
	if b.First != 0 && (a.First == 0 || b.First < a.First) {
		a.First = b.First
	}
	a.Last = max(a.Last, b.Last)
	turn := Dir(0)
	if opposite {
		turn = 1
	}
	for from := range Dir(2) {
		to := from ^ turn
		a.Octets[to] += b.Octets[from]
		a.Packets[to] += b.Packets[from]
		a.L2Octets[to] += b.L2Octets[from]
		a.TCPFlags[to] |= b.TCPFlags[from]
		if a.MinTTL[to] == 0 || b.MinTTL[from] != 0 && b.MinTTL[from] < a.MinTTL[to] {
			a.MinTTL[to] = b.MinTTL[from]
		}
		a.MaxTTL[to] = max(a.MaxTTL[to], b.MaxTTL[from])
		k.first(o, from, to)
	}
	mine, its := k.said(), o.said()
	for _, s := range joined {
		for from := range Dir(2) {
			if saidAt(its, s.off+s.stride*uint16(from)) {
				say(mine, s.off+s.stride*uint16(from^turn))
			}
		}
	}
}

// first takes over what is of the first packet of a direction, if it has had none.
func (k Kept) first(o Kept, from, to Dir) {
	a, b := k.Record(), o.Record()
	if a.Packets[to] == b.Packets[from] {
		a.TOS[to], a.FlowLabel[to] = b.TOS[from], b.FlowLabel[from]
	}
}
