package app

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sipJudge compares what tshark says in a column with what is said here.
type sipJudge struct {
	name, column string
	form         func(string) string // how tshark's value reads here
	said         func(*heard) string
}

func sipField(label string) func(*heard) string {
	return func(m *heard) string { return m.Fields[label] }
}

var sipJudged = []sipJudge{
	{"method", "sip.Method", nil, func(m *heard) string {
		if isAnswer(m) {
			return ""
		}
		return m.Fields["SIP_METHOD"]
	}},
	{"status", "sip.Status-Code", nil, sipStatusOf},
	{"Request-URI", "sip.r-uri", sipText96, sipField("SIP_REQUEST_URI")},
	{"Call-ID", "sip.Call-ID", nil, sipField("SIP_CALL_ID")},
	{"CSeq", "sip.CSeq", strings.TrimSpace, func(m *heard) string {
		return m.Fields["SIP_CSEQ"] + " " + m.Fields["SIP_METHOD"]
	}},
	{"From", "sip.from.addr", sipParty, sipField("SIP_CALLING_PARTY")},
	{"To", "sip.to.addr", sipParty, sipField("SIP_CALLED_PARTY")},
	{"Contact", "sip.contact.uri", sipParty, func(m *heard) string {
		return m.Fields["SIP_UAC_CONTACT"] + m.Fields["SIP_UAS_CONTACT"]
	}},
	{"User-Agent", "sip.User-Agent", func(s string) string { return sipText96(strings.TrimSpace(s)) },
		sipField("SIP_UAC")},
	{"SDP codecs", "sdp.mime.type", sipSorted, func(m *heard) string {
		return sipSorted(m.Fields["SIP_RTP_CODECS"])
	}},
	{"SDP address", "sdp.connection_info.address", sipEach, sipField("SIP_C_IP")},
	{"SDP media", "sdp.media.media", nil, func(m *heard) string {
		return sipMediaOf(m, func(x *Media) string { return x.Kind.String() })
	}},
	{"SDP port", "sdp.media.port", nil, func(m *heard) string {
		return sipMediaOf(m, func(x *Media) string { return fmt.Sprint(x.Port) })
	}},
}

// isAnswer reports whether a message is a response, which has a phrase or is not the last one.
func isAnswer(m *heard) bool {
	return m.Role == roles[Interim] || m.Role == roles[Response] || m.Fields["SIP_REQUEST_URI"] == ""
}

// sipStatusOf returns the status of a response. Of one that is not final, or that is sent again,
// nothing is said but what it is.
func sipStatusOf(m *heard) string {
	switch {
	case m.Role == roles[Interim]:
		return "1xx"
	case m.Role == roles[Part] && isAnswer(m):
		return "again"
	}
	return m.Fields["SIP_RESPONSE_CODE"]
}

func sipText96(s string) string { return s[:min(len(s), 96)] }

// sipParty returns a URI as the fields of the parties have it.
func sipParty(s string) string { return sipText96(string(sipBare([]byte(s)))) }

