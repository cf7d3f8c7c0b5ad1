package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// A Target is where an exporter delivers to.
type Target struct {
	Network string // "udp" or "tcp"; empty for a file
	Address string // host:port, a path, or "-" for standard output
}

// A fault is a problem with a value, wherever it stands.
type fault struct{ wrong, fix string }

func (f *fault) Error() string { return f.wrong + "; " + f.fix }

// ParseTarget reads a place of Exporter.To.
func ParseTarget(to string) (Target, error) {
	if to == "" {
		return Target{}, &fault{"the place to deliver to is empty",
			`write "udp://host:port", "tcp://host:port", a path, or "-" for standard output`}
	}
	scheme, address, found := strings.Cut(to, "://")
	if !found && (strings.HasPrefix(to, "udp:") || strings.HasPrefix(to, "tcp:")) {
		return Target{}, &fault{fmt.Sprintf("%q has no // after the protocol", to),
			fmt.Sprintf("write %q", to[:4]+"//"+strings.TrimLeft(to[4:], "/"))}
	}
	if !found {
		if _, _, err := net.SplitHostPort(to); err == nil && !strings.Contains(to, "/") {
			return Target{}, &fault{fmt.Sprintf("%q says no protocol", to),
				fmt.Sprintf("write %q or %q", "udp://"+to, "tcp://"+to)}
		}
		return Target{Address: to}, nil
	}
	switch scheme {
	case "file":
		return Target{Address: address}, nil
	case "stdout":
		return Target{Address: "-"}, nil
	case "udp", "tcp":
	default:
		return Target{}, &fault{fmt.Sprintf("the protocol %q of %q is not known", scheme, to),
			suggest(scheme, []string{"udp", "tcp"}, `write a path, "-", or one of the protocols `)}
	}
	if wrong := hostPort(address); wrong != "" {
		return Target{}, &fault{fmt.Sprintf("%q %s", to, wrong),
			fmt.Sprintf("write %q, an IPv6 address in brackets", scheme+"://host:port")}
	}
	return Target{Network: scheme, Address: address}, nil
}

// hostPort says what is wrong with the address of a collector, or nothing.
func hostPort(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil && strings.Contains(err.Error(), "missing port") {
		return "has no port"
	}
	if err != nil || strings.ContainsAny(host, " /?@") {
		return "is not a host and a port"
	}
	if host == "" {
		return "has no host"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "has a port that is not a number from 1 to 65535"
	}
	return ""
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
