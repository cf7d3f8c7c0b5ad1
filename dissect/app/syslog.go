package app

import (
	"bytes"
	"unsafe"

	"github.com/weir-probe/weir/dataplane/flow"
)

// Syslog is what systems tell of themselves: messages of RFC 5424 and of the older form (RFC 3164), over
// UDP (RFC 5426) and TCP (RFC 6587), where octets are counted or lines end. Each is a notice. What they
// tell in words is not said, as it may be anything.
var Syslog = Dissector{
	Name: "syslog", Number: 17,
	Doc:    "Syslog: facility, severity, and who tells.",
	TCP:    on(514, 601, 6514),
	UDP:    on(514),
	First:  "<" + octets('1', '9'),
	Fields: []*flow.Field{syslogFacility, syslogSeverity, syslogHost, syslogProgram, syslogID, syslogOctets},
	State:  unsafe.Sizeof(syslogMemory{}),
	Parse:  parseSyslog,
}

var (
	syslogFacility = mailText64("SYSLOG_FACILITY", 1020, "Facility of a message of syslog, as auth.")
	syslogSeverity = mailText64("SYSLOG_SEVERITY", 1021, "Severity of a message of syslog, as err.")
	syslogHost     = mailText64("SYSLOG_HOSTNAME", 1022, "Host that a message of syslog comes from, as it says.")
	syslogProgram  = mailText64("SYSLOG_APP_NAME", 1023, "Program that a message of syslog comes from.")
	syslogID       = mailText64("SYSLOG_MSG_ID", 1024, "Kind of a message of syslog, as its MSGID.")
	syslogOctets   = mailNumber("SYSLOG_MESSAGE_BYTES", 1025, "Octets of a message of syslog.")
)

const syslogFlaw = "Syslog: a message without a priority"

// Names of facilities and severities (RFC 5424, section 6.2.1), as syslog.conf has them.
var (
	syslogFacilities = [...]string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit",
		"alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
	syslogSeverities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)

const syslogLook = 1024 // octets of a message that are looked at

type syslogMemory struct{ begun, counts bool }

func parseSyslog(m *Message) Verdict {
	s := Memory[syslogMemory](m)
	if !m.Stream {
		head, sure := syslogHead(m.Peek())
		if !head.ok || !sure && m.DstPort != 514 {
			return Reject
		}
		head.say(m, m.Len())
		m.Rest()
		s.begun = true
		return Accept
	}
	return s.stream(m)
}

// stream reads a message of a stream (RFC 6587, section 3.4).
func (s *syslogMemory) stream(m *Message) Verdict {
	b := m.Peek()
	counts := s.counts
	if !s.begun {
		counts = len(b) > 0 && b[0] != '<'
	}
	size, at := 0, 0
	if !counts && len(b) > 1 && !isDigit(b[1]) && !s.begun {
		return Reject
	}
	if counts {
		digits, _, ok := bytes.Cut(cut(b, 7), []byte{' '})
		n, also := decimal(digits)
		switch {
		case ok && (!also || n == 0), !ok && (len(b) >= 7 || !also && len(digits) > 0):
			return s.lose(m)
		case !ok:
			return More
		}
		at, size = len(digits)+1, int(n)
		if len(b) > at && b[at] != '<' {
			return s.lose(m)
		}
	} else if end := bytes.IndexByte(cut(b, MaxMessage), '\n'); end >= 0 {
		size = end + 1
	} else if size = len(b); !m.Full && !m.Closed {
		if !s.begun && len(b) > 64 {
			if head, sure := syslogHead(b); !head.ok || !sure {
				return Reject
			}
		}
		return More
	}
	need := min(size, syslogLook)
	if len(b) < at+need {
		return More
	}
	head, sure := syslogHead(b[at : at+need])
	if !head.ok || !sure && !s.begun {
		return s.lose(m)
	}
	head.say(m, size)
	m.Skip(min(at+size, len(b)))
	m.Ahead(uint64(at + size - m.Pos()))
	s.begun, s.counts = true, counts
	return Accept
}

// lose gives up what is no message: up to the end of the line, or all of it if octets are counted.
func (s *syslogMemory) lose(m *Message) Verdict {
	if !s.begun {
		return Reject
	}
	if m.Malformed(syslogFlaw); m.Lost {
		m.Pass()
	}
	if end := bytes.IndexByte(m.Peek(), '\n'); end >= 0 && !s.counts {
		m.Skip(end + 1)
		return Accept
	}
	m.Skip(1)
	m.Ahead(ToEnd)
	return Accept
}

// syslogParts is what the head of a message says.
type syslogParts struct {
	ok                bool
	priority          uint64
	host, program, id []byte
}

// syslogHead reads the head of a message. sure is said if it has a timestamp where it must have one.
func syslogHead(b []byte) (x syslogParts, sure bool) {
	end := bytes.IndexByte(cut(b, 5), '>')
	if end < 2 || b[0] != '<' {
		return x, false
	}
	n, ok := decimal(b[1:end])
	if !ok || n > 191 {
		return x, false
	}
	x.ok, x.priority = true, n
	rest := b[end+1:]
	if bytes.HasPrefix(rest, []byte("1 ")) {
		var time []byte
		time, rest = word(rest[2:])
		x.host, rest = word(rest)
		x.program, rest = word(rest)
		_, rest = word(rest) // PROCID
		x.id, _ = word(rest)
		return x, len(time) == 1 && time[0] == '-' || len(time) >= 20 && time[4] == '-' && time[10] == 'T'
	}
	if !syslogStamp(rest) {
		return x, false
	}
	x.host, rest = word(rest[16:])
	rest = bytes.TrimLeft(rest, " ")
	if tag := bytes.IndexAny(rest, ":[ "); tag > 0 && rest[tag] != ' ' {
		x.program = rest[:tag]
	} else if at := bytes.IndexAny(x.host, ":["); at > 0 { // as logger writes it, without a host
		x.program, x.host = x.host[:at], nil
	}
	return x, true
}

// syslogStamp reports whether b begins with a time as "Feb  3 16:04:05 " (RFC 3164, section 4.1.2).
func syslogStamp(b []byte) bool {
	if len(b) < 16 || b[3] != ' ' || b[6] != ' ' || b[9] != ':' || b[12] != ':' || b[15] != ' ' {
		return false
	}
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	for at := 0; at < len(months); at += 3 {
		if string(b[:3]) == months[at:at+3] {
			return isDigit(b[5]) && isDigit(b[7]) && isDigit(b[10]) && isDigit(b[13])
		}
	}
	return false
}

// say says a message of so many octets.
func (x *syslogParts) say(m *Message, size int) {
	m.Attrs.Text(syslogFacility, syslogFacilities[x.priority/8])
	m.Attrs.Text(syslogSeverity, syslogSeverities[x.priority%8])
	for _, part := range [...]struct {
		field *flow.Field
		text  []byte
	}{{syslogHost, x.host}, {syslogProgram, x.program}, {syslogID, x.id}} {
		if len(part.text) > 1 || len(part.text) == 1 && part.text[0] != '-' {
			m.Attrs.Bytes(part.field, part.text)
		}
	}
	m.Attrs.Uint(syslogOctets, uint64(size))
	m.Notice()
}
