package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Results are those of one run of the harness on one machine.
type Results struct {
	Machine string             `json:"machine"`
	Date    string             `json:"date"` // of the day
	Command string             `json:"command"`
	Version string             `json:"version"`
	Results []Result           `json:"results"`
	Ratios  map[string]float64 `json:"ratios"` // by the words of the goals
	Skipped map[string]string  `json:"skipped,omitempty"`

	progress io.Writer
}

// Result is what was measured of one thing. The names of figures say the unit: ns (of the
// processor, a packet), wall_ns, mpps, gbps (on the wire, without FCS), octets_per_flow, mallocs, gcs, wrong (flows), gap_us …
type Result struct {
	Name    string             `json:"name"`
	Figures map[string]float64 `json:"figures"`
}

func newResults() *Results {
	return &Results{
		Machine: machine(), Date: time.Now().UTC().Format(time.DateOnly), Version: version(),
		Command: "bench/linerate " + strings.Join(os.Args[1:], " "),
		Ratios:  map[string]float64{}, Skipped: map[string]string{}, progress: os.Stderr,
	}
}

// machine describes the processor.
func machine() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	_, rest, _ := strings.Cut(string(b), "model name\t: ")
	name, _, _ := strings.Cut(rest, "\n")
	return fmt.Sprintf("%d processors, %s", runtime.NumCPU(), name)
}

func version() string {
	b, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// add keeps a result and shows it.
func (r *Results) add(name string, figures map[string]float64) {
	r.Results = append(r.Results, Result{name, figures})
	fmt.Fprintf(r.progress, "%s:", name)
	for _, k := range slices.Sorted(maps.Keys(figures)) {
		if v := figures[k]; v != 0 || !strings.HasPrefix(k, "gaps_") {
			fmt.Fprintf(r.progress, " %s %.4g", k, v)
		}
	}
	fmt.Fprintln(r.progress)
}

// skip notes why something was not measured.
func (r *Results) skip(name string, why error) {
	r.Skipped[name] = why.Error()
	fmt.Fprintf(r.progress, "%s: not measured: %v\n", name, why)
}

// figure returns a figure of a result.
func (r *Results) figure(name, figure string) (float64, bool) {
	for _, x := range r.Results {
		if x.Name == name {
			v, ok := x.Figures[figure]
			return v, ok
		}
	}
	return 0, false
}

// judge compares with the goals and prints a line for each. It reports whether what must hold does.
func (r *Results) judge(w io.Writer, goals []Goal) bool {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "\nGoal\tMeasured\tMust\tAim\t")
	all := true
	for _, g := range goals {
		v, ok := r.value(g)
		if !ok {
			fmt.Fprintf(t, "%s\tnot measured\t%s\t%g\t\n", g.Doc, g.must(), *g.Aim)
			continue
		}
		r.Ratios[g.Doc] = v
		verdict := "held"
		switch {
		case !g.held(v):
			verdict, all = "MISSED", false
		case g.aimed(v):
			verdict = "held, and the aim"
		}
		fmt.Fprintf(t, "%s\t%.4g\t%s\t%g\t%s\n", g.Doc, v, g.must(), *g.Aim, verdict)
	}
	return all
}

func (r *Results) value(g Goal) (float64, bool) {
	v, ok := r.figure(g.Result, g.Value)
	if g.Over == "" || !ok {
		return v, ok
	}
	over, ok := r.figure(g.Over, g.Value)
	return v / over, ok && over != 0
}

func (g *Goal) must() string {
	if g.Most != nil {
		return fmt.Sprintf("≤ %g", *g.Most)
	}
	return fmt.Sprintf("≥ %g", *g.Least)
}

func (g *Goal) held(v float64) bool {
	if g.Most != nil {
		return v <= *g.Most
	}
	return v >= *g.Least
}

func (g *Goal) aimed(v float64) bool {
	if g.Most != nil {
		return v <= *g.Aim
	}
	return v >= *g.Aim
}

// write writes the results to a file of their day in dir.
func (r *Results) write(dir string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, r.Date+".json"), append(b, '\n'), 0o644)
}

// latest reads the last results in dir by their day, nil if there are none.
func latest(dir string) (*Results, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, err
	}
	b, err := os.ReadFile(slices.Max(files))
	if err != nil {
		return nil, err
	}
	r := &Results{}
	return r, json.Unmarshal(b, r)
}

// regression is by how much a ratio may be worse than the last time.
const regression = 0.10

// compare names what has become worse than it was.
func (r *Results) compare(w io.Writer, old *Results, goals []Goal) {
	for _, g := range goals {
		was, ok := old.Ratios[g.Doc]
		is, now := r.Ratios[g.Doc]
		if !ok || !now || was == 0 {
			continue
		}
		worse := is/was - 1
		if g.Least != nil {
			worse = was/is - 1
		}
		if worse > regression {
			fmt.Fprintf(w, "worse than on %s by %.0f %%: %s: %.4g, was %.4g\n", old.Date, worse*100, g.Doc, is, was)
		}
	}
}
