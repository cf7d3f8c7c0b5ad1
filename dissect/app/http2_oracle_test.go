package app

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// http2Judge are the fields of tshark, which has one value for each header field of a frame.
var http2Judge = []struct{ column, field string }{
	{"http2.headers.method", "HTTP_METHOD"}, {"http2.headers.path", "HTTP_URL"},
	{"http2.headers.authority", "HTTP_HOST"}, {"http2.headers.user_agent", "HTTP_USER_AGENT"},
	{"http2.headers.status", "HTTP_RET_CODE"}, {"http2.headers.content_type", "HTTP_MIME"},
	{"http2.headers.content_length", "HTTP_CONTENT_LENGTH"}, {"http2.headers.server", "HTTP_SERVER"},
}

// TestHTTP2AgainstTshark compares, per field, the values that each side of a connection gave,
// in order, with what tshark finds.
func TestHTTP2AgainstTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	files, _ := filepath.Glob("testdata/http2/*.pcap")
	upgrade, _ := filepath.Glob("testdata/http-upgrade/*.pcap")
	files = append(files, upgrade...)
	if shared, _ := filepath.Glob(filepath.Join(corpus(t), "http2", "*.pcap")); len(shared) > 0 {
		files = append(files, shared...)
	}
	equal, all := 0, 0
	for _, file := range files {
		ours := http2Heard(t, file)
		for _, j := range http2Judge {
			for from, want := range http2Shark(t, tshark, file, j.column) {
				got := ours[from+" "+j.field]
				for i, w := range want {
					if j.field == "HTTP_HOST" {
						w = string(withoutPort([]byte(w)))
					}
					if all++; i < len(got) && got[i] == w {
						equal++
					} else {
						t.Errorf("%s: %s from %s: %q, tshark %q", file, j.field, from, got, want)
						break
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s: %s from %s: %q, tshark %q", file, j.field, from, got, want)
				}
			}
		}
	}
	if t.Logf("%d of %d values as tshark says", equal, all); all == 0 {
		t.Error("nothing was compared")
	}
}

// http2Asked are the fields of requests that tshark does not tell from those of responses.
var http2Asked = map[string]string{"HTTP_REQUEST_MIME": "HTTP_MIME", "HTTP_REQUEST_BODY_BYTES": "HTTP_CONTENT_LENGTH"}

// http2Heard returns the values of a field by sender and field.
func http2Heard(t *testing.T, file string) map[string][]string {
	all := map[string][]string{}
	for _, c := range conversations(t, file) {
		src, rest, _ := strings.Cut(c.name, " > ")
		dst, _, _ := strings.Cut(rest, " / ")
		for _, m := range drive(c, &HTTP, &HTTP2).messages {
			from := src
			if m.Server {
				from = dst
			}
			if m.Dissector != HTTP2.Name {
				continue
			}
			for label, v := range m.Fields {
				if other := http2Asked[label]; other != "" {
					label = other
				}
				all[from+" "+label] = append(all[from+" "+label], v)
			}
		}
	}
	return all
}

// http2Shark returns the values of a column by sender.
func http2Shark(t *testing.T, tshark, file, column string) map[string][]string {
	args := []string{"-r", file, "-T", "fields", "-E", "aggregator=\x01", "-e", "ip.src", "-e", "tcp.srcport",
		"-e", column, "-Y", column}
	for _, port := range []string{"8090", "8091", "80"} {
		args = append(args, "-d", "tcp.port=="+port+",http")
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		cells := strings.Split(line, "\t")
		if len(cells) == 3 {
			from := cells[0] + ":" + cells[1]
			all[from] = append(all[from], strings.Split(cells[2], "\x01")...)
		}
	}
	return all
}
