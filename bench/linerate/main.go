// Linerate measures how fast weir meters, after RFC 6645 and with the frame sizes of RFC 2544: from memory,
// through DPDK, between processes, and beside other programs on the same input. It knows what was
// sent, and compares the records with it flow by flow.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

const usage = `Usage: linerate [flags]

  linerate                            all of bench/scenarios.toml
  linerate -only 'memory 64'          what has a name that the expression matches
  linerate -short                     a twentieth of the packets, and at most 1 M flows
  linerate -save                      keep the results beside the earlier ones

Exit status: 0 what was measured holds, 1 a goal was missed, 2 it could not be measured.

`

// settings are the flags.
type settings struct {
	scenarios, results, only, weir string
	short, save                    bool
	profile                        string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == child {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "linerate:", err)
			os.Exit(2)
		}
		return
	}
	var s settings
	flag.StringVar(&s.scenarios, "scenarios", "bench/scenarios.toml", "what to measure")
	flag.StringVar(&s.results, "results", "bench/results", "where earlier results are, and new ones go")
	flag.StringVar(&s.only, "only", "", "measure what has a name that this `expression` matches")
	flag.StringVar(&s.weir, "weir", "bin/weir", "the program that is compared with other meters")
	flag.BoolVar(&s.short, "short", false, "fewer packets, fewer flows")
	flag.BoolVar(&s.save, "save", false, "write the results and their plots")
	flag.StringVar(&s.profile, "profile", "", "write a profile of the processor to this `file`")
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage); flag.PrintDefaults() }
	flag.Parse()
	held, err := s.run(os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "linerate:", err)
		os.Exit(2)
	case !held:
		os.Exit(1)
	}
}

// run measures and reports whether the goals are met.
func (s *settings) run(w io.Writer) (bool, error) {
	debug.SetGCPercent(-1) // as a dataplane does
	debug.SetMemoryLimit(2 << 30)
	sc, err := readScenarios(s.scenarios)
	if err != nil {
		return false, err
	}
	pattern, err := regexp.Compile(s.only)
	if err != nil {
		return false, fmt.Errorf("-only: %w", err)
	}
	r := newResults()
	if err := profiled(s.profile, func() { s.measure(r, &sc, pattern.MatchString) }); err != nil {
		return false, err
	}
	if len(r.Results) == 0 {
		return false, errors.New("nothing was measured")
	}
	table(w, r)
	held := r.judge(w, sc.Goal)
	old, err := latest(s.results)
	if err != nil {
		return held, err
	}
	if old != nil {
		r.compare(w, old, sc.Goal)
	}
	if s.save {
		if err := r.write(s.results); err != nil {
			return held, err
		}
		return held, plots(r, s.results)
	}
	return held, nil
}

// profiled writes a profile of what f does to a file, if it has a name.
func profiled(name string, f func()) error {
	if name == "" {
		f()
		return nil
	}
	to, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(to); err != nil {
		return err
	}
	f()
	pprof.StopCPUProfile()
	return to.Close()
}

// measure does all that is asked for.
func (s *settings) measure(r *Results, sc *Scenarios, only func(string) bool) {
	grid(r, s.shorten(sc.cells()), only)
	for _, m := range sc.Mix {
		mix(r, m.Name, m.File, only)
	}
	if only("workers") {
		scaling(r)
	}
	if only("minute") {
		length := time.Minute
		if s.short {
			length = 5 * time.Second
		}
		minute(r, length)
	}
	if only("dpdk") {
		throughDPDK(r)
	}
	if only("memif") {
		betweenProcesses(r, s.short)
	}
	if only("file") {
		beside(r, sc, s)
	}
}

// shorten makes the cells smaller if so asked.
func (s *settings) shorten(cells []Cell) (some []Cell) {
	for _, c := range cells {
		if s.short {
			c.Packets = max(c.Packets/20, 1_000_000)
			if c.Flows > 1_000_000 {
				continue
			}
		}
		some = append(some, c)
	}
	return some
}
