package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// RTSP is version 1.0 (RFC 2326) and 2.0 (RFC 7826) of RTSP over TCP. A message is a head, whose body is
// skipped, or a packet of media between heads (RFC 2326, section 10.12). Requests, which either side may send,
// and responses meet by CSeq.
var RTSP = Dissector{
	Name: "rtsp", Number: 50,
	Doc:    "RTSP: methods, URLs, status codes, users, transports and what clients and servers say they are.",
	TCP:    on(554, 8554),
	First:  "ADGOPRST",
	Fields: rtspFields,
	Pair:   ByKey,
	State:  unsafe.Sizeof(rtspState{}),
	Parse:  parseRTSP,
}

// Fields of RTSP.
var (
	RTSPMethod    = dbWords(870, "RTSP_METHOD", 16, "Method of RTSP, as SETUP.")
	RTSPURL       = dbWords(871, "RTSP_URL", 64, "URL of a request of RTSP, without a user and a password.")
	RTSPStatus    = dbNumber(872, "RTSP_STATUS", flow.Unsigned16, "Status code of a response of RTSP.")
	RTSPAgent     = dbWords(873, "RTSP_USER_AGENT", 32, "What the client of RTSP says it is.")
	RTSPServer    = dbWords(874, "RTSP_SERVER", 32, "What the server of RTSP says it is.")
	RTSPTransport = dbWords(875, "RTSP_TRANSPORT", 64, "Transport of media that RTSP agrees on, as RTP/AVP;unicast.")
	RTSPSession   = dbWords(876, "RTSP_SESSION", 16, "Session of RTSP.")
)

var rtspFields = []*flow.Field{
	RTSPMethod, RTSPURL, RTSPStatus, RTSPAgent, RTSPServer, RTSPTransport, RTSPSession, FlowUser,
}

const (
	rtspVersion = "RTSP/"
	rtspMostURL = 2048
	rtspMostURI = 255
)

const (
	rtspFlaw     = "RTSP: a line that begins neither a request nor a response"
	rtspFlawHead = "RTSP: a head that does not end"
)

var rtspMethods = [...]string{
	"OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "RECORD",
	"REDIRECT", "PLAY_NOTIFY",
}

type rtspState struct{ begun bool }

func parseRTSP(m *Message) Verdict {
	const frame = 4
	s := Memory[rtspState](m)
	b := m.Peek()
	switch {
	case !m.Stream, m.Lost && !s.begun, m.Lost && !rtspMayBegin(b, true):
		return Reject
	case s.begun && len(b) > 0 && b[0] == '$':
		if len(b) < frame {
			m.Skip(frame)
			return More
		}
		m.Skip(2)
		m.Ahead(uint64(m.U16()))
		return Accept
	case !rtspMayBegin(b, s.begun):
		if !s.begun {
			return Reject
		}
		return rtspGiveUp(m, rtspFlaw)
	}
	end, gap := rtspEnd(b)
	if end < 0 {
		if len(b) >= MaxMessage {
			return rtspGiveUp(m, rtspFlawHead)
		}
		m.Skip(len(b) + 1)
		return More
	}
	if !rtspHead(m, b[:end]) {
		if !s.begun {
			return Reject
		}
		return rtspGiveUp(m, rtspFlaw)
	}
	s.begun = true
	m.Skip(end + gap)
	return Accept
}

// rtspEnd returns where the lines of a head end, -1 if they do not yet, and how long the empty line is.
func rtspEnd(b []byte) (end, gap int) {
	if end = bytes.Index(b, []byte("\r\n\r\n")); end >= 0 {
		return end, 4
	}
	if end = bytes.Index(b, []byte("\n\n")); end >= 0 {
		return end, 2
	}
	return -1, 0
}

func rtspGiveUp(m *Message, flaw string) Verdict {
	m.Malformed(flaw)
	m.Ahead(ToEnd)
	return Accept
}

