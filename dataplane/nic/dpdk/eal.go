//go:build cgo && !nodpdk

package dpdk

// #cgo pkg-config: libdpdk
// #cgo CFLAGS: -DALLOW_EXPERIMENTAL_API
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EAL is DPDK in this process. There is at most one, once.
//
// It lives on a thread of its own, which is DPDK's main lcore, and which every method but
// Register and Unregister borrows: EAL initialisation sets the affinity of its thread and
// starts threads that inherit it, neither of which may happen to a thread of the Go runtime.
type EAL struct {
	work   chan func()
	gone   chan struct{} // closed when the thread has ended
	log    *journal
	ports  []*Port // this and the next are used on the thread only
	closed bool
	replay atomic.Uint32 // number of the last replay
}

// Start initialises DPDK. Its arguments are those of any DPDK program and win over our own;
// by default it uses huge pages where there are any, no telemetry, no files shared with
// other processes, and no thread pinning. Devices are the device strings that will be
// opened: a PCI card can be used only if it is among them, as nothing else on the bus is
// touched. Warnings of DPDK go to the standard error.
func Start(args []string, devices ...string) (*EAL, error) {
	cpus, err := allowed()
	if err != nil {
		return nil, err
	}
	log, err := openJournal()
	if err != nil {
		return nil, err
	}
	argv := arguments(args, devices, machine{cpus: cpus, huge: hugePages("/sys/kernel/mm/hugepages")})
	e := &EAL{work: make(chan func()), gone: make(chan struct{}), log: log}
	started := make(chan error)
	go e.run(argv, started)
	if err := <-started; err != nil {
		<-e.gone
		return nil, fmt.Errorf("DPDK cannot start with %q: %w", strings.Join(argv[1:], " "), err)
	}
	return e, nil
}

// run is the EAL's thread. It is not given back to the runtime, which ends it.
func (e *EAL) run(argv []string, started chan<- error) {
	defer close(e.gone)
	defer e.log.close()
	runtime.LockOSThread()
	if err := e.initialise(argv); err != nil {
		started <- err
		return
	}
	started <- nil
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case f := <-e.work:
			if f(); e.closed {
				return
			}
		case <-second.C:
			for _, p := range e.ports {
				p.calibrate()
			}
		}
	}
}

// initialise calls rte_eal_init, and gives the thread its affinity back. The arguments stay
// allocated: DPDK may keep pointers to them.
func (e *EAL) initialise(argv []string) error {
	n := len(argv) + 1 // and a null pointer
	c := unsafe.Slice((**C.char)(C.calloc(C.size_t(n), C.size_t(unsafe.Sizeof(uintptr(0))))), n)
	for i, a := range argv {
		c[i] = C.CString(a)
	}
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		return fmt.Errorf("affinity of the thread is unknown: %w", err)
	}
	if err := shield(); err != nil {
		return err
	}
	e.log.hold()
	defer e.log.release()
	stdout := C.divert(C.stderr)
	failed := C.rte_eal_init(C.int(len(argv)), &c[0]) < 0
	C.divert(stdout)
	code := errno()
	if err := unix.SchedSetaffinity(0, &cpus); err != nil {
		return fmt.Errorf("affinity of the thread cannot be restored: %w", err)
	}
	switch {
	case !failed:
		return nil
	case code == syscall.EALREADY:
		return e.log.explain(errors.New("it was started before in this process, which is possible only once"))
	case code == syscall.EACCES:
		return e.log.explain(errors.New("no permission; it wants to be root"))
	}
	return e.log.explain(code)
}

// shield blocks the signals of the calling thread that are not faults of its own and not
// the C library's. Threads that DPDK and its drivers start inherit that, and so never take
// a signal away from the Go runtime's.
func shield() error {
	var mask unix.Sigset_t
	mask.Val[0] = 1<<31 - 1
	for _, s := range [...]unix.Signal{
		unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGABRT,
	} {
		mask.Val[0] &^= 1 << (s - 1)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &mask, nil); err != nil {
		return fmt.Errorf("signals cannot be blocked: %w", err)
	}
	return nil
}

// do calls f on the EAL's thread.
func (e *EAL) do(f func() error) error {
	done := make(chan error, 1)
	select {
	case e.work <- func() {
		e.log.hold()
		err := f()
		e.log.release()
		done <- err
	}:
		return <-done
	case <-e.gone:
		return ErrClosed
	}
}

// Close closes the ports and DPDK. Nobody may poll a queue or look at a frame any more.
func (e *EAL) Close() error {
	err := e.do(func() error {
		var err error
		for len(e.ports) > 0 {
			err = errors.Join(err, e.ports[0].close())
		}
		if C.rte_eal_cleanup() < 0 {
			err = errors.Join(err, e.log.explain(errors.New("DPDK cannot be closed")))
		}
		e.closed = true
		return err
	})
	<-e.gone
	return err
}

// Register makes the calling thread known to DPDK, which then gives it a cache of buffers.
// The goroutine must be locked to its thread before, and call Unregister before it ends.
// There is room for 127 threads.
func (e *EAL) Register() error {
	if C.rte_thread_register() < 0 {
		return fmt.Errorf("thread cannot be registered with DPDK: %w", errno())
	}
	return nil
}

// Unregister undoes Register.
func (e *EAL) Unregister() { C.rte_thread_unregister() }

// errno returns why the last call of this thread into DPDK failed.
func errno() syscall.Errno { return syscall.Errno(C.last_error()) }
