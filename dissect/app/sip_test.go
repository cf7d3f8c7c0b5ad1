package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/weir-probe/weir/dataplane/flow"
)

// sipEventsOf returns the events of a conversation, each as kind, method and status.
func sipEventsOf(c *conversation) (all []string) {
	for _, e := range drive(c, &SIP).events {
		one := e.Kind + " " + e.Fields["SIP_METHOD"]
		if code := e.Fields["SIP_RESPONSE_CODE"]; code != "" {
			one += " " + code
		}
		all = append(all, one)
	}
	return all
}

// A call is five transactions and an ACK; what is sent again is no event of its own.
func TestSIPCall(t *testing.T) {
	c := sipCall("a call", 17)
	want := []string{"transaction INVITE 200", "notice ACK", "transaction INFO 200", "transaction REFER 202",
		"transaction BYE 200"}
	if got := sipEventsOf(&c); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	o := drive(&c, &SIP)
	invite, ack := o.events[0].Fields, o.events[1].Fields
	for label, want := range map[string]string{
		"SIP_INVITE_TIME": "1700000000", "SIP_TRYING_AT": "1700000000001000", "SIP_PROGRESS_AT": "1700000000002000",
		"SIP_RINGING_AT": "1700000000003000", "SIP_INVITE_OK_TIME": "1700000000", "SIP_REASON_PHRASE": "OK",
		"SIP_UAC": "phone 1", "SIP_UAS": "gateway 2", "SIP_UAC_CONTACT": "sip:alice@192.0.2.1:5062",
		"SIP_UAS_CONTACT": "sip:bob@192.0.2.2", "SIP_ROUTES": "3", "SIP_TO_TAG": "b1",
		"SIP_ASSERTED_IDENTITY": "sip:+4912345@a.example", "SIP_CHARGING_ID": "icid.1",
		"SIP_RTP_CODECS": "opus;G722;PCMU;PCMA;telephone-event;H261;H264;t38", "SIP_C_IP": "2001:db8::1;192.0.2.9",
		"SIP_RTP_IPV6_SRC_ADDR": "2001:db8::1", "SIP_RTP_L4_SRC_PORT": "40000",
		"SIP_RTP_IPV6_DST_ADDR": "2001:db8::2", "SIP_RTP_L4_DST_PORT": "30000", "SIP_UAS_MEDIA_LINES": "2",
	} {
		if invite[label] != want {
			t.Errorf("%s is %q, want %q", label, invite[label], want)
		}
	}
	if got := ack["SIP_RESPONSE_RETRANSMISSIONS"]; got != "1" {
		t.Errorf("the final response was sent again %q times before the ACK", got)
	}
	if got := o.events[2].Fields["SIP_INFO_DTMF"]; got != "#" {
		t.Errorf("tone %q", got)
	}
	bye := o.events[4].Fields
	if bye["SIP_REASON_CAUSE"] != "16" || bye["SIP_REASON_TEXT"] != `Q.850;cause=16;text="Terminated; normal"` {
		t.Errorf("reason %q: %q", bye["SIP_REASON_CAUSE"], bye["SIP_REASON_TEXT"])
	}
}

// A CANCEL is a transaction of its own, and the INVITE that it ends is another.
func TestSIPCancel(t *testing.T) {
	c := sipRest()
	want := []string{"transaction REGISTER 401", "transaction REGISTER 200", "transaction CANCEL 200",
		"transaction INVITE 487", "notice ACK"}
	if got := sipEventsOf(&c); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	register := drive(&c, &SIP).events[1].Fields
	if register["SIP_AUTH_USER"] != "alice" || register["SIP_EXPIRES"] != "600" ||
		register["SIP_GRANTED_EXPIRES"] != "300" {
		t.Errorf("registration %v", register)
	}
	for _, m := range drive(&c, &SIP).messages {
		for label, v := range m.Fields {
			if strings.Contains(v, "0123") {
				t.Errorf("%s holds what is to be kept secret: %q", label, v)
			}
		}
	}
}

// A forked INVITE is accepted twice, with different tags: that is not the same response again.
// Each has its ACK.
func TestSIPForked(t *testing.T) {
	s := newSIPScript("forked", 17)
	s.add(uac, "INVITE sip:bob@b.example SIP/2.0", "1 INVITE")
	s.add(uas, "SIP/2.0 180 Ringing", "1 INVITE")
	s.add(uas, "SIP/2.0 200 OK", "1 INVITE")
	s.add(uas, "SIP/2.0 200 OK", "1 INVITE")
	last := &s.turns[3]
	last.octets = []byte(strings.Replace(string(last.octets), "tag=b1", "tag=b2", 1))
	for _, tag := range []string{"b1", "b1", "b2"} {
		s.add(uac, "ACK sip:bob@b.example SIP/2.0", "1 ACK")
		ack := &s.turns[len(s.turns)-1]
		ack.octets = []byte(strings.Replace(string(ack.octets), "<sip:bob@b.example>", "<sip:bob@b.example>;tag="+tag, 1))
	}
	want := []string{"transaction INVITE 200", "unasked INVITE 200", "notice ACK", "notice ACK"}
	if got := sipEventsOf(&s.conversation); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	events := drive(&s.conversation, &SIP).events
	if a, b := events[0].Fields["SIP_TO_TAG"], events[1].Fields["SIP_TO_TAG"]; a != "b1" || b != "b2" {
		t.Errorf("tags %q and %q", a, b)
	}
}

