package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// judged is what judges say of handshakes, and how often that is said here too.
type judged struct {
	t       *testing.T
	matched map[string]int
	total   map[string]int
}

// explained are differences from the judges: file, flow and field, and why.
var explained = func() map[[3]string]string {
	all := map[[3]string]string{}
	for _, x := range [...]struct{ file, why, flows string }{
		{"ftp-start-tls", fromCertificate, "10.238.26.36:62092>10.220.50.76:21"},
		{"imap-starttls", fromCertificate, "192.168.17.53:49640>212.227.17.186:143"},
		{"1kxun", anAddress, "192.168.5.16:53623>192.168.115.75:443 192.168.5.16:53625>192.168.115.75:443 " +
			"192.168.5.16:53626>192.168.115.75:443 192.168.5.16:53629>192.168.115.75:443"},
		{"instagram", firstTwo, "192.168.2.17:49355>31.13.86.52:443 192.168.2.17:49357>31.13.86.52:443 " +
			"192.168.2.17:49358>31.13.86.52:443 192.168.2.17:49359>31.13.86.52:443 " +
			"192.168.2.17:49360>31.13.86.52:443 192.168.2.17:49361>31.13.86.52:443"},
	} {
		for _, flow := range strings.Fields(x.flows) {
			all[[3]string{"nDPI__" + x.file + ".pcap.ndpi.out", flow, "JA4C_HASH"}] = x.why
		}
	}
	return all
}()

// Why nDPI's JA4 is not the one its authors describe.
const (
	fromCertificate = "the hello has no server name; nDPI takes that of the certificate for one"
	anAddress       = "the server name is an address; JA4 only asks whether the extension is there"
	firstTwo        = "nDPI takes the first two characters of http/1.1; JA4 wants the first and the last"
)

func newJudged(t *testing.T) *judged {
	j := &judged{t, map[string]int{}, map[string]int{}}
	t.Cleanup(func() {
		for _, label := range slices.Sorted(maps.Keys(j.total)) {
			t.Logf("%-24s %4d of %4d", label, j.matched[label], j.total[label])
		}
		if len(j.total) == 0 {
			t.Error("nothing was judged")
		}
	})
	return j
}

// is compares what is said with what a judge says; the judge says nothing by an empty string.
func (j *judged) is(file, flow, label, got, want string) {
	j.t.Helper()
	if want == "" {
		return
	}
	file = filepath.Base(file)
	j.total[label]++
	why := explained[[3]string{file, flow, label}]
	switch {
	case got == want && why == "":
		j.matched[label]++
	case got == want:
		j.t.Errorf("%s: %s: %s is %q, which the table explains to be otherwise", file, flow, label, got)
	case why == "":
		j.t.Errorf("%s: %s: %s is %q, want %q", file, flow, label, got, want)
	}
}

// handshakes returns what is said of the flows in a capture, by the addresses of client and
// server. TLS may begin after another protocol: here with the first turn that is a hello.
func handshakes(t *testing.T, file string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, c := range conversations(t, file) {
		flow := strings.Join(strings.Fields(c.name)[:3], "")
		for i := range c.turns {
			x, d := *c, &TLS
			if x.turns = c.turns[i:]; !c.stream() {
				d = &DTLS
			}
			if b := c.turns[i].octets; len(b) == 0 || b[0] != recordHandshake {
				continue
			}
			o := drive(&x, d)
			if len(o.messages) == 0 || len(o.fields) == 0 {
				continue
			}
			if len(all[flow]) == 0 {
				all[flow] = o.fields
			}
			for _, m := range o.messages {
				if m.Flaw != "" {
					t.Errorf("%s: %s: flaw %q", filepath.Base(file), flow, m.Flaw)
				}
			}
			break
		}
	}
	return all
}

// row is a line of a table by the names of its columns.
type row map[string]string

func tsv(t *testing.T, file string) (all []row) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		x := row{}
		for i, column := range lines[0] {
			x[column] = line[i]
		}
		all = append(all, x)
	}
	return all
}

