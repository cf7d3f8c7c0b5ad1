package egress

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/kept"
	"github.com/weir-probe/weir/dataplane/nic"
	"github.com/weir-probe/weir/dataplane/worker"
	"github.com/weir-probe/weir/dissect"
	"github.com/weir-probe/weir/export/sink"
)

// Summary is the account of a run: everything that came in, and where it went.
type Summary struct {
	Packets   map[string]uint64    `json:"packets"` // the workers' counters, summed
	Stops     map[string]uint64    `json:"stops"`   // how dissection ended
	NIC       nic.Stats            `json:"nic"`
	Dissected map[string]Dissected `json:"dissectors"` // what each dissector did
	Active    uint64               `json:"active"`     // flows in the tables
	Waiting   uint64               `json:"waiting"`    // fragments that wait for their first one
	Taken     uint64               `json:"taken"`      // flows read from the rings by this process
	Events    uint64               `json:"events"`     // events read from the rings by this process
	Corrupt   uint64               `json:"corrupt"`    // messages in the rings that could not be read
	Crowded   uint64               `json:"crowded"`    // attributes that records had no room for
	Exporters []Account            `json:"exporters"`
	Capacity  uint64               `json:"capacity"` // flows the tables hold at most
	Rings     []Ring               `json:"rings"`
	Worker    Load                 `json:"workers"` // how busy the workers are, summed
	Lanes     []Lane               `json:"-"`       // by worker

	Tallies   []Tally            `json:"tallies,omitempty"` // of other parts of the control plane
	Policy    *Judged            `json:"policy,omitempty"`
	Malformed *kept.Stats        `json:"malformed,omitempty"`
	Commands  *sink.CommandStats `json:"commands,omitempty"`
}

// Ring is how full the ring of a worker is.
type Ring struct {
	Name string `json:"name"`
	Used uint64 `json:"used"` // octets
	Size uint64 `json:"size"`
}

// Lane is how a worker does, and its queue.
type Lane struct {
	Name    string            `json:"name"` // input and queue: "lan/0"
	Packets map[string]uint64 `json:"packets" doc:"Its counters, by name."`
	NIC     nic.Stats         `json:"nic" doc:"What its queue counts."`
	Active  uint64            `json:"flows" doc:"Flows in its table."`
	Most    uint64            `json:"flow_capacity" doc:"Flows that the table holds."`
	Used    uint64            `json:"ring_used" doc:"Octets in its ring that nobody has read."`
	Size    uint64            `json:"ring_size" doc:"Octets that the ring holds."`
}

// lane returns how the worker at a position does.
func (e *Egress) lane(i int) Lane {
	r, ring := &e.reports[i], e.sources[i].Ring
	l := Lane{
		Name: e.sources[i].Name, Packets: map[string]uint64{}, NIC: r.NIC, Active: r.Active, Most: r.Capacity,
		Used: uint64(ring.Used()), Size: uint64(ring.Cap()),
	}
	for c, n := range r.Counters {
		l.Packets[worker.CounterDocs[c].Name] = n
	}
	return l
}

// Load is what workers have in hand to look into what flows say.
type Load struct {
	Streams      uint64 `json:"streams"`
	StreamMemory uint64 `json:"stream_memory"`
	Transactions uint64 `json:"transactions"`
}

// Dissected is what a dissector did.
type Dissected struct {
	Flows     uint64 `json:"flows"`
	Messages  uint64 `json:"messages"`
	Malformed uint64 `json:"malformed"`
}

// publish lets others have the account as of now.
func (e *Egress) publish() {
	s := e.Summary()
	e.published.Store(&s)
}

// Published returns the account as of a second ago at most, nil if the egress has not begun. Any
// goroutine may ask; nobody changes it.
func (e *Egress) Published() *Summary { return e.published.Load() }

// Summary returns the account as of now.
func (e *Egress) Summary() Summary {
	s := Summary{
		Packets: map[string]uint64{}, Stops: map[string]uint64{}, Dissected: map[string]Dissected{},
		Taken: e.Flows(), Events: e.Events(), Corrupt: e.Corrupt, Crowded: e.attrs.Dropped,
	}
	for i := range e.reports {
		s.add(&e.reports[i])
		s.Lanes = append(s.Lanes, e.lane(i))
		for j, d := range e.Dissectors {
			n, x := &e.reports[i].Dissectors[j], s.Dissected[d.Name]
			s.Dissected[d.Name] = Dissected{x.Flows + n.Flows, x.Messages + n.Messages, x.Malformed + n.Malformed}
		}
	}
	s.Exporters, s.Tallies = e.accounts(), e.tallies()
	for i := range e.sources {
		r := e.sources[i].Ring
		s.Rings = append(s.Rings, Ring{e.sources[i].Name, uint64(r.Used()), uint64(r.Cap())})
	}
	if e.Judge != nil {
		j := e.Judge.Judged()
		s.Policy = &j
	}
	if e.Malformed != nil {
		m := e.Malformed.Stats()
		s.Malformed = &m
	}
	if e.Commands != nil {
		c := e.Commands.Stats()
		s.Commands = &c
	}
	return s
}

