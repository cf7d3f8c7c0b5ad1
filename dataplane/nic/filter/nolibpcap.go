//go:build !cgo || nopcap

package filter

import (
	"errors"

	"golang.org/x/sys/unix"
)

// compile refuses every expression.
func compile(uint32, uint32, string) ([]unix.SockFilter, error) {
	return nil, errors.New("this binary was built without libpcap; build it with cgo and without -tags nopcap")
}
