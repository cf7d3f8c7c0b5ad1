//go:build !cgo || nodpdk

package dpdk

import "github.com/weir-probe/weir/dataplane/nic"

// EAL is DPDK, which this program does not have.
type EAL struct{}

// Start returns ErrUnavailable.
func Start(args []string, devices ...string) (*EAL, error) { return nil, ErrUnavailable }

// Close returns ErrUnavailable.
func (e *EAL) Close() error { return ErrUnavailable }

// Register returns ErrUnavailable.
func (e *EAL) Register() error { return ErrUnavailable }

// Unregister does nothing.
func (e *EAL) Unregister() {}

// Open returns ErrUnavailable.
func (e *EAL) Open(c PortConfig) (*Port, error) { return nil, ErrUnavailable }

// Replay returns ErrUnavailable.
func (e *EAL) Replay(path string, port uint16) (*Replay, error) { return nil, ErrUnavailable }

// Port is a device of DPDK, of which there can be none.
type Port struct{}

// Info returns nothing.
func (p *Port) Info() Info { return Info{} }

// Queues returns nothing.
func (p *Port) Queues() []*Queue { return nil }

// LinkState returns ErrUnavailable.
func (p *Port) LinkState() (LinkState, error) { return LinkState{}, ErrUnavailable }

// Stats returns nothing.
func (p *Port) Stats() nic.Stats { return nic.Stats{} }

// XStats returns ErrUnavailable.
func (p *Port) XStats() ([]XStat, error) { return nil, ErrUnavailable }

// Close returns ErrUnavailable.
func (p *Port) Close() error { return ErrUnavailable }

// Queue is a receive queue of a port, of which there can be none.
type Queue struct{}

// Burst implements nic.Source.
func (q *Queue) Burst() []nic.Frame { return nil }

// Stats implements nic.Counter.
func (q *Queue) Stats() nic.Stats { return nic.Stats{} }

// Cut returns 0.
func (q *Queue) Cut() uint64 { return 0 }

// Replay is a capture file received through DPDK, of which there can be none.
type Replay struct{ *Port }

// Burst implements nic.Source.
func (r *Replay) Burst() []nic.Frame { return nil }

// Done implements nic.Finite.
func (r *Replay) Done() bool { return true }

// Check returns ErrUnavailable.
func (r *Replay) Check() error { return ErrUnavailable }

// Close returns ErrUnavailable.
func (r *Replay) Close() error { return ErrUnavailable }

// Version says that there is no DPDK in this program.
func Version() string { return "without DPDK" }

// HugePages reports false: DPDK is not there to use them.
func HugePages() bool { return false }
