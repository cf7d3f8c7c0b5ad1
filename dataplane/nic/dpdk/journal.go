//go:build cgo && !nodpdk

package dpdk

// #include "shim.h"
import "C"

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// journal reads what DPDK logs. Lines go to the standard error, except that those of an
// operation that fails become part of its error.
type journal struct {
	stream *C.FILE // write end of a pipe, which is DPDK's log
	before *C.FILE // its log until then
	fd     int
	synced chan struct{} // a value for every mark that was read

	mu      sync.Mutex
	holding bool
	held    []string
}

const (
	mark    = "\x00\n" // no line of DPDK's
	patient = 100 * time.Millisecond
	enough  = 8 // lines held of one operation; the last say why it failed
)

// openJournal makes a pipe DPDK's log. Its write end never blocks: a worker whose driver
// has something to say must not wait for the standard error.
func openJournal() (*journal, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe for the log of DPDK: %w", err)
	}
	r := os.NewFile(uintptr(fds[0]), "log of DPDK")
	j := &journal{fd: fds[1], synced: make(chan struct{}, 1)}
	err := unix.SetNonblock(j.fd, true)
	mode := C.CString("w")
	defer C.free(unsafe.Pointer(mode))
	if err == nil {
		if j.stream = C.fdopen(C.int(j.fd), mode); j.stream == nil {
			err = unix.ENOMEM
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("log of DPDK: %w", err), r.Close(), unix.Close(j.fd))
	}
	C.setvbuf(j.stream, nil, C._IOLBF, 4096)
	j.before = C.rte_log_get_stream()
	C.rte_openlog_stream(j.stream)
	go j.read(r)
	return j, nil
}

func (j *journal) read(r *os.File) {
	defer r.Close()
	s := bufio.NewScanner(r)
	for s.Scan() {
		if s.Text() == strings.TrimSuffix(mark, "\n") {
			j.synced <- struct{}{}
			continue
		}
		j.line(s.Text())
	}
}

func (j *journal) line(s string) {
	if s = strings.TrimSpace(s); s == "" {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.holding {
		fmt.Fprintln(os.Stderr, "DPDK:", s)
		return
	}
	if len(j.held) == enough {
		fmt.Fprintln(os.Stderr, "DPDK:", j.held[0])
		j.held = j.held[1:]
	}
	j.held = append(j.held, s)
}

// hold keeps lines back until release.
func (j *journal) hold() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.holding = true
}

// release prints the lines that no error has taken.
func (j *journal) release() {
	lines := j.take()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.holding = false
	for _, s := range lines {
		fmt.Fprintln(os.Stderr, "DPDK:", s)
	}
}

// explain adds to an error what DPDK has logged since hold.
func (j *journal) explain(err error) error {
	if lines := j.take(); len(lines) > 0 {
		return fmt.Errorf("%w (DPDK says: %s)", err, strings.Join(lines, "; "))
	}
	return err
}

// take returns the lines held once everything that was logged has been read.
func (j *journal) take() []string {
	C.fflush(j.stream)
	if n, _ := unix.Write(j.fd, []byte(mark)); n == len(mark) {
		select {
		case <-j.synced:
		case <-time.After(patient):
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.held
	j.held = nil
	return lines
}

// close gives DPDK its former log back and ends the reader.
func (j *journal) close() {
	C.rte_openlog_stream(j.before)
	C.fclose(j.stream)
}
