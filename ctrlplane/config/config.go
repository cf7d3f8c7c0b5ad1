// Package config is the configuration of weir: typed TOML, one struct per table. Reading
// it finds every mistake at once, each with its line and what to do about it.
package config

import (
	"time"

	"github.com/weir-probe/weir/ctrlplane/aggregate"
	"github.com/weir-probe/weir/ctrlplane/call"
	"github.com/weir-probe/weir/ctrlplane/collect"
	"github.com/weir-probe/weir/ctrlplane/policy"
	"github.com/weir-probe/weir/ctrlplane/route"
	"github.com/weir-probe/weir/ctrlplane/session"
	"github.com/weir-probe/weir/ctrlplane/subscriber"
	"github.com/weir-probe/weir/export/sink"
	"github.com/weir-probe/weir/export/spool"
)

// Schema is the version of the configuration language this build reads.
const Schema = 1

// A Config is a whole configuration. It is plain data: two that say the same are deeply equal.
//
// The tags of its structs say what a key is called, which values it takes (one) and the
// range of a number (in). configs/weir.toml explains every key to the people who set them.
type Config struct {
	Schema     int                `toml:"schema"`
	Include    []string           `toml:"include"` // directories; nil once they are read
	Dataplane  Dataplane          `toml:"dataplane" needs:"dataplane"`
	Inputs     []Input            `toml:"input" needs:"dataplane"`
	Collectors []collect.Options  `toml:"collector"`
	Flow       Flow               `toml:"flow" needs:"dataplane"`
	Apps       Apps               `toml:"applications" needs:"dataplane"`
	GeoIP      GeoIP              `toml:"geoip"`
	Calls      call.Options       `toml:"calls"`
	Sessions   session.Options    `toml:"sessions"`
	Users      subscriber.Options `toml:"subscribers"`
	BGP        route.Options      `toml:"bgp"`

	Aggregates []aggregate.Options `toml:"aggregate"`
	Policy     policy.Options      `toml:"policy"`

	Exporters []Exporter `toml:"exporter"`
	Logs      Logs       `toml:"logs"`
	Log       Log        `toml:"log"`
	Stats     Stats      `toml:"stats"`
	Metrics   Metrics    `toml:"metrics"`

	Management Management `toml:"management"`
}

// Dataplane is the process that meters.
type Dataplane struct {
	Socket    string        `toml:"socket"`                      // Unix socket the control plane attaches to
	Cores     []int         `toml:"cores"`                       // CPUs to pin workers to; empty is any
	RingSize  Size          `toml:"ring_size" in:"64KiB..64GiB"` // of records, per worker
	HugePages string        `toml:"huge_pages" one:"auto on off"`
	EAL       []string      `toml:"eal"` // further arguments for the DPDK EAL
	Interval  time.Duration `toml:"stats_interval" in:"100ms..1h"`
}

// Input is a source of frames. Exactly one of Port, Interface and Capture is set.
type Input struct {
	Name        string   `toml:"name"`               // unique; made from the source where absent
	Port        string   `toml:"port"`               // PCI address of a DPDK port, or a vdev string
	Interface   string   `toml:"interface"`          // network interface of the kernel (AF_PACKET)
	Capture     []string `toml:"capture"`            // pcap and pcapng files
	Group       string   `toml:"group"`              // inputs of one group share their workers
	Queues      int      `toml:"queues" in:"0..256"` // receive queues; 0 is one per core
	Promiscuous bool     `toml:"promiscuous"`
	MTU         int      `toml:"mtu" in:"0..16000"`           // largest IP packet; 0 leaves the port's
	Descriptors int      `toml:"descriptors" in:"64..65536"`  // frames in the ring of a queue
	Mbufs       int      `toml:"mbufs" in:"0..67108864"`      // buffers of a port; 0 is what its rings need
	Snaplen     int      `toml:"snaplen" in:"0..262144"`      // octets of a frame to look at; 0 is all
	Filter      string   `toml:"filter" needs:"nothing"`      // of frames, in the syntax of pcap-filter(7)
	Sampling    uint32   `toml:"sampling" in:"1..4294967295"` // meter one packet in so many
}

