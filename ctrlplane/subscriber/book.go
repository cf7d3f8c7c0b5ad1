package subscriber

import (
	"time"

	"github.com/weir-probe/weir/ctrlplane/session"
)

// book is the bindings there are: of every key the latest, and the one before it, so that a flow whose
// record comes when its user has lost the address already is still his.
type book struct {
	store  *session.Store
	linger time.Duration
	grace  uint64 // milliseconds
	counts [Counters]uint64
	a, b   [session.Longest]byte
	out    [session.Longest]byte
}

// get reads the binding of a key into b; room is where its octets are.
func (k *book) get(key session.Key, room *[session.Longest]byte, b *binding) bool {
	v, ok := k.store.Get(room[:0], key)
	return ok && b.read(v)
}

func (k *book) put(key session.Key, b *binding, life time.Duration) {
	k.store.Put(key, b.append(k.out[:0]), life)
}

// bind says that a key is somebody's from a time on, for so long. Who held it before has lost it by then.
func (k *book) bind(key session.Key, b *binding, life time.Duration) {
	var old binding
	switch known := k.get(key, &k.a, &old); {
	case !known:
	case old.who == b.who && old.end == 0 && b.who != 0:
		b.start = min(b.start, old.start)
		b.inherit(&old)
	case old.who == b.who && b.start < old.end: // it is heard late, and over
		return
	case b.start < old.start: // it is heard late
		b.end = old.start
		k.earlier(key, b)
		return
	default:
		k.displace(key, &old, b)
	}
	k.put(key, b, life)
	k.counts[Bound]++
}

// displace moves a binding that another one follows out of the way. If it has not ended, and both are of
// different access points, the address may be used twice at the same time: then it is nobody's.
func (k *book) displace(key session.Key, old, b *binding) {
	if old.end == 0 {
		if key.Kind() == session.User && len(old.is[apn]) > 0 && len(b.is[apn]) > 0 && string(old.is[apn]) != string(b.is[apn]) {
			k.counts[Contested]++
			b.who, b.is = 0, [parts][]byte{apn: b.is[apn]}
		}
		old.end = b.start
		k.counts[Displaced]++
	}
	old.end = min(old.end, b.start)
	k.put(key.Former(), old, k.linger)
}

// earlier puts a binding behind the one that is known already, unless one is known that is nearer.
func (k *book) earlier(key session.Key, b *binding) {
	var former binding
	if k.get(key.Former(), &k.b, &former) && former.start > b.start {
		return
	}
	k.put(key.Former(), b, k.linger)
}

// release says that a key is not somebody's any more from a time on.
func (k *book) release(key session.Key, who, at uint64) {
	var b binding
	if k.get(key, &k.a, &b) && b.who == who {
		if b.end == 0 || at < b.end {
			b.end = max(at, b.start)
			k.put(key, &b, k.linger)
			k.counts[Released]++
		}
		return
	}
	if k.get(key.Former(), &k.b, &b) && b.who == who && at < b.end {
		b.end = max(at, b.start)
		k.put(key.Former(), &b, k.linger)
	}
}

// holder reads into b who held a key all the time from first to last, in milliseconds since the Unix epoch.
func (k *book) holder(key session.Key, first, last uint64, b *binding) bool {
	switch {
	case !k.get(key, &k.a, b):
		return false
	case first >= b.start, first+k.grace >= b.start && !k.overlaps(key, first):
	case last >= b.start || !k.get(key.Former(), &k.a, b):
		return false
	}
	return b.who != 0 && b.covers(first, last, k.grace)
}

// overlaps reports whether somebody else held a key at a time or later, before its holder did.
func (k *book) overlaps(key session.Key, first uint64) bool {
	var former binding
	return k.get(key.Former(), &k.b, &former) && former.end > first
}
