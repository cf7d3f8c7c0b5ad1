//go:build cgo && !nodpdk

package dpdk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// eal is DPDK for all tests, as it can be started only once in a process.
var eal *EAL

// before and after are what the start of DPDK must not change in the runtime.
var before, after state

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		before = observe()
		if eal, err = Start(strings.Fields(os.Getenv(argumentsVariable))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		after = observe()
		code := m.Run()
		if err := eal.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := eal.do(func() error { return nil }); err != ErrClosed {
			fmt.Fprintln(os.Stderr, "a closed EAL says", err)
			return 1
		}
		return code
	}())
}

// state is what an embedded C library likes to take over.
type state struct {
	handlers [65][32]byte // struct kernel_sigaction by signal
	affinity map[string]string
	blocked  map[string]string
}

func observe() (s state) {
	for i := 1; i < len(s.handlers); i++ {
		// The C library hides its own signals; the system call does not.
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(i), 0, uintptr(unsafe.Pointer(&s.handlers[i])), 8, 0, 0)
	}
	s.affinity, s.blocked = map[string]string{}, map[string]string{}
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	for _, t := range tasks {
		b, _ := os.ReadFile(t)
		name := ""
		for _, l := range bytes.Split(b, []byte("\n")) {
			k, v, _ := bytes.Cut(l, []byte(":"))
			v = bytes.TrimSpace(v)
			switch string(k) {
			case "Name":
				name = string(v) + " " + filepath.Base(filepath.Dir(t))
			case "Cpus_allowed":
				s.affinity[name] = string(v)
			case "SigBlk":
				s.blocked[name] = string(v)
			}
		}
	}
	return s
}

func TestStartLeavesTheRuntimeAlone(t *testing.T) {
	if before.handlers != after.handlers {
		t.Error("signal handlers have changed")
	}
	want := ""
	for _, want = range before.affinity {
		break
	}
	for name, got := range after.affinity {
		t.Logf("%-24s may run on %s, blocks %s", name, got, after.blocked[name])
		dpdk := strings.HasPrefix(name, "eal-")
		if got != want && !dpdk {
			t.Errorf("thread %s may run on %s, not on %s", name, got, want)
		}
		if dpdk && after.blocked[name] != "000000007ffbfa07" { // all but faults
			t.Errorf("thread %s may take signals: it blocks %s", name, after.blocked[name])
		}
	}
	if again, err := Start(nil); err == nil {
		t.Error("a second start succeeds", again)
	} else {
		t.Log(err)
	}
}