// A response whose request went another way, or was long ago, has everything to be told by.
func TestSIPResponseAlone(t *testing.T) {
	s := newSIPScript("responses", 17)
	s.add(uas, "SIP/2.0 180 Ringing", "1 INVITE")
	s.add(uas, "SIP/2.0 486 Busy Here", "1 INVITE")
	o := drive(&s.conversation, &SIP)
	if len(o.events) != 1 || o.events[0].Kind != unasked {
		t.Fatalf("events %v", o.events)
	}
	for label, want := range map[string]string{
		"SIP_METHOD": "INVITE", "SIP_CALL_ID": "1@a.example", "SIP_CSEQ": "1", "SIP_FROM_TAG": "a1", "SIP_TO_TAG": "b1",
		"SIP_CALLING_PARTY": "sip:alice@a.example", "SIP_CALLED_PARTY": "sip:bob@b.example",
		"SIP_RINGING_AT": "1700000000000000", "SIP_INVITE_FAILURE_TIME": "1700000000", "SIP_INVITE_TIME": "",
	} {
		if got := o.events[0].Fields[label]; got != want {
			t.Errorf("%s is %q, want %q", label, got, want)
		}
	}
}

// A request that is repeated long after its response is a new one; soon after, it is not.
func TestSIPAgain(t *testing.T) {
	for apart, want := range map[uint64]int{1e9: 1, 40e9: 2} {
		s := newSIPScript("again", 17)
		for range 2 {
			s.add(uac, "OPTIONS sip:b.example SIP/2.0", "1 OPTIONS")
			s.add(uas, "SIP/2.0 200 OK", "1 OPTIONS")
		}
		s.turns[2].time += apart
		s.turns[3].time += apart
		if got := len(drive(&s.conversation, &SIP).events); got != want {
			t.Errorf("%d ns apart: %d events, want %d", apart, got, want)
		}
	}
}

// Registrations are counted over a flow.
func TestSIPRegistrations(t *testing.T) {
	c := sipRest()
	state := make([]byte, SIP.State)
	for _, k := range callsOf(&c, &SIP) {
		state = state[:0]
		state = append(state, k.state...)
		var m Message
		k.again(&m, state)
		SIP.Ask(&m)
	}
	var a flow.Attrs
	SIP.Report(state, &a, false)
	got := attributes(a.All())
	if got["SIP_REGISTER_NUM_OK"] != "1" || got["SIP_REGISTER_NUM_OTHER"] != "1" || got["SIP_REGISTER_MAX_RRD"] != "1" {
		t.Errorf("registrations %v", got)
	}
	a.Reset()
	if SIP.Report(state, &a, false); len(a.All()) > 0 {
		t.Errorf("what was reported is reported again: %v", attributes(a.All()))
	}
}

// In a stream a body is skipped, what is lost is left behind, and what makes no sense is said.
func TestSIPStream(t *testing.T) {
	const ok = "SIP/2.0 200 OK"
	s := newSIPScript("stream", 6)
	s.add(uac, "MESSAGE sip:b.example SIP/2.0", "1 MESSAGE", "Content-Type: text/plain", "", strings.Repeat("x", 5000))
	s.add(uas, ok, "1 MESSAGE")
	s.add(uac, "MESSAGE sip:b.example SIP/2.0", "2 MESSAGE")
	s.raw(uac, strings.Repeat("not a message\r\n", 100))
	s.add(uac, "MESSAGE sip:b.example SIP/2.0", "3 MESSAGE")
	s.add(uac, "MESSAGE sip:b.example SIP/2.0", "4 MESSAGE")
	rest := &s.turns[5]
	rest.octets, rest.lost = append([]byte("ent-Length: 0\r\n\r\n"), rest.octets...), 1000
	s.add(uas, ok, "4 MESSAGE")
	want := []string{"transaction MESSAGE 200", "transaction MESSAGE 200", "unanswered MESSAGE", "unanswered MESSAGE"}
	if got := sipEventsOf(&s.conversation); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var flaws []string
	for _, m := range drive(&s.conversation, &SIP).messages {
		if m.Flaw != "" {
			flaws = append(flaws, m.Flaw)
		}
		if m.Fields["SIP_CSEQ"] == "1" && !m.Server && m.Skip != 5002 {
			t.Errorf("%d octets are skipped", m.Skip)
		}
	}
	if !slices.Equal(flaws, []string{flawSIPStart}) {
		t.Errorf("flaws %q", flaws)
	}
}

