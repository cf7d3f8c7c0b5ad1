package main

import (
	"fmt"

	"github.com/BurntSushi/toml"
)

// Cell is one combination of the grid.
type Cell struct {
	Size    string
	Flows   int
	New     int // flows a second
	Feature string
	Packets int
}

func (c Cell) String() string {
	return fmt.Sprintf("memory %s flows=%d new=%d %s", c.Size, c.Flows, c.New, c.Feature)
}

// Scenarios is what is measured.
type Scenarios struct {
	Grid []struct {
		Sizes    []string
		Flows    []int
		New      []int
		Features []string
		Packets  int
	}
	Mix []struct{ Name, File string }
	// Peer are other meters, by the names in peers.
	Peer []struct{ Name string }
	Goal []Goal
}

// Goal is a number that a figure, or the ratio of two results, is held to.
type Goal struct {
	Doc, Result, Over, Value string
	Most, Least, Aim         *float64
}

// readScenarios reads a file and says what is wrong with it.
func readScenarios(file string) (s Scenarios, err error) {
	md, err := toml.DecodeFile(file, &s)
	if err != nil {
		return s, err
	}
	if keys := md.Undecoded(); len(keys) > 0 {
		return s, fmt.Errorf("%s: key %s is unknown", file, keys[0])
	}
	for _, c := range s.cells() {
		if _, err := featureOf(c.Feature); err != nil {
			return s, fmt.Errorf("%s: %w", file, err)
		}
		if frameSizes[c.Size] == nil || c.Flows < 1 || c.Packets < 1 || c.New < 0 {
			return s, fmt.Errorf("%s: %v cannot be: sizes are those of RFC 2544 or imix, counts are positive", file, c)
		}
	}
	return s, nil
}

// cells returns every combination.
func (s *Scenarios) cells() (all []Cell) {
	for _, g := range s.Grid {
		for _, size := range g.Sizes {
			for _, flows := range g.Flows {
				for _, fresh := range g.New {
					for _, f := range g.Features {
						all = append(all, Cell{size, flows, fresh, f, g.Packets})
					}
				}
			}
		}
	}
	return all
}
