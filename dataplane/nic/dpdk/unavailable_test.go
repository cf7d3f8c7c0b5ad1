//go:build !cgo || nodpdk

package dpdk

import (
	"errors"
	"testing"
)

func TestStartSaysHowToBuildWithDPDK(t *testing.T) {
	if e, err := Start(nil); e != nil || !errors.Is(err, ErrUnavailable) {
		t.Error(e, err)
	}
}
