package main

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/ctrlplane/egress"
	"github.com/weir-probe/weir/dataplane/flow"
)

// tellLost says which fields that may be collected an exporter does not carry, and what its format cannot.
func tellLost(cfg *config.Config, s shape, log *slog.Logger) {
	if len(cfg.Collectors) == 0 {
		return
	}
	for i := range cfg.Exporters {
		x := &cfg.Exporters[i]
		if set, err := records(x); err != nil || !set.Has(egress.Flows) {
			continue
		}
		fields, also, err := s.lost(x)
		if err == nil && len(fields) > 0 {
			log.Info("what is collected of these is not exported: name them in its template, or choose another format",
				"exporter", x.Name, "format", x.Format, "fields", strings.Join(fields, " "), "also", also)
		}
	}
}

// lost returns the fields that may be collected and that an exporter does not write, and what else its format
// leaves out.
func (s shape) lost(x *config.Exporter) (labels []string, also string, err error) {
	t, err := s.template(x)
	if err != nil || t == nil {
		return nil, "", err
	}
	for _, f := range flow.OfCollected() {
		if !slices.Contains(t.Fields, f) && !slices.Contains(t.Fields, f.Twin()) {
			labels = append(labels, f.Key())
		}
	}
	switch x.Format {
	case "netflow5":
		also = "flows of IPv6, numbers of interfaces and of autonomous systems above 65535, " +
			"and what there is besides its fixed fields"
	case "netflow9":
		also = "elements of enterprises that have no number in NetFlow v9, and elements nobody here knows"
	}
	return labels, also, nil
}
