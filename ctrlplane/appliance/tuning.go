package appliance

import (
	"fmt"
	"math/bits"
	"strings"
)

// Tuning is how the machine is shared out between those that meter and everybody else.
type Tuning struct {
	Isolated []int // processors that belong to workers
	Pages    int   // huge pages of 2 MiB
	Memory   int   // of the machine, MiB
}

// Of the memory that a worker takes by default, three quarters are its flow table.
const (
	workerMemory = 512 // MiB
	bufferMemory = 128 // MiB for the frames of all ports
	flowSize     = 1   // KiB
)

// Tune shares out: one core in eight, the first at least, is for the kernel and the control plane, and of the
// memory at most a half, a quarter of less than 4 GiB, is in huge pages.
func (m Machine) Tune() (t Tuning, err error) {
	if t.Memory, err = m.memory(); err != nil {
		return t, err
	}
	cores, err := m.cores()
	if err != nil {
		return t, err
	}
	for _, threads := range cores[(len(cores)+7)/8:] {
		t.Isolated = append(t.Isolated, threads[0]) // its sibling would only be in its way
	}
	most := t.Memory / 2
	if t.Memory < 4<<10 {
		most = t.Memory / 4
	}
	t.Pages = min(most, workerMemory*max(1, len(t.Isolated))+bufferMemory) / 2
	return t, nil
}

// Arguments returns what the kernel has to be told.
func (t Tuning) Arguments() string {
	args := []string{"default_hugepagesz=2M", "hugepagesz=2M", fmt.Sprintf("hugepages=%d", t.Pages)}
	if len(t.Isolated) > 0 {
		list := formatList(t.Isolated)
		args = append(args, "isolcpus=managed_irq,domain,"+list, "nohz_full="+list, "rcu_nocbs="+list)
	}
	return strings.Join(args, " ")
}

// Flows returns how many flows a worker of this machine has room for: a power of two, so that all workers
// together take a quarter of the memory at most.
func (t Tuning) Flows() int {
	each := t.Memory << 10 / 4 / flowSize / max(1, len(t.Isolated))
	return min(262144, 1<<(bits.Len(uint(max(each, 1024)))-1))
}

// Streams returns the MiB of a worker for messages that are incomplete.
func (t Tuning) Streams() int { return max(4, min(128, t.Memory/16/max(1, len(t.Isolated)))) }
