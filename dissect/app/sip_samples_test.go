package app

import (
	"fmt"
	"strings"

	"github.com/weir-probe/weir/dataplane/flow"
)

// sipScript builds a conversation of SIP: by datagrams, or as a stream.
type sipScript struct {
	conversation
	call string // Call-ID
}

func newSIPScript(name string, proto uint8) *sipScript {
	s := &sipScript{conversation: says(name, proto, flow.Forward, nil), call: "1@a.example"}
	s.srcPort, s.dstPort, s.turns = 5060, 5060, nil
	return s
}

// add adds a message. A CSeq, as in 1 INVITE, gets Via, From, To, Call-ID and CSeq in front of the
// other lines; body follows the last.
func (s *sipScript) add(dir flow.Dir, start, cseq string, lines ...string) *sipScript {
	body := ""
	for i, line := range lines {
		if line == "" {
			body = strings.Join(lines[i+1:], "\r\n") + "\r\n"
			lines = lines[:i]
			break
		}
	}
	head := []string{start,
		"Via: SIP/2.0/UDP a.example;branch=z9hG4bK" + strings.ReplaceAll(cseq, " ", ""),
		"From: Alice <sip:alice@a.example>;tag=a1", "To: <sip:bob@b.example>",
		"Call-ID: " + s.call, "CSeq: " + cseq}
	if strings.HasPrefix(start, "SIP/") || strings.HasPrefix(start, "BYE") {
		head[3] += ";tag=b1"
	}
	head = append(head, lines...)
	head = append(head, fmt.Sprint("Content-Length: ", len(body)), "", body)
	return s.raw(dir, strings.Join(head, "\r\n"))
}

// raw adds octets, a millisecond after those before. In a stream all come at once, as it must not
// matter how it is cut.
func (s *sipScript) raw(dir flow.Dir, octets string) *sipScript {
	const begin, apart = 1_700_000_000e9, 1e6
	at := uint64(begin)
	if s.proto != 6 {
		at += apart * uint64(len(s.turns))
	}
	s.turns = append(s.turns, turn{dir: dir, octets: []byte(octets), time: at})
	return s
}

const (
	uac = flow.Forward
	uas = flow.Reverse
)

