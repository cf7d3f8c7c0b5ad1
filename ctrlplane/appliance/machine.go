// Package appliance makes a probe of a machine that starts from the image: it finds the ports and
// processors, gives the ports that meter to the dataplane, reserves memory, makes an identity and a first
// configuration, and says on the console how things are. It has root's rights, and so nothing in it
// listens.
package appliance

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Machine is the machine below a root directory, which is "/" but in tests.
type Machine string

// at returns where a file of the machine is.
func (m Machine) at(path ...string) string {
	return filepath.Join(append([]string{string(m)}, path...)...)
}

// read returns the text of a file without white space around it, empty if there is none.
func (m Machine) read(path ...string) string {
	b, err := os.ReadFile(m.at(path...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// there reports whether there is such a file.
func (m Machine) there(path string) bool {
	_, err := os.Stat(m.at(path))
	return err == nil
}

// linked returns the last part of what a symbolic link leads to, empty if there is none.
func (m Machine) linked(path ...string) string {
	to, err := os.Readlink(m.at(path...))
	if err != nil {
		return ""
	}
	return filepath.Base(to)
}

// argument returns the value of an argument of the kernel's command line.
func (m Machine) argument(name string) string {
	for _, a := range strings.Fields(m.read("/proc/cmdline")) {
		if value, ok := strings.CutPrefix(a, name+"="); ok {
			return value
		}
	}
	return ""
}

// memory returns how much there is, in MiB.
func (m Machine) memory() (int, error) {
	for line := range strings.Lines(m.read("/proc/meminfo")) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			kib, err := strconv.Atoi(f[1])
			return kib >> 10, err
		}
	}
	return 0, fmt.Errorf("%s does not say how much memory there is", m.at("/proc/meminfo"))
}

// cores returns the processors by physical core, each with its threads.
func (m Machine) cores() (cores [][]int, err error) {
	online, err := parseList(m.read("/sys/devices/system/cpu/online"))
	if err != nil || len(online) == 0 {
		return nil, fmt.Errorf("processors that are online: %w", err)
	}
	for _, cpu := range online {
		topology := fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology", cpu)
		threads, err := parseList(m.read(topology, "thread_siblings_list"))
		if err != nil || len(threads) == 0 {
			threads = []int{cpu}
		}
		if threads[0] == cpu {
			cores = append(cores, threads)
		}
	}
	return cores, nil
}

// parseList reads a list of processors as the kernel writes it: 0-2,5.
func parseList(s string) (list []int, err error) {
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(part), "-")
		a, err := strconv.Atoi(first)
		if err != nil {
			return nil, err
		}
		b := a
		if ranged {
			if b, err = strconv.Atoi(last); err != nil {
				return nil, err
			}
		}
		for ; a <= b; a++ {
			list = append(list, a)
		}
	}
	slices.Sort(list)
	return list, nil
}

// formatList is the reverse of parseList.
func formatList(list []int) string {
	var parts []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		part := strconv.Itoa(list[i])
		if j > i {
			part += "-" + strconv.Itoa(list[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ",")
}
