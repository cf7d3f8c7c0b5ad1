package appliance

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// ConfigFile is the configuration of weir, on the data partition.
const ConfigFile = "/var/lib/weir/weir.toml"

// metricsPort is where the first configuration has weir listen, at the port that manages only.
const metricsPort = 9469

// Complete returns a configuration for this machine: the seed with what it does not say about processors,
// memory and inputs, which are the machine's and not to be known before. An empty seed gives the first
// configuration of a machine that nobody has set up.
func Complete(seed string, ports []Port, t Tuning) (string, error) {
	var said map[string]any
	if _, err := toml.Decode(seed, &said); err != nil {
		return "", fmt.Errorf("weir.toml: %w", err)
	}
	var b strings.Builder
	add := func(table, text string) {
		if _, is := said[table]; !is && text != "" {
			b.WriteString("\n" + text)
		}
	}
	if seed == "" {
		b.WriteString("# Written when the machine started for the first time. It is yours to change.\nschema = 1\n")
	} else {
		b.WriteString(strings.TrimRight(seed, "\n") + "\n")
	}
	add("dataplane", dataplaneTable(t))
	add("flow", fmt.Sprintf("[flow]\ncapacity = %d\n", t.Flows()))
	add("applications", fmt.Sprintf("[applications]\nstream_memory = \"%dMiB\"\n", t.Streams()))
	add("input", inputTables(ports))
	if seed == "" {
		add("exporter", "# Flows for a program on this machine. Add where yours are to go.\n[[exporter]]\n"+
			"format = \"json-numeric\"\ntemplate = \"@NTOPNG@\"\nto = \"zmq://127.0.0.1:5556\"\n")
		add("metrics", fmt.Sprintf("# Only the port that manages lets anybody in.\n[metrics]\nlisten = \":%d\"\n",
			metricsPort))
	}
	return b.String(), nil
}

func dataplaneTable(t Tuning) string {
	if len(t.Isolated) == 0 {
		return ""
	}
	cores := strings.ReplaceAll(fmt.Sprint(t.Isolated), " ", ", ")
	return fmt.Sprintf("[dataplane]\ncores = %s\n", cores)
}

// inputTables has an input for every port that meters; if there is none, for the one that manages.
func inputTables(ports []Port) string {
	var b strings.Builder
	for _, p := range ports {
		name := p.Interface
		if name == "" {
			name = p.Address
		}
		switch p.Use {
		case DPDK:
			fmt.Fprintf(&b, "[[input]]\nname = %q\nport = %q\n", name, p.Address)
		case Kernel:
			fmt.Fprintf(&b, "[[input]]\nname = %q\ninterface = %q\n", name, p.Interface)
		}
	}
	if b.Len() > 0 {
		return b.String()
	}
	for _, p := range ports {
		if p.Use == Management {
			fmt.Fprintf(&b, "[[input]]\ninterface = %q\n", p.Interface)
		}
	}
	return b.String()
}
