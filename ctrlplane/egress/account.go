package egress

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/weir-probe/weir/export"
)

// Account is what became of the records given to an exporter.
type Account struct {
	Name     string            `json:"name"`
	Records  uint64            `json:"records"`
	Exported uint64            `json:"exported"`
	Dropped  map[string]uint64 `json:"dropped,omitempty"`
	Pending  uint64            `json:"pending,omitempty"`
	Messages uint64            `json:"messages"`
	Filtered uint64            `json:"filtered,omitempty"` // records its filter left out; they are not in Records
	Vetoed   uint64            `json:"vetoed,omitempty"`   // records the policy kept from it; nor are they
	Spooled  uint64            `json:"spooled,omitempty"`  // records that wait on disk
	// Recovered are records that an earlier run had left on disk. Records and they are Exported, Dropped,
	// Pending and Spooled together.
	Recovered uint64    `json:"recovered,omitempty"`
	Replayed  uint64    `json:"replayed,omitempty"` // records exported that were on disk before
	Octets    uint64    `json:"octets"`
	Retries   uint64    `json:"retries,omitempty"`
	Failures  uint64    `json:"failures,omitempty"` // attempts to send that failed
	Queued    int       `json:"queued,omitempty"`   // messages that wait in memory
	OnDisk    uint64    `json:"on_disk,omitempty"`  // octets of the spool
	Paused    bool      `json:"paused,omitempty"`
	Error     string    `json:"last_error,omitempty"`
	Failed    time.Time `json:"-"` // when that was
	Oldest    time.Time `json:"-"` // when the oldest message that is not sent was made; zero if all are
}

// accounts returns what became of the records given to every exporter there is or was.
func (e *Egress) accounts() (all []Account) {
	seen := map[string]bool{}
	for _, o := range e.outputs {
		for _, x := range o.Exporters() {
			seen[x.Name()] = true
			all = append(all, e.account(x.Name(), x))
		}
	}
	for _, name := range e.Ledger.Names() {
		if a := e.account(name, nil); !seen[name] && a.Records > 0 {
			all = append(all, a)
		}
	}
	return all
}

// account sums up what is counted under a name. x is the exporter that has it now, nil if none.
func (e *Egress) account(name string, x *export.Exporter) Account {
	a := Account{Name: name, Dropped: map[string]uint64{}}
	counters := e.Ledger.Of(name)
	if x != nil {
		if !slices.Contains(counters, x.Counters()) {
			counters = []*export.Counters{x.Counters()}
		}
		st := x.Stats()
		a.Queued, a.OnDisk, a.Paused, a.Oldest = st.Queued, uint64(st.SpoolOctets), st.Paused, st.Oldest
		if st.Last != nil {
			a.Error, a.Failed = st.Last.Err.Error(), st.Last.Time
		}
	}
	for _, c := range counters {
		a.add(c)
	}
	return a
}

// add adds counters. Records are read last, so that they are never behind the others.
func (a *Account) add(c *export.Counters) {
	done := c.Exported.Load()
	a.Exported += done
	for r := range c.Dropped {
		if n := c.Dropped[r].Load(); n > 0 {
			a.Dropped[export.Reason(r).String()] += n
			done += n
		}
	}
	a.Messages += c.Messages.Load()
	a.Octets += c.Octets.Load()
	a.Retries += c.Retries.Load()
	a.Failures += c.Failures.Load()
	a.Filtered += c.Filtered.Load()
	a.Vetoed += c.Vetoed.Load()
	a.Replayed += c.Replayed.Load()
	spooled, recovered := c.Spooled.Load(), c.Recovered.Load()
	a.Spooled += spooled
	a.Recovered += recovered
	records := c.Records.Load()
	a.Records += records
	a.Pending += max(records+recovered, done+spooled) - done - spooled
}

// Age returns how long the oldest message that is not sent has been waiting.
func (a *Account) Age(now time.Time) time.Duration {
	if a.Oldest.IsZero() {
		return 0
	}
	return max(now.Sub(a.Oldest), 0)
}

// Lost returns the records dropped for any reason.
func (a *Account) Lost() (n uint64) {
	for _, d := range a.Dropped {
		n += d
	}
	return n
}

func (a *Account) print(w io.Writer) {
	fmt.Fprintf(w, "exporter  %s: %d records", a.Name, a.Records)
	if a.Recovered > 0 {
		fmt.Fprintf(w, " + %d from disk", a.Recovered)
	}
	fmt.Fprintf(w, " = %d exported", a.Exported)
	for _, reason := range sortedKeys(a.Dropped) {
		fmt.Fprintf(w, " + %d dropped (%s)", a.Dropped[reason], reason)
	}
	if a.Pending > 0 {
		fmt.Fprintf(w, " + %d pending", a.Pending)
	}
	if a.Spooled > 0 {
		fmt.Fprintf(w, " + %d on disk", a.Spooled)
	}
	if a.Filtered > 0 {
		fmt.Fprintf(w, "; %d filtered", a.Filtered)
	}
	if a.Vetoed > 0 {
		fmt.Fprintf(w, "; %d kept from it by the policy", a.Vetoed)
	}
	if a.Paused {
		fmt.Fprint(w, "; paused")
	}
	if a.Error != "" {
		fmt.Fprintf(w, "; last error: %s", a.Error)
	}
	fmt.Fprintln(w)
}