// rtspMayBegin reports whether octets may begin a request, or a response, too: a method, a URL and, within
// reason, the version.
func rtspMayBegin(b []byte, response bool) bool {
	if n := min(len(b), len(rtspVersion)); response && string(b[:n]) == rtspVersion[:n] {
		return true
	}
	for _, method := range rtspMethods {
		if len(b) <= len(method) {
			if string(b) == method[:len(b)] {
				return true
			}
			continue
		}
		if string(b[:len(method)]) != method || b[len(method)] != ' ' {
			continue
		}
		line, _, whole := bytes.Cut(b[len(method)+1:], []byte{'\n'})
		if !whole {
			return len(line) < rtspMostURL
		}
		_, version, ok := bytes.Cut(bytes.TrimSuffix(line, []byte{'\r'}), []byte{' '})
		return ok && bytes.HasPrefix(version, []byte(rtspVersion))
	}
	return false
}

// rtspHead says what a head has, and reports whether it is one.
func rtspHead(m *Message, b []byte) bool {
	line, rest, _ := bytes.Cut(b, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	first, second, ok := bytes.Cut(line, []byte{' '})
	second, _, _ = bytes.Cut(second, []byte{' '})
	isResponse := bytes.HasPrefix(first, []byte(rtspVersion))
	status, numeric := decimal(second)
	if !ok || isResponse && (!numeric || status < 100 || status > 999) {
		return false
	}
	key, length := rtspHeaders(m, rest)
	switch {
	case isResponse && status < 200:
		m.Interim(key)
	case isResponse:
		m.Attrs.Uint(RTSPStatus, status)
		m.Response(key)
		m.Finish()
	default:
		m.Attrs.Bytes(RTSPMethod, first[:min(len(first), 32)])
		rtspSayURL(m, second)
		m.Request(key)
	}
	m.Ahead(length)
	return true
}

// rtspSayURL says a URL, without who asks for it.
func rtspSayURL(m *Message, url []byte) {
	scheme, rest, ok := bytes.Cut(url, []byte("://"))
	if !ok {
		m.Attrs.Bytes(RTSPURL, url[:min(len(url), rtspMostURI)])
		return
	}
	host, _, _ := bytes.Cut(rest, []byte{'/'})
	text := append(append(m.Room[:0:rtspMostURL], scheme[:min(len(scheme), 8)]...), "://"...)
	if at := bytes.LastIndexByte(host, '@'); at >= 0 {
		user, _, _ := bytes.Cut(host[:at], []byte{':'})
		m.Attrs.Bytes(FlowUser, mqttCut(user))
		rest = rest[at+1:]
	}
	text = append(text, rest[:min(len(rest), rtspMostURI)]...)
	m.Attrs.Bytes(RTSPURL, mqttCut(text))
}

// rtspHeaders says headers, and returns the key of the transaction and the length of the body.
func rtspHeaders(m *Message, b []byte) (key, length uint64) {
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte{'\n'})
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		cut := mqttCut(value)
		switch {
		case equalUpper(name, "CSEQ"):
			n, _ := decimal(value)
			key = n + 1
		case equalUpper(name, "CONTENT-LENGTH"):
			length, _ = decimal(value)
		case equalUpper(name, "USER-AGENT"):
			m.Attrs.Bytes(RTSPAgent, cut)
		case equalUpper(name, "SERVER"):
			m.Attrs.Bytes(RTSPServer, cut)
		case equalUpper(name, "TRANSPORT"):
			m.Attrs.Bytes(RTSPTransport, cut)
		case equalUpper(name, "SESSION"):
			session, _, _ := bytes.Cut(cut, []byte{';'})
			m.Attrs.Bytes(RTSPSession, session)
		case equalUpper(name, "AUTHORIZATION"):
			rtspUser(m, value)
		}
	}
	return key, length
}

// rtspUser says the user of a digest; one of Basic has a password beside it, and is left alone.
func rtspUser(m *Message, value []byte) {
	const name = `username="`
	if at := bytes.Index(value, []byte(name)); at >= 0 {
		if user, _, ok := bytes.Cut(value[at+len(name):], []byte{'"'}); ok {
			m.Attrs.Bytes(FlowUser, mqttCut(user))
		}
	}
}
