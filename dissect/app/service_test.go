package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/weir-probe/weir/configs"
)

func builtin(t testing.TB) *Services {
	t.Helper()
	s, err := CompileServices(ServiceFile{"services.txt", configs.Services})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServices(t *testing.T) {
	s := builtin(t)
	for host, want := range map[string]string{
		"youtube.com":                 "YouTube 124 Media",
		"www.YouTube.com.":            "YouTube 124 Media",
		"r1---sn-abc.googlevideo.com": "YouTube 124 Media",
		"google.com:443":              "Google 126 Web",
		"mail.google.com":             "GMail 122 Email",
		"a.b.c.mail.google.com:8443":  "GMail 122 Email",
		"notgoogle.com":               "",
		"google.com.example.org":      "",
		"com":                         "",
		"":                            "",
		".":                           "",
		"..":                          "",
		":80":                         "",
		"[2001:db8::1]:443":           "",
		"192.0.2.1":                   "",
		"\xff\x00google.com":          "",
		"\xff\x00.google.com":         "Google 126 Web",
		strings.Repeat("a.", 1000) + "google.com": "Google 126 Web",
		strings.Repeat("a", 1000) + ".google.com": "Google 126 Web",
		strings.Repeat("a", 1000) + "google.com":  "",
		strings.Repeat("a", 1000):                 "",
	} {
		got := ""
		if x, ok := s.Match([]byte(host)); ok {
			got = fmt.Sprintf("%s %d %s", x.Name, x.Number, x.Category)
		}
		if got != want {
			t.Errorf("%.40q is %q, want %q", host, got, want)
		}
	}
	if s.Len() < 400 {
		t.Errorf("only %d domains", s.Len())
	}
}

// A number belongs to one name, and what is a protocol too is called and sorted alike.
func TestServiceNumbers(t *testing.T) {
	names := map[uint16]string{}
	seen := map[*Service]bool{}
	for domain, x := range builtin(t).domains {
		seen[x] = true
		if x.Number == 0 {
			continue
		}
		if name := names[x.Number]; name != "" && name != x.Name {
			t.Errorf("%s: number %d belongs to %s and %s", domain, x.Number, name, x.Name)
		}
		names[x.Number] = x.Name
		if a := ByNumber(x.Number); a != nil && (a.Name != x.Name || a.Category != x.Category) {
			t.Errorf("%s %s is %s %s as a protocol", x.Name, x.Category, a.Name, a.Category)
		}
	}
	if len(seen) < 150 {
		t.Errorf("only %d services", len(seen))
	}
}

// A user's file replaces what is built in, domain by domain.
func TestServicesOverride(t *testing.T) {
	s, err := CompileServices(ServiceFile{"services.txt", configs.Services}, ServiceFile{"mine.txt",
		"# ours\nIntranet\tCollaborative - intra.example.org\n Wiki.example.org.\nMaps Web 9999 maps.google.com\n"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"x.intra.example.org": "Intranet", "wiki.example.org": "Intranet", "maps.google.com": "Maps",
		"mail.google.com": "GMail", "example.org": "",
	} {
		got := ""
		if x, ok := s.Match([]byte(host)); ok {
			got = x.Name
		}
		if got != want {
			t.Errorf("%s is %q, want %q", host, got, want)
		}
	}
}

func TestServicesRefuse(t *testing.T) {
	const number = "is none from 1 to 65535; write - for a service without"
	long := strings.Repeat("a", 64)
	for text, want := range map[string]string{
		" a.example": "f:1: line continues no service; begin it with a name, a category and a number",
		"\n\nX Web 1": "f:3: service without domain; " +
			"a line has a name, a category, a number or -, and domains",
		"X Web zero a.example":                  `f:1: number "zero" ` + number,
		"X Web 0 a.example":                     `f:1: number "0" ` + number,
		"X Web 65536 a":                         `f:1: number "65536" ` + number,
		"X Web - a.example\nY Web - A.example.": "f:2: domain a.example is listed in line 1 already",
		"X Web - a.example\nX Web 3 b.example":  "f:2: service X has category Web and number 0 in a line before",
		"X Web - *.example": `f:1: domain "*.example" has the character '*'; ` +
			"write it without wildcards, scheme and port",
		"X Web - a..b":     `f:1: domain "a..b" has an empty label, or one of more than 63 characters`,
		"X Web - " + long:  `f:1: domain "` + long + `" has an empty label, or one of more than 63 characters`,
		"X Web - b" + dots: `f:1: domain "b` + dots + `" is longer than 253 characters`,
		"X Web no a\n b.example": `f:1: number "no" ` + number +
			"\nf:2: line continues no service; begin it with a name, a category and a number",
	} {
		if _, err := CompileServices(ServiceFile{"f", text}); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v\nwant %s", text, err, want)
		}
	}
}

// dots are more labels than a name can have.
var dots = strings.Repeat(".a", 130)

func TestServicesAllocations(t *testing.T) {
	s := builtin(t)
	hosts := [][]byte{[]byte("WWW.Example.Org:80"), []byte("a.b.mail.google.com."), []byte(dots + dots)}
	if n := testing.AllocsPerRun(100, func() {
		for _, h := range hosts {
			s.Match(h)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// otherwise says why a name is of another service to us than to nDPI. Beside them are those
// below akamaihd.net, where nDPI knows customers by parts of a label and we know whole labels.
var otherwise = map[string]string{
	"vv.video.qq.com":               "nDPI takes all of qq.com for the messenger",
	"fonts.gstatic.com":             "nDPI takes some of what Google serves to other sites for Google itself",
	"pagead2.googlesyndication.com": "nDPI tells advertisement apart by the category only",
	"www.google-analytics.com":      "nDPI tells advertisement apart by the category only",
}

// What nDPI calls a flow by the name in it is what we call it, where we know the name.
func TestServicesAgainstNDPI(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.ndpi.out"))
	flow := regexp.MustCompile(`\[proto: \d+\.(\d+)/[^\].]+\.([^\]]+)\].*\[Hostname/SNI: ([^\]]+)\]`)
	s, seen, equal := builtin(t), 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range flow.FindAllStringSubmatch(string(b), -1) {
			x, ok := s.Match([]byte(m[3]))
			if !ok {
				t.Logf("%s is %s to nDPI and unknown here", m[3], m[2])
				continue
			}
			seen++
			if fmt.Sprint(x.Number) == m[1] && x.Name == m[2] {
				equal++
				continue
			}
			if otherwise[m[3]] == "" && !strings.HasSuffix(m[3], "-a.akamaihd.net") {
				t.Errorf("%s is %s %s to nDPI, %s %d here", m[3], m[1], m[2], x.Name, x.Number)
			}
		}
	}
	if seen == 0 {
		t.Error("nothing compared")
	}
	t.Logf("%d of %d names alike", equal, seen)
}

func FuzzServices(f *testing.F) {
	s := builtin(f)
	f.Add([]byte("www.google.com:443"), "X Web 1 a.example\n b.example")
	f.Fuzz(func(t *testing.T, host []byte, text string) {
		if x, ok := s.Match(host); ok != (x != nil) {
			t.Fatal("a match without a service")
		}
		if c, err := CompileServices(ServiceFile{"f", text}); err == nil {
			for domain, x := range c.domains {
				if got, ok := c.Match([]byte("x." + domain)); len(domain) < 250 && (!ok || got != x) {
					t.Fatalf("what is below %s is not found", domain)
				}
			}
		}
	})
}
