package app

import (
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// talk is a conversation over TCP with a server's port, in turns, of the client first. An empty turn is left out.
func tcpTalk(port uint16, says ...string) *conversation { return talks(6, port, says...) }

// talks is the same over any transport.
func talks(proto uint8, port uint16, says ...string) *conversation {
	c := &conversation{proto: proto, srcPort: 40000, dstPort: port}
	for i, s := range says {
		if s != "" {
			c.turns = append(c.turns, turn{dir: flow.Dir(i % 2), octets: []byte(s), time: uint64(i+1) * 1e6})
		}
	}
	return c
}

// named gives a conversation a name, for samples.
func (c *conversation) named(name string) conversation {
	c.name = name
	return *c
}

// dialogue is what is expected of a conversation: of each event how it ended and some fields, and flaws.
type dialogue struct {
	name   string
	talk   *conversation
	events string // separated by a comma and a space
	flaws  string
}

// heardAs compares what d makes of conversations, as they are and octet by octet, with what is expected. In
// nothing that is said may there be hunter2, which is everybody's password.
func heardAs(t *testing.T, d *Dissector, fields []string, all []dialogue) {
	t.Helper()
	for _, c := range all {
		ways := []*conversation{c.talk}
		if c.talk.stream() {
			ways = append(ways, shredded(c.talk))
		}
		for _, x := range ways {
			o := drive(x, d)
			var events, flaws []string
			for _, e := range o.events {
				words := e.Kind
				for _, f := range fields {
					if v := e.Fields[f]; v != "" {
						words += " " + v
					}
				}
				events = append(events, words)
				for f, v := range e.Fields {
					if strings.Contains(v, "hunter2") {
						t.Errorf("%s: %s has a secret: %q", c.name, f, v)
					}
				}
			}
			for _, m := range o.messages {
				if m.Flaw != "" {
					flaws = append(flaws, m.Flaw)
				}
			}
			if got := strings.Join(events, ", "); got != c.events {
				t.Errorf("%s:\n%s, want\n%s", c.name, got, c.events)
			}
			if got := strings.Join(flaws, ", "); got != c.flaws || len(o.faults)+len(o.rejected) > 0 {
				t.Errorf("%s: flaws %q, want %q; %v, rejected by %v", c.name, got, c.flaws, o.faults, o.rejected)
			}
		}
	}
}

// refuses holds that nothing of conversations is taken for d.
func refuses(t *testing.T, d *Dissector, all ...*conversation) {
	t.Helper()
	for _, c := range all {
		if o := drive(c, d); len(o.messages) > 0 {
			t.Errorf("%.80q is taken for %s: %+v", c.turns[0].octets, d.Name, o.messages[0])
		}
	}
}

// cornered returns each of some texts as all that a client says, over TCP and UDP.
func cornered(port uint16, texts ...string) (all []*conversation) {
	for _, s := range texts {
		all = append(all, talks(6, port, s), talks(17, port, s))
	}
	return all
}
