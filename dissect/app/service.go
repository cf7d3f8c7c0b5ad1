package app

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Service is what is offered under a domain: a site, an application, a company's cloud. It is
// known by its name alone, whatever protocol carries it.
type Service struct {
	Name     string // as nDPI prints it, where nDPI knows it
	Category string // as nDPI prints it
	Number   uint16 // as in nDPI, 0 where it has none
}

// Services finds services by host names. It does not change once it is compiled.
type Services struct {
	domains map[string]*Service // in lower case, without a final dot
}

// ServiceFile is a list of services and where it is from, for messages.
type ServiceFile struct{ Path, Text string }

// CompileServices makes one list of several files in the format that configs/services.txt
// describes. What a file says of a domain replaces what those before it said; within a file a
// domain may occur once. The error tells every mistake, each by file and line.
func CompileServices(files ...ServiceFile) (*Services, error) {
	all := &Services{domains: map[string]*Service{}}
	var problems []error
	for _, f := range files {
		c := compiler{file: f.Path, all: all, seen: map[string]int{}, named: map[string]*Service{}}
		for text := range strings.Lines(f.Text) {
			c.line++
			if err := c.read(text); err != nil {
				problems = append(problems, fmt.Errorf("%s:%d: %w", f.Path, c.line, err))
			}
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return all, nil
}

// Len returns the number of domains.
func (s *Services) Len() int { return len(s.domains) }

// compiler reads one file.
type compiler struct {
	file  string
	line  int
	all   *Services
	seen  map[string]int // lines of the domains of this file
	named map[string]*Service
	last  *Service // which a line that begins with a space continues
}

func (c *compiler) read(text string) error {
	words := strings.Fields(text)
	switch {
	case len(words) == 0 || words[0][0] == '#':
		return nil
	case text[0] != ' ' && text[0] != '\t':
		s, err := c.begin(words)
		if c.last = s; err != nil {
			return err
		}
		words = words[3:]
	case c.last == nil:
		return errors.New("line continues no service; begin it with a name, a category and a number")
	}
	for _, w := range words {
		if err := c.add(w); err != nil {
			return err
		}
	}
	return nil
}

// begin reads name, category and number.
func (c *compiler) begin(words []string) (*Service, error) {
	if len(words) < 4 {
		return nil, errors.New(
			"service without domain; a line has a name, a category, a number or -, and domains")
	}
	s := &Service{Name: words[0], Category: words[1]}
	if words[2] != "-" {
		n, err := strconv.ParseUint(words[2], 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("number %q is none from 1 to 65535; write - for a service without", words[2])
		}
		s.Number = uint16(n)
	}
	if t := c.named[s.Name]; t != nil && *t != *s {
		return nil, fmt.Errorf("service %s has category %s and number %d in a line before",
			t.Name, t.Category, t.Number)
	}
	c.named[s.Name] = s
	return s, nil
}

// add says that a domain is of the service that was begun.
func (c *compiler) add(word string) error {
	domain := strings.ToLower(strings.TrimSuffix(word, "."))
	if err := domainError(domain); err != nil {
		return fmt.Errorf("domain %q %w", word, err)
	}
	if line := c.seen[domain]; line != 0 {
		return fmt.Errorf("domain %s is listed in line %d already", domain, line)
	}
	c.seen[domain] = c.line
	c.all.domains[domain] = c.last
	return nil
}

// maxHost is the longest domain name, in octets of text (RFC 1035, section 2.3.4).
const maxHost = 253

func domainError(domain string) error {
	if len(domain) > maxHost {
		return fmt.Errorf("is longer than %d characters", maxHost)
	}
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 {
			return errors.New("has an empty label, or one of more than 63 characters")
		}
		for i := range len(label) {
			if !hostOctet(label[i]) {
				return fmt.Errorf("has the character %q; write it without wildcards, scheme and port", label[i])
			}
		}
	}
	return nil
}

// hostOctet reports whether c, in lower case, is part of host names in practice.
func hostOctet(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// Match returns the service whose domain is the longest that host is, or is below. host may be
// in any case, and end in a dot or in a colon and a port. It does not allocate, and any host may
// be asked for.
func (s *Services) Match(host []byte) (*Service, bool) {
	if i := bytes.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i] // of an address in brackets nothing is left that matches
	}
	host = bytes.TrimSuffix(host, []byte{'.'})
	if len(host) > maxHost {
		host = host[len(host)-maxHost:]
		_, host, _ = bytes.Cut(host, []byte{'.'})
	}
	var low [maxHost]byte
	for i, c := range host {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	for rest, ok := low[:len(host)], len(host) > 0; ok; _, rest, ok = bytes.Cut(rest, []byte{'.'}) {
		if x := s.domains[string(rest)]; x != nil {
			return x, true
		}
	}
	return nil, false
}
