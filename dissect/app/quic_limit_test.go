package app

import (
	"bytes"
	"slices"
	"testing"
)

// Packets that are opened are few, however many a datagram has.
func TestQUICOpens(t *testing.T) {
	one := sealed{version: 1, dcid: quicTo, scid: quicFrom, frames: []byte{framePing}}.packet()
	many := bytes.Repeat(one, 30)
	var m Message
	m.State = make([]byte, QUIC.State)
	verdicts := []Verdict{}
	for len(verdicts) < 10 && !slices.Contains(verdicts, Done) {
		m.Show(many, 0)
		verdicts = append(verdicts, QUIC.Ask(&m))
	}
	if s := Memory[quicState](&m); s.opens != quicOpens || len(verdicts) != 4 || m.Said.Role != Notice {
		t.Errorf("%d packets opened, want %d; verdicts %d", s.opens, quicOpens, verdicts)
	}
}

// Numbers are cut to what tells them from those before.
func TestQUICNumbers(t *testing.T) {
	hello := helloOf("a.example", nil, 0)
	numbered := func(number uint64, length int, frame []byte) []byte {
		return sealed{version: 1, dcid: quicTo, scid: quicFrom, number: number, numberLen: length, frames: frame,
			padding: quicFirst}.packet()
	}
	for _, next := range []uint64{300, 301, 427} {
		o := eventsOf(t, over("", numbered(300, 2, cryptoFrame(0, hello[:50])),
			numbered(next, 1, cryptoFrame(50, hello[50:]))))
		if len(o.messages) != 2 || o.messages[1].Role != "request" || o.messages[1].Flaw != "" {
			t.Errorf("packet %d is not read: %+v", next, o.messages)
		}
	}
}

// What is not meant for the connection says nothing of it.
func TestQUICStrangers(t *testing.T) {
	begin := initialOf(0, cryptoFrame(0, helloOf("a.example", nil, 0)))
	answer := answerIn(0, cryptoFrame(0, answerOf(false)))
	offer := func(dcid, scid []byte) []byte {
		b := slices.Concat([]byte{0xca, 0, 0, 0, 0, byte(len(dcid))}, dcid, []byte{byte(len(scid))}, scid)
		return back(append(b, 0x6b, 0x33, 0x43, 0xcf))
	}
	for _, c := range []struct {
		label string
		conversation
	}{
		{"QUIC_EARLY_DATA", over("a packet to somebody else behind",
			slices.Concat(begin, longPacket(1, quicBack, nil)), answer)},
		{"QUIC_VERSIONS_OFFERED", over("versions for another connection",
			begin, offer(quicFrom, quicBack), answer)},
		{"QUIC_VERSIONS_OFFERED", over("versions for another client", begin, offer(quicBack, quicTo), answer)},
		{"QUIC_VERSIONS_OFFERED", over("the client's versions", begin, offer(quicFrom, quicTo)[1:], answer)},
		{"QUIC_ERROR", over("an end that nobody with keys asked for", begin,
			back(sealed{version: 1, keyed: quicBack, dcid: quicTo, server: true,
				frames: closeFrame(1, "gone")}.packet()), answer)},
	} {
		o := eventsOf(t, c.conversation)
		if len(o.events) != 1 || o.events[0].Kind != complete || o.events[0].Fields["TLS_CIPHER"] != "4865" ||
			o.events[0].Fields[c.label] != "" {
			t.Errorf("%s: %v", c.name, o.events)
		}
	}
}

// Of octets that come twice the first count, so that what was read stays true.
func TestQUICTwice(t *testing.T) {
	hello, other := helloOf("a.example", nil, 0), helloOf("b.example", nil, 0)
	o := eventsOf(t, over("", initialOf(0, cryptoFrame(20, hello[20:])), initialOf(1, cryptoFrame(0, other))))
	if got := o.fields["TLS_SERVER_NAME"]; got != "a.example" {
		t.Errorf("the name is %q", got)
	}
}

// Datagrams that look like QUIC at first sight.
func TestQUICNot(t *testing.T) {
	begin := initialOf(0, cryptoFrame(0, helloOf("a.example", nil, 0)))
	changed := func(at int, b byte) []byte {
		x := slices.Clone(begin)
		x[at] = b
		return x
	}
	for name, b := range map[string][]byte{
		"without the fixed bit":        changed(0, begin[0]&^0x40),
		"of an unknown version":        changed(1, 0x12),
		"an identifier too long":       changed(5, 21),
		"a token beyond the end":       changed(6+8+1+3, 0x7f),
		"a length beyond the end":      changed(6+8+1+3+1, 0x7f),
		"no room for a packet number":  append(longHeader(0, 1, quicTo, nil), 0, 19, 1, 2, 3, 4, 5, 6, 7, 8, 9),
		"versions, none of them known": append([]byte{0x80, 0, 0, 0, 0, 1, 9, 1, 9}, 0x12, 0x34, 0x56, 0x78),
		"half a version":               {0x80, 0, 0, 0, 0, 1, 9, 1, 9, 0, 0, 0, 1, 0, 0},
		"a Retry without a token":      append(longHeader(3, 1, quicTo, nil), make([]byte, 16)...),
	} {
		if o := eventsOf(t, over(name, b)); len(o.messages) != 0 {
			t.Errorf("%s: %+v", name, o.messages)
		}
	}
	probe := append(slices.Concat([]byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8}, quicTo, []byte{0}),
		make([]byte, 1200)...)
	offer := back(slices.Concat([]byte{0xca, 0, 0, 0, 0, 0, 8}, quicTo, []byte{0, 0, 0, 1}))
	o := eventsOf(t, over("a probe", probe, offer, begin))
	if len(o.messages) != 3 || o.messages[2].Role != "request" ||
		o.fields["QUIC_VERSIONS_OFFERED"] != "00000001" {
		t.Errorf("a probe and what follows: %+v", o.messages)
	}
}

// Of a datagram whose end was not captured the version can be told.
func TestQUICCut(t *testing.T) {
	begin := initialOf(0, cryptoFrame(0, helloOf("a.example", nil, 0)))
	for _, n := range []int{10, 18, 96, 600} {
		var m Message
		m.Show(begin[:n], 0)
		m.State, m.Cut = make([]byte, QUIC.State), true
		if v := QUIC.Ask(&m); (v == Done) != (n > 21) || (m.Said.Role == Notice) != (v == Done) {
			t.Errorf("%d octets of %d: verdict %d, role %d", n, len(begin), v, m.Said.Role)
		}
		m.Show(begin[:n], 0)
		m.Cut = false
		if v := QUIC.Ask(&m); v != Reject {
			t.Errorf("%d octets sent: verdict %d", n, v)
		}
	}
}