// Header fields that do not end, and more than there is room for.
func TestSIPBounds(t *testing.T) {
	s := newSIPScript("endless", 6)
	s.add(uac, "OPTIONS sip:b.example SIP/2.0", "1 OPTIONS")
	s.raw(uac, "OPTIONS sip:b.example SIP/2.0\r\nX: "+strings.Repeat("x", 2*MaxMessage))
	s.add(uac, "\r\nOPTIONS sip:b.example SIP/2.0", "2 OPTIONS")
	o := drive(&s.conversation, &SIP)
	if got := o.messages[1].Flaw; got != flawSIPEndless || len(o.faults) > 0 {
		t.Errorf("flaw %q, faults %v", got, o.faults)
	}
	if last := o.messages[len(o.messages)-1]; last.Fields["SIP_CSEQ"] != "2" {
		t.Errorf("the last message is %+v", last)
	}
	long := strings.Repeat("x", 300)
	s = newSIPScript("long", 17)
	lines := withBody([]string{"User-Agent: " + long, "Contact: <sip:" + long + ">", "Session-ID: " + long,
		"X-CID: " + long, "In-Reply-To: " + long, "Refer-To: sip:" + long, "Replaces: " + long, "Event: " + long,
		"Reason: " + long, "P-Asserted-Identity: sip:" + long, "Authorization: Digest username=" + long},
		"application/sdp", append(sipOffer, sipOffer...))
	s.add(uac, "INVITE sip:"+long+" SIP/2.0", "1 INVITE", lines...)
	s.add(uas, "SIP/2.0 200 "+long, "1 INVITE", lines...)
	calls := callsOf(&s.conversation, &SIP)
	for i, most := range []int{sipRequestRoom, sipResponseRoom} {
		var m Message
		calls[i].again(&m, calls[i].state)
		if v := SIP.Ask(&m); v != Accept || len(m.Attrs.All()) > most || i == 0 && m.Attrs.Dropped == 0 {
			t.Errorf("verdict %d, %d octets said, %d dropped", v, len(m.Attrs.All()), m.Attrs.Dropped)
		}
	}
}

// A datagram of which only the first fragment is here is no malformed message.
func TestSIPCut(t *testing.T) {
	c := sipCall("cut", 17)
	c.turns = c.turns[:1]
	whole := c.turns[0].octets
	for n := 30; n < len(whole); n += 50 {
		c.turns[0].octets, c.turns[0].cut = whole[:n], true
		o := drive(&c, &SIP)
		if len(o.messages) == 1 && o.messages[0].Flaw != "" || n > 80 && len(o.messages) == 0 {
			t.Errorf("%d octets: %+v", n, o.messages)
		}
	}
}

// TestSIPAddress reads addresses as RFC 3261 has them.
func TestSIPAddress(t *testing.T) {
	for _, c := range [][4]string{ // value, URI, tag, flaw
		{`"Bob \"B\" <b>" <sips:bob@b.example>;tag=1`, "sips:bob@b.example", "1", ""},
		{"sip:bob@b.example;tag=1;x=y", "sip:bob@b.example", "1", ""},
		{"<sip:bob@b.example;user=phone?x=y> ; TAG = 1", "sip:bob@b.example", "1", ""},
		{"Bob B <tel:+1-2;phone-context=x>", "tel:+1-2", "", ""},
		{"<sip:a;b@c.example;d>", "sip:a;b@c.example", "", ""},
		{"sip:bob@b.example?x=y", "sip:bob@b.example", "", flawSIPBare},
		{"<sip:bob@b.example", "sip:bob@b.example", "", flawSIPBracket},
		{`"Bob <sip:b>`, `"Bob <sip:b>`, "", flawSIPQuote},
		{"", "", "", ""}, {"<>", "", "", ""}, {`"`, `"`, "", flawSIPQuote},
	} {
		a, flaw := sipAddressOf([]byte(c[0]))
		if string(sipBare(a.uri)) != c[1] || string(sipParam(a.params, "tag")) != c[2] || flaw != c[3] {
			t.Errorf("%q: %q %q, flaw %q", c[0], a.uri, a.params, flaw)
		}
	}
	var room [64]byte
	for uri, want := range map[string]string{
		"sip:a:secret@b": "sip:a@b", "sip:a@b:5060": "sip:a@b:5060", "sip:b:5060": "sip:b:5060", "tel:+1": "tel:+1", "": "",
		"sip:" + strings.Repeat("a", 60) + ":x@b": "sip:" + strings.Repeat("a", 60),
	} {
		if got := sipOpen([]byte(uri), room[:]); string(got) != want {
			t.Errorf("%q without password is %q, want %q", uri, got, want)
		}
	}
}

func FuzzSIP(f *testing.F) { fuzzPieces(f, &SIP) }
