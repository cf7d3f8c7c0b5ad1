// Package formats lists the formats flows can be exported in.
package formats

import (
	"fmt"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
	"github.com/weir-probe/weir/export"
	"github.com/weir-probe/weir/export/ecs"
	"github.com/weir-probe/weir/export/eve"
	"github.com/weir-probe/weir/export/ipfix"
	"github.com/weir-probe/weir/export/json"
	"github.com/weir-probe/weir/export/log"
	"github.com/weir-probe/weir/export/netflow"
	"github.com/weir-probe/weir/export/protobuf"
	"github.com/weir-probe/weir/export/table"
	"github.com/weir-probe/weir/export/text"
	"github.com/weir-probe/weir/export/zeek"
)

// Format is a format by its name in the configuration.
type Format struct {
	Name, Doc string
	New       constructor[export.Format]
	Default   string // template for flows if none is asked for
	Verbose   bool   // that says by default what dissectors found out about flows
	Lines     bool   // each record is a line
	// Fixed is for formats whose columns or members are given: it returns the fields of a schema
	// that they are made of. nil if there is a template.
	Fixed  func(*flow.Schema) *flow.Template
	Layout *log.Layout // the columns of a log of one protocol
}

// All lists the formats in the order the documentation shows them.
var All = []Format{
	{Name: "ipfix", Doc: "IPFIX (RFC 7011), with one record for both directions.",
		New: as(ipfix.New), Default: flow.DefaultIPFIX},
	{Name: "netflow9", Doc: "NetFlow v9 (RFC 3954), over UDP.", New: as(ipfix.NewNetFlow9), Default: flow.DefaultV9},
	{Name: "netflow5", Doc: "NetFlow v5, over UDP: IPv4 only, one direction a record.",
		New: as(netflow.New), Default: flow.DefaultV5},
	{Name: "json", Doc: "A JSON object a line, with nProbe's labels as keys.",
		New: as(json.New), Default: flow.DefaultJSON, Verbose: true, Lines: true},
	{Name: "json-numeric", Doc: "The same with numbers of information elements as keys, as nProbe writes them.",
		New: as(json.NewNumeric), Default: flow.DefaultJSON, Verbose: true, Lines: true},
	{Name: "ecs", Doc: "A document of the Elastic Common Schema a line.",
		New: as(ecs.New), Default: flow.DefaultECS, Verbose: true, Lines: true},
	{Name: "eve", Doc: "An event of Suricata's EVE a line: flow, and dns, http, tls, quic, ssh if there are events.",
		New: as(eve.New), Lines: true, Fixed: eve.Template},
	{Name: "zeek", Doc: "Zeek's conn.log, tab-separated.", New: as(zeek.New), Lines: true, Fixed: zeek.Template},
	{Name: "zeek-json", Doc: "Zeek's conn.log, a JSON object a line.",
		New: as(zeek.NewJSON), Lines: true, Fixed: zeek.Template},
	{Name: "csv", Doc: "Comma-separated values (RFC 4180), below a line of labels.",
		New: as(text.NewCSV), Default: flow.DefaultJSON, Verbose: true, Lines: true},
	{Name: "protobuf", Doc: "A message of Protocol Buffers behind its length; configs/weir.proto has its type.",
		New: as(protobuf.New), Default: flow.DefaultJSON, Verbose: true},
	{Name: "table", Doc: "Aligned columns for people.", New: as(table.New), Default: flow.DefaultTable, Lines: true},
	{Name: "text", Doc: "A line of columns separated by vertical bars, below a line of labels.",
		New: as(text.New), Default: flow.DefaultJSON, Verbose: true, Lines: true},
	{Name: "log", Doc: "A line of columns separated by tabs, below their names and types.",
		New: as(log.New), Default: flow.DefaultJSON, Verbose: true, Lines: true},
	layout("dns-log", "nProbe's log of DNS, a line for each query.", log.DNS),
	layout("http-log", "nProbe's log of HTTP, a line for each request.", log.HTTP),
	layout("mysql-log", "nProbe's log of MySQL, a line for each statement, command and login.", log.MySQL),
	layout("oracle-log", "The same of Oracle.", log.Oracle),
	layout("postgresql-log", "The same of PostgreSQL.", log.PostgreSQL),
	layout("dhcp-log", "nProbe's log of DHCP, a line for each message or exchange.", log.DHCP),
	layout("smtp-log", "A line for each mail, command and reply of SMTP.", log.SMTP),
	layout("imap-log", "The same of IMAP.", log.IMAP),
	layout("pop3-log", "The same of POP3.", log.POP3),
	layout("ftp-log", "The same of FTP; a transfer has a line when it begins and one when it is over.", log.FTP),
	layout("call-log", "A line for each call, of its signalling and its media.", log.Call),
}

// layout returns the format of a log.
func layout(name, doc string, l *log.Layout) Format {
	return Format{Name: name, Doc: doc, New: as(l.New), Lines: true, Fixed: l.Template, Layout: l}
}

type constructor[F any] func(export.FormatOptions) (F, error)

// as makes a constructor of a particular format one of any.
func as[F export.Format](make constructor[F]) constructor[export.Format] {
	return func(o export.FormatOptions) (export.Format, error) {
		f, err := make(o)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
}

// Named returns the format of that name, nil if there is none.
func Named(name string) *Format {
	for i := range All {
		if All[i].Name == name {
			return &All[i]
		}
	}
	return nil
}

// New returns the format of that name.
func New(name string, o export.FormatOptions) (export.Format, error) {
	if f := Named(name); f != nil {
		return f.New(o)
	}
	names := make([]string, len(All))
	for i, f := range All {
		names[i] = f.Name
	}
	return nil, fmt.Errorf("format %q is unknown: use one of %s", name, strings.Join(names, " "))
}
