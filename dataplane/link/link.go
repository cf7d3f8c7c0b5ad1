// Package link is how the control plane finds the dataplane: a Unix socket over which
// the dataplane hands out the shared memory of its rings. It carries no flows itself.
//
// The dataplane sends one line of JSON, the Offer, together with the descriptors of the
// rings, in the order of Offer.Workers, and last that of the ledger. It then waits for
// commands, each a line: "stop", and "reload", which is answered by a line that is "ok" or says
// what is wrong. A connection is an attachment: when it ends, for whatever reason, the rings are
// free for the next.
package link

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/worker"
)

// Version of the protocol and of everything in the shared memory.
const Version = 3

// LongestConfig leaves room for the rest of an offer, which is one message.
const LongestConfig = 16 << 10

// Offer describes what is handed out.
type Offer struct {
	Version int      `json:"version"`
	PID     int      `json:"pid"`
	Started uint64   `json:"started"` // nanoseconds since the Unix epoch
	Workers []Worker `json:"workers"` // each has a ring
	Busy    int      `json:"busy,omitempty"`

	// Config is what the dataplane was configured with, at most LongestConfig octets, and Blocks are the
	// cold blocks that its workers maintain: what another control plane has to know of this one.
	Config string `json:"config,omitempty"`
	Blocks uint64 `json:"blocks,omitempty"`
}

// Worker describes one worker of the dataplane.
type Worker struct {
	Name string `json:"name"` // input and queue: "lan/0"
	Core int    `json:"core"` // processor it is pinned to, -1 for none
}

// Server is the dataplane's side.
type Server struct {
	listener *net.UnixListener
	offer    Offer
	files    []int
	stop     func()
	patience time.Duration // with who does not read

	mu       sync.Mutex // of what follows
	attached *net.UnixConn
	reload   func(o *Offer) error
	track    func(traces []worker.Trace) error
}

// Listen offers the memory behind the descriptors at a socket of that path. A stale
// socket is replaced, a living dataplane is an error. stop is called when the control
// plane asks for it.
func Listen(path string, o Offer, files []int, stop func()) (*Server, error) {
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("%s: another dataplane is running there; stop it or choose another [dataplane] socket", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("dataplane socket: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("dataplane socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("dataplane socket: %w", err)
	}
	// The control plane may be another user of the same group.
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("dataplane socket: %w", err)
	}
	o.Version, o.PID = Version, os.Getpid()
	s := &Server{listener: l, offer: o, files: files, stop: stop, patience: 5 * time.Second}
	go s.accept()
	return s, nil
}

// Attached reports whether a control plane is attached.
func (s *Server) Attached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attached != nil
}

// Close ends the offer and removes the socket. What is mapped already stays.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached != nil {
		s.attached.Close()
	}
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.AcceptUnix()
		if err != nil {
			return
		}
		go s.serve(c)
	}
}

// serve hands the rings to c unless somebody else has them: a ring has one consumer.
func (s *Server) serve(c *net.UnixConn) {
	defer c.Close()
	if !s.take(c) {
		busy := Offer{Version: Version, Busy: s.offer.PID}
		s.send(c, busy, nil)
		return
	}
	defer s.leave()
	s.mu.Lock()
	o := s.offer
	s.mu.Unlock()
	if s.send(c, o, s.files) != nil {
		return
	}
	defer s.follow("[]")
	in := bufio.NewScanner(c)
	in.Buffer(nil, longestLine)
	for in.Scan() {
		switch word, rest, _ := strings.Cut(in.Text(), " "); word {
		case "stop":
			s.stop()
		case "reload":
			s.answer(c, s.again())
		case "track":
			s.answer(c, s.follow(rest))
		}
	}
}

// answer says a line. Each has its own time.
func (s *Server) answer(c *net.UnixConn, line string) {
	c.SetWriteDeadline(time.Now().Add(s.patience))
	fmt.Fprintln(c, line)
}

// longestLine is how long a line to the dataplane may be: as many traces as there may be, in JSON.
const longestLine = 256 << 10

// OnTrack has f called with the traces of those whose packets the control plane wants, and with none when it is
// gone.
func (s *Server) OnTrack(f func(traces []worker.Trace) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.track = f
}

// follow has the traces of a line be followed, and returns what to answer.
func (s *Server) follow(line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var traces []worker.Trace
	err := json.Unmarshal([]byte(line), &traces)
	switch {
	case err != nil:
	case s.track == nil && len(traces) > 0:
		return "this dataplane tracks nobody"
	case s.track != nil:
		err = s.track(traces)
	}
	if err != nil {
		return strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return "ok"
}

// OnReload has f called when the control plane asks for the configuration to be read again. It may
// change what is offered to those that attach later.
func (s *Server) OnReload(f func(o *Offer) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reload = f
}

// again reads the configuration again and returns the answer.
func (s *Server) again() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reload == nil {
		return "this dataplane reads its configuration once"
	}
	if err := s.reload(&s.offer); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return "ok"
}

func (s *Server) take(c *net.UnixConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached != nil {
		return false
	}
	s.attached = c
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attached = nil
}

func (s *Server) send(c *net.UnixConn, o Offer, files []int) error {
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	var oob []byte
	if len(files) > 0 {
		oob = unix.UnixRights(files...)
	}
	c.SetWriteDeadline(time.Now().Add(s.patience))
	_, _, err = c.WriteMsgUnix(append(line, '\n'), oob, nil)
	return err
}
