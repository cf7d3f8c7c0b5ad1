package worker

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/ring"
	"github.com/weir-probe/weir/dissect"
)

// burst is how many packets a Step handles at most: a burst of frames and every fragment
// that was waiting for one of them.
const burst = nic.Max + holding

// Worker turns the frames of one queue into flows. One goroutine uses it, on the thread
// that made it.
type Worker struct {
	src    nic.Source
	source nic.Counter // src, if it counts
	out    *ring.Ring
	conf   Config
	table  table
	now    uint64

	idle, active, linger int64 // nanoseconds
	coldLines            uintptr
	fragments            fragments
	inspection
	sampled  uint32 // frames until the next one that is metered
	patience int    // tries to find room in a full ring

	// The burst in hand, one entry per packet.
	n        int
	shown    int // packets the dissectors have seen
	slotted  int // packets whose slots in the table are on their way
	touched  int // packets whose records are
	packets  [burst]dissect.Packet
	protos   [burst]uint8 // of the packet, even if the key ignores it
	hashes   [burst]uint32
	flows    [burst]uint32 // record numbers
	dirs     [burst]flow.Dir
	touching touching
	pictures
	tracking

	sweep    sweep
	victim   uint32 // next candidate for eviction
	logs     logs
	counts   [Counters]uint64
	stops    [dissect.Stops]uint64
	reported uint64 // time of the last report
}

// New returns a worker that polls src and sends flows to out. It takes all the memory it
// will ever need. The calling thread touches it, so call New on the thread that will Step.
func New(src nic.Source, out *ring.Ring, conf Config) (*Worker, error) {
	if err := conf.check(); err != nil {
		return nil, err
	}
	if most := int(unsafe.Sizeof(flow.Record{})) + maxAttributes; out.Max() < most {
		return nil, fmt.Errorf("worker: a ring of %d octets cannot hold a record with attributes, %d",
			out.Cap(), most)
	}
	if conf.Seed == 0 {
		var b [8]byte
		rand.Read(b[:]) // never fails
		conf.Seed = binary.NativeEndian.Uint64(b[:])
	}
	conf.Streams = min(conf.Streams, conf.Flows+burst)
	w := &Worker{src: src, out: out, conf: conf, logs: makeLogs()}
	w.source, _ = src.(nic.Counter)
	w.idle, w.active, w.linger = int64(conf.Idle), int64(conf.Active), int64(conf.Linger)
	w.coldLines = coldLines(conf.Blocks)
	w.sweep.tick = max(uint64(conf.Lateness)/4, 1)
	s := spread(conf.Seed)
	// So many more that a burst always finds room: flows are evicted between bursts.
	t, err := newTable(conf.Flows+burst, conf.Blocks != 0, s)
	if err != nil {
		return nil, fmt.Errorf("worker: flow table: %w", err)
	}
	w.table = t
	if err := w.fragments.open(conf.Fragments, int64(conf.FragmentTimeout), s); err != nil {
		return nil, fmt.Errorf("worker: fragment cache: %w", err)
	}
	if err := w.inspection.open(&w.conf, s); err != nil {
		return nil, fmt.Errorf("worker: dissectors: %w", err)
	}
	return w, nil
}

// Close gives the worker's memory back. It hands nothing over; Flush does.
func (w *Worker) Close() error {
	if err := w.table.unmap(); err != nil {
		return err
	}
	if err := w.inspection.unmap(); err != nil {
		return err
	}
	return w.fragments.unmap()
}

// Step handles one burst. now is the time in nanoseconds since the Unix epoch, or 0 if the
// frames themselves tell it, as those of a capture file do. Each line does one thing to
// all of the burst.
func (w *Worker) Step(now uint64) {
	w.receive(now)
	w.lookup()
	w.account()
	w.inspect()
	w.expire()
	w.out.Commit()
}

// receive polls the queue and reads the headers of what arrived.
func (w *Worker) receive(now uint64) {
	w.n, w.shown, w.slotted, w.touched = 0, 0, 0, 0
	frames := w.src.Burst()
	w.clock(now, frames)
	w.counts[Received] += uint64(len(frames))
	if len(frames) > 0 {
		prefetchFrames(&frames[0], min(ahead, len(frames)))
	}
	if t := w.tracked.Load(); t != nil {
		w.track(t, frames)
	}
	for i := range frames {
		if i%group == 0 && i+ahead < len(frames) {
			prefetchFrames(&frames[i+ahead], min(group, len(frames)-i-ahead))
		}
		w.take(&frames[i])
	}
	w.release(w.now)
}

// clock sets the time of the Step.
func (w *Worker) clock(now uint64, frames []nic.Frame) {
	if now == 0 && len(frames) > 0 {
		now = frames[len(frames)-1].Time
	}
	if now != 0 {
		w.now = now
	}
}

// take meters the packet in f, or counts why not.
func (w *Worker) take(f *nic.Frame) {
	first := w.conf.Shard.Index == 0 // counts what belongs to nobody
	switch {
	case w.skip():
		w.leave(SampledOut, first)
		return
	case w.conf.Filter != nil && !w.conf.Filter.Match(f.Bytes(), f.Wire):
		w.leave(Filtered, first)
		return
	}
	p := &w.packets[w.n]
	p.Dissect(f, w.conf.Outer)
	if p.Stop.Refused() {
		w.leave(Refused, first)
		if first {
			w.stops[p.Stop]++
		}
		return
	}
	if !w.conf.Shard.has(p) {
		w.counts[NotInShard]++
		return
	}
	w.stops[p.Stop]++
	if p.Time == 0 {
		p.Time = w.now
	}
	w.frames[w.n] = f
	if p.Fragment == dissect.Whole {
		w.admit()
	} else {
		w.defragment()
	}
}

