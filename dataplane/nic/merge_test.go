package nic

import "testing"

// count is a source of n frames, each on port p.
type count struct{ n, p int }

func (c *count) Burst() []Frame {
	if c.n == 0 {
		return nil
	}
	c.n--
	return []Frame{{Port: uint16(c.p)}}
}
func (c *count) Done() bool   { return c.n == 0 }
func (c *count) Stats() Stats { return Stats{Received: 10, Missed: uint64(c.p)} }

func TestMerge(t *testing.T) {
	m := Merge(&count{n: 3, p: 1}, &count{n: 1, p: 2})
	var ports []uint16
	for !m.(Finite).Done() {
		for _, f := range m.Burst() {
			ports = append(ports, f.Port)
		}
	}
	if want := []uint16{1, 2, 1, 1}; len(ports) != 4 || [4]uint16(ports) != [4]uint16(want) {
		t.Errorf("ports %v, want %v", ports, want)
	}
	if st := m.(Counter).Stats(); st != (Stats{Received: 20, Missed: 3}) {
		t.Errorf("stats %+v", st)
	}
	one := &count{n: 1}
	if Merge(one) != Source(one) {
		t.Error("one source needs no merging")
	}
}
