// Package collect makes records of what others export: NetFlow, IPFIX and sFlow, from sockets and
// files. A collector's workers are producers of rings as those of the dataplane are, so everything
// behind the rings is the same.
package collect

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options are a [[collector]] table.
type Options struct {
	Name       string        `toml:"name"`                               // unique; made from where it listens where absent
	Listen     []string      `toml:"listen"`                             // udp://, tcp://, tls:// or sctp:// address:port
	Files      []string      `toml:"files"`                              // captures of export traffic, IPFIX files (RFC 5655)
	Workers    int           `toml:"workers" in:"1..64"`                 // sockets of each udp:// that share its datagrams
	Buffer     int64         `toml:"receive_buffer" in:"64KiB..1GiB"`    // octets that wait in the kernel, per socket
	RingSize   int64         `toml:"ring_size" in:"64KiB..64GiB"`        // of records, per worker
	Allow      []string      `toml:"allow"`                              // prefixes of exporters; empty is everybody
	Exporters  int           `toml:"exporters" in:"1..1000000"`          // exporters and domains that are remembered
	Templates  int           `toml:"templates" in:"16..65280"`           // of one exporter and domain
	Lifetime   time.Duration `toml:"template_lifetime" in:"0s..8760h"`   // of a template that is not repeated; 0 is for ever
	File       string        `toml:"templates_file"`                     // where templates outlive a restart; empty is nowhere
	Hold       time.Duration `toml:"hold" in:"0s..10m"`                  // how long data waits for its template
	HoldSize   int64         `toml:"hold_size" in:"0..1GiB"`             // octets of data that waits, per worker
	Sampling   uint32        `toml:"sampling" in:"0..4294967295"`        // rate of exporters that say none; 0 is unknown
	Rates      []string      `toml:"sampling_of"`                        // prefix=rate, for those of some exporters
	Convention string        `toml:"biflow" one:"auto rfc5103 nprobe"`   // what elements 23 and 24 count
	Reforge    bool          `toml:"reforge_times"`                      // move times so that what was sent now is of now
	Distinct   time.Duration `toml:"drop_duplicates_within" in:"0s..5m"` // the same flow from another exporter; 0 keeps it
	Stitch     time.Duration `toml:"stitch_within" in:"0s..5m"`          // join both directions of a flow; 0 does not
	Aggregate  time.Duration `toml:"aggregate_for" in:"0s..1h"`          // sum up records of a flow; 0 does not
	Cache      int           `toml:"flow_cache" in:"16..10000000"`       // flows of a worker that wait for that
	Silent     time.Duration `toml:"silent_after" in:"0s..24h"`          // when an exporter that sends nothing is worth a word
	Relay      []string      `toml:"relay"`                              // host:port that get a copy of each datagram
	RelayAs    string        `toml:"relay_source" one:"own original"`    // address that copies come from
	Dictionary []string      `toml:"dictionary"`                         // CSV files of elements
	Learn      string        `toml:"learn_dictionary"`                   // where elements that exporters describe are kept
	TLS        TLS           `toml:"tls"`
}

// TLS is how a tls:// listener proves who it is and asks who others are.
type TLS struct {
	Cert string `toml:"cert"` // PEM files
	Key  string `toml:"key"`
	CA   string `toml:"ca"` // of the certificates that exporters must have; empty asks for none
}

// DefaultOptions returns a table that says nothing.
func DefaultOptions() Options {
	return Options{
		Workers: 1, Buffer: 8 << 20, RingSize: 64 << 20, Exporters: 65536, Templates: 4096, Hold: 10 * time.Second,
		HoldSize: 4 << 20, Convention: "auto", Silent: 5 * time.Minute, Cache: 65536, RelayAs: "own",
	}
}

// Place is where a collector listens.
type Place struct {
	Network string // udp, tcp, tls or sctp
	Address netip.AddrPort
}

// ParsePlace reads udp://address:port. Without an address it is all of this machine.
func ParsePlace(text string) (p Place, err error) {
	network, address, ok := strings.Cut(text, "://")
	if !ok || !slices.Contains([]string{"udp", "tcp", "tls", "sctp"}, network) {
		return p, fmt.Errorf("%q is no place to listen at: write it like \"udp://:2055\" or \"tcp://192.0.2.1:4739\"", text)
	}
	if strings.HasPrefix(address, ":") {
		address = "[::]" + address
	}
	p.Network = network
	p.Address, err = netip.ParseAddrPort(address)
	if err != nil {
		return p, fmt.Errorf("%q has no address and port: write it like \"udp://:2055\"", text)
	}
	return p, nil
}

// rate is the sampling rate of exporters in a network.
type rate struct {
	of netip.Prefix
	n  uint32
}

// Rates reads prefix=rate; a prefix may be an address.
func parseRates(texts []string) (all []rate, err error) {
	for _, text := range texts {
		of, n, _ := strings.Cut(text, "=")
		p, e := parsePrefix(strings.TrimSpace(of))
		u, e2 := strconv.ParseUint(strings.TrimSpace(n), 10, 32)
		if e != nil || e2 != nil || u == 0 {
			return nil, fmt.Errorf("%q is no rate: write it like \"192.0.2.0/24=1000\"", text)
		}
		all = append(all, rate{p, uint32(u)})
	}
	slices.SortStableFunc(all, func(a, b rate) int { return b.of.Bits() - a.of.Bits() }) // the longest prefix goes first
	return all, nil
}

// parsePrefix reads a prefix or an address.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is neither an address nor a prefix: write it like \"192.0.2.0/24\"", text)
	}
	return p.Masked(), nil
}

func parsePrefixes(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := parsePrefix(text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Check returns what is wrong with a table. Its message begins with the key that it is about.
func (o *Options) Check() error {
	if len(o.Listen) == 0 && len(o.Files) == 0 {
		return fmt.Errorf("listen is empty, and so is files; set one of them, for example listen = [\"udp://:2055\"]")
	}
	for _, text := range o.Listen {
		p, err := ParsePlace(text)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if p.Network == "tls" && (o.TLS.Cert == "" || o.TLS.Key == "") {
			return fmt.Errorf("listen has %s without a certificate; set cert and key in the table tls", text)
		}
	}
	if _, err := parseRates(o.Rates); err != nil {
		return fmt.Errorf("sampling_of: %w", err)
	}
	if _, err := parsePrefixes(o.Allow); err != nil {
		return fmt.Errorf("allow: %w", err)
	}
	for _, r := range o.Relay {
		if _, err := netip.ParseAddrPort(r); err != nil {
			return fmt.Errorf("relay: %q is no address and port; write it like \"192.0.2.9:2055\"", r)
		}
	}
	return nil
}
