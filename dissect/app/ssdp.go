package app

import (
	"bytes"

	"github.com/weir-probe/weir/dataplane/flow"
)

// SSDP is the Simple Service Discovery Protocol of UPnP (UPnP Device Architecture 2.0, section 1):
// searches, what answers them, and announcements. Each is a notice, as searches go to a group and answers
// come from elsewhere.
var SSDP = Dissector{
	Name: "ssdp", Number: 12,
	Doc:    "SSDP: searches for devices and services, their answers and announcements.",
	UDP:    on(1900),
	First:  "MNH",
	Fields: []*flow.Field{ssdpHost, ssdpUSN, ssdpServer, ssdpType, ssdpMethod, ssdpState, ssdpLocation},
	Parse:  parseSSDP,
}

var (
	ssdpHost   = ntopText("SSDP_HOST", 462, "Host of a message of SSDP: where it is sent to.")
	ssdpUSN    = ntopText("SSDP_USN", 463, "Unique Service Name of who answers or announces himself by SSDP.")
	ssdpServer = ntopText("SSDP_SERVER", 468,
		"System and product of who speaks SSDP, as Server or User-Agent.")
	ssdpType   = ntopText("SSDP_TYPE", 469, "What is searched or announced by SSDP: ST or NT.")
	ssdpMethod = ntopText("SSDP_METHOD", 470, "Method of SSDP, M-SEARCH or NOTIFY, and 200 of an answer.")
	ssdpState  = mailText64("SSDP_NTS", 1010,
		"What an announcement of SSDP is for: ssdp:alive, ssdp:byebye or ssdp:update.")
	ssdpLocation = mailText64("SSDP_LOCATION", 1011,
		"URL of the description of who answers or announces himself by SSDP.")
)

const ssdpFlaw = "SSDP: a header field without a name"

// ssdpHeaders are the fields of the header that are of interest.
var ssdpHeaders = [...]struct {
	name  string
	field *flow.Field
}{
	{"HOST", ssdpHost}, {"USN", ssdpUSN}, {"SERVER", ssdpServer}, {"USER-AGENT", ssdpServer}, {"ST", ssdpType},
	{"NT", ssdpType}, {"NTS", ssdpState}, {"LOCATION", ssdpLocation},
}

func parseSSDP(m *Message) Verdict {
	if m.Stream {
		return Reject
	}
	b := m.Peek()
	line, n := lineOf(b)
	method := ""
	switch {
	case n == 0:
		return Reject
	case bytes.Equal(line, []byte("M-SEARCH * HTTP/1.1")):
		method = "M-SEARCH"
	case bytes.Equal(line, []byte("NOTIFY * HTTP/1.1")):
		method = "NOTIFY"
	case bytes.HasPrefix(line, []byte("HTTP/1.1 200")) && ssdpAnswers(b):
		method = "200"
	default:
		return Reject
	}
	m.Attrs.Text(ssdpMethod, method)
	for b = b[n:]; len(b) > 0; b = b[n:] {
		if line, n = lineOf(b); n == 0 {
			n = len(b)
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok && len(bytes.TrimSpace(line)) > 0 {
			m.Malformed(ssdpFlaw)
		}
		for _, x := range ssdpHeaders {
			if equalUpper(name, x.name) {
				sayText(&m.Attrs, x.field, bytes.TrimSpace(value))
			}
		}
	}
	m.Rest()
	m.Notice()
	return Accept
}

// ssdpAnswers reports whether a response of HTTP is one to a search: it has a USN and an ST.
func ssdpAnswers(b []byte) bool {
	usn, st := false, false
	for n := 0; len(b) > 0; b = b[n:] {
		var line []byte
		if line, n = lineOf(b); n == 0 {
			n = len(b)
		}
		name, _, _ := bytes.Cut(line, []byte{':'})
		usn, st = usn || equalUpper(name, "USN"), st || equalUpper(name, "ST")
	}
	return usn && st
}
