package app

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// lines is a protocol that says everything a dissector can say: a line begins with the verb.
func lines(pair Pairing) *Dissector {
	d := &Dissector{Name: "lines", Number: 1, Pair: pair, Fields: sshVersion[:], State: 1}
	d.Parse = func(m *Message) Verdict {
		n := bytes.IndexByte(m.Peek(), '\n')
		switch {
		case n < 0 && m.Full:
			return Reject
		case n < 0:
			m.Skip(m.Len() + 1) // short
			return More
		}
		line := string(m.Bytes(n + 1)[:n])
		return d.obey(m, line)
	}
	return d
}

// obey does what a line says. Keys and lengths are the digit behind the verb.
func (d *Dissector) obey(m *Message, line string) Verdict {
	m.Attrs.Text(sshVersion[0], line)
	k := uint64(0)
	if len(line) > 1 {
		k = uint64(line[1] - '0')
	}
	switch line[0] {
	case 'q':
		m.Request(k)
	case 'r':
		m.Response(k)
		m.Finish()
		m.Attrs.Text(sshVersion[1], line)
	case 'R':
		m.Response(k)
	case 'f':
		m.Finish()
	case 'B': // a response with a body
		m.Response(0)
		m.Ahead(k)
		m.Finish()
	case 'i':
		m.Interim(k)
		m.Attrs.Text(sshVersion[1], line)
	case 'n':
		m.Notice()
	case 'p':
	case 'P':
		m.Pass()
	case 's':
		m.Ahead(k)
	case 'e':
		m.Ahead(ToEnd)
	case 'm':
		Memory[[1]byte](m)[0]++
		m.Malformed("m")
	case 'b':
		m.Become(&SSH)
	case 'd':
		return Done
	default:
		return Reject
	}
	return Accept
}

// TestDriver shows what the driver makes of what dissectors say. In a script > and < begin
// what the client and the server say, ~ is a hole, | the end of a side, ! a reset.
func TestDriver(t *testing.T) {
	for _, c := range []struct {
		name, script string
		pair         Pairing
		want         string
	}{
		{"in order", ">q1 >q2 <r <r", InOrder, "transaction q1, transaction q2"},
		{"by key", ">q1 >q2 <r2 <r1", ByKey, "transaction q2, transaction q1"},
		{"unpaired", ">q1 <r1", Unpaired, "notice q1, notice r1"},
		{"notice", ">n1 >n2", InOrder, "notice n1, notice n2"},
		{"unasked", "<r >q1 <r", InOrder, "unasked r, transaction q1"},
		{"unanswered", ">q1 >q2 <r", InOrder, "transaction q1, unanswered q2"},
		{"the server ends", ">q1 <| >q2", InOrder, "unanswered q1, abandoned q2"},
		{"interim", ">q1 <i <r", InOrder, "transaction q1"},
		{"not finished, until the next", ">q1 >q2 <R <p <r", InOrder, "transaction q1, transaction q2"},
		{"not finished, until the end", ">q1 <R <p <|", InOrder, "transaction q1"},
		{"finished by a part", ">q1 <R <f <n", InOrder, "transaction q1, notice n"},
		{"a body", ">q1 <B4 <xyz <n", InOrder, "transaction q1, notice n"},
		{"a body that does not come", ">q1 <B9 <xyz", InOrder, "transaction q1"},
		{"a hole in a body", ">q1 <B8 <~4 <xyz <n", InOrder, "transaction q1, notice n"},
		{"a reset", ">q1 >q2 <R >!", InOrder, "reset q1, reset q2"},
		{"lost requests", ">q1 >q2 <~9 <r", InOrder, "unanswered q1, transaction q2"},
		{"what is passed behind a hole", ">q1 >q2 <~9 <P <P <r", InOrder, "unanswered q1, transaction q2"},
		{"the rest of a message behind a hole", ">p >~5 >xyz >n", InOrder, "notice n"},
		{"nothing said", ">x >n", InOrder, ""},
		{"nothing more", ">n1 >d >n2", InOrder, "notice n1"},
		{"given up", ">q1 <d", InOrder, "abandoned q1"},
		{"skipped to the end", ">n1 >e >n2 <n3", InOrder, "notice n1, notice n3"},
		{"another protocol", ">n >b >SSH-1.5-abc <SSH-1.5-def", InOrder, "notice n, notice SSH-1.5-abc"},
	} {
		x := script(c.script)
		for _, cut := range []*conversation{x, shredded(x)} {
			var got []string
			for _, e := range drive(cut, lines(c.pair)).events {
				got = append(got, e.Kind+" "+e.Fields["SSH_CLIENT_VERSION"])
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("%s: %s, want %s", c.name, s, c.want)
			}
		}
	}
}

