package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/dataplane"
	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/nic/afpacket"
	"github.com/weir-probe/weir/dataplane/nic/capture"
	"github.com/weir-probe/weir/dataplane/nic/dpdk"
	"github.com/weir-probe/weir/dataplane/nic/filter"
	"github.com/weir-probe/weir/dataplane/worker"
)

// inputs is everything a configuration has weir listen to, as queues of a dataplane.
type inputs struct {
	queues  []dataplane.Queue
	eal     *dpdk.EAL
	log     *slog.Logger
	closers []func() error
}

// openInputs opens all inputs; if one cannot be opened, none stays open.
func openInputs(cfg *config.Config, b flow.Block, log *slog.Logger) (*inputs, error) {
	in := &inputs{log: log}
	if err := in.open(cfg, b); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *inputs) open(cfg *config.Config, b flow.Block) error {
	cores, err := processors(cfg.Dataplane.Cores)
	if err != nil {
		return err
	}
	if err := in.startDPDK(cfg); err != nil {
		return err
	}
	for _, g := range cfg.Groups(len(cores)) {
		if err := in.group(cfg, &g, b); err != nil {
			return err
		}
	}
	for i := range in.queues {
		q := &in.queues[i]
		q.Config.Index = uint32(i)
		q.Core = -1
		if len(in.queues) <= len(cores) {
			q.Core = cores[i]
		}
	}
	if len(in.queues) > len(cores) {
		in.log.Warn("workers are not pinned: there are more of them than processors",
			"workers", len(in.queues), "processors", len(cores))
	}
	return nil
}