// skip reports whether sampling leaves the next frame out: all but the first of every
// Config.Sampling.
func (w *Worker) skip() bool {
	if w.conf.Sampling <= 1 {
		return false
	}
	if w.sampled == 0 {
		w.sampled = w.conf.Sampling - 1
		return false
	}
	w.sampled--
	return true
}

// leave counts a frame that is not metered and that no shard claims.
func (w *Worker) leave(why Counter, first bool) {
	if !first {
		why = NotInShard
	}
	w.counts[why]++
}

// has reports whether a packet belongs to the shard.
func (s Shard) has(p *dissect.Packet) bool { return s.Of <= 1 || s.chooses(p) }

// chooses is has for one of several shards. Fragments and tunnels stay together since only the addresses are
// looked at.
func (s Shard) chooses(p *dissect.Packet) bool {
	fixed := seed{0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db}
	h := fixed.end(&p.Src, 0) + fixed.end(&p.Dst, 0)
	return uint32((h>>32)*uint64(s.Of)>>32) == s.Index
}

// admit puts the packet in hand into the burst.
func (w *Worker) admit() {
	p := &w.packets[w.n]
	w.protos[w.n] = p.Proto
	w.counts[Metered]++
	w.counts[MeteredOctets] += uint64(p.Octets)
	if w.conf.Ingress {
		p.Ingress = uint32(p.Port)
	}
	if w.conf.Ignore != 0 {
		ignore(&p.Key, w.conf.Ignore)
	}
	w.hashes[w.n] = w.table.hash(&p.Key)
	w.flows[w.n] = w.hashes[w.n] & w.table.mask
	if w.n++; w.n < len(w.frames) {
		w.frames[w.n] = nil
	}
	if w.n%group == 0 {
		w.touch()
	}
}

// ignore clears parts of a key.
func ignore(k *flow.Key, parts flow.KeyPart) {
	if parts&flow.KeyVLAN != 0 {
		k.VLAN = 0
	}
	if parts&flow.KeyProto != 0 {
		k.Proto = 0
	}
	if parts&flow.KeyAddresses != 0 {
		k.Src, k.Dst = [16]byte{}, [16]byte{}
	}
	if parts&flow.KeyPorts != 0 {
		k.SrcPort, k.DstPort = 0, 0
	}
	if parts&flow.KeyTunnel != 0 {
		k.Tunnel = 0
	}
}

// lookup finds the flow of every packet or opens one. Where it should be was asked for while packets behind it
// were read, so that the cache misses of a burst overlap with each other and with that.
func (w *Worker) lookup() {
	if w.n == 0 {
		return
	}
	w.touch()
	w.touch()
	for from := 0; from < w.n; from += group {
		to := min(from+group, w.n)
		for i := from; i < to; i++ {
			w.flows[i], w.dirs[i] = w.table.find(&w.packets[i].Key, w.hashes[i])
			if w.flows[i] == nobody {
				w.flows[i] = w.table.add(w.hashes[i])
				w.begin(i)
			}
		}
		if len(w.talks) > 0 {
			w.touchTalks(from, to)
		}
	}
	w.touchCold(0, ahead)
	if w.touching.n > 0 {
		w.touchStates()
	}
}

// account adds every packet to its flow, in order. A flow whose time is over is cut first.
func (w *Worker) account() {
	for i := range w.n {
		if i%group == 0 {
			w.touchCold(i+ahead, i+ahead+group)
		}
		p, n := &w.packets[i], w.flows[i]
		r := &w.table.hot[n]
		if int64(p.Time-r.First) >= w.active || int64(p.Time-r.Last) >= w.idle ||
			r.State&(ended|empty|asked) != 0 {
			w.renew(i)
		}
		d := w.dirs[i]
		count(r, p, d)
		if p.Time < r.Last {
			w.backwards(n, p)
		}
		r.Last = max(r.Last, p.Time)
		if p.HasTCP && (p.TCPFlags&(fin|rst) != 0 || r.State&finished != 0) {
			w.end(n, p, d)
		} else if w.protos[i] == protoSCTP {
			w.endAssociation(n, p)
		}
		if w.conf.Blocks != 0 {
			w.measure(&w.table.cold[n], i)
		}
		if r.Pending != 0 { // what is said of a transaction includes no packet after it
			w.show(i + 1)
		}
	}
}

// count adds a packet to the counters of its flow.
func count(r *flow.Hot, p *dissect.Packet, d flow.Dir) {
	d &= 1
	if r.Packets[d] == 0 {
		r.TOS[d], r.MinTTL[d], r.MaxTTL[d] = p.TOS, p.TTL, p.TTL
	}
	r.Octets[d] += uint64(p.Octets)
	r.Packets[d]++
	r.TCPFlags[d] |= p.TCPFlags
	r.MinTTL[d] = min(r.MinTTL[d], p.TTL)
	r.MaxTTL[d] = max(r.MaxTTL[d], p.TTL)
}

// backwards corrects a flow for a packet that is earlier than the last one.
func (w *Worker) backwards(n uint32, p *dissect.Packet) {
	w.counts[TimeBackwards]++
	r := &w.table.hot[n]
	if p.Time < r.First {
		r.First = p.Time
		if r.State&ended == 0 {
			at, _ := w.deadline(n)
			w.expect(n, at)
		}
	}
}