// flow returns the addresses of a row, those of its sender first unless it is the server.
func (x row) flow(server bool) string {
	transport := "tcp"
	if x["udp.srcport"] != "" {
		transport = "udp"
	}
	bracket := func(v6, v4, port string) string {
		if x[v6] != "" {
			return "[" + x[v6] + "]:" + port
		}
		return x[v4] + ":" + port
	}
	src := bracket("ipv6.src", "ip.src", x[transport+".srcport"])
	dst := bracket("ipv6.dst", "ip.dst", x[transport+".dstport"])
	if server {
		src, dst = dst, src
	}
	return src + ">" + dst
}

// codes turns tshark's list of numbers into the form of our fields.
func codes(list string) string {
	var all []string
	for _, x := range strings.FieldsFunc(list, func(c rune) bool { return c == ';' || c == ',' }) {
		n, _ := strconv.ParseUint(strings.TrimPrefix(x, "0x"), 16, 16)
		if !grease(uint16(n)) && len(all) < 51 {
			all = append(all, fmt.Sprintf("%04x", n))
		}
	}
	return strings.Join(all, ",")
}

func number16(code string) string {
	if code == "" {
		return ""
	}
	n, _ := strconv.ParseUint(strings.TrimPrefix(code, "0x"), 16, 16)
	return strconv.FormatUint(n, 10)
}

// TestTLSOracle compares hellos in all captures with what tshark says of them.
func TestTLSOracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.tshark.tls.tsv"))
	j := newJudged(t)
	for _, file := range files {
		all := handshakes(t, strings.TrimSuffix(file, ".tshark.tls.tsv"))
		seen := map[string]bool{}
		for _, x := range tsv(t, file) {
			if x["udp.srcport"] != "" && x["dtls.handshake.type"] == "" {
				continue // QUIC
			}
			kinds := strings.Split(x["tls.handshake.type"]+x["dtls.handshake.type"], ";")
			client, server := x.flow(false), x.flow(true)
			if slices.Contains(kinds, "1") && !seen[client] && x["dtls.handshake.type"] == "" {
				seen[client] = true
				j.client(file, client, all[client], x)
			}
			if slices.Contains(kinds, "2") && !seen[server+"s"] {
				seen[server+"s"] = true
				j.server(file, server, all[server], x)
			}
			if x["dtls.handshake.ciphersuite"] != "" && slices.Contains(kinds, "1") {
				j.is(file, client, "TLS_CLIENT_CIPHERS", all[client]["TLS_CLIENT_CIPHERS"],
					codes(x["dtls.handshake.ciphersuite"]))
				j.is(file, client, "TLS_SERVER_NAME", all[client]["TLS_SERVER_NAME"],
					x["dtls.handshake.extensions_server_name"])
			}
			if x["tls.alert_message.desc"] != "" {
				for _, flow := range []string{client, server} {
					if got := all[flow]["TLS_ALERT"]; got != "" && !seen[flow+"a"] {
						seen[flow+"a"] = true
						j.is(file, flow, "TLS_ALERT", got, strings.Split(x["tls.alert_message.desc"], ";")[0])
					}
				}
			}
		}
	}
}

func (j *judged) client(file, flow string, got map[string]string, x row) {
	j.t.Helper()
	ja3 := strings.Split(x["tls.handshake.ja3"], ";")[0]
	j.is(file, flow, "TLS_SERVER_NAME", got["TLS_SERVER_NAME"], x["tls.handshake.extensions_server_name"])
	j.is(file, flow, "TLS_CLIENT_ALPN", got["TLS_CLIENT_ALPN"],
		strings.ReplaceAll(x["tls.handshake.extensions_alpn_str"], ";", ","))
	j.is(file, flow, "TLS_CLIENT_CIPHERS", got["TLS_CLIENT_CIPHERS"], codes(x["tls.handshake.ciphersuite"]))
	versions := x["tls.handshake.extensions.supported_version"]
	if versions == "" {
		versions = x["tls.handshake.version"]
	}
	j.is(file, flow, "TLS_CLIENT_VERSIONS", got["TLS_CLIENT_VERSIONS"], codes(versions))
	j.is(file, flow, "JA3C_HASH", got["JA3C_HASH"], ja3)
}

