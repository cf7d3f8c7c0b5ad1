package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
)

// pci matches the address of a PCI device, its domain optional.
var pci = regexp.MustCompile(`^([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$`)

// vdev matches a virtual DPDK device with its arguments.
var vdev = regexp.MustCompile(`^(net|eth|crypto)_[a-z0-9_]+(,.*)?$`)

// IsPort reports whether s can be the Port of an input.
func IsPort(s string) bool { return pci.MatchString(s) || vdev.MatchString(s) }

func (k *checker) inputs(c *Config) {
	if len(c.Inputs) == 0 && len(c.Collectors) == 0 {
		k.report("input", "there is nothing to meter",
			`add an [[input]] with port, interface or capture, for example interface = "eth0", or a [[collector]]`)
	}
	names, sources := map[string]bool{}, map[string]bool{}
	for i := range c.Inputs {
		n, key := &c.Inputs[i], fmt.Sprintf("input[%d]", i)
		k.unique(key+".name", n.Name, names)
		k.source(key, n)
		for _, at := range []struct{ key, source string }{{".port", n.Port}, {".interface", n.Interface}} {
			if at.source != "" && sources[at.source] {
				k.report(key+at.key, at.source+" is read by another input",
					"name it once; set queues to use more cores")
			}
			sources[at.source] = true
		}
		k.filter(key+".filter", n.Filter)
	}
	k.groups(c)
	k.cores(c)
}

// filter asks the compiler of capture filters.
func (k *checker) filter(key, expr string) {
	if expr == "" || k.checks.Filter == nil {
		return
	}
	if err := k.checks.Filter(expr); err != nil {
		k.report(key, "the filter cannot be compiled: "+err.Error(), "write it as for tcpdump, see pcap-filter(7)")
	}
}

// unique checks a name that counters and messages use.
func (k *checker) unique(key, name string, taken map[string]bool) {
	if name != "" && taken[name] {
		k.report(key, fmt.Sprintf("the name %q is taken", name), "give each its own name")
	}
	taken[name] = true
}

// source checks that an input reads from exactly one place and that the place can exist.
func (k *checker) source(key string, n *Input) {
	var given []string
	for _, s := range []struct {
		key string
		set bool
	}{{"port", n.Port != ""}, {"interface", n.Interface != ""}, {"capture", len(n.Capture) > 0}} {
		if s.set || k.bad[key+"."+s.key] {
			given = append(given, s.key)
		}
	}
	switch len(given) {
	case 0:
		k.report(key, "the input has no source", "set one of port, interface and capture")
	case 1:
	default:
		k.report(key+"."+given[1], "the input has "+strings.Join(given, " and "), "write an [[input]] for each")
	}
	if n.Port != "" && !IsPort(n.Port) {
		k.report(key+".port", fmt.Sprintf("%q is neither a PCI address nor a DPDK device", n.Port),
			`write a port like "0000:3b:00.0" or "net_af_packet0,iface=eth0"; for the kernel's driver use interface`)
	}
	if n.Interface != "" && (len(n.Interface) > 15 || strings.ContainsAny(n.Interface, "/ ,:")) {
		k.report(key+".interface", fmt.Sprintf("%q cannot be a network interface", n.Interface),
			"write one name as ip link shows it; a file goes into capture, a PCI address into port")
	}
	for i, path := range n.Capture {
		if path != "-" {
			k.exists(at(key+".capture", i, len(n.Capture)), path)
		}
	}
	k.useless(key, n)
}

// exists checks that a file can be opened for reading.
func (k *checker) exists(key, path string) {
	f, err := os.Open(path)
	if err != nil {
		k.report(key, fmt.Sprintf("%s cannot be read: %s", path, cause(err)),
			"name a file that exists and that weir may read")
		return
	}
	defer f.Close()
	if s, err := f.Stat(); err == nil && s.IsDir() {
		k.report(key, path+" is a directory", "name the files in it")
	}
}

// useless reports settings that do nothing for the kind of source.
func (k *checker) useless(key string, n *Input) {
	none := DefaultInput()
	if len(n.Capture) > 0 {
		for _, name := range []string{"promiscuous", "mtu", "descriptors", "mbufs"} {
			k.idle(key, name, n, &none, "has no effect on a capture")
		}
	}
	if n.Interface != "" {
		for _, name := range []string{"mtu", "mbufs"} {
			k.idle(key, name, n, &none, "has no effect on an interface of the kernel")
		}
	}
	if n.Port != "" {
		k.idle(key, "snaplen", n, &none, "has no effect on a DPDK port, whose frames are not copied")
	}
}

// idle reports a key that is set to something else than its default although nothing reads it.
func (k *checker) idle(key, name string, set, empty any, wrong string) {
	a, b := find(members(reflect.ValueOf(set).Elem()), name), find(members(reflect.ValueOf(empty).Elem()), name)
	if a != nil && !reflect.DeepEqual(a.value.Interface(), b.value.Interface()) {
		k.report(key+"."+name, name+" "+wrong, "remove it")
	}
}

// groups checks that what is shared by the workers of a group is the same for its inputs.
func (k *checker) groups(c *Config) {
	first := map[string]int{}
	for i := range c.Inputs {
		n := &c.Inputs[i]
		j, ok := first[n.Group]
		if n.Group == "" || !ok {
			first[n.Group] = i
			continue
		}
		o := &c.Inputs[j]
		for _, s := range []struct {
			key  string
			same bool
		}{
			{"queues", n.Queues == o.Queues}, {"sampling", n.Sampling == o.Sampling}, {"filter", n.Filter == o.Filter},
		} {
			if !s.same {
				k.report(fmt.Sprintf("input[%d].%s", i, s.key),
					fmt.Sprintf("%s differs from that of input %s, and both are in group %q", s.key, o.Name, n.Group),
					"make them equal: inputs of a group share their workers")
			}
		}
	}
}

// cores checks the CPUs that workers are pinned to.
func (k *checker) cores(c *Config) {
	seen := map[int]bool{}
	for i, n := range c.Dataplane.Cores {
		key := at("dataplane.cores", i, len(c.Dataplane.Cores))
		switch {
		case n < 0 || n > 1023:
			k.report(key, fmt.Sprintf("%d is not a CPU", n), "write numbers as lscpu shows them")
		case seen[n]:
			k.report(key, fmt.Sprintf("CPU %d stands there twice", n), "a CPU can hold one worker")
		}
		seen[n] = true
	}
	need := 0
	for _, g := range c.Groups(len(c.Dataplane.Cores)) {
		need += g.Workers
	}
	if n := len(c.Dataplane.Cores); n > 0 && need > n {
		k.report("dataplane.cores", fmt.Sprintf("%d workers do not fit on %d CPUs", need, n),
			"name more CPUs or set fewer queues")
	}
}
