package egress

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/weir-probe/weir/export"
)

// Ledger keeps the counters of exporters in memory that outlives the process, by name. An
// exporter that takes the place of one of its name has counters of its own until the other has
// ended; those of a name belong together. Any goroutine may use it.
type Ledger struct {
	accounts []account

	mu   sync.Mutex
	used []bool // by an exporter of this process
}

type account struct {
	name     [64]byte
	counters export.Counters
}

// LongestName is how many octets of a name tell exporters apart.
const LongestName = len(account{}.name) - 1

// OpenLedger lays a ledger over mem: zeroes, or what another Ledger left there.
func OpenLedger(mem []byte) *Ledger {
	n := len(mem) / int(unsafe.Sizeof(account{}))
	if n == 0 {
		return &Ledger{}
	}
	return &Ledger{
		accounts: unsafe.Slice((*account)(unsafe.Pointer(&mem[0])), n),
		used:     make([]bool, n),
	}
}

// Counters returns counters of the exporter with that name that nobody uses, new ones if the
// ledger has none. It fails when there is no room.
func (l *Ledger) Counters(name string) (*export.Counters, error) {
	var key [64]byte
	copy(key[:LongestName], name)
	l.mu.Lock()
	defer l.mu.Unlock()
	found := -1
	for i := range l.accounts {
		a := &l.accounts[i]
		if a.name == [64]byte{} && found < 0 {
			a.name = key
		}
		if a.name != key || l.used[i] {
			continue
		}
		if spooled := a.counters.Spool.Load() != 0; found < 0 || spooled {
			found = i // which knows how many records its spool has
			if spooled {
				break
			}
		}
	}
	if found >= 0 {
		l.used[found] = true
		return &l.accounts[found].counters, nil
	}
	return nil, fmt.Errorf("exporter %s: the ledger of the dataplane has room for %d exporters only, "+
		"those included that were changed and are still sending what they had", name, len(l.accounts))
}

// Release says that an exporter with these counters has ended.
func (l *Ledger) Release(c *export.Counters) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.accounts {
		if &l.accounts[i].counters == c {
			l.used[i] = false
		}
	}
}

// Settle counts what an earlier process left unsent as interrupted, where no exporter has the
// counters now to do so.
func (l *Ledger) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.accounts {
		if c := &l.accounts[i].counters; !l.used[i] {
			c.Dropped[export.Interrupted].Add(c.Pending())
		}
	}
}

// Of returns all counters of a name.
func (l *Ledger) Of(name string) (all []*export.Counters) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.accounts {
		if l.accounts[i].text() == name[:min(len(name), LongestName)] {
			all = append(all, &l.accounts[i].counters)
		}
	}
	return all
}

// Names returns the names of all exporters the ledger knows, also of those that are gone.
func (l *Ledger) Names() (names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.accounts {
		if n := l.accounts[i].text(); n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func (a *account) text() string {
	n := bytes.IndexByte(a.name[:], 0)
	return string(a.name[:n])
}
