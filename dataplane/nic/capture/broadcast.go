package capture

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/nic"
)

const (
	blocks      = 8       // under way between the reader and its consumers
	blockFrames = 1024    // of a block
	blockOctets = 1 << 20 // of a block of copies; holds any burst's largest frame
	eager       = 64      // polls in vain before a consumer sleeps
	nap         = 100 * time.Microsecond
)

// block is a run of frames on its way to every consumer.
type block struct {
	n      int
	frames [blockFrames]nic.Frame
	copies []byte // octets of the frames if those of the reader do not last; nil otherwise
	used   int
	users  atomic.Int32 // consumers that are not through with it
}

// caster reads for n consumers.
type caster struct {
	r    *Reader
	free chan *block
	taps []*tap
	now  *block // being filled
}

// tap is one consumer's end.
type tap struct {
	in   chan *block
	free chan *block
	now  *block // being consumed
	next int    // frame of now
	idle int    // polls in vain
	done bool
}

var (
	_ nic.Source = (*tap)(nil)
	_ nic.Finite = (*tap)(nil)
)

// Broadcast returns n sources, at least one, each of which gives every frame of r, in order, and is a
// nic.Finite. A goroutine reads ahead by a bounded number of blocks, so that consumers must
// go on polling for any of them to get on. Frames of mapped files are not copied, those of
// streams are. From then on r may only be asked for Err and Progress, and closed.
func Broadcast(r *Reader, n int) []nic.Source {
	c := &caster{r: r, free: make(chan *block, blocks)}
	sources := make([]nic.Source, max(n, 1))
	for i := range sources {
		t := &tap{in: make(chan *block, blocks), free: c.free}
		c.taps = append(c.taps, t)
		sources[i] = t
	}
	for range blocks {
		c.free <- &block{}
	}
	r.busy.Lock()
	go c.run()
	return sources
}

// run reads until the capture is done or closed.
func (c *caster) run() {
	for !c.r.done && c.step() {
	}
	c.flush()
	for _, t := range c.taps {
		close(t.in)
	}
	c.r.busy.Unlock()
	select {
	case <-c.r.stop: // Close may have found the reader busy.
		c.r.busy.Lock()
		defer c.r.busy.Unlock()
		if err := c.r.settle(); err != nil {
			c.r.fail(err)
		}
	default:
	}
}

// step takes one burst. It returns false when the reader was closed.
func (c *caster) step() bool {
	if c.r.ended && !c.drain() {
		return false
	}
	frames := c.r.Burst()
	for i := range frames {
		if (c.now == nil || !c.fits(&frames[i])) && !c.take() {
			return false
		}
		c.add(&frames[i])
	}
	if len(frames) < nic.Max {
		c.flush() // The next burst of a pipe may be long in coming.
	}
	select {
	case <-c.r.stop:
		return false
	default:
		return true
	}
}

// take sends the block in hand and gets an empty one.
func (c *caster) take() bool {
	c.flush()
	select {
	case c.now = <-c.free:
	case <-c.r.stop:
		return false
	}
	c.now.n, c.now.used = 0, 0
	return true
}

// drain waits until the consumers are through with every block: the next burst releases the
// memory of the frames in them.
func (c *caster) drain() bool {
	c.flush()
	var back [blocks]*block
	for i := range back {
		select {
		case back[i] = <-c.free:
		case <-c.r.stop:
			return false
		}
	}
	for _, b := range back {
		c.free <- b
	}
	return true
}

// fits reports whether the block in hand has room for f.
func (c *caster) fits(f *nic.Frame) bool {
	b := c.now
	return b.n < blockFrames && (c.r.stable() || b.used+int(f.Len) <= blockOctets)
}

func (c *caster) add(f *nic.Frame) {
	b := c.now
	to := &b.frames[b.n]
	*to = *f
	b.n++
	if c.r.stable() {
		return
	}
	if b.copies == nil {
		b.copies = make([]byte, blockOctets)
	}
	copied := b.copies[b.used:]
	to.Data = unsafe.Pointer(unsafe.SliceData(copied))
	b.used += copy(copied, f.Bytes())
}

// flush sends the block in hand to every consumer.
func (c *caster) flush() {
	b := c.now
	if b == nil {
		return
	}
	c.now = nil
	b.users.Store(int32(len(c.taps)))
	for _, t := range c.taps {
		t.in <- b // Never waits: there is room for all blocks.
	}
}

// stable reports whether the frames of the last burst stay valid until the next capture.
func (r *Reader) stable() bool { return r.in != nil && r.in.stream == nil }

// Burst implements nic.Source. It never waits for long: in vain it yields, then it naps.
func (t *tap) Burst() []nic.Frame {
	if t.now != nil && t.next == t.now.n {
		if t.now.users.Add(-1) == 0 {
			t.free <- t.now
		}
		t.now, t.next = nil, 0
	}
	if t.now == nil && !t.receive() {
		return nil
	}
	from := t.next
	t.next = min(from+nic.Max, t.now.n)
	return t.now.frames[from:t.next]
}

// receive takes the next block if there is one.
func (t *tap) receive() bool {
	select {
	case b, open := <-t.in:
		t.now, t.done, t.idle = b, !open, 0
		return open
	default:
	}
	if t.idle++; t.idle < eager {
		runtime.Gosched()
	} else {
		time.Sleep(nap)
	}
	return false
}

// Done implements nic.Finite.
func (t *tap) Done() bool { return t.done }