// Flow is what a flow is and when it ends.
type Flow struct {
	Capacity  int           `toml:"capacity" in:"1024..268435456"` // flows per worker
	Idle      time.Duration `toml:"idle_timeout" in:"1s..24h" needs:"nothing"`
	Active    time.Duration `toml:"active_timeout" in:"1s..24h" needs:"nothing"`
	Linger    time.Duration `toml:"linger" in:"0s..10m" needs:"nothing"`     // how long a closed TCP connection stays
	Lateness  time.Duration `toml:"lateness" in:"100ms..1m" needs:"nothing"` // how long an ended flow may wait to be found
	Ignore    []string      `toml:"ignore" one:"vlan protocol addresses ports tunnel"`
	Ingress   bool          `toml:"ingress_in_key"`
	Tunnels   string        `toml:"tunnels" one:"inner outer"`
	Direction string        `toml:"direction" one:"heuristic first-packet"`
	Fragments int           `toml:"fragments" in:"0..1048576"` // datagrams per worker whose ports are remembered
}

// Apps is how weir looks into what flows say.
type Apps struct {
	Streams      int           `toml:"streams" in:"0..16777216"` // flows per worker that are looked into at a time; 0 is none
	StreamMemory Size          `toml:"stream_memory" in:"1MiB..64GiB"`
	Transactions int           `toml:"transactions" in:"1..16777216"` // open at a time, per worker
	Timeout      time.Duration `toml:"transaction_timeout" in:"100ms..24h" needs:"nothing"`
	Early        []string      `toml:"early_events" needs:"nothing"` // dissectors whose events are made at the request
	Off          []string      `toml:"off" needs:"nothing"`          // dissectors that are not used
	Services     []string      `toml:"services" needs:"nothing"`     // files with services by host name
	RawCookies   bool          `toml:"raw_cookies" needs:"nothing"`
	PostParams   bool          `toml:"post_parameters" needs:"nothing"`
	MailHeaders  bool          `toml:"mail_headers" needs:"nothing"`

	Malformed      string `toml:"malformed_dir"` // empty is nowhere
	MalformedFile  Size   `toml:"malformed_file_size" in:"1MiB..1TiB" needs:"nothing"`
	MalformedTotal Size   `toml:"malformed_total_size" in:"2MiB..64TiB" needs:"nothing"`
	MalformedRate  int    `toml:"malformed_rate" in:"0..1000000"` // packets a second and protocol; 0 is any number
}

// GeoIP names MaxMind DB files; an empty path is a database that is not used.
type GeoIP struct {
	City string `toml:"city"`
	ASN  string `toml:"asn"`
}

// Exporter delivers records in one format to one or more places.
type Exporter struct {
	Name     string   `toml:"name"` // unique; made from the format where absent
	Format   string   `toml:"format" one:"ipfix netflow9 netflow5 json json-numeric ecs eve zeek zeek-json csv protobuf table text log dns-log http-log mysql-log oracle-log postgresql-log dhcp-log smtp-log imap-log pop3-log ftp-log call-log"`
	Records  []string `toml:"records"`  // kinds, or names of dissectors; empty is what the format is for
	To       []string `toml:"to"`       // udp://host:port, tcp://host:port, a path, or - for standard output
	Template string   `toml:"template"` // fields of a record; empty is the standard template
	Biflow   string   `toml:"biflow" one:"rfc5103 nprobe"`
	Filter   string   `toml:"filter"` // condition that records have to meet; empty is none
	Spread   string   `toml:"spread" one:"replicate round-robin hash"`
	Failover bool     `toml:"failover"` // the share of a place that is away goes to the others
	Paused   bool     `toml:"paused"`

	Pseudonyms string `toml:"pseudonym_key"` // file with the key of pseudonyms; empty: people are called as they are

	Domain                  uint32        `toml:"domain"` // observation domain (IPFIX), source ID (NetFlow v9)
	MTU                     int           `toml:"mtu" in:"512..65535"`
	TemplateRefresh         time.Duration `toml:"template_refresh" in:"0s..24h"`
	TemplateRefreshMessages int           `toml:"template_refresh_messages" in:"0..1000000"`
	OptionsInterval         time.Duration `toml:"options_interval" in:"0s..24h"`
	EngineType              uint8         `toml:"engine_type"` // NetFlow v5
	EngineID                uint8         `toml:"engine_id"`   // NetFlow v5

	BatchAge time.Duration `toml:"batch_age" in:"0s..5m"`    // how long a flow may wait for others
	Queue    int           `toml:"queue" in:"1..1000000"`    // messages that wait for the network
	OnFull   string        `toml:"on_full" one:"drop block"` // what happens when the queue is full
	Retry    time.Duration `toml:"retry" in:"100ms..1h"`     // longest pause between attempts
	Source   string        `toml:"source"`                   // local address, or address:port, to send from
	Timeout  time.Duration `toml:"timeout" in:"100ms..10m"`  // of an attempt
	Patience time.Duration `toml:"patience" in:"0s..8760h"`  // how long a message is tried; 0 see the manual

	RateLimit  int  `toml:"rate_limit" in:"0..10000000"` // messages a second; 0 is any number
	OctetLimit Size `toml:"octet_limit" in:"0..1TiB"`    // a second; 0 is any number

	RotateSize     Size          `toml:"rotate_size" in:"0..64TiB"` // of a file; 0 is never
	RotateInterval time.Duration `toml:"rotate_interval" in:"0s..8760h"`
	RotateLines    uint64        `toml:"rotate_lines" in:"0..1000000000"`
	Nested         bool          `toml:"nested"`  // files in directories YYYY/MM/DD/HH
	Command        []string      `toml:"command"` // to run on each file that is complete

	Spool spool.Options `toml:"spool"`
	Sink  sink.Options  `toml:",inline"` // the tables of particular places; the keys above go into it
}

