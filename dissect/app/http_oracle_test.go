package app

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// httpJudge compares what tshark says in a column with a field.
type httpJudge struct {
	column, field string
	request       bool
	form          func(string) string // how tshark's value reads here
}

var httpJudged = []httpJudge{
	{"http.request.method", "HTTP_METHOD", true, nil},
	{"http.request.uri", "HTTP_URL", true, relative},
	{"http.host", "HTTP_HOST", true, func(s string) string { return string(withoutPort([]byte(s))) }},
	{"http.user_agent", "HTTP_USER_AGENT", true, nil},
	{"http.referer", "HTTP_REFERER", true, nil},
	{"http.x_forwarded_for", "HTTP_X_FORWARDED_FOR", true, nil},
	{"http.response.code", "HTTP_RET_CODE", false, nil},
	{"http.content_type", "HTTP_MIME", false, nil},
	{"http.server", "HTTP_SERVER", false, nil},
	{"http.location", "HTTP_LOCATION", false, nil},
	{"http.content_length_header", "HTTP_CONTENT_LENGTH", false, nil},
}

// relative returns a target as HTTP_URL has it.
func relative(target string) string {
	h := httpHead{method: []byte("GET")}
	h.aim([]byte(target))
	return string(h.target)
}

// httpHeard is what one side of a connection said, in order.
type httpHeard map[string][]map[string]string

// hearHTTP returns requests by client and server, responses by server and client.
func hearHTTP(t *testing.T, capture string) httpHeard {
	said := httpHeard{}
	for _, c := range conversations(t, capture) {
		src, rest, _ := strings.Cut(c.name, " > ")
		dst, _, _ := strings.Cut(rest, " / ")
		for _, m := range drive(c, &HTTP, &HTTP2).messages {
			if m.Role == roles[Part] || m.Role == roles[Interim] || m.Dissector == TLS.Name {
				continue
			}
			key := src + " " + dst
			if m.Server {
				key = dst + " " + src
			}
			said[key] = append(said[key], m.Fields)
		}
	}
	return said
}

// httpRow is what tshark says of a frame.
type httpRow row

// ends returns both ends, the sender first.
func (r httpRow) ends() string {
	src, dst := inner(r["ip.src"]), inner(r["ip.dst"])
	if six := inner(r["ipv6.src"]); six != "" {
		src, dst = six, inner(r["ipv6.dst"])
	}
	return net.JoinHostPort(src, inner(r["tcp.srcport"])) + " " + net.JoinHostPort(dst, inner(r["tcp.dstport"]))
}

// httpExplained are differences from what tshark says, by capture, frame and field, and messages
// that tshark does not tell of, by capture and how many they are.
var httpExplained = func() map[string]string {
	const (
		bodies = "tshark tells of a response when its body is there in full, which it is not in the capture"
		teredo = "tshark's table was made without looking into Teredo"
		outer  = "the packet came in fragments of the outer one, which conversations leaves out"
		simple = "a response of HTTP/0.9 is a continuation to tshark"
	)
	gtp := "zeek__tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap"
	return map[string]string{
		"PcapPlusPlus__650HttpResponses.pcap +311": bodies,
		"PcapPlusPlus__many-protocols.pcap +2":     bodies,
		"nDPI__1kxun.pcap +7":                      bodies,
		"nDPI__instagram.pcap +4":                  bodies,
		"zeek__tunnels__Teredo.pcap +4":            teredo,
		"zeek__mixed-vlan-mpls.pcap +1":            simple,
		gtp + " 7 HTTP_METHOD":                     outer,
		gtp + " 7 HTTP_URL":                        outer,
		gtp + " 7 HTTP_HOST":                       outer,
		gtp + " 7 HTTP_USER_AGENT":                 outer,
		gtp + " 7 HTTP_REFERER":                    outer,
		gtp + " +1":                                bodies,
	}
}()

// httpVerdict counts, per field, on how many occasions there was something to compare, and how
// often both say the same.
type httpVerdict struct {
	all, equal map[string]int
	used       map[string]bool
}

// TestHTTPAgainstTshark compares every request and response in the captures with what tshark
// says of the frame it ends in.
func TestHTTPAgainstTshark(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.tshark.http.tsv"))
	v := httpVerdict{map[string]int{}, map[string]int{}, map[string]bool{}}
	for _, table := range files {
		v.compare(t, table)
	}
	for x := range httpExplained {
		if !v.used[x] {
			t.Errorf("%s is no difference any more", x)
		}
	}
	for _, j := range httpJudged {
		t.Logf("%-22s %5d of %5d as tshark says", j.field, v.equal[j.field], v.all[j.field])
	}
}

