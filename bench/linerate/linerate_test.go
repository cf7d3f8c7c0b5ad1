package main

import (
	"strings"
	"testing"
)

func short(c Cell) Cell {
	c.Size, c.Packets = "imix", 50_000
	return c
}

// Every flow counts what was sent, also when flows are replaced all the time; and one packet that is
// not sent, or a flow too much, is noticed.
func TestTruth(t *testing.T) {
	for _, c := range []Cell{
		short(Cell{Flows: 1000, Feature: "metering"}),
		short(Cell{Flows: 1000, Feature: "dissect"}),
		short(Cell{Flows: 500, New: 1_000_000, Feature: "export"}),
	} {
		x, err := inMemory(c)
		if err != nil {
			t.Fatal(err)
		}
		if x.wrong != 0 || x.records < uint64(c.Flows) || x.packets < uint64(c.Packets) {
			t.Errorf("%v: %d flows are wrong of %d records, %d packets", c, x.wrong, x.records, x.packets)
		}
		if c.New > 0 && x.records < 2*uint64(c.Flows) {
			t.Errorf("%v: %d records", c, x.records)
		}
	}
	tr := newTraffic(short(Cell{Flows: 1000}))
	x := truth{packets: make([][2]uint32, 1100), octets: make([][2]uint64, 1100)}
	for range 20 {
		tr.Burst()
	}
	x.tell(short(Cell{Flows: 1000}), tr)
	if n := x.wrong(); n != 1000 {
		t.Errorf("%d of 1000 flows without records are wrong", n)
	}
}

// The scenarios that are kept can be read, and each goal names results that there are.
func TestScenarios(t *testing.T) {
	s, err := readScenarios("../scenarios.toml")
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]bool{}
	for _, c := range s.cells() {
		cells[c.String()] = true
	}
	for _, g := range s.Goal {
		for _, name := range []string{g.Result, g.Over} {
			if strings.HasPrefix(name, "memory ") && !cells[name] {
				t.Errorf("goal %q: nothing measures %q", g.Doc, name)
			}
		}
		if g.Aim == nil || (g.Most == nil) == (g.Least == nil) {
			t.Errorf("goal %q has no aim, or not one limit", g.Doc)
		}
	}
}

// A goal is held, missed or not measured, and what became worse than before is named.
func TestJudge(t *testing.T) {
	ten, five, two := 10.0, 5.0, 2.0
	goals := []Goal{
		{Doc: "time", Result: "a", Value: "ns", Most: &ten, Aim: &five},
		{Doc: "ratio", Result: "b", Over: "a", Value: "ns", Least: &two, Aim: &five},
		{Doc: "nothing", Result: "c", Value: "ns", Most: &ten, Aim: &five},
	}
	r := &Results{Ratios: map[string]float64{}, Skipped: map[string]string{}, progress: new(strings.Builder)}
	r.add("a", map[string]float64{"ns": 8})
	r.add("b", map[string]float64{"ns": 12})
	var out strings.Builder
	if r.judge(&out, goals) {
		t.Error("a missed goal counts as held")
	}
	for _, want := range []string{"held", "MISSED", "not measured"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
	out.Reset()
	r.compare(&out, &Results{Date: "D", Ratios: map[string]float64{"time": 7, "ratio": 1.51}}, goals)
	if got := out.String(); got != "worse than on D by 14 %: time: 8, was 7\n" {
		t.Errorf("%q", got)
	}
}
