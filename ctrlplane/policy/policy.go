// Package policy has a script in Lua decide about records before exporters get them: it may drop them, say
// something of them, choose exporters, raise alerts and have programs run.
//
// A policy is not trusted: it has no file, no network and no other library in reach, and what a call may use is
// bounded. What fails is counted, and the record has the fate that the configuration says.
package policy

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/weir-probe/weir/ctrlplane/condition"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// Policy is a program at work. One goroutine uses it.
type Policy struct {
	program *Program
	o       Options
	host    *Host
	when    *condition.Condition // nil lets every record in
	machine *machine
	hooks   [256][]*lua.LFunction // by egress.Kind
	told    map[string]bool       // errors that were reported
	strikes int                   // calls in a row that ran away
	rest    time.Time             // until when nobody is called
	alert   flow.Attrs

	// Observe is told what becomes of each record that was judged; nil is nobody. It borrows all it gets.
	Observe func(kind egress.Kind, v *flow.View, d *Decision)
}

// New puts a program to work, and tries it with records that say little. Errors are the policy's. Nothing of the
// host is used before Take.
func New(p *Program, o Options, h *Host) (*Policy, error) {
	if err := try(p, o); err != nil {
		return nil, err
	}
	n := &Policy{program: p, o: o, host: NewHost(), told: map[string]bool{}}
	if o.When != "" {
		var err error
		if n.when, err = condition.Compile(o.When, p.schema); err != nil {
			return nil, fmt.Errorf("when: %w", err)
		}
	}
	err := n.boot()
	n.host = h
	return n, err
}

// boot begins with an empty machine.
func (p *Policy) boot() (err error) {
	if p.machine, err = p.program.boot(&p.o, p.host); err != nil {
		return err
	}
	for k := range p.hooks {
		p.hooks[k] = nil
		for _, name := range hooksOf(egress.Kind(k)) {
			if f := p.machine.hooks[name]; f != nil {
				p.hooks[k] = append(p.hooks[k], f)
			}
		}
	}
	return nil
}

// Take has the host allow what the options of this policy say. The goroutine that judges calls it, before the
// first record.
func (p *Policy) Take() {
	p.machine.host = p.host
	p.host.equip(&p.o)
}

// Same reports whether another policy does the same.
func (p *Policy) Same(other *Policy) bool {
	return p.program.same(other.program) && reflect.DeepEqual(p.o, other.o)
}

// Blocks returns the cold blocks that a worker has to maintain for the policy and for its condition.
func Blocks(o *Options, p *Program) (flow.Block, error) {
	b := p.Blocks()
	if o.When == "" {
		return b, nil
	}
	k, err := condition.Compile(o.When, p.schema)
	if err != nil {
		return 0, fmt.Errorf("when: %w", err)
	}
	return b | k.Blocks(), nil
}

const (
	patience = 8           // calls in a row that may run away
	pause    = time.Second // that follows before the next
)

// Judge implements egress.Judge.
func (p *Policy) Judge(kind egress.Kind, v *flow.View, a *flow.Attrs, emit func(egress.Kind, *flow.View)) egress.Verdict {
	hooks := p.hooks[kind]
	if hooks == nil {
		return egress.Verdict{}
	}
	h := p.host
	h.account.Records++
	if h.Offline {
		h.latest = max(h.latest, v.Last)
	}
	if p.when != nil && !p.when.Holds(v) {
		h.account.Passed++
		h.counts[Unmatched]++
		return egress.Verdict{}
	}
	r := &p.machine.record
	r.lend(kind, v, a)
	d := &r.decision
	if err := p.ask(hooks); err != nil {
		p.failed(err, d)
	}
	r.back()
	if p.Observe != nil {
		p.Observe(kind, v, d)
	}
	p.carryOut(kind, v, a, d, emit)
	if p.machine.crowded() {
		p.restart()
	}
	if d.Drop {
		return egress.Verdict{Drop: true}
	}
	return egress.Verdict{To: d.Route}
}

