package collect

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/dissect/netflow"
)

const protoUDP = 17

// ReadFiles has the first worker read files, one after the other: captures of export traffic, and
// files of IPFIX messages (RFC 5655). It waits for room in the ring rather than lose a record, and
// ends the rings when it has read everything, or when Stop is called.
func (c *Collector) ReadFiles(wait func()) error {
	w := c.workers[0]
	w.wait = wait
	defer c.finish()
	var errs []error
	for _, path := range c.o.Files {
		if c.stopped() {
			break
		}
		if err := c.readFile(w, path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Collector) stopped() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *Collector) readFile(w *Worker, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	var begin [2]byte
	_, err = io.ReadFull(f, begin[:])
	if err == nil && binary.BigEndian.Uint16(begin[:]) == 10 {
		defer f.Close()
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return c.readMessages(w, f)
	}
	f.Close()
	return c.readCapture(w, path)
}

// readMessages reads IPFIX messages one behind the other. Their own times tell the time.
func (c *Collector) readMessages(w *Worker, f io.Reader) error {
	r := bufio.NewReaderSize(f, 1<<16)
	from := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	b := make([]byte, 1<<16)
	for !c.stopped() {
		n, err := nextMessage(r, b)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		w.Take(b[:n], from, uint64(binary.BigEndian.Uint32(b[4:]))*1e9)
	}
	return nil
}

// errStream is of a stream in which the next message cannot be found.
var errStream = errors.New("what follows is no IPFIX message")

// nextMessage reads an IPFIX message from a stream into b, which has room for any.
func nextMessage(r io.Reader, b []byte) (n int, err error) {
	const header = 16
	if _, err = io.ReadFull(r, b[:4]); err != nil {
		return 0, err
	}
	n = int(binary.BigEndian.Uint16(b[2:]))
	if binary.BigEndian.Uint16(b) != 10 || n < header {
		return 0, errStream
	}
	if _, err = io.ReadFull(r, b[4:n]); err != nil {
		return 0, fmt.Errorf("message ends before its length: %w", err)
	}
	return n, nil
}

// readCapture reads the UDP datagrams and the connections of a capture; those that are no export traffic are
// counted.
func (c *Collector) readCapture(w *Worker, path string) error {
	r, err := capture.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	var p dissect.Packet
	all := streams{}
	for !r.Done() && !c.stopped() {
		for _, f := range r.Burst() {
			p.Dissect(&f, false)
			if p.Stop.Refused() || p.Proto != protoUDP && p.Proto != protoTCP {
				continue
			}
			if p.Fragment != dissect.Whole {
				w.counts.add(Fragments, 1)
				continue
			}
			if p.Proto == protoTCP {
				if p.HasTCP {
					c.segment(w, all, &p, f.Time)
				}
				continue
			}
			w.Take(p.Payload, netip.AddrPortFrom(netip.AddrFrom16(p.Src), p.SrcPort), f.Time)
		}
	}
	for key, s := range all {
		c.ended(w, s, key.from, w.now)
	}
	return r.Err()
}

// Stop has the collector end. Any goroutine may call it.
func (c *Collector) Stop() { c.stop.Do(func() { close(c.done) }) }

// Began returns when the first message of files was sent, in nanoseconds since the Unix epoch, or when
// that was captured if that is earlier; 0 if there is none.
func Began(files []string) (first uint64, err error) {
	for _, path := range files {
		if first, err = began(path); err != nil || first != 0 {
			return first, err
		}
	}
	return 0, nil
}

func began(path string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	var b [16]byte
	_, err = io.ReadFull(f, b[:])
	f.Close()
	if m, fault := netflow.Read(b[:]); err == nil && fault == netflow.Fine && m.Version == netflow.IPFIX {
		return m.Export, nil
	}
	r, err := capture.Open(path)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	var p dissect.Packet
	for !r.Done() {
		for _, f := range r.Burst() {
			p.Dissect(&f, false)
			if p.Stop.Refused() || p.Proto != protoUDP && p.Proto != protoTCP || p.Fragment != dissect.Whole {
				continue
			}
			if m, fault := netflow.Read(p.Payload); fault == netflow.Fine {
				return min(m.Export, f.Time), nil
			}
			if isSFlow(p.Payload) {
				return f.Time, nil
			}
		}
	}
	return 0, nil
}
