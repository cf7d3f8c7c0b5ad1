package sink

import (
	"os/signal"
	"syscall"
	"testing"
)

// limitFileSize calls f while no file of the process can be larger than n octets. The
// kernel writes what fits, as it does when a disk is full.
func limitFileSize(t *testing.T, n uint64, f func() error) error {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: old.Max}); err != nil {
		t.Skip("limit on the size of files cannot be set: ", err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old)
	return f()
}
