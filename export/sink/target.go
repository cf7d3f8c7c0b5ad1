package sink

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Find returns the scheme of a target, scheme://place, a path, or "-", and its place. The error
// says what is wrong and, behind a semicolon, what to do.
func Find(target string) (*Scheme, string, error) {
	name, place, found := strings.Cut(target, "://")
	switch {
	case target == "":
		return nil, "", errors.New(`the place to deliver to is empty; ` +
			`write "udp://host:port", "tcp://host:port", a path, or "-" for standard output`)
	case target == "-":
		name, place = "stdout", ""
	case !found:
		if err := unfinished(target); err != nil {
			return nil, "", err
		}
		name, place = "file", target
	}
	s := named(name)
	if s == nil {
		return nil, "", unknown(name, target)
	}
	if s.Check != nil {
		if err := s.Check(place); err != nil {
			return nil, "", fmt.Errorf("%q %w", target, err)
		}
	}
	return s, place, nil
}

func named(name string) *Scheme {
	for i := range Schemes {
		if Schemes[i].Name == name {
			return &Schemes[i]
		}
	}
	return nil
}

// unfinished tells a path from an address without the scheme that it needs.
func unfinished(target string) error {
	name, rest, _ := strings.Cut(target, ":")
	if s := named(name); s != nil && strings.Contains(target, ":") {
		return fmt.Errorf("%q has no // after the protocol; write %q", target, name+"://"+strings.TrimLeft(rest, "/"))
	}
	if _, _, err := net.SplitHostPort(target); err == nil && !strings.Contains(target, "/") {
		return fmt.Errorf("%q says no protocol; write %q or %q", target, "udp://"+target, "tcp://"+target)
	}
	return nil
}

// unknown offers the scheme that may have been meant, or all that name a protocol.
func unknown(name, target string) error {
	var all []string
	for _, s := range Schemes {
		if s.Name != "file" && s.Name != "stdout" {
			all = append(all, s.Name)
		}
	}
	fix := `write a path, "-", or one of the protocols ` + strings.Join(all, ", ")
	if near := flow.Nearest(name, all); near != "" {
		fix = "did you mean " + near + "?"
	}
	return fmt.Errorf("the protocol %q of %q is not known; %s", name, target, fix)
}

// checkAddress is the Check of schemes whose place is host:port.
func checkAddress(place string) error {
	wrong := ""
	host, port, err := net.SplitHostPort(place)
	switch {
	case err != nil && strings.Contains(err.Error(), "missing port"):
		wrong = "has no port"
	case err != nil || strings.ContainsAny(host, " /?@"):
		wrong = "is not a host and a port"
	case host == "":
		wrong = "has no host"
	default:
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
			return nil
		}
		wrong = "has a port that is not a number from 1 to 65535"
	}
	return errors.New(wrong + "; write host:port behind the //, an IPv6 address in brackets")
}

// checkPath is the Check of files.
func checkPath(place string) error {
	if place == "" {
		return errors.New("names no file; write its path")
	}
	return nil
}