// sipOffer and sipAnswer are descriptions with everything that is read of them.
var (
	sipOffer = []string{"v=0", "o=- 1 1 IN IP6 2001:db8::1", "s=-", "c=IN IP6 2001:db8::1", "t=0 0",
		"a=fingerprint:sha-256 00:11", "m=audio 40000 UDP/TLS/RTP/SAVPF 111 9 0 8 101",
		"a=rtpmap:111 opus/48000/2", "a=rtpmap:101 telephone-event/8000", "a=ptime:20", "a=rtcp-mux",
		"a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host",
		"a=candidate:1 2 UDP 2130706430 192.0.2.1 50001 typ host",
		"a=candidate:2 1 udp 1694498815 2001:db8::7 50002 typ srflx raddr 192.0.2.1 rport 50000",
		"m=video 40002 RTP/SAVP 31 96", "c=IN IP4 192.0.2.9/127", "a=rtpmap:96 H264/90000",
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", "a=sendonly", "a=rtcp:40009",
		"m=image 0 udptl t38"}
	sipAnswer = []string{"v=0", "o=- 1 1 IN IP6 2001:db8::2", "s=-", "c=IN IP6 2001:db8::2", "t=0 0",
		"m=audio 30000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "m=video 0 RTP/SAVP 31"}
)

// withBody returns lines of a header with a body behind them.
func withBody(lines []string, mime string, body []string) []string {
	all := append([]string{}, lines...)
	return append(append(append(all, "Content-Type: "+mime), ""), body...)
}

// sipCall is a call with all that may happen in it.
func sipCall(name string, proto uint8) conversation {
	const ok = "SIP/2.0 200 OK"
	s := newSIPScript(name, proto)
	s.add(uac, "INVITE sip:bob@b.example;user=phone SIP/2.0", "1 INVITE", withBody([]string{
		"Max-Forwards: 70", "User-Agent: phone 1", "Contact: <sip:alice@192.0.2.1:5062;transport=udp>",
		"Route: <sip:p1.example;lr>, <sip:p2.example;lr>", "Route: <sip:p3.example;lr>",
		"P-Asserted-Identity: \"Alice, A.\" <sip:+4912345@a.example>, <tel:+4912345>",
		"Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000",
		"X-CID: 99@pbx.example", "In-Reply-To: 70@a.example, 71@a.example",
		"P-Charging-Vector: icid-value=\"icid.1\";icid-generated-at=192.0.2.3",
		"Replaces: 425928@b.example;to-tag=7743;from-tag=6472"}, "application/sdp", sipOffer)...)
	s.add(uas, "SIP/2.0 100 Trying", "1 INVITE")
	s.add(uas, "SIP/2.0 183 Session Progress", "1 INVITE", withBody(nil, "application/sdp", sipAnswer)...)
	s.add(uas, "SIP/2.0 180 Ringing", "1 INVITE")
	accept := withBody([]string{"Server: gateway 2", "Contact: <sip:bob@192.0.2.2>"},
		"multipart/mixed; boundary=\"b 1\"", append(append([]string{"ignored", "--b 1",
			"Content-Type: text/plain", "", "hello", "--b 1", "Content-type : application/sdp", ""},
			sipAnswer...), "--b 1--"))
	s.add(uas, ok, "1 INVITE", accept...)
	if proto != 6 {
		s.add(uas, ok, "1 INVITE", accept...)
	}
	s.add(uac, "ACK sip:bob@192.0.2.2 SIP/2.0", "1 ACK")
	s.add(uac, "INFO sip:bob@192.0.2.2 SIP/2.0", "2 INFO",
		withBody(nil, "application/dtmf-relay", []string{"Signal=11", "Duration=160"})...)
	s.add(uas, ok, "2 INFO")
	s.add(uas, "REFER sip:alice@192.0.2.1 SIP/2.0", "7 REFER",
		"Refer-To: <sip:carol@c.example?Replaces=1%40a>", "Event: refer;id=1")
	s.add(uac, "SIP/2.0 202 Accepted", "7 REFER")
	s.add(uac, "BYE sip:bob@192.0.2.2 SIP/2.0", "3 BYE",
		"Reason: Q.850;cause=16;text=\"Terminated; normal\", SIP;cause=200")
	s.add(uas, ok, "3 BYE")
	return s.conversation
}

// sipRest is what is no call: registrations, and a call that does not come about.
func sipRest() conversation {
	s := newSIPScript("register and cancel", 17)
	s.raw(uac, "\r\n\r\n")
	s.call = "2@a.example"
	s.add(uac, "REGISTER sip:a.example SIP/2.0", "1 REGISTER", "Expires: 3600", "Contact: <sip:alice@192.0.2.1>")
	s.add(uas, "SIP/2.0 401 Unauthorized", "1 REGISTER",
		"WWW-Authenticate: Digest realm=\"a.example\", nonce=\"1\"")
	s.add(uac, "REGISTER sip:a.example SIP/2.0", "2 REGISTER", "Contact: <sip:alice@192.0.2.1>;expires=600",
		"Authorization: Digest realm=\"a.example\", username=\"alice\", uri=\"sip:a.example\", response=\"0123\"")
	s.add(uas, "SIP/2.0 200 OK", "2 REGISTER", "Contact: <sip:alice@192.0.2.1>;expires=300")
	s.call = "3@a.example"
	s.add(uac, "INVITE sip:bob@b.example SIP/2.0", "1 INVITE")
	s.add(uac, "INVITE sip:bob@b.example SIP/2.0", "1 INVITE")
	s.add(uas, "SIP/2.0 100 Trying", "1 INVITE")
	s.add(uac, "CANCEL sip:bob@b.example SIP/2.0", "1 CANCEL")
	s.add(uas, "SIP/2.0 200 OK", "1 CANCEL")
	s.add(uas, "SIP/2.0 487 Request Terminated", "1 INVITE")
	s.add(uac, "ACK sip:bob@b.example SIP/2.0", "1 ACK")
	s.raw(uac, "\x00\x01\x00\x00\x21\x12\xa4\x42123456789012")
	return s.conversation
}

// sipSamples are what the recorded captures do not have.
func sipSamples() []conversation {
	stream := sipCall("a call in a stream", 6)
	stream.turns[1].octets = append([]byte("\r\n\r\n"), stream.turns[1].octets...)
	return []conversation{sipCall("a call in datagrams", 17), stream, sipCall("a call over SCTP", 132), sipRest()}
}
