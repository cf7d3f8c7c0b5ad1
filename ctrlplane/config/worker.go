package config

import (
	"math"
	"slices"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/worker"
)

// A Group is inputs that share their workers: worker i polls queue i of each.
type Group struct {
	Name    string
	Inputs  []int // positions in Config.Inputs
	Workers int   // at least 1
}

// Groups returns the inputs by group, an input without one alone in its own, in the order
// of the configuration. Groups with queues = 0 get an equal part of the cores others left.
func (c *Config) Groups(cores int) []Group {
	var groups []Group
	at := map[string]int{}
	free, flexible := cores, 0
	for i := range c.Inputs {
		n := &c.Inputs[i]
		if g, ok := at[n.Group]; ok && n.Group != "" {
			groups[g].Inputs = append(groups[g].Inputs, i)
			continue
		}
		at[n.Group] = len(groups)
		name := n.Group
		if name == "" {
			name = n.Name
		}
		groups = append(groups, Group{Name: name, Inputs: []int{i}, Workers: n.Queues})
		if free -= n.Queues; n.Queues == 0 {
			flexible++
		}
	}
	for i := range groups {
		if groups[i].Workers == 0 {
			groups[i].Workers = max(free/flexible, 1)
		}
	}
	return groups
}

// reassembly is how long the ports of a fragmented datagram are remembered (RFC 8200, section
// 4.5, gives a receiver as long).
const reassembly = 60 * time.Second

// Worker returns what the workers of an input have to know. The caller adds Seed, Filter,
// Blocks and Shard, which are made and not configured.
func (c *Config) Worker(n *Input) worker.Config {
	f, a := &c.Flow, &c.Apps
	w := worker.Config{
		Flows:    f.Capacity,
		Idle:     f.Idle,
		Active:   f.Active,
		Linger:   f.Linger,
		Lateness: f.Lateness,
		Sampling: n.Sampling,
		Ignore:   f.ignored(),
		Ingress:  f.Ingress,
		Outer:    f.Tunnels == "outer",
		NoSwap:   f.Direction == "first-packet",
		Wait:     len(n.Capture) > 0,

		Fragments:       f.Fragments,
		FragmentTimeout: reassembly,
	}
	if w.Dissectors = a.Placed(); len(w.Dissectors) == 0 {
		return w
	}
	w.Streams, w.StreamMemory = a.Streams, int(a.StreamMemory)
	w.Transactions, w.TransactionTimeout = a.Transactions, a.Timeout
	for i, d := range w.Dissectors {
		if slices.Contains(a.Early, d.Name) {
			w.Early |= 1 << i
		}
		if slices.Contains(a.Off, d.Name) {
			w.Off |= 1 << i
		}
	}
	w.Malformed = a.malformed(len(w.Dissectors))
	return w
}

// malformed returns how many packets a second a worker may hand over to be kept, as each of so
// many protocols may have its share.
func (a *Apps) malformed(protocols int) int {
	switch {
	case a.Malformed == "":
		return 0
	case a.MalformedRate == 0:
		return math.MaxInt
	}
	return a.MalformedRate * protocols
}

// InputName returns the name of the input whose frames have a number, or nothing.
func (c *Config) InputName(number uint16) string {
	if number == 0 || int(number) > len(c.Inputs) {
		return ""
	}
	return c.Inputs[number-1].Name
}

// ignored returns the parts of the key not to look at.
func (f *Flow) ignored() (parts flow.KeyPart) {
	for _, word := range f.Ignore {
		switch word {
		case "vlan":
			parts |= flow.KeyVLAN
		case "protocol":
			parts |= flow.KeyProto
		case "addresses":
			parts |= flow.KeyAddresses
		case "ports":
			parts |= flow.KeyPorts
		case "tunnel":
			parts |= flow.KeyTunnel
		}
	}
	return parts
}
