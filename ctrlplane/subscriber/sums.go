package subscriber

import (
	"hash/fnv"

	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// sums are what subscribers, and groups of them, have used since the last records. Groups are of those who
// have the same access point name and cell.
type sums struct {
	every  uint64 // nanoseconds
	most   int
	begin  uint64 // of the time that is summed up, nanoseconds since the Unix epoch; 0 if nothing was yet
	all    map[uint64]*sum
	groups map[uint64]*sum
	ready  []*sum // whose records are to be made
	end    uint64
	start  uint64
	record flow.Record
	view   flow.View
	attrs  flow.Attrs
}

// sum is what was used.
type sum struct {
	octets, packets [2]uint64 // from the subscriber, to him
	flows           uint64
	members         uint64 // subscribers of a group
	is              string // a binding
}

// together is how many records are made at a time.
const together = 256

// nobody is what a record of usage has of the key of a flow: nothing.
const nobody = flow.KeyVLAN | flow.KeyProto | flow.KeyAddresses | flow.KeyPorts | flow.KeyTunnel

func (s *sums) init(o *Options) {
	s.every, s.most = uint64(o.Interval), o.Sessions
	s.all, s.groups = map[uint64]*sum{}, map[uint64]*sum{}
}

// add counts a flow whose subscriber is at one of its ends: dir is from him.
func (s *sums) add(v *flow.View, b *binding, dir flow.Dir) {
	if s.every == 0 {
		return
	}
	x := s.all[b.who]
	if x == nil {
		if len(s.all) >= s.most {
			return
		}
		x = &sum{}
		s.all[b.who] = x
	}
	if s.begin == 0 || v.First < s.begin {
		s.begin = v.First
	}
	if x.flows == 0 {
		var text [512]byte
		x.is = string(b.append(text[:0]))
	}
	x.count(v, dir)
	if len(b.is[apn])+len(b.is[cell]) == 0 {
		return
	}
	h := fnv.New64a()
	h.Write(b.is[apn])
	h.Write([]byte{0})
	h.Write(b.is[cell])
	g := s.groups[h.Sum64()]
	if g == nil {
		if len(s.groups) >= s.most {
			return
		}
		var text [512]byte
		only := binding{is: [parts][]byte{apn: b.is[apn], cell: b.is[cell]}}
		g = &sum{is: string(only.append(text[:0]))}
		s.groups[h.Sum64()] = g
	}
	g.count(v, dir)
	if x.flows == 1 {
		g.members++
	}
}

func (x *sum) count(v *flow.View, dir flow.Dir) {
	for d := range 2 {
		from := d ^ int(dir)
		x.octets[d] += v.Octets[from]
		x.packets[d] += v.Packets[from]
	}
	x.flows++
}

// tick begins to make records when it is time, and makes some.
func (s *sums) tick(now uint64, emit func(kind egress.Kind, v *flow.View)) {
	s.make(together, emit)
	if s.begin == 0 || now < s.begin+s.every || len(s.ready) > 0 {
		return
	}
	s.close(now)
}

// close ends the time that is summed up.
func (s *sums) close(now uint64) {
	s.start, s.end, s.begin = s.begin, max(now, s.begin), 0
	for _, x := range s.all {
		s.ready = append(s.ready, x)
	}
	for _, g := range s.groups {
		s.ready = append(s.ready, g)
	}
	clear(s.all)
	clear(s.groups)
}

// flush makes all records.
func (s *sums) flush(now uint64, emit func(kind egress.Kind, v *flow.View)) {
	s.make(len(s.ready), emit)
	if s.begin != 0 {
		s.close(now)
		s.make(len(s.ready), emit)
	}
}

// make makes so many records.
func (s *sums) make(n int, emit func(kind egress.Kind, v *flow.View)) {
	for ; n > 0 && len(s.ready) > 0; n-- {
		x := s.ready[len(s.ready)-1]
		s.ready = s.ready[:len(s.ready)-1]
		s.emit(x, emit)
	}
}

func (s *sums) emit(x *sum, emit func(kind egress.Kind, v *flow.View)) {
	s.record = flow.Record{}
	r := &s.record
	r.First, r.Last, r.Ignored, r.Octets, r.Packets = s.start, s.end, nobody, x.octets, x.packets
	s.attrs.Reset()
	var b binding
	b.read([]byte(x.is))
	kind, of := egress.Subscribers, "subscriber"
	if x.members > 0 {
		kind, of = egress.Groups, "group"
		s.attrs.Uint(flow.UsageSubscribers, x.members)
	}
	s.attrs.Text(flow.UsageOf, of)
	s.attrs.Uint(flow.UsageFlows, x.flows)
	for part := range parts {
		if len(b.is[part]) > 0 {
			s.attrs.Bytes(said[part], b.is[part])
		}
	}
	s.view = flow.View{Record: r, Attrs: s.attrs.All()}
	emit(kind, &s.view)
}