func (j *judged) server(file, flow string, got map[string]string, x row) {
	j.t.Helper()
	version := x["tls.handshake.extensions.supported_version"]
	if version == "" {
		version = x["tls.handshake.version"]
	}
	cipher := x["tls.handshake.ciphersuite"] + x["dtls.handshake.ciphersuite"]
	j.is(file, flow, "TLS_VERSION", got["TLS_VERSION"], number16(strings.Split(version, ";")[0]))
	j.is(file, flow, "TLS_CIPHER", got["TLS_CIPHER"], number16(strings.Split(cipher, ";")[0]))
	j.is(file, flow, "TLS_ALPN", got["TLS_ALPN"], x["tls.handshake.extensions_alpn_str"])
	j.is(file, flow, "JA3S_HASH", got["JA3S_HASH"], x["tls.handshake.ja3s"])
}

// TestNDPIOracle compares fingerprints with those that nDPI prints.
func TestNDPIOracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.ndpi.out"))
	addresses := regexp.MustCompile(`^\s+\d+\s+(TCP|UDP) (\S+:\d+) (?:<->|->) (\S+:\d+) `)
	says := map[string]*regexp.Regexp{
		"JA4C_HASH":       regexp.MustCompile(`\[JA4: ([^\]]+)\]`),
		"JA3C_HASH":       regexp.MustCompile(`\[JA3C: (\w+)`),
		"JA3S_HASH":       regexp.MustCompile(`\[JA3S: (\w+)`),
		"TLS_SERVER_NAME": regexp.MustCompile(`\[Hostname/SNI: ([^\]]+)\]`),
		"TLS_CLIENT_ALPN": regexp.MustCompile(`\[\(Advertised\) ALPNs: ([^\]]+)\]`),
		"TLS_ALPN":        regexp.MustCompile(`\[\(Negotiated\) ALPN: ([^\]]+)\]`),
		"TLS_CERT_SHA1":   regexp.MustCompile(`\[Certificate SHA-1: ([^\]]+)\]`),
	}
	j := newJudged(t)
	for _, file := range files {
		out, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(out, []byte("JA4")) {
			continue
		}
		all := handshakes(t, strings.TrimSuffix(file, ".ndpi.out"))
		for line := range strings.Lines(string(out)) {
			m := addresses.FindStringSubmatch(line)
			if m == nil || !strings.Contains(line, "JA4: ") || strings.Contains(line, "JA4: q") {
				continue
			}
			flow := m[2] + ">" + m[3]
			for label, r := range says {
				if x := r.FindStringSubmatch(line); x != nil {
					want := x[1]
					switch label {
					case "TLS_CERT_SHA1":
						want = strings.ToLower(strings.ReplaceAll(want, ":", ""))
					case "TLS_CLIENT_ALPN":
						want = strings.ReplaceAll(want, ";", ",")
					}
					j.is(file, flow, label, all[flow][label], want)
				}
			}
		}
	}
}

// TestJA4Oracle compares JA4 with what its authors' program prints.
func TestJA4Oracle(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(corpus(t), "*", "*.ja4.python.json"))
	j := newJudged(t)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		if err := json.Unmarshal(b, &rows); err != nil {
			t.Fatal(err)
		}
		all := handshakes(t, strings.TrimSuffix(file, ".ja4.python.json"))
		for _, x := range rows {
			want, _ := x["JA4.1"].(string)
			if !strings.HasPrefix(want, "t") && !strings.HasPrefix(want, "d") {
				continue // QUIC
			}
			flow := fmt.Sprintf("%s:%s>%s:%s", x["src"], x["srcport"], x["dst"], x["dstport"])
			j.is(file, flow, "JA4C_HASH", all[flow]["JA4C_HASH"], want)
		}
	}
}
