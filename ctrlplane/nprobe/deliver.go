package nprobe

import (
	"net"
	"net/url"
	"strings"

	"github.com/weir-probe/weir/ctrlplane/config"
	"github.com/weir-probe/weir/export/sink"
)

// other adds an exporter of JSON to a place that is not a collector's.
func (t *translation) other(to string) *config.Exporter {
	if _, _, err := sink.Find(to); err != nil {
		t.fail("%v", err)
		return nil
	}
	e := config.DefaultExporter()
	e.Format, e.To = "json", []string{to}
	t.others = append(t.others, e)
	return &t.others[len(t.others)-1]
}

// kafka reads --kafka brokers;topic[;options topic;acknowledgements;compression].
func (t *translation) kafka(v string) {
	parts := strings.Split(v, ";")
	if len(parts) < 2 || len(parts) > 5 {
		t.fail("%q is not a topic of brokers: write brokers;topic, or brokers;topic;options topic;acks;compression", v)
		return
	}
	parts = append(parts, "", "", "")
	brokers := strings.Split(parts[0], ",")
	for i, b := range brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			brokers[i] = net.JoinHostPort(strings.Trim(b, "[]"), "9092")
		}
	}
	e := t.other("kafka://" + strings.Join(brokers, ",") + "/" + parts[1])
	if e == nil {
		return
	}
	if k := &e.Sink.Kafka; parts[2] != "" {
		k.SchemaTopic = parts[2]
		t.note("the topic %s gets the description of the fields, not nProbe's options", parts[2])
	}
	acks, known := map[string]string{"": "", "0": "none", "1": "leader", "-1": "all", "all": "all"}[parts[3]]
	if !known {
		t.fail("%q is not who acknowledges: write 0, 1 or -1", parts[3])
	}
	e.Sink.Kafka.Acks, e.Sink.Kafka.Compression = acks, parts[4]
	if err := e.Sink.Kafka.Check(); err != nil {
		t.fail("%v", err)
	}
}

// elastic reads --elastic type;index;URL[;user:password].
func (t *translation) elastic(v string) {
	parts := strings.Split(v, ";")
	if len(parts) < 3 || len(parts) > 4 {
		t.fail("%q is not an index of a server: write type;index;http://host:9200/_bulk;user:password", v)
		return
	}
	u, err := url.Parse(parts[2])
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		t.fail("%q is not the address of a server: write http://host:9200/_bulk", parts[2])
		return
	}
	scheme, port := "elasticsearch://", u.Port()
	if u.Scheme == "https" {
		scheme = "elasticsearch+tls://"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if t.other(scheme+net.JoinHostPort(u.Hostname(), port)) == nil {
		return
	}
	t.note("records go to data streams named by their kind, in place of the index %s; name another behind the port",
		parts[1])
	if len(parts) == 4 {
		t.note("the user and the password are not taken over: write the password into a file, and set user and " +
			"password_file in [exporter.auth]")
	}
}

// ntopng reads --ntopng and --zmq: endpoints of ZeroMQ separated by commas. A c at the end of one
// has the probe connect to it.
func (t *translation) ntopng(v string) {
	for endpoint := range strings.SplitSeq(v, ",") {
		network, address, found := strings.Cut(strings.TrimSpace(endpoint), "://")
		if !found || network != "zmq" && network != "tcp" {
			t.fail("%q is not an endpoint of ZeroMQ: write zmq://host:port; for Kafka write --kafka", endpoint)
			continue
		}
		to := "zmq://" + strings.TrimSuffix(address, "c")
		if _, _, err := sink.Find(to); err != nil {
			t.fail("%v", err)
			continue
		}
		t.connect = t.connect || strings.HasSuffix(address, "c")
		t.zmq = append(t.zmq, to)
	}
}

// deliveries makes the exporters that are not about collectors and files.
func (t *translation) deliveries() {
	for _, o := range t.others {
		e := t.export(o.Format, o.To)
		e.Sink = o.Sink
	}
	if len(t.zmq) > 0 {
		t.about("--ntopng")
		format := "json-numeric"
		if t.labels {
			format = "json"
		}
		e := t.export(format, t.zmq)
		e.Sink.ZMQ.Connect, e.Sink.ZMQ.Compress = t.connect || t.probing, !t.uncompressed
		if len(t.zmq) > 1 {
			e.Spread = "hash"
		}
	}
	if t.syslog {
		t.about("--json-to-syslog")
		t.note("the syslog server of this machine has to listen at UDP port 514")
		t.export("json", []string{"syslog+udp://127.0.0.1:514"})
	}
}

// biflows reads -N: 0 all flows, 1 those with packets both ways, 2 the others.
func (t *translation) biflows(v string) {
	filters := map[string]string{"0": "", "1": "OUT_PKTS > 0", "2": "(OUT_PKTS ?? 0) == 0"}
	filter, known := filters[v]
	if !known {
		t.fail("%q is not a choice of flows: write 0 for all, 1 for those answered, 2 for the others", v)
		return
	}
	t.proto.Filter = filter
}
