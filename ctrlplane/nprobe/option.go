package nprobe

import (
	"slices"
	"strings"
)

// An option of nProbe. It is translated by set, or refused, or ignored with a note.
type option struct {
	names    string // all of them, separated by spaces
	arg      bool   // it takes a value
	optional bool   // which may be empty
	set      func(t *translation, value string)
	refuse   bool   // ignoring it would change the numbers
	text     string // what to do instead
}

const (
	noService     = "ignored: run weir as a service of systemd, which starts it, restarts it and keeps its log"
	noCollector   = "weir does not collect flows of other probes: let it read the packets with -i"
	onlyCollected = "ignored: it is about collecting flows of other probes"
	noTransport   = "ignored: weir cannot deliver there; \"weir sinks\" lists where it can"
	noPlugin      = "ignored: weir has no log per protocol; put the fields of the protocol into -T"
	noPace        = "ignored: rate_limit of [[exporter]] says how many messages a second are sent at most"
	noIndex       = "ignored: the interface index in a flow is that of the interface which received it"
)

// options are those of nProbe that weir knows what to do with.
func options() []option {
	return slices.Concat(translated(), refused(), ignored())
}

func translated() []option {
	return []option{
		{names: "-n --collector", arg: true, set: (*translation).collector},
		{names: "-i --interface", arg: true, set: (*translation).source},
		{names: "--pcap-file-list", arg: true, set: (*translation).list},
		{names: "-t --lifetime-timeout", arg: true, set: (*translation).lifetime},
		{names: "-d --idle-timeout", arg: true, set: (*translation).idle},
		{names: "-l --queue-timeout", arg: true, set: (*translation).queue},
		{names: "-T --flow-templ", arg: true, set: (*translation).template},
		{names: "-V --flow-version", arg: true, set: (*translation).flowVersion},
		{names: "-o --flows-intra-templ", arg: true, set: (*translation).intraTemplate},
		{names: "-s --snaplen", arg: true, set: (*translation).snaplen},
		{names: "-S --sample-rate", arg: true, set: (*translation).sampling},
		{names: "--disable-upscale", set: func(t *translation, _ string) { t.upscaled = true }},
		{names: "-f --bpf-filter", arg: true, set: func(t *translation, v string) { t.input.Filter = v }},
		{names: "--black-list", arg: true, set: (*translation).blackList},
		{names: "--lua", arg: true, set: func(t *translation, v string) { t.c.Policy.File = v }},
		{names: "-W --no-ipv6", set: func(t *translation, _ string) { t.excluded = append(t.excluded, "ip6") }},
		{names: "-p --aggregation", arg: true, optional: true, set: (*translation).aggregate},
		{names: "-M --max-num-flows", arg: true, set: (*translation).maxFlows},
		{names: "-P --dump-path", arg: true, set: func(t *translation, v string) { t.dump = v }},
		{names: "-F --dump-frequency", arg: true, set: func(t *translation, v string) { t.dumpEvery = v }},
		{names: "-D --dump-format", arg: true, set: (*translation).dumpFormat},
		{names: "--dont-nest-dump-dirs", set: func(*translation, string) {}}, // weir never nests
		{names: "-a --all-collectors", set: func(t *translation, _ string) { t.all = true }},
		{names: "-b --verbose", arg: true, set: (*translation).verbose},
		{names: "-q --sender-address", arg: true, set: (*translation).sender},
		{names: "-E --netflow-engine", arg: true, set: (*translation).engine},
		{names: "-A --as-list", arg: true, set: func(t *translation, v string) { t.geo(&t.c.GeoIP.ASN, v) }},
		{names: "--city-list", arg: true, set: func(t *translation, v string) { t.geo(&t.c.GeoIP.City, v) }},
		{names: "-5 --tunnel", set: func(t *translation, _ string) { t.inner = true }},
		{names: "-6 --no-promisc", set: func(t *translation, _ string) { t.input.Promiscuous = false }},
		{names: "--disable-flow-swapping", set: func(t *translation, _ string) {
			t.c.Flow.Direction = "first-packet"
		}},
		{names: "--cpu-affinity", arg: true, set: (*translation).affinity},
		{names: "--tcp", arg: true, set: (*translation).tcpExport},
		{names: "--json-labels", set: func(t *translation, _ string) { t.labels = true }},
		{names: "--tcp-dont-send-flow-lenght", set: func(*translation, string) {}}, // weir never does
		{names: "--kafka", arg: true, set: (*translation).kafka},
		{names: "--elastic", arg: true, set: (*translation).elastic},
		{names: "--ntopng", arg: true, set: (*translation).ntopng},
		{names: "--zmq", arg: true, set: (*translation).ntopng},
		{names: "--zmq-probe-mode", set: func(t *translation, _ string) { t.probing = true }},
		{names: "--zmq-disable-compression", set: func(t *translation, _ string) { t.uncompressed = true }},
		{names: "--json-to-syslog", set: func(t *translation, _ string) { t.syslog = true }},
		{names: "-N --biflows-export-policy", arg: true, set: (*translation).biflows},
		{names: "--discard-unknown-flows", arg: true, set: (*translation).policy},
		{names: "-z --min-flow-size", arg: true, set: (*translation).policy},
	}
}

