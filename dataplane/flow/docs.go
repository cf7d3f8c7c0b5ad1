package flow

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// Markdown documents the fields of s as a page.
func (s *Schema) Markdown() string {
	var b strings.Builder
	b.WriteString(`# Fields

What can be said about a flow, in templates, IPFIX, NetFlow v9, JSON and text. This page is derived from
the code; see ` + "`weir fields`" + ` for the same with a search.

- *Label* is the name in templates and the key in JSON. It is nProbe's where nProbe has the field. Templates
  accept the element name and the aliases as well, in upper or lower case, with or without a percent sign.
- *Element* is the IPFIX information element, with the enterprise number if it is not IANA's: 29305 is the
  opposite direction of an IANA element (RFC 5103), 35632 is ntop, ` + fmt.Sprint(Weir) + ` is a placeholder
  for ours. A number in brackets is the element nProbe puts in the place of the opposite direction.
- *Client* is the endpoint that opened the flow, *server* the other. Counters are of what was metered since
  the last report of the flow.
- What is unknown is absent: it has no key in JSON, and octets of zero where a template has a place for it.
- The metered packet is the innermost one, so the fields of a flow that came out of a tunnel are those of the
  inner packet. UNTUNNELED_ fields repeat them, for such flows only; OUTER_ fields are the tunnel's endpoints.

| Label | Element name | Element | Type | Meaning |
|---|---|---|---|---|
`)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s%s |\n", f.Key(), f.Name, f.number(), f.Type, f.Doc, f.also())
	}
	b.WriteString("\n## Macros\n\nA template may hold these among field names.\n\n")
	b.WriteString("- `@FULL@`: all fields.\n")
	for _, m := range macros {
		fmt.Fprintf(&b, "- `@%s@`: %s\n", m.name, strings.Join(splitNames(m.text), " "))
	}
	return b.String()
}

// number writes the element as 35632.118 or 1 [23].
func (e *Element) number() string {
	s := strconv.Itoa(int(e.ID))
	if e.PEN != IANA {
		s = fmt.Sprintf("%d.%d", e.PEN, e.ID)
	}
	if e.Legacy != 0 {
		s += fmt.Sprintf(" [%d]", e.Legacy)
	}
	return s
}

// also lists the aliases of e as a sentence to append.
func (e *Element) also() string {
	if len(e.Aliases) == 0 {
		return ""
	}
	return " Also " + strings.Join(e.Aliases, ", ") + "."
}

// CSV documents the fields of s as comma-separated values with a header line (RFC 4180).
func (s *Schema) CSV() string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{"label", "name", "enterprise", "element", "nprobe_element", "type", "octets",
		"ip_version", "ecs", "aliases", "meaning"}) // to memory: no error can come
	for _, f := range s.Fields {
		w.Write([]string{f.Label, f.Name, fmt.Sprint(f.PEN), fmt.Sprint(f.ID), unlessZero(int(f.Legacy)),
			f.Type.String(), unlessZero(f.Type.Size()), unlessZero(int(f.only)), f.ECS,
			strings.Join(f.Aliases, " "), f.Doc})
	}
	w.Flush()
	return b.String()
}

func unlessZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
