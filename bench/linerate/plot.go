package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// plots draws packets a second against active flows and against the size of frames, as SVG beside the results.
func plots(r *Results, dir string) error {
	byFlows, bySize := map[string]plotter.XYs{}, map[string]plotter.XYs{}
	for _, x := range r.Results {
		var c Cell
		if n, _ := fmt.Sscanf(x.Name, "memory %s flows=%d new=%d %s", &c.Size, &c.Flows, &c.New, &c.Feature); n != 4 || c.New > 0 {
			continue
		}
		mpps := x.Figures["mpps"]
		if c.Size == "64" {
			byFlows[c.Feature] = append(byFlows[c.Feature], plotter.XY{X: float64(c.Flows), Y: mpps})
		}
		if size, err := strconv.Atoi(c.Size); err == nil && c.Flows == 100_000 {
			bySize[c.Feature] = append(bySize[c.Feature], plotter.XY{X: float64(size), Y: mpps})
		}
	}
	if err := draw("flows.svg", "active flows, frames of 64 octets", byFlows, dir, r); err != nil {
		return err
	}
	return draw("sizes.svg", "octets of a frame, 100 000 flows", bySize, dir, r)
}

// draw writes a plot with a line for each feature.
func draw(name, axis string, lines map[string]plotter.XYs, dir string, r *Results) error {
	p := plot.New()
	p.Title.Text = r.Machine + ", " + r.Date
	p.X.Label.Text, p.Y.Label.Text = axis, "million packets a second, one worker"
	p.X.Scale, p.X.Tick.Marker, p.Y.Min = plot.LogScale{}, plot.LogTicks{Prec: 0}, 0
	p.Legend.Top = true
	var what []any
	for _, feature := range slices.Sorted(maps.Keys(lines)) {
		what = append(what, feature, lines[feature])
	}
	if len(what) == 0 {
		return nil
	}
	if err := plotutil.AddLinePoints(p, what...); err != nil {
		return err
	}
	return p.Save(16*vg.Centimeter, 10*vg.Centimeter, filepath.Join(dir, name))
}
