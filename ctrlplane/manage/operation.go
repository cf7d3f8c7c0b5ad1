package manage

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dissect"
)

// State is how a probe does, as it says itself.
type State struct {
	Phase     string // "metering", "waiting" for a configuration or "starting"
	Error     string // why it does not meter, if it does not
	Dataplane int    // its process; 0 if there is none
	Since     time.Time
	Summary   *egress.Summary // nil unless it meters
	Cores     map[string]int  // processors of workers, by name; -1 is any
	Inputs    []Input
	Waits     []string // what waits for a restart of the dataplane
}

// Input is where frames come from.
type Input struct{ Name, Kind, Source string }

// Status is how things are.
type Status struct {
	State     string            `json:"state" doc:"metering, starting, or waiting for inputs."`
	Error     string            `json:"error,omitempty" doc:"Why it does not meter."`
	Version   string            `json:"version" doc:"Of weir."`
	Started   time.Time         `json:"started" doc:"When the control plane began."`
	Metering  *time.Time        `json:"metering_since,omitempty" doc:"When the dataplane began."`
	PID       int               `json:"dataplane_pid,omitempty"`
	Config    int               `json:"config" doc:"The version that runs."`
	Until     *time.Time        `json:"confirm_until,omitempty" doc:"When it is given up if nobody confirms it."`
	Waits     []string          `json:"waits" doc:"What waits for a restart of the dataplane."`
	Packets   map[string]uint64 `json:"packets" doc:"What became of packets, as weir_packets_total has it."`
	Missed    uint64            `json:"missed" doc:"Frames lost before weir had them."`
	Refused   map[string]uint64 `json:"refused" doc:"Frames that were refused, by the reason."`
	Flows     uint64            `json:"flows_active" doc:"Flows in the tables."`
	Capacity  uint64            `json:"flows_capacity" doc:"Flows that the tables hold."`
	RingUsed  uint64            `json:"ring_used" doc:"Octets in the rings that nobody has read."`
	RingSize  uint64            `json:"ring_size" doc:"Octets that the rings hold."`
	Records   uint64            `json:"flow_records" doc:"Records of flows that this control plane read."`
	Events    uint64            `json:"event_records" doc:"The same of events."`
	Parts     []Count           `json:"parts" doc:"What other parts count."`
	Exporters []Exporter        `json:"exporters"`
}

// Count is something that a part counts.
type Count struct {
	Part string `json:"part"`
	Name string `json:"name"`
	N    uint64 `json:"n"`
}

// Exporter is what became of the records given to one.
type Exporter struct {
	egress.Account
	LastFailure *time.Time `json:"last_failure,omitempty" doc:"When an attempt failed last."`
	OldestAge   float64    `json:"oldest_age" doc:"How long the oldest message waits, in seconds."`
}

// Worker is one of the dataplane.
type Worker struct {
	egress.Lane
	Core int `json:"core" doc:"Processor it is pinned to; -1 is any."`
}

// Queue is a receive queue, which one worker polls.
type Queue struct {
	Name string `json:"name" doc:"Input and queue: lan/0."`
	nic.Stats
}

// Port is an input and its link.
type Port struct {
	Name   string `json:"name"`
	Kind   string `json:"kind" doc:"port of DPDK, interface, or capture."`
	Source string `json:"source"`
	Link   string `json:"link,omitempty" doc:"up, down or unknown, of an interface."`
	Speed  int    `json:"speed,omitempty" doc:"Mbit/s, of an interface that is up."`
	MTU    int    `json:"mtu,omitempty"`
	MAC    string `json:"mac,omitempty"`
	Queues int    `json:"queues"`
	nic.Stats
}

// Level is what the log tells.
type Level struct {
	Level string `json:"level" doc:"debug, info, warn or error."`
}