func (s *Summary) add(r *worker.Report) {
	for i, n := range r.Counters {
		if n > 0 {
			s.Packets[worker.CounterDocs[i].Name] += n
		}
	}
	for i, n := range r.Stops {
		if n > 0 {
			s.Stops[dissect.StopDocs[i].Name] += n
		}
	}
	s.Active += r.Active
	s.Waiting += r.Waiting
	s.Capacity += r.Capacity
	s.Worker.Streams += r.Streams
	s.Worker.StreamMemory += r.StreamMemory
	s.Worker.Transactions += r.Transactions
	s.NIC.Received += r.NIC.Received
	s.NIC.Missed += r.NIC.Missed
	s.NIC.NoBuffer += r.NIC.NoBuffer
	s.NIC.Errors += r.NIC.Errors
}

// Made returns the records the workers made.
func (s *Summary) Made() uint64 { return s.Packets["exported"] + s.Packets["ring_full"] }

// Print writes the account for people: every line is a sum that must come out even.
func (s *Summary) Print(w io.Writer) {
	if s.printCollected(w); len(s.Packets) > 0 || len(s.collected()) == 0 {
		s.printMetered(w)
	}
	if s.Policy != nil {
		s.Policy.print(w)
	}
	for _, a := range s.Exporters {
		a.print(w)
	}
	s.printMalformed(w)
	if c := s.Commands; c != nil && c.Ran+c.Dropped > 0 {
		fmt.Fprintf(w, "commands  %d ran, %d of them failed; %d left out\n", c.Ran, c.Failed, c.Dropped)
	}
}

// collected returns what the collectors count, summed.
func (s *Summary) collected() map[string]uint64 {
	all := map[string]uint64{}
	for _, t := range s.Tallies {
		if t.Part == "collector" {
			all[t.Name] += t.N
		}
	}
	return all
}

// printCollected says what became of what others exported, and what was wrong with it.
func (s *Summary) printCollected(w io.Writer) {
	n := s.collected()
	if len(n) == 0 {
		return
	}
	fmt.Fprintf(w, "collected %d records of %d datagrams = %d handed over + %d duplicates + %d joined + "+
		"%d lost in full rings", n["records"], n["datagrams"],
		n["records"]-n["duplicates"]-n["joined"]-n["ring_full"], n["duplicates"], n["joined"], n["ring_full"])
	for _, name := range []string{"datagrams", "octets", "records", "duplicates", "joined", "ring_full"} {
		delete(n, name)
	}
	for i, name := range sortedKeys(n) {
		if i == 0 {
			fmt.Fprint(w, ";")
		}
		if n[name] > 0 {
			fmt.Fprintf(w, " %s %d", name, n[name])
		}
	}
	fmt.Fprintln(w)
}

// printMetered says what became of packets and flows.
func (s *Summary) printMetered(w io.Writer) {
	p := s.Packets
	fmt.Fprintf(w, "packets   %d received = %d metered", p["received"], p["metered"])
	for _, name := range []string{"refused", "filtered", "sampled_out", "not_in_shard"} {
		if p[name] > 0 {
			fmt.Fprintf(w, " + %d %s", p[name], name)
		}
	}
	if s.Waiting > 0 {
		fmt.Fprintf(w, " + %d waiting", s.Waiting)
	}
	if p["refused"] > 0 {
		fmt.Fprintf(w, " (%s)", s.refusals())
	}
	if n := s.NIC; n.Missed+n.NoBuffer+n.Errors > 0 {
		fmt.Fprintf(w, "\nlost      %d before weir: %d missed by the port, %d for want of a buffer, %d damaged",
			n.Missed+n.NoBuffer+n.Errors, n.Missed, n.NoBuffer, n.Errors)
	}
	fmt.Fprintf(w, "\nflows     %d records made = %d handed over + %d lost in full rings",
		s.Made(), p["exported"], p["ring_full"])
	if s.Active > 0 {
		fmt.Fprintf(w, "; %d flows still open", s.Active)
	}
	fmt.Fprintln(w)
	if p["transactions"] > 0 {
		fmt.Fprintf(w, "events    %d transactions = %d handed over + %d lost in full rings\n",
			p["transactions"], p["events"], p["events_ring_full"])
	}
}

// printMalformed says of each protocol what became of its malformed packets.
func (s *Summary) printMalformed(w io.Writer) {
	if s.Malformed == nil {
		return
	}
	for _, name := range sortedKeys(s.Malformed.Protocols) {
		a := s.Malformed.Protocols[name]
		fmt.Fprintf(w, "malformed %s: %d packets = %d saved", name, a.Packets, a.Saved)
		for _, n := range []struct {
			n  uint64
			of string
		}{{a.TooMany, "too many a second"}, {a.Overrun, "too fast for the disk"}, {a.Failed, "refused by the disk"}} {
			if n.n > 0 {
				fmt.Fprintf(w, " + %d %s", n.n, n.of)
			}
		}
		fmt.Fprintln(w)
	}
}

// refusals lists the reasons frames were refused for.
func (s *Summary) refusals() string {
	var parts []string
	for i, d := range dissect.StopDocs {
		if n := s.Stops[d.Name]; n > 0 && dissect.Stop(i).Refused() {
			parts = append(parts, fmt.Sprintf("%d %s", n, d.Name))
		}
	}
	return strings.Join(parts, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
