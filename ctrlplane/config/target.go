package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/weir-probe/weir/export/sink"
)

// A fault is a problem with a value, wherever it stands.
type fault struct{ wrong, fix string }

func (f *fault) Error() string { return f.wrong + "; " + f.fix }

// fault reports an error that says what is wrong and, behind a semicolon or else behind its last
// colon, what to do.
func (k *checker) fault(key string, err error) {
	wrong, fix, found := strings.Cut(err.Error(), "; ")
	if at := strings.LastIndex(wrong, ": "); !found && at >= 0 {
		wrong, fix = wrong[:at], wrong[at+2:]
	}
	if fix == "" {
		fix = "configs/weir.toml shows how it is written"
	}
	k.report(key, wrong, fix)
}

// targets checks the places an exporter delivers to. files are those that have a writer.
func (k *checker) targets(key string, e *Exporter, files map[string]bool) {
	if len(e.To) == 0 {
		k.report(key+".to", "the exporter has no place to deliver to",
			`set to, for example to = "udp://127.0.0.1:4739"`)
	}
	used, sure := []string(nil), len(e.To) > 0
	for i, to := range e.To {
		place := at(key+".to", i, len(e.To))
		s, address, err := sink.Find(to)
		if err != nil {
			k.fault(place, err)
			sure = false // whatever it was meant to be
			continue
		}
		used = append(used, strings.Fields(s.Uses)...)
		k.carries(place, e, s, to)
		if s.Name == "stdout" {
			address = "-"
		}
		if slices.Contains(e.To[:i], to) || files[address] {
			k.report(place, to+" is written to twice", "give each exporter its own place")
		}
		files[address] = s.Name == "stdout" || s.Name == "file"
		if s.Name == "file" {
			k.directory(place, address)
		}
	}
	if sure {
		k.unused(key, e, used)
	}
	if _, err := ParseSource(e.Source); e.Source != "" && err != nil {
		k.fault(key+".source", err)
	}
}

// carries checks that what the exporter writes can go to a place.
func (k *checker) carries(key string, e *Exporter, s *sink.Scheme, to string) {
	switch formats := strings.Fields(s.Formats); {
	case strings.HasPrefix(e.Format, "netflow") && !s.Datagrams:
		k.report(key, fmt.Sprintf("%s cannot go to %s: NetFlow is for datagrams", e.Format, to),
			`use udp://, or format = "ipfix"`)
	case len(formats) > 0 && !slices.Contains(formats, e.Format):
		k.report(key, fmt.Sprintf("%s cannot go to %s", e.Format, to),
			"set format to one of "+strings.Join(formats, ", "))
	}
}

// unused reports keys and tables that none of the places of an exporter uses.
func (k *checker) unused(key string, e *Exporter, used []string) {
	none := DefaultExporter()
	for _, s := range sink.Schemes {
		for _, name := range strings.Fields(s.Uses) {
			if !slices.Contains(used, name) {
				k.idle(key, name, e, &none, "has no effect on such a place: it is for "+s.Name+"://")
			}
		}
	}
}

// ParseSource reads the local address of Exporter.Source. Its port is 0 if it names none.
func ParseSource(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 0), nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return a, &fault{fmt.Sprintf("%q is not an IP address with or without a port", s),
			`write an address of this machine like "192.0.2.1" or "192.0.2.1:9000"`}
	}
	return a, nil
}