// TestFinalResponse holds that the final response speaks for the transaction, and interim ones only
// where there is no other.
func TestFinalResponse(t *testing.T) {
	for _, c := range []struct{ script, event, flow string }{
		{">q1 <i1 <i2 <r3", "transaction r3", "r3"},
		{">q1 <i1 <i2 <|", "unanswered i1", "i1"},
		{">q1 <r1 >q2 <i2 <r3", "transaction r3", "r1"},
	} {
		o := drive(script(c.script), lines(InOrder))
		last := o.events[len(o.events)-1]
		if got := last.Kind + " " + last.Fields["SSH_SERVER_VERSION"]; got != c.event {
			t.Errorf("%s: %s, want %s", c.script, got, c.event)
		}
		if got := o.fields["SSH_SERVER_VERSION"]; got != c.flow {
			t.Errorf("%s: the flow says %s, want %s", c.script, got, c.flow)
		}
	}
}

func script(s string) *conversation {
	c := &conversation{proto: 6, srcPort: 1, dstPort: 2}
	for _, word := range strings.Fields(s) {
		x := turn{dir: flow.Dir(strings.IndexByte("><", word[0]))}
		switch word = word[1:]; word[0] {
		case '~':
			x.lost = uint64(word[1] - '0')
		case '|':
			x.closed = true
		case '!':
			x.reset = true
		default:
			x.octets = []byte(word + "\n")
		}
		c.turns = append(c.turns, x)
	}
	return c
}

// TestDriverFaults finds the breaches of the contract that it is there to find.
func TestDriverFaults(t *testing.T) {
	hello := says("", 6, flow.Forward, []byte("hello"))
	broken := func(parse func(m *Message) Verdict) *Dissector {
		return &Dissector{Name: "x", State: 1, Parse: parse}
	}
	for want, d := range map[string]*Dissector{
		"x: State written without accepting the message": broken(func(m *Message) Verdict {
			m.State[0]++
			return More
		}),
		"x: a message of a stream accepted that consumes nothing": broken(func(m *Message) Verdict {
			return Accept
		}),
		`x: HASSH_CLIENT is not among its fields: "a"`: broken(func(m *Message) Verdict {
			m.Rest()
			m.Attrs.Text(sshHASSH[0], "a")
			return Accept
		}),
	} {
		if o := drive(&hello, d); !slices.Contains(o.faults, want) {
			t.Errorf("%v, want %s", o.faults, want)
		}
	}
	greedy := broken(func(m *Message) Verdict { m.Rest(); return Accept })
	if err := same(drive(&hello, greedy), drive(shredded(&hello), greedy)); err == nil {
		t.Error("a message that ends where the segment ends is not found")
	}
}

// TestDriverLimits shows messages that do not end only up to MaxMessage.
func TestDriverLimits(t *testing.T) {
	long := says("", 6, flow.Forward, bytes.Repeat([]byte("x"), MaxMessage+100))
	sizes := ""
	d := &Dissector{Name: "x", Parse: func(m *Message) Verdict {
		sizes += fmt.Sprint(m.Len(), m.Full, m.Closed, " ")
		if !m.Full {
			return More
		}
		m.Skip(m.Len() - 1)
		return Accept
	}}
	o := drive(shred(rnd(), &long, MaxMessage/2+1), d)
	if !strings.Contains(sizes, fmt.Sprint(MaxMessage, true, false)) || len(o.rejected) != 1 {
		t.Errorf("shown %s; rejected by %v", sizes, o.rejected)
	}
	if !strings.Contains(sizes, fmt.Sprint(101, false, true)) {
		t.Errorf("the end is not shown as such: %s", sizes)
	}
}
