package egress

import (
	"bytes"
	"fmt"
	"unsafe"

	"github.com/weir-probe/weir/export"
)

// Ledger keeps the counters of exporters in memory that outlives the process, by name.
type Ledger struct{ accounts []account }

type account struct {
	name     [64]byte
	counters export.Counters
}

// OpenLedger lays a ledger over mem: zeroes, or what another Ledger left there.
func OpenLedger(mem []byte) *Ledger {
	n := len(mem) / int(unsafe.Sizeof(account{}))
	if n == 0 {
		return &Ledger{}
	}
	return &Ledger{unsafe.Slice((*account)(unsafe.Pointer(&mem[0])), n)}
}

// Counters returns the counters of the exporter with that name, new ones if the ledger has
// none. It fails when there is no room.
func (l *Ledger) Counters(name string) (*export.Counters, error) {
	var key [64]byte
	copy(key[:len(key)-1], name)
	for i := range l.accounts {
		a := &l.accounts[i]
		if a.name == [64]byte{} {
			a.name = key
		}
		if a.name == key {
			return &a.counters, nil
		}
	}
	return nil, fmt.Errorf("exporter %s: the ledger of the dataplane has room for %d exporters only",
		name, len(l.accounts))
}

// Names returns the names of all exporters the ledger knows, also of those that are gone.
func (l *Ledger) Names() (names []string) {
	for i := range l.accounts {
		if n := bytes.IndexByte(l.accounts[i].name[:], 0); n > 0 {
			names = append(names, string(l.accounts[i].name[:n]))
		}
	}
	return names
}