// processors returns those that workers may have, the first processor last: it is the one
// that interrupts and other programs prefer.
func processors(configured []int) ([]int, error) {
	if len(configured) > 0 {
		return configured, nil
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("processors of this process: %w", err)
	}
	var cores []int
	for i := 0; len(cores) < set.Count(); i++ {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	slices.Reverse(cores)
	return cores, nil
}

func (in *inputs) startDPDK(cfg *config.Config) error {
	var devices []string
	for i := range cfg.Inputs {
		if p := cfg.Inputs[i].Port; p != "" {
			devices = append(devices, p)
		}
	}
	if len(devices) == 0 {
		return nil
	}
	args := cfg.Dataplane.EAL
	switch cfg.Dataplane.HugePages {
	case "off":
		args = append([]string{"--no-huge"}, args...)
	case "on":
		if !dpdk.HugePages() {
			return errors.New("huge_pages = \"on\" and there are none free: reserve some in " +
				"/sys/kernel/mm/hugepages, or set huge_pages = \"auto\"")
		}
	}
	var err error
	if in.eal, err = dpdk.Start(args, devices...); err != nil {
		return err
	}
	in.closers = append(in.closers, in.eal.Close)
	return nil
}

// group opens the inputs of a group and makes its workers: worker i polls queue i of each.
func (in *inputs) group(cfg *config.Config, g *config.Group, b flow.Block) error {
	var opened [][]nic.Source
	for _, i := range g.Inputs {
		list, err := in.input(&cfg.Inputs[i], uint16(i+1), g.Workers)
		if err != nil {
			return fmt.Errorf("input %s: %w", cfg.Inputs[i].Name, err)
		}
		opened = append(opened, list)
	}
	first := &cfg.Inputs[g.Inputs[0]]
	conf := cfg.Worker(first)
	conf.Blocks = b
	f, err := filter.Compile(nic.Ethernet, 0, first.Filter)
	if err != nil {
		return fmt.Errorf("input %s: %w", first.Name, err)
	}
	if f != nil {
		conf.Filter = f
	}
	for n := range opened[0] {
		var sources []nic.Source
		for _, list := range opened {
			if len(list) != len(opened[0]) {
				return fmt.Errorf("group %s: its inputs have %d and %d queues; set queues = %d for all of them",
					g.Name, len(opened[0]), len(list), min(len(opened[0]), len(list)))
			}
			sources = append(sources, list[n])
		}
		in.add(fmt.Sprintf("%s/%d", g.Name, n), nic.Merge(sources...), conf, first)
	}
	return nil
}

func (in *inputs) add(name string, src nic.Source, conf worker.Config, n *config.Input) {
	q := dataplane.Queue{Name: name, Source: src, Config: conf, Offline: len(n.Capture) > 0}
	if in.eal != nil {
		q.Enter, q.Leave = in.eal.Register, in.eal.Unregister
	}
	in.queues = append(in.queues, q)
}

// settings returns what workers shall go on with, by the names of their queues, when a configuration is
// taken over whose inputs are those that are open. Its filters could be compiled when it was checked.
func (in *inputs) settings(cfg *config.Config) func(name string) worker.Settings {
	return func(name string) (s worker.Settings) {
		for i := range cfg.Inputs {
			n := &cfg.Inputs[i]
			if group, _, _ := strings.Cut(name, "/"); group != or(n.Group, n.Name) && !strings.HasPrefix(name, or(n.Group, n.Name)+"/") {
				continue
			}
			conf := cfg.Worker(n)
			if f, err := filter.Compile(nic.Ethernet, 0, n.Filter); err == nil && f != nil {
				conf.Filter = f
			}
			return conf.Settings()
		}
		return s // which is not valid
	}
}

// input opens one input with up to so many queues. number is what its frames say they
// came from.
func (in *inputs) input(n *config.Input, number uint16, queues int) ([]nic.Source, error) {
	switch {
	case n.Port != "":
		return in.port(n, number, queues)
	case n.Interface != "":
		return in.kernel(n, number, queues)
	}
	r := capture.Sequence(n.Capture...)
	in.closers = append(in.closers, func() error { return errors.Join(r.Err(), r.Close()) })
	return []nic.Source{r}, nil
}

func (in *inputs) port(n *config.Input, number uint16, queues int) ([]nic.Source, error) {
	p, err := in.eal.Open(dpdk.PortConfig{
		Device: n.Port, Port: number, Queues: queues, Descriptors: n.Descriptors, Buffers: n.Mbufs,
		MTU: n.MTU, NotPromiscuous: !n.Promiscuous, Timestamps: true,
	})
	if err != nil {
		return nil, err
	}
	i := p.Info()
	in.log.Info("port opened", "input", n.Name, "device", i.Device, "driver", i.Driver, "numa_node", i.Node,
		"queues", i.Queues, "descriptors", i.Descriptors, "buffers", i.Buffers, "mtu", i.MTU,
		"symmetric", i.Symmetric, "reason", i.Reason, "timestamps", i.Timestamps)
	for _, note := range i.Notes {
		in.log.Warn(note, "input", n.Name)
	}
	var list []nic.Source
	for _, q := range p.Queues() {
		list = append(list, q)
	}
	return list, nil
}

func (in *inputs) kernel(n *config.Input, number uint16, queues int) ([]nic.Source, error) {
	o := afpacket.Options{Local: !n.Promiscuous}
	if n.Snaplen > 0 { // the program that keeps so much of every frame
		o.Filter = []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: uint32(n.Snaplen)}}
	}
	opened, err := afpacket.Open(n.Interface, queues, o)
	if err != nil {
		return nil, err
	}
	var list []nic.Source
	for _, q := range opened {
		in.closers = append(in.closers, q.Close)
		list = append(list, q)
	}
	in.log.Info("interface opened", "input", n.Name, "interface", n.Interface, "queues", len(opened))
	return list, nil
}

// close closes everything, last opened first; the queues must not be polled any more.
func (in *inputs) close() {
	for _, c := range slices.Backward(in.closers) {
		if err := c(); err != nil {
			in.log.Error("input not closed cleanly", "error", err)
		}
	}
}
