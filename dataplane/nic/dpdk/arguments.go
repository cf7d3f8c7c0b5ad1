//go:build cgo && !nodpdk

package dpdk

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory in MiB without huge pages: what buffers do not need of it is never touched. A
// buffer of the usual size takes a page of 4 KiB then.
const memory = 1024

// machine is what the defaults depend on.
type machine struct {
	cpus []int // on which this process may run
	huge bool  // there are free huge pages
}

// HugePages reports whether the machine has huge pages that nobody uses.
func HugePages() bool { return hugePages("/sys/kernel/mm/hugepages") }

// arguments returns the command line of the EAL: the user's, and our defaults for
// everything that the user's says nothing about.
func arguments(user, devices []string, m machine) []string {
	a := []string{"weir"}
	add := func(unless []string, args ...string) {
		if !mentions(user, unless) {
			a = append(a, args...)
		}
	}
	add([]string{"--telemetry", "--no-telemetry"}, "--no-telemetry")
	add([]string{"--file-prefix"}, "--file-prefix=weir")
	add([]string{"--log-level"}, "--log-level=warning")
	// One lcore that may run on any CPU: nothing is pinned, as workers pin themselves.
	add([]string{"-l", "-c", "--lcores", "-S"}, "--lcores=0@("+join(m.cpus)+")")
	shared := []string{"--in-memory", "--no-shconf", "--huge-dir", "--huge-unlink", "--legacy-mem",
		"--proc-type"}
	if m.huge && !slices.Contains(user, "--no-huge") {
		add(shared, "--in-memory")
	} else { // which excludes --in-memory
		add(shared, "--no-shconf")
		add([]string{"--no-huge"}, "--no-huge")
		add([]string{"-m"}, "-m", strconv.Itoa(memory))
	}
	bus := []string{"--no-pci"}
	for _, d := range devices {
		if _, ok := pciAddress(d); ok {
			if bus[0] == "--no-pci" {
				bus = nil
			}
			bus = append(bus, "--allow="+d)
		}
	}
	add([]string{"--no-pci", "-a", "--allow", "-b", "--block"}, bus...)
	return append(a, user...)
}

// mentions reports whether one of options is among args, with its value or without.
func mentions(args, options []string) bool {
	for _, a := range args {
		for _, o := range options {
			if a == o || strings.HasPrefix(a, o+"=") ||
				len(o) == 2 && strings.HasPrefix(a, o) && !strings.HasPrefix(a, "--") {
				return true
			}
		}
	}
	return false
}

func join(numbers []int) string {
	s := make([]string, len(numbers))
	for i, n := range numbers {
		s[i] = strconv.Itoa(n)
	}
	return strings.Join(s, ",")
}

// allowed returns the CPUs on which this process may run.
func allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("affinity of the process is unknown: %w", err)
	}
	var cpus []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus, nil
}

// hugePages reports whether the kernel has huge pages that nobody uses.
func hugePages(root string) bool {
	files, _ := filepath.Glob(filepath.Join(root, "hugepages-*", "free_hugepages"))
	return slices.ContainsFunc(files, func(f string) bool {
		n, err := strconv.Atoi(line(f))
		return err == nil && n > 0
	})
}
