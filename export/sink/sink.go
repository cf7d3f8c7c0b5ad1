// Package sink delivers messages to the network and to files.
package sink

import (
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
)

// Options of sinks; each uses what applies to it. Members with a tag are keys and tables of an
// exporter in the configuration: a sink that has a table declares it here, and says in its Scheme
// that it uses it. A table may have a method Check() error.
type Options struct {
	Source         netip.AddrPort    // local address to send from; the zero value leaves it to the kernel
	RotateSize     int64             // octets after which a file is complete; 0 is never
	RotateInterval time.Duration     // after which it is; 0 is never
	RotateLines    uint64            // records after which it is; 0 is never
	Nested         bool              // files are in directories of the hour of their records
	Mode           os.FileMode       // of files; 0 is 0644
	Done           func(path string) // told the name of each file that is complete; it does not block
	Format         string            // name of the format of the messages
	Fields         []*flow.Field     // that records may have, for sinks that say what they are

	Framing    Framing           `toml:"framing"`
	Compress   Compression       `toml:"compress"`
	Syslog     SyslogOptions     `toml:"syslog"`
	ZMQ        ZMQOptions        `toml:"zmq"`
	TLS        TLSOptions        `toml:"tls"`
	Auth       AuthOptions       `toml:"auth"`
	Kafka      KafkaOptions      `toml:"kafka"`
	Elastic    ElasticOptions    `toml:"elasticsearch"`
	ClickHouse ClickHouseOptions `toml:"clickhouse"`
}

// Scheme is a kind of place that messages go to.
type Scheme struct {
	Name string // before "://"
	Doc  string
	// Uses names the keys and tables of an exporter that say how to deliver there.
	Uses string
	// Formats names those that can be delivered there; empty is all.
	Formats string
	// Datagrams says that a message is a packet: it is kept below the MTU, and may be NetFlow.
	Datagrams bool
	// Batches says that every message costs the place more than its octets: they are as large as they
	// may become before somebody has waited too long.
	Batches bool
	// Check says what is wrong with what follows "://" and, behind a semicolon, what to do.
	Check func(place string) error
	// Open opens a sink for what follows "://". It does not wait for the network.
	Open func(place string, o Options) (export.Sink, error)
}

// Schemes lists every kind of place. A path is short for file, and "-" for stdout.
var Schemes = []Scheme{
	{Name: "udp", Doc: "Datagrams to host:port.", Uses: "source", Datagrams: true,
		Check: checkAddress, Open: openUDP},
	{Name: "tcp", Doc: "A connection to host:port, made anew when it breaks.", Uses: "source framing",
		Check: checkAddress, Open: openTCP},
	{Name: "tls", Doc: "The same, with TLS.", Uses: "source framing tls", Check: checkAddress, Open: openTLS},
	{Name: "sctp", Doc: "An association with host:port, in which each message is one of SCTP.", Uses: "source",
		Check: checkAddress, Open: openSCTP},
	{Name: "syslog+udp", Doc: "A message of syslog for each record, in a datagram.", Uses: "source syslog",
		Check: checkAddress, Open: openSyslogUDP},
	{Name: "syslog+tcp", Doc: "The same, on a connection.", Uses: "source framing syslog",
		Check: checkAddress, Open: openSyslogTCP},
	{Name: "syslog+tls", Doc: "The same, with TLS.", Uses: "source framing syslog tls",
		Check: checkAddress, Open: openSyslogTLS},
	{Name: "zmq", Doc: "A publisher of ZeroMQ at host:port, or to it, as ntopng reads.", Uses: "zmq",
		Check: checkAddress, Open: openZMQ},
	{Name: "file", Doc: "A file, or a series of them: see the rotation options.",
		Uses: "rotate_size rotate_interval rotate_lines nested command compress", Check: checkPath, Open: openFile},
	{Name: "kafka", Doc: "Records of Kafka, through brokers host:port,host:port and to /topic.",
		Uses: "source kafka auth", Batches: true, Check: checkKafka, Open: openKafka},
	{Name: "kafka+tls", Doc: "The same, with TLS.",
		Uses: "source kafka auth tls", Batches: true, Check: checkKafka, Open: openKafkaTLS},
	{Name: "elasticsearch", Doc: "Documents of Elasticsearch, at host:port,host:port and in the data stream /name.",
		Uses: "source elasticsearch auth", Formats: "ecs json", Batches: true,
		Check: checkElastic, Open: openElastic},
	{Name: "elasticsearch+tls", Doc: "The same, with TLS.",
		Uses: "source elasticsearch auth tls", Formats: "ecs json", Batches: true,
		Check: checkElastic, Open: openElasticTLS},
	{Name: "opensearch", Doc: "The same of OpenSearch.",
		Uses: "source elasticsearch auth", Formats: "ecs json", Batches: true,
		Check: checkElastic, Open: openOpenSearch},
	{Name: "opensearch+tls", Doc: "The same, with TLS.",
		Uses: "source elasticsearch auth tls", Formats: "ecs json", Batches: true,
		Check: checkElastic, Open: openOpenSearchTLS},
	{Name: "clickhouse", Doc: "Rows of ClickHouse, over HTTP at host:port,host:port and in /database/table.",
		Uses: "source clickhouse auth", Formats: "json", Batches: true,
		Check: checkClickHouse, Open: openClickHouse},
	{Name: "clickhouse+tls", Doc: "The same, with TLS.",
		Uses: "source clickhouse auth tls", Formats: "json", Batches: true,
		Check: checkClickHouse, Open: openClickHouseTLS},
	{Name: "stdout", Doc: "Standard output.", Open: openStdout},
}

// errClosed is what Send returns after Close.
var errClosed = fmt.Errorf("sink is closed: %w", export.ErrUndeliverable)

// Open opens the sink that target names: scheme://place, a path, or "-".
func Open(target string, o Options) (export.Sink, error) {
	s, place, err := Find(target)
	if err != nil {
		return nil, err
	}
	k, err := s.Open(place, o)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", target, err)
	}
	return k, nil
}
