// Package kept keeps frames in capture files: packets that dissectors found fault with, a file per protocol, each
// with a comment that says what is wrong, and packets of users that are tracked.
package kept

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/sink"
)

// Options say where packets are kept and how many.
type Options struct {
	Dir       string
	Protocols []string                 // names of dissectors, by their position in app.All
	Name      func(port uint16) string // of an interface; nil is none
	FileSize  int64                    // octets of a file
	TotalSize int64                    // octets of all files; the oldest are removed
	Rate      int                      // packets per second and protocol, by the packets' time; 0 is any number
	Wait      bool                     // wait for the disk instead of leaving packets out
	Done      func(path string)        // told when a file is complete; may be nil
}

// Keeper writes packets to files. Take and Keep belong to one goroutine, Stats to any.
type Keeper struct {
	o         Options
	protocols []protocol
	queue     chan Packet
	free      chan []byte
	done      chan struct{}
	removed   atomic.Uint64
	mu        sync.Mutex
	last      error // that occurred
}

// protocol is the packets of one dissector.
type protocol struct {
	sink   export.Sink // nil until there is a packet
	ports  []port
	credit uint64 // nanoseconds of the rate that are saved up
	seen   uint64 // time of the last packet

	counts [countOf]atomic.Uint64
}

// What becomes of packets. All is the sum of the others, once the keeper is closed.
const (
	all = iota
	saved
	tooMany     // per second
	overrun     // the disk was too slow
	unsaved     // the disk refused
	countOf int = iota
)

const (
	queued   = 256 // packets that can wait for the disk
	maxPorts = 256 // interfaces that a file can have
)

// Open makes the directory if need be.
func Open(o Options) (*Keeper, error) {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("directory of packets to keep: %w", err)
	}
	k := &Keeper{
		o: o, protocols: make([]protocol, len(o.Protocols)),
		queue: make(chan Packet, queued), free: make(chan []byte, queued), done: make(chan struct{}),
	}
	k.prune()
	go k.run()
	return k, nil
}

// Take keeps a message of kind ring.Malformed. It returns false if it is none.
func (k *Keeper) Take(message []byte) bool {
	p := Packet{}
	frame, ok := p.Load(message)
	if !ok || int(p.Of) >= len(k.protocols) {
		return false
	}
	p.comment = k.o.Protocols[p.Of] + ": " + string(p.Why())
	k.Keep(p, frame)
	return true
}

// Keep keeps a frame of the protocol that p.Of is the position of, without a comment unless p has one. It borrows
// the frame.
func (k *Keeper) Keep(p Packet, frame []byte) {
	own := &k.protocols[p.Of]
	own.counts[all].Add(1)
	if !own.allow(p.Time, k.o.Rate) {
		own.counts[tooMany].Add(1)
		return
	}
	select {
	case p.frame = <-k.free:
	default:
	}
	p.frame = append(p.frame[:0], frame...)
	if k.o.Wait {
		k.queue <- p
		return
	}
	select {
	case k.queue <- p:
	default:
		own.counts[overrun].Add(1)
	}
}

// allow reports whether a packet is within the rate. What a second allows may come at once.
func (p *protocol) allow(at uint64, rate int) bool {
	if rate == 0 {
		return true
	}
	const second = uint64(time.Second)
	cost := second / uint64(rate)
	if p.seen == 0 {
		p.credit = second
	} else if at > p.seen {
		p.credit = min(p.credit+min(at-p.seen, second), second)
	}
	p.seen = max(p.seen, at)
	if p.credit < cost {
		return false
	}
	p.credit -= cost
	return true
}

func (k *Keeper) run() {
	defer close(k.done)
	for p := range k.queue {
		own := &k.protocols[p.Of]
		if err := k.save(own, &p); err != nil {
			own.counts[unsaved].Add(1)
			k.fail(err)
		} else {
			own.counts[saved].Add(1)
		}
		select {
		case k.free <- p.frame:
		default:
		}
	}
}

// save writes a packet to its protocol's file, and before it its interface if it is new.
func (k *Keeper) save(own *protocol, p *Packet) error {
	name := k.o.Protocols[p.Of]
	if own.sink == nil {
		if err := k.open(own, name); err != nil {
			return err
		}
	}
	n, err := k.port(own, port{p.Port, p.Link})
	if err != nil {
		return err
	}
	return own.sink.Send(context.Background(), appendPacket(nil, n, p))
}

func (k *Keeper) open(own *protocol, name string) (err error) {
	path := filepath.Join(k.o.Dir, name+suffix)
	own.sink, err = sink.Open(path, sink.Options{
		RotateSize: k.o.FileSize, Mode: 0o640, Done: k.complete,
	})
	if err != nil {
		own.sink = nil
		return err
	}
	own.sink.(export.Stream).Preface(func(dst, _ []byte) []byte {
		dst = appendSection(dst)
		for _, p := range own.ports {
			dst = appendPort(dst, p, k.name(p.number))
		}
		return dst
	})
	return nil
}

// complete makes room for others when a file is complete.
func (k *Keeper) complete(path string) {
	k.prune()
	if k.o.Done != nil {
		k.o.Done(path)
	}
}

// port returns the number of an interface in the files of a protocol. A new one is described
// first; each later file begins with all of them.
func (k *Keeper) port(own *protocol, p port) (uint32, error) {
	for i := range own.ports {
		if own.ports[i] == p {
			return uint32(i), nil
		}
	}
	if len(own.ports) == maxPorts {
		return 0, errors.New("packet to keep: too many interfaces for a capture file")
	}
	if err := own.sink.Send(context.Background(), appendPort(nil, p, k.name(p.number))); err != nil {
		return 0, err
	}
	own.ports = append(own.ports, p)
	return uint32(len(own.ports) - 1), nil
}

func (k *Keeper) name(number uint16) string {
	if k.o.Name == nil {
		return ""
	}
	return k.o.Name(number)
}

func (k *Keeper) fail(err error) {
	k.mu.Lock()
	k.last = err
	k.mu.Unlock()
}

// Close writes what waits and completes the files.
func (k *Keeper) Close() error {
	close(k.queue)
	<-k.done
	var errs []error
	for i := range k.protocols {
		if s := k.protocols[i].sink; s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