// ask calls functions for the record in hand, until one drops it.
func (p *Policy) ask(hooks []*lua.LFunction) error {
	m := p.machine
	if !p.rest.IsZero() {
		if time.Now().Before(p.rest) {
			p.host.counts[Resting]++
			return errResting
		}
		p.rest = time.Time{}
	}
	for _, f := range hooks {
		p.host.counts[Calls]++
		m.budget.begin(int64(p.o.Instructions), p.o.Memory)
		m.L.Push(f)
		m.L.Push(m.record.value)
		if err := m.call(1, 1); err != nil {
			return err
		}
		if m.L.Get(-1) == lua.LFalse && !m.record.decision.Drop {
			m.record.decision.Drop, m.record.decision.Reason = true, usualReason
		}
		m.L.Pop(1)
		if m.record.decision.Drop {
			break
		}
	}
	p.strikes = 0
	return nil
}

var errResting = errors.New("the policy rests, as several calls in a row ran away")

// failed counts and reports an error, takes back what was said of the record, and decides by the default.
func (p *Policy) failed(err error, d *Decision) {
	h, r := p.host, &p.machine.record
	r.restore()
	*d = Decision{Err: err}
	if p.o.OnError == "drop" {
		d.Drop, d.Reason = true, "error"
	}
	if err == errResting {
		return
	}
	p.machine.L.SetTop(0)
	if !errors.As(err, new(*runaway)) {
		h.counts[Errors]++
		p.strikes = 0
	} else {
		h.counts[Runaways]++
		if p.strikes++; p.strikes == patience {
			p.strikes, p.rest = 0, time.Now().Add(pause)
		}
	}
	const most = 64
	if text := err.Error(); !p.told[text] && len(p.told) < most {
		p.told[text] = true
		h.tell(fmt.Errorf("%w; it is counted from now on, and not told again", err))
	}
}

// restart begins with an empty machine, as what the policy keeps is too much.
func (p *Policy) restart() {
	p.host.counts[Restarts]++
	p.host.tell(fmt.Errorf("%s: its variables are larger than memory allows, so it begins anew; "+
		"keep what has to last in state", p.program.name))
	old := p.machine
	if err := p.boot(); err != nil {
		p.machine = old
		p.host.tell(err)
		p.rest = time.Now().Add(pause)
	}
}

// carryOut does what was decided and counts it.
func (p *Policy) carryOut(kind egress.Kind, v *flow.View, a *flow.Attrs, d *Decision, emit func(egress.Kind, *flow.View)) {
	h := p.host
	if d.Drop {
		h.account.Dropped[h.reason(d.Reason)]++
	} else {
		h.account.Passed++
	}
	h.counts[Tags] += uint64(len(d.Tags))
	h.counts[Sets] += uint64(len(d.Sets))
	if d.Route != nil && !d.Drop {
		h.counts[Routed]++
	}
	for i := range d.Alerts {
		h.counts[Alerts]++
		p.raise(kind, v, a, &d.Alerts[i], emit)
	}
	for _, argv := range d.Commands {
		h.start(argv)
	}
}

// reason returns what a record is counted under that was dropped: there are only so many reasons.
func (h *Host) reason(text string) string {
	const most, other = 32, "other"
	if _, known := h.account.Dropped[text]; known || len(h.account.Dropped) < most {
		return strings.Clone(text)
	}
	return other
}

// raise gives exporters an alert: the record that it is about, with what the policy says.
func (p *Policy) raise(kind egress.Kind, v *flow.View, a *flow.Attrs, what *Alert, emit func(egress.Kind, *flow.View)) {
	said := &p.alert
	said.Reset()
	said.Text(flow.AlertName, what.Name)
	said.Text(flow.AlertMessage, what.Message)
	said.Uint(flow.AlertSeverity, uint64(what.Severity))
	said.Text(flow.AlertOf, kind.Name())
	said.Add(a.All())
	x := *v
	x.Attrs = said.All()
	emit(egress.Alerts, &x)
}

// Judged implements egress.Judge.
func (p *Policy) Judged() egress.Judged {
	a := p.host.account
	a.Dropped = maps.Clone(a.Dropped)
	return a
}