// sipEach returns a list with each item once.
func sipEach(s string) string {
	var all []string
	for _, one := range strings.Split(s, ";") {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return strings.Join(all, ";")
}

// sipSorted returns a list in order: tshark has the names in the order of the lines, here the
// order is that of preference.
func sipSorted(s string) string {
	all := strings.Split(sipEach(s), ";")
	slices.Sort(all)
	return strings.Join(all, ";")
}

// sipMediaOf joins what is said of the media of a message.
func sipMediaOf(m *heard, of func(*Media) string) string {
	b, _ := hex.DecodeString(m.Fields["SIP_UAC_MEDIA"] + m.Fields["SIP_UAS_MEDIA"])
	var all []string
	for x, ok := (Media{}), true; ; {
		if b, ok = ReadMedia(b, &x); !ok {
			return strings.Join(all, ";")
		}
		all = append(all, of(&x))
	}
}

// hearSIP returns messages by sender and receiver.
func hearSIP(t *testing.T, capture string) map[string][]heard {
	all := map[string][]heard{}
	for _, c := range conversations(t, capture) {
		src, rest, _ := strings.Cut(c.name, " > ")
		dst, _, _ := strings.Cut(rest, " / ")
		for _, m := range drive(c, &SIP).messages {
			key := src + " " + dst
			if m.Server {
				key = dst + " " + src
			}
			if m.Fields["SIP_METHOD"] != "" {
				all[key] = append(all[key], m)
			}
		}
	}
	return all
}

// sipEnds returns both ends of a row, the sender first.
func sipEnds(r row) string {
	src, dst := inner(r["ip.src"]), inner(r["ip.dst"])
	if six := inner(r["ipv6.src"]); six != "" {
		src, dst = six, inner(r["ipv6.dst"])
	}
	sport, dport := inner(r["udp.srcport"]), inner(r["udp.dstport"])
	if tcp := r["tcp.srcport"]; tcp != "" {
		sport, dport = inner(tcp), inner(r["tcp.dstport"])
	}
	return net.JoinHostPort(src, sport) + " " + net.JoinHostPort(dst, dport)
}

// sipFragments are frames, by capture, whose datagram came in fragments: here it is read as far as
// the first goes, which ends in Contact or behind it, before the description of media.
var sipFragments = map[string]string{
	"open5gs__volte.pcapng": " 55 57 59 88 90 92 ",
}

// sipVerdict counts on how many occasions there was something to compare, and how often both say
// the same.
type sipVerdict struct {
	all, equal map[string]int
	messages   int
}

// TestSIPAgainstTshark compares every message in the captures with what tshark says of its frame.
func TestSIPAgainstTshark(t *testing.T) {
	tables, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.tshark.sip.tsv"))
	v := sipVerdict{map[string]int{}, map[string]int{}, 0}
	for _, table := range tables {
		v.compare(t, table)
	}
	for _, j := range sipJudged {
		t.Logf("%-12s %4d of %4d as tshark says", j.name, v.equal[j.name], v.all[j.name])
	}
	if t.Logf("%d messages", v.messages); v.messages == 0 {
		t.Error("nothing was compared")
	}
}

func (v *sipVerdict) compare(t *testing.T, table string) {
	capture := strings.TrimSuffix(table, ".tshark.sip.tsv")
	said := hearSIP(t, capture)
	for _, r := range tsv(t, table) {
		key := sipEnds(r)
		quoted := strings.Count(r["ip.src"], ";") > strings.Count(r["udp.srcport"], ";")
		if quoted || r["sip.Method"]+r["sip.Status-Code"] == "" {
			continue // a keep-alive, a part of a message, or what an error of ICMP quotes
		}
		if len(said[key]) == 0 {
			t.Errorf("%s %s: not seen: %v", filepath.Base(capture), r["frame.number"], r)
			continue
		}
		at := sipFind(said[key], r)
		m := said[key][at]
		said[key] = slices.Delete(said[key], at, at+1)
		v.messages++
		for _, j := range sipJudged {
			fragment := strings.Contains(sipFragments[filepath.Base(capture)], " "+r["frame.number"]+" ")
			if j.name == "User-Agent" && isAnswer(&m) || fragment && j.said(&m) == "" {
				continue // Server matters more; it is in another fragment
			}
			v.judge(t, &j, r[j.column], &m, filepath.Base(capture)+" "+r["frame.number"])
		}
	}
	for key, rest := range said {
		for _, m := range rest {
			if _, ok := sipFragments[filepath.Base(capture)]; !ok {
				t.Errorf("%s: %s: not told of by tshark: %v", filepath.Base(capture), key, m)
			}
		}
	}
}

// sipFind returns which message a row is about. tshark tells of a datagram that came in fragments
// where it sees the last of them.
func sipFind(said []heard, r row) int {
	at := slices.IndexFunc(said, func(m heard) bool {
		return m.Fields["SIP_CALL_ID"] == r["sip.Call-ID"] && isAnswer(&m) == (r["sip.Method"] == "") &&
			m.Fields["SIP_CSEQ"]+" "+m.Fields["SIP_METHOD"] == r["sip.CSeq"] &&
			(m.Role == roles[Interim]) == (r["sip.Status-Code"] != "" && r["sip.Status-Code"][0] == '1')
	})
	return max(at, 0)
}

func (v *sipVerdict) judge(t *testing.T, j *sipJudge, want string, m *heard, where string) {
	got := j.said(m)
	if j.form != nil {
		want = j.form(want)
	}
	if want == "" && got == "" {
		return
	}
	v.all[j.name]++
	same := got == want || got == "1xx" && len(want) == 3 && want[0] == '1' || got == "again" && want >= "100"
	if same {
		v.equal[j.name]++
	} else {
		t.Errorf("%s: %s %q, tshark %q", where, j.name, got, want)
	}
}

// TestSIPElsewhere holds that nothing is taken for SIP in captures in which tshark finds none.
func TestSIPElsewhere(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*"))
	asked := 0
	for _, file := range files {
		isCapture := slices.Contains([]string{".pcap", ".pcapng", ".cap"}, filepath.Ext(file))
		if _, err := os.Stat(file + ".tshark.sip.tsv"); err == nil || !isCapture || sipUntold[filepath.Base(file)] {
			continue
		}
		for _, c := range conversations(t, file) {
			asked++
			if o := drive(c, &SIP); len(o.messages) > 0 {
				t.Errorf("%s: %s is taken for SIP: %+v", filepath.Base(file), c.name, o.messages[0])
			}
		}
	}
	if t.Logf("%d conversations are something else", asked); asked == 0 {
		t.Error("nothing was asked")
	}
}

// sipUntold are captures of which there is no table though they have messages of SIP, damaged on
// purpose, and one whose format is not read.
var sipUntold = map[string]bool{
	"nDPI__fuzz-2006-06-26-2594.pcap": true,
	"wireshark-wiki__c07-sip-r2.cap":  true,
}