// Logs is what may run when a file is complete.
type Logs struct {
	Commands []string      `toml:"commands"` // absolute paths of the programs that may run
	Timeout  time.Duration `toml:"command_timeout" in:"1s..24h"`
	Limit    int           `toml:"command_limit" in:"1..64"` // programs at a time
}

// Log is what the program says about itself.
type Log struct {
	Level  string `toml:"level" one:"debug info warn error"`
	Format string `toml:"format" one:"text json"`
}

// Metrics is where Prometheus asks.
type Metrics struct {
	Listen string `toml:"listen"` // address:port; empty is nowhere
}

// Stats is the summary in the log, and how often there are records of statistics.
type Stats struct {
	Interval time.Duration `toml:"interval" in:"0s..24h"` // 0 is only at the end
}

// Default returns the configuration of an empty file. It has no inputs and no exporters,
// so it is not yet valid.
func Default() *Config {
	return &Config{
		Schema: Schema,
		Dataplane: Dataplane{
			Socket:    "/run/weir/dataplane.sock",
			RingSize:  64 << 20,
			HugePages: "auto",
			Interval:  time.Second,
		},
		Flow: Flow{
			Capacity:  1 << 18,
			Idle:      60 * time.Second,
			Active:    120 * time.Second,
			Linger:    5 * time.Second,
			Lateness:  time.Second,
			Tunnels:   "inner",
			Direction: "heuristic",
			Fragments: 4096,
		},
		Apps: Apps{
			Streams:        1 << 18,
			StreamMemory:   128 << 20,
			Transactions:   1 << 16,
			Timeout:        10 * time.Second,
			MalformedFile:  16 << 20,
			MalformedTotal: 1 << 30,
			MalformedRate:  100,
		},
		Calls: call.DefaultOptions(), Sessions: session.DefaultOptions(), Users: subscriber.DefaultOptions(),
		BGP: route.DefaultOptions(), Policy: policy.DefaultOptions(),
		Logs:  Logs{Timeout: time.Minute, Limit: 2},
		Log:   Log{Level: "info", Format: "text"},
		Stats: Stats{Interval: time.Minute},

		Management: defaultManagement(),
	}
}

// DefaultInput returns an [[input]] table that says nothing.
func DefaultInput() Input {
	return Input{Promiscuous: true, Descriptors: 4096, Sampling: 1}
}

// DefaultExporter returns an [[exporter]] table that says nothing.
func DefaultExporter() Exporter {
	return Exporter{
		Format:                  "ipfix",
		Biflow:                  "rfc5103",
		MTU:                     1500,
		TemplateRefresh:         time.Minute,
		TemplateRefreshMessages: 20,
		OptionsInterval:         time.Minute,
		BatchAge:                time.Second,
		Queue:                   1024,
		OnFull:                  "drop",
		Spread:                  "replicate",
		Timeout:                 10 * time.Second,
		Retry:                   30 * time.Second,
	}
}