func (v *httpVerdict) compare(t *testing.T, table string) {
	capture := strings.TrimSuffix(table, ".tshark.http.tsv")
	name := filepath.Base(capture)
	said, more := hearHTTP(t, capture), 0
	for _, x := range tsv(t, table) {
		r := httpRow(x)
		if r["tcp.srcport"] == "" || r["http.request.method"]+r["http.response.code"] == "" {
			continue // SSDP, which is not HTTP, or a part of a body
		}
		if code := r["http.response.code"]; len(code) == 3 && code[0] == '1' && code != "101" {
			continue // an interim response, of which nothing is said
		}
		key := r.ends()
		at, n := r.find(said[key])
		if more += at; at > 0 {
			t.Logf("%s: not told of by tshark: %s %v", name, key, said[key][:at])
		}
		these := said[key][at : at+n]
		said[key] = said[key][at+n:]
		for _, j := range httpJudged {
			got, want := joinedField(these, j.field), r.value(&j)
			if want == "" && got == "" || j.request != (r["http.request.method"] != "") {
				continue
			}
			v.all[j.field]++
			if alikeText(got, want) {
				v.equal[j.field]++
			} else if x := fmt.Sprint(name, " ", r["frame.number"], " ", j.field); !v.explain(x) {
				t.Errorf("%s: %q, tshark %q", x, got, want)
			}
		}
	}
	for key, rest := range said {
		if more += len(rest); len(rest) > 0 {
			t.Logf("%s: not told of by tshark: %s %v", name, key, rest)
		}
	}
	if x := fmt.Sprintf("%s +%d", name, more); more > 0 && !v.explain(x) {
		t.Errorf("%s: messages that tshark does not tell of", x)
	}
}

func (v *httpVerdict) explain(x string) bool {
	v.used[x] = httpExplained[x] != ""
	return v.used[x]
}

// find returns where the messages are that a frame ends, and how many. If none agree in
// everything they are the next ones.
func (r httpRow) find(said []map[string]string) (at, n int) {
	n = strings.Count(r["http.request.method"]+r["http.response.code"], ";") + 1
	for at := 0; at+n <= len(said); at++ {
		if r.fits(said[at : at+n]) {
			return at, n
		}
	}
	return 0, min(n, len(said))
}

func (r httpRow) fits(these []map[string]string) bool {
	for _, j := range httpJudged {
		isRequest := r["http.request.method"] != ""
		if j.request == isRequest && !alikeText(joinedField(these, j.field), r.value(&j)) {
			return false
		}
	}
	return true
}

// value returns what tshark says, as it reads here.
func (r httpRow) value(j *httpJudge) string {
	s := r[j.column]
	if j.form != nil && !strings.Contains(r["http.request.method"], ";") {
		s = j.form(s)
	}
	return s
}

// alikeText compares with a text that is not cut.
func alikeText(got, whole string) bool {
	whole = strings.NewReplacer("\\\\", "\\", "\\\"", "\"").Replace(whole)
	return got == whole || len(got) == 255 && strings.HasPrefix(whole, got) ||
		len(got) == httpText && strings.HasPrefix(whole, got)
}

// joinedField joins the values of a field as tshark does for a frame.
func joinedField(said []map[string]string, field string) string {
	var all []string
	for _, m := range said {
		if v, ok := m[field]; ok {
			all = append(all, v)
		}
	}
	return strings.Join(all, ";")
}

// TestHTTPElsewhere holds that nothing is taken for HTTP in captures in which tshark finds none.
func TestHTTPElsewhere(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.pcap*"))
	asked := 0
	for _, file := range files {
		_, err := os.Stat(file + ".tshark.http.tsv")
		isCapture := strings.HasSuffix(file, ".pcap") || strings.HasSuffix(file, ".pcapng")
		if folder := filepath.Base(filepath.Dir(file)); err == nil || !isCapture || folder == "http2" {
			continue
		}
		for _, c := range conversations(t, file) {
			asked++
			for _, d := range []*Dissector{&HTTP, &HTTP2} {
				if o := drive(c, d); len(o.messages) > 0 {
					t.Errorf("%s: %s is taken for %s: %+v", filepath.Base(file), c.name, d.Name, o.messages[0])
				}
			}
		}
	}
	if t.Logf("%d conversations are something else", asked); asked == 0 {
		t.Error("nothing was asked")
	}
}
