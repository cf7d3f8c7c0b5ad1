// Package filter decides which frames are metered, by expressions in the language of
// pcap-filter(7). libpcap compiles them; the programs run here or in the kernel.
package filter

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/dataplane/nic"
)

// whole is the capture length for those who do not want to cut frames.
const whole = 256 << 10

// Program is a compiled expression: classic BPF that was checked once, so that it ends and
// cannot read outside of a frame or of its own memory. It may be run by several goroutines.
type Program struct {
	code []instruction
	raw  []unix.SockFilter
}

// Compile compiles an expression for frames of a link type. An empty one gives a nil
// *Program. snaplen is how much of an accepted frame the kernel is to keep, 0 for all; Match
// does not heed it. The names of hosts are looked up now, and not again.
func Compile(link nic.Link, snaplen int, expr string) (*Program, error) {
	if strings.TrimSpace(expr) == "" {
		return nil, nil
	}
	if strings.IndexByte(expr, 0) >= 0 {
		return nil, fmt.Errorf("filter %q: it holds a zero octet", expr)
	}
	if snaplen <= 0 {
		snaplen = whole
	}
	code, err := compile(uint32(link), uint32(snaplen), expr)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", expr, err)
	}
	if err := verify(code); err != nil {
		return nil, fmt.Errorf("filter %q: program of libpcap: %w", expr, err)
	}
	return &Program{code: decode(code), raw: code}, nil
}

// Match reports whether the expression holds for a frame that had wire octets when it was
// whole. A nil program holds for every frame.
func (p *Program) Match(frame []byte, wire uint32) bool {
	return p == nil || run(p.code, frame, wire) != 0
}

// Raw returns the program as the kernel takes it (SO_ATTACH_FILTER), nil for a nil program.
// The kernel shows a socket frames without their outermost VLAN tag, so there an expression
// may hold for other frames than here.
func (p *Program) Raw() []unix.SockFilter {
	if p == nil {
		return nil
	}
	return append([]unix.SockFilter(nil), p.raw...)
}
