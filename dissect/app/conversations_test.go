package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dissect"
)

// corpus returns the directory of captures beside the module, or skips the test.
func corpus(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			dir = filepath.Join(dir, "..", "shared", "captures")
			if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
				break
			}
			return dir
		}
	}
	t.Skip("no captures beside the module")
	return ""
}

// conversations returns what is said in a capture file, in the order of first packets. Streams
// are put in order; octets that never came are lost.
func conversations(t testing.TB, file string) []*conversation {
	t.Helper()
	r, err := capture.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	x := &listener{t: t, byKey: map[flow.Key]*talk{}}
	var p dissect.Packet
	for !r.Done() {
		frames := r.Burst()
		for i := range frames {
			if p.Dissect(&frames[i], false); p.Stop == 0 && p.Fragment != dissect.LaterFragment {
				x.hear(&p)
			}
		}
	}
	for _, k := range x.all {
		k.flush(flow.Forward)
		k.flush(flow.Reverse)
	}
	var all []*conversation
	for _, k := range x.all {
		if len(k.turns) > 0 {
			all = append(all, &k.conversation)
		}
	}
	return all
}

// listener takes packets apart into conversations.
type listener struct {
	t     testing.TB
	byKey map[flow.Key]*talk
	all   []*talk
}

// talk is a conversation as it comes in.
type talk struct {
	conversation
	sides [2]arrival
}

// arrival is one side of a stream, by sequence numbers relative to its first.
type arrival struct {
	known, over bool
	late        bool // what is before its first octets was not seen
	first       uint32
	next        int64 // what comes next
	end         int64 // where the FIN is, 0 if not known
	early       map[int64][]byte
	time        uint64
}

// Control bits of TCP (RFC 9293, section 3.1).
const (
	fin = 1
	syn = 2
	rst = 4
	ack = 16
)

func (x *listener) hear(p *dissect.Packet) {
	key, dir := p.Key, flow.Forward
	k := x.byKey[key]
	if k == nil {
		key = p.Key.Reversed()
		if k = x.byKey[key]; k != nil {
			dir = flow.Reverse
		}
	}
	again := k != nil && p.HasTCP && p.TCPFlags&(syn|ack) == syn && k.sides[dir].known &&
		k.sides[dir].first != p.Seq+1
	if k == nil || again {
		key, dir = p.Key, flow.Forward
		if p.HasTCP && p.TCPFlags&(syn|ack) == syn|ack {
			key, dir = p.Key.Reversed(), flow.Reverse
		}
		k = &talk{conversation: conversation{name: named(&key), proto: key.Proto,
			srcPort: key.SrcPort, dstPort: key.DstPort}}
		delete(x.byKey, key.Reversed())
		x.byKey[key] = k
		x.all = append(x.all, k)
	}
	if p.HasTCP {
		k.segment(p, dir)
		return
	}
	if key.Proto == 132 {
		k.chunks(p, dir)
		return
	}
	if len(p.Payload) > 0 {
		cut := p.Fragment != dissect.Whole || len(p.Payload) < int(p.PayloadLen)
		k.turns = append(k.turns, turn{dir: dir, octets: slices.Clone(p.Payload), time: p.Time, cut: cut})
	}
}

// chunks takes the messages out of a packet of SCTP that are whole (RFC 9260, section 3.3.1).
func (k *talk) chunks(p *dissect.Packet, dir flow.Dir) {
	for b := p.Payload; len(b) >= 4; {
		n := int(b[2])<<8 | int(b[3])
		if n < 4 || n > len(b) {
			return
		}
		if b[0] == 0 && b[1]&3 == 3 && n > 16 {
			k.turns = append(k.turns, turn{dir: dir, octets: slices.Clone(b[16:n]), time: p.Time})
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}

func named(k *flow.Key) string {
	a, b := netip.AddrFrom16(k.Src).Unmap(), netip.AddrFrom16(k.Dst).Unmap()
	src, dst := netip.AddrPortFrom(a, k.SrcPort), netip.AddrPortFrom(b, k.DstPort)
	return fmt.Sprintf("%v > %v / %d", src, dst, k.Proto)
}

// segment puts a segment where it belongs.
func (k *talk) segment(p *dissect.Packet, dir flow.Dir) {
	a := &k.sides[dir]
	seq := p.Seq
	if p.TCPFlags&syn != 0 {
		seq++
	}
	if !a.known {
		*a = arrival{known: true, first: seq, early: map[int64][]byte{}, late: p.TCPFlags&syn == 0}
	}
	at := a.next + int64(int32(seq-a.first-uint32(a.next)))
	a.time = p.Time
	if n := len(p.Payload); n > 0 && at+int64(n) > a.next && !a.over {
		if len(a.early[at]) < n {
			a.early[at] = slices.Clone(p.Payload)
		}
	}
	if p.TCPFlags&fin != 0 {
		a.end = at + int64(p.PayloadLen)
	}
	k.ready(dir)
	if p.TCPFlags&rst != 0 {
		k.turns = append(k.turns, turn{dir: dir, time: p.Time, reset: true})
	}
	if len(a.early) > patience {
		k.flush(dir)
	}
	// What the other side has seen and this capture has not will not come any more.
	o := &k.sides[1-dir]
	if o.known && p.TCPFlags&ack != 0 && len(o.early) > 0 {
		if acked := o.next + int64(int32(p.Ack-o.first-uint32(o.next))); acked > o.next {
			k.upTo(1-dir, acked)
		}
	}
}

// patience is how many segments may wait for one that is missing.
const patience = 64

// ready passes on what is in order.
func (k *talk) ready(dir flow.Dir) {
	a := &k.sides[dir]
	for progress := true; progress; {
		progress = false
		for _, at := range slices.Sorted(maps.Keys(a.early)) {
			if at > a.next {
				break
			}
			b := a.early[at]
			delete(a.early, at)
			if over := a.next - at; over < int64(len(b)) {
				k.pass(dir, b[over:], 0)
				progress = true
			}
		}
	}
	if a.end > 0 && a.next >= a.end && !a.over {
		a.over = true
		k.turns = append(k.turns, turn{dir: dir, time: a.time, closed: true})
	}
}

func (k *talk) pass(dir flow.Dir, b []byte, lost int64) {
	a := &k.sides[dir]
	a.next += int64(len(b)) + lost
	if a.late {
		a.late, lost = false, max(lost, 1)
	}
	k.turns = append(k.turns, turn{dir: dir, octets: b, time: a.time, lost: uint64(lost)})
}

// upTo gives up what is missing before a sequence number.
func (k *talk) upTo(dir flow.Dir, limit int64) {
	a := &k.sides[dir]
	for len(a.early) > 0 {
		at := slices.Min(slices.Collect(maps.Keys(a.early)))
		if at >= limit {
			return
		}
		b := a.early[at]
		delete(a.early, at)
		k.pass(dir, b, at-a.next)
		k.ready(dir)
	}
}

// flush passes on everything that came.
func (k *talk) flush(dir flow.Dir) { k.upTo(dir, 1<<62) }