// refused are options that change what is counted.
func refused() []option {
	refuse := func(names, text string) option {
		return option{names: names, arg: true, refuse: true, text: text}
	}
	flag := func(names, text string) option { return option{names: names, refuse: true, text: text} }
	return []option{
		refuse("-3 --collector-port", noCollector),
		refuse("--nflite", noCollector),
		refuse("--tzsp-port", noCollector),
		refuse("--collection-filter", noCollector),
		refuse("-C --flow-lock", "weir has no lock file and would export beside the other probe: run one of them, "+
			"and let systemd or the cluster manager start the other"),
		refuse("-O --ndpi-protocols", "weir cannot choose flows by application: export all, with %L7_PROTO in -T, "+
			"and choose in the collector"),
		refuse("-2 --count", "weir does not stop after a number of packets: cut the capture with editcap"),
		flag("-c --local-hosts-only", "weir does not merge remote hosts into 0.0.0.0: choose in the collector"),
		flag("--account-l2", "weir counts the octets of IP: put the layer 2 octets, %IN_L2_BYTES, into -T as well"),
		flag("--aggregate-gtp-tunnels", "weir does not merge the flows of a GTP tunnel: do so in the collector"),
	}
}

// ignored are options without which the flows are the same.
func ignored() []option {
	value := func(names, text string) option { return option{names: names, arg: true, text: text} }
	flag := func(names, text string) option { return option{names: names, text: text} }
	return []option{
		flag("-G --daemon-mode", noService), value("-g --pid-file", noService), value("-I --syslog", noService),
		value("--unprivileged-user", noService), flag("--dont-drop-privileges", noService),
		value("--event-log", noService),
		value("-9 --dump-stats", "ignored: the counters are in the log, see [stats]"),
		value("-w --hash-size", "ignored: the table of flows is sized by -M alone"),
		value("-m --min-num-flows", "ignored: messages are filled; -l says how long a flow may wait for others"),
		value("-e --flow-delay", noPace), value("-B --count-delay", noPace),
		value("-U --flow-templ-id", "ignored: weir numbers its templates itself, collectors learn them"),
		value("-u --in-iface-idx", noIndex), value("-Q --out-iface-idx", noIndex),
		value("-1 --if-networks", noIndex), value("--vlanid-as-iface-idx", noIndex),
		value("-L --local-networks", "ignored: weir reports both directions of every flow, wherever it comes from"),
		flag("-r --local-traffic-direction", "ignored: weir reports both directions of every flow"),
		flag("--minute-expire", "ignored: long flows are cut -t after they began, not at full minutes"),
		flag("--disable-l7-protocol-guess", "ignored: a flow says how its application was found; a guess by port "+
			"is marked as one"),
		value("--ndpi-proto-ports", noPlugin), value("--ndpi-custom-protos", noPlugin),
		flag("-7 --smart-udp-frags", "ignored: fragments are counted one by one, with the ports of the first"),
		value("--max-num-untunnels", "ignored: weir reads up to 16 headers deep"),
		value("--ipsec-auth-data-len", "ignored: IPsec is metered by its outer header"),
		value("--csv-separator", "ignored: the columns of a text dump are separated by |"),
		value("--dump-metadata", `ignored: "weir fields --csv" lists every field with its type`),
		flag("--enable-throughput-stats", "ignored: the log has packets and octets, see [stats]"),
		value("--instance-name", `ignored: name is a key of [[input]] and [[exporter]]`),
		value("--zmq-format", "ignored: what is published is JSON"),
		value("--kafka-conf", "ignored: the keys of [exporter.kafka] say what can be said"),
		flag("--kafka-add-timestamp", "ignored: put %FLOW_END_MILLISECONDS into -T"),
		value("--mysql", noTransport),
		flag("--mysql-skip-db-creation", noTransport),
		value("--db-engine", noTransport),
		value("--clickhouse", `ignored: write an [[exporter]] with to = "clickhouse://host:8123/database/table"`),
		value("--influxdb-dump-dir", noTransport),
		flag("--collector-passthrough", onlyCollected), flag("--disable-cache", onlyCollected),
		flag("--enable-collection-cache", onlyCollected), value("--collector-nf-reforge", onlyCollected),
		flag("--collector-reforge-timestamps", onlyCollected), value("--template-ids", onlyCollected),
		value("--load-custom-fields", onlyCollected), flag("-J", onlyCollected),
		value("--redis", "ignored: one process serves all queues and needs no shared cache"),
		flag("--disable-startup-checks", "ignored: weir asks nobody on the Internet"),
		flag("--check-license", "ignored: weir has no licence keys"),
		flag("-v --version --nprobe-version", `ignored: use "weir version"`),
		flag("-h -H --help", `ignored: use "weir help nprobe"`),
	}
}

// named returns the option with that name, or nil.
func named(name string) *option {
	for _, o := range options() {
		if slices.Contains(strings.Fields(o.names), name) {
			return &o
		}
	}
	return nil
}

func names() (all []string) {
	for _, o := range options() {
		all = append(all, strings.Fields(o.names)...)
	}
	return all
}

// plugin returns an option of nProbe's plugins, which are many and alike, or nil.
func plugin(name string) *option {
	for _, p := range strings.Fields("http dns sip rtp ftp smtp gtpv0 gtpv1 gtpv2 radius modbus diameter " +
		"netbios ssdp dhcp imap pop") {
		if rest, ok := strings.CutPrefix(name, "--"+p+"-"); ok {
			takes := []string{"dump-dir", "exec-cmd", "content-dump-dir", "verbose-level", "ports", "idle-timeout",
				"discard-late-pkts", "teid-cache-duration"}
			return &option{names: name, arg: slices.Contains(takes, rest), text: noPlugin}
		}
	}
	switch name {
	case "--proxy-ports":
		return &option{names: name, arg: true, text: noPlugin}
	case "--dont-hash-cookies":
		return &option{names: name, text: noPlugin}
	}
	return nil
}
