package subscriber

import (
	"encoding/binary"
	"math"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// sums are what subscribers, and groups of them, have used since the last records. Groups are of those who
// have the same access point name and cell.
type sums struct {
	every  uint64 // nanoseconds
	begin  uint64 // of the time that is summed up, nanoseconds since the Unix epoch; 0 if nothing was yet
	all    *aggregate.Table
	groups *aggregate.Table
	ready  []usage // whose records are to be made
	end    uint64
	start  uint64
	record flow.Record
	view   flow.View
	attrs  flow.Attrs
}

// usage is what was used, and by whom: the note of the row is a binding.
type usage struct {
	aggregate.Row
	kind egress.Kind
}

// members is the sum that counts subscribers of a group.
const members = 0

// together is how many records are made at a time.
const together = 256

// nobody is what a record of usage has of the key of a flow: nothing.
const nobody = flow.KeyVLAN | flow.KeyProto | flow.KeyAddresses | flow.KeyPorts | flow.KeyTunnel

func (s *sums) open(o *Options) {
	s.every = uint64(o.Interval)
	s.all = aggregate.NewTable(aggregate.Octets, o.Sessions/2)
	s.groups = aggregate.NewTable(aggregate.Octets, o.Sessions/2)
}

// add counts a flow whose subscriber is at one of its ends: dir is from him.
func (s *sums) add(v *flow.View, b *binding, dir flow.Dir) {
	if s.every == 0 {
		return
	}
	if s.begin == 0 || v.First < s.begin {
		s.begin = v.First
	}
	var text [512]byte
	x := used(v, dir)
	row, fresh := s.all.Add(binary.NativeEndian.AppendUint64(text[:0], b.who), &x)
	if fresh {
		row.Note = string(b.append(text[:0]))
	}
	if len(b.is[apn])+len(b.is[cell]) == 0 {
		return
	}
	if fresh {
		x.More[members] = 1
	}
	only := binding{is: [parts][]byte{apn: b.is[apn], cell: b.is[cell]}}
	key := only.append(text[:0])
	if row, fresh := s.groups.Add(key, &x); fresh {
		row.Note = row.Key
	}
}

// used returns what a flow adds: from the subscriber, and to him.
func used(v *flow.View, dir flow.Dir) (x aggregate.Sums) {
	for d := range 2 {
		from := d ^ int(dir)
		x.Octets[d], x.Packets[d] = v.Octets[from], v.Packets[from]
	}
	x.Records = 1
	return x
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
	for kind, t := range map[egress.Kind]*aggregate.Table{egress.Subscribers: s.all, egress.Groups: s.groups} {
		rows, others := t.Top(math.MaxInt)
		for _, r := range rows {
			s.ready = append(s.ready, usage{r, kind})
		}
		if others != (aggregate.Sums{}) { // there were more than there is room for
			s.ready = append(s.ready, usage{aggregate.Row{Sums: others}, kind})
		}
		t.Reset()
	}
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

func (s *sums) emit(x usage, emit func(kind egress.Kind, v *flow.View)) {
	s.record = flow.Record{}
	r := &s.record
	r.First, r.Last, r.Ignored, r.Octets, r.Packets = s.start, s.end, nobody, x.Octets, x.Packets
	s.attrs.Reset()
	var b binding
	b.read([]byte(x.Note))
	of := "subscriber"
	if x.kind == egress.Groups {
		of = "group"
		s.attrs.Uint(flow.UsageSubscribers, x.More[members])
	}
	if x.Note == "" {
		of = "others"
	}
	s.attrs.Text(flow.UsageOf, of)
	s.attrs.Uint(flow.UsageFlows, x.Records)
	for part := range parts {
		if len(b.is[part]) > 0 {
			s.attrs.Bytes(said[part], b.is[part])
		}
	}
	s.view = flow.View{Record: r, Attrs: s.attrs.All()}
	emit(x.kind, &s.view)
}