func status(r *request) (any, error) {
	st := r.s.probe.State()
	v, _, err := r.s.store.Running()
	out := Status{
		State: st.Phase, Error: st.Error, Version: r.s.probe.Version, Started: r.s.begun.UTC(),
		PID: st.Dataplane, Config: v.Number,
		Packets: map[string]uint64{}, Refused: map[string]uint64{},
		Exporters: accounts(st.Summary), Parts: []Count{}, Waits: append([]string{}, st.Waits...),
	}
	if p, _ := r.s.store.Pending(); p != nil {
		out.Until = &p.Until
	}
	if !st.Since.IsZero() {
		out.Metering = &st.Since
	}
	if s := st.Summary; s != nil {
		for name, n := range s.Packets {
			out.Packets[name] = n
		}
		out.Missed = s.NIC.Missed + s.NIC.NoBuffer + s.NIC.Errors
		out.Flows, out.Records, out.Events, out.Capacity = s.Active, s.Taken, s.Events, s.Capacity
		for _, ring := range s.Rings {
			out.RingUsed, out.RingSize = out.RingUsed+ring.Used, out.RingSize+ring.Size
		}
		for i, d := range dissect.StopDocs {
			if n := s.Stops[d.Name]; n > 0 && dissect.Stop(i).Refused() {
				out.Refused[d.Name] = n
			}
		}
		for _, t := range s.Tallies {
			out.Parts = append(out.Parts, Count{t.Part, t.Name, t.N})
		}
	}
	return out, err
}

func accounts(s *egress.Summary) []Exporter {
	all := []Exporter{}
	if s == nil {
		return all
	}
	for _, a := range s.Exporters {
		x := Exporter{Account: a, OldestAge: a.Age(time.Now()).Seconds()}
		if !a.Failed.IsZero() {
			x.LastFailure = &a.Failed
		}
		all = append(all, x)
	}
	return all
}

func exporters(r *request) (any, error) { return accounts(r.s.probe.State().Summary), nil }

func collected(r *request) (any, error) {
	return append([]collect.Account{}, r.s.probe.Collected()...), nil
}

func workers(r *request) (any, error) {
	all, st := []Worker{}, r.s.probe.State()
	if st.Summary != nil {
		for _, l := range st.Summary.Lanes {
			core, known := st.Cores[l.Name]
			if !known {
				core = -1
			}
			all = append(all, Worker{l, core})
		}
	}
	return all, nil
}

func queues(r *request) (any, error) {
	all, st := []Queue{}, r.s.probe.State()
	if st.Summary != nil {
		for _, l := range st.Summary.Lanes {
			all = append(all, Queue{l.Name, l.NIC})
		}
	}
	return all, nil
}

func ports(r *request) (any, error) {
	all, st := []Port{}, r.s.probe.State()
	for _, in := range st.Inputs {
		p := Port{Name: in.Name, Kind: in.Kind, Source: in.Source}
		if in.Kind == "interface" {
			p.link(filepath.Join("/sys/class/net", filepath.Base(in.Source)))
		}
		if st.Summary != nil {
			for _, l := range st.Summary.Lanes {
				if name, _, _ := strings.Cut(l.Name, "/"); name == in.Name || strings.HasPrefix(l.Name, in.Name+"/") {
					p.Queues++
					p.Received += l.NIC.Received
					p.Missed += l.NIC.Missed
					p.NoBuffer += l.NIC.NoBuffer
					p.Errors += l.NIC.Errors
				}
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// link reads what the kernel says of an interface.
func (p *Port) link(dir string) {
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.TrimSpace(string(b))
	}
	p.Link, p.MAC = read("operstate"), read("address")
	p.MTU, _ = strconv.Atoi(read("mtu"))
	if n, err := strconv.Atoi(read("speed")); err == nil {
		p.Speed = max(n, 0)
	}
}

func pause(r *request) (any, error)  { return r.pause(true) }
func resume(r *request) (any, error) { return r.pause(false) }

func (r *request) pause(pause bool) (any, error) {
	name := r.PathValue("name")
	if !r.s.probe.Pause(name, pause) {
		return nil, refuse(http.StatusNotFound, "there is no exporter %q; /v1/exporters lists them", name)
	}
	return nil, nil
}

func restart(r *request) (any, error) {
	part := r.PathValue("part")
	if part != "dataplane" && part != "egress" {
		return nil, refuse(http.StatusNotFound, "%q is no part; restart dataplane or egress", part)
	}
	if err := r.s.probe.Restart(part); err != nil {
		return nil, refuse(http.StatusConflict, "%v", err)
	}
	return nil, nil
}

func level(r *request) (any, error) {
	return Level{strings.ToLower(r.s.probe.Level.Level().String())}, nil
}

func setLevel(r *request) (any, error) {
	in, err := decode[Level](r)
	if err != nil {
		return nil, err
	}
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	l, known := levels[in.Level]
	if !known {
		return nil, refuse(http.StatusBadRequest, "level %q is not known: use debug, info, warn or error", in.Level)
	}
	r.s.probe.Level.Set(l)
	r.detail = fmt.Sprintf("level %s", in.Level)
	return nil, nil
}
